#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each function that the shim stands in front of, with a plugin that advises: test_shim_calls.py SHIM PLUGIN CALLER"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shim import (ABORT, AUTO_CONVERGE, COMPRESSED, ENDED, LIVE, MAX_DOWNTIME, MAX_SPEED, OFFLINE, P2P,  # noqa: E402
                  PARALLEL, POST_COPY, POSTCOPY, RESUME, RETRIED, SUSPEND, Shim, Tap)

SHIM = Shim(*(os.path.abspath(a) for a in sys.argv[1:4]))
OK = "0 errno 7 error 0 -"
CALLS = {
    "touri3": ("touri3 uri=qemu://b/system flags=3 p:bandwidth:U=0 p:migrate_uri:S=tcp://10.0.0.2",
               "virDomainMigrateToURI3 vm qemu://b/system flags={flags} "
               "[bandwidth:U={bandwidth} migrate_uri:S=tcp://10.0.0.2]", "qemu://b/system", "tcp://10.0.0.2", 0),
    "touri3, no parameters": ("touri3 uri=qemu://b/system flags=3", "virDomainMigrateToURI3 vm qemu://b/system "
                              "flags={flags} [{only}]", "qemu://b/system", "-", 0),
    "touri2": ("touri2 uri=qemu://b/system miguri=tcp://10.0.0.2 xml=<domain/> dname=new bandwidth=5 flags=3",
               "virDomainMigrateToURI2 vm qemu://b/system tcp://10.0.0.2 <domain/> flags={flags} new bandwidth={bandwidth}",
               "qemu://b/system", "tcp://10.0.0.2", 5),
    "touri": ("touri uri=qemu://b/system dname=new bandwidth=5 flags=3",
              "virDomainMigrateToURI vm qemu://b/system flags={flags} new bandwidth={bandwidth}", "qemu://b/system", "-", 5),
    "touri, direct": ("touri uri=tcp://10.0.0.2 flags=1", "virDomainMigrateToURI vm tcp://10.0.0.2 flags={flags} - "
                      "bandwidth={bandwidth}", "-", "tcp://10.0.0.2", 0),
    "migrate3": ("migrate3 flags=1 p:bandwidth:U=5", "virDomainMigrate3 vm fake:/// flags={flags} [bandwidth:U={bandwidth}]",
                 "fake:///", "-", 5),
    "migrate2": ("migrate2 flags=1 xml=<domain/> dname=new miguri=tcp://10.0.0.2 bandwidth=5",
                 "virDomainMigrate2 vm fake:/// <domain/> flags={flags} new tcp://10.0.0.2 bandwidth={bandwidth}",
                 "fake:///", "tcp://10.0.0.2", 5),
    "migrate": ("migrate flags=1 dname=new miguri=tcp://10.0.0.2 bandwidth=5",
                "virDomainMigrate vm fake:/// flags={flags} new tcp://10.0.0.2 bandwidth={bandwidth}", "fake:///",
                "tcp://10.0.0.2", 5),
    "perform3params": ("perform3params uri=qemu://b/system flags=3 p:bandwidth:U=5",
                       "virDomainMigratePerform3Params vm qemu://b/system flags={flags} [bandwidth:U={bandwidth}] cookie=in",
                       "qemu://b/system", "-", 5),
    "perform3": ("perform3 uri=qemu://b/system miguri=tcp://10.0.0.2 xml=<domain/> dname=new flags=3 bandwidth=5",
                 "virDomainMigratePerform3 vm <domain/> qemu://b/system tcp://10.0.0.2 flags={flags} new "
                 "bandwidth={bandwidth} cookie=in", "qemu://b/system", "tcp://10.0.0.2", 5),
}


def check_each(tap):
    """All that libvirt gets is what the caller gave, but for what the plugin changed; and the plugin is told all of it."""
    for name, (command, line, uri, migrate_uri, bandwidth) in CALLS.items():
        flags = LIVE | (P2P if "flags=3" in command else 0)
        short = command.split()[0]
        result = SHIM.run(command, MOCK_ADVICE="tune add=8000 bandwidth=60 ticket=t1")
        want = line.format(flags=hex(flags | POSTCOPY), bandwidth=60, only="bandwidth:U=60")
        tap.ok(result.fake == [want] and result.out == f"{short} {OK}\n", f"{name}: tuned", f"want {want}\n{result}")
        attach = 2 if "perform3" in name else 1
        asked = (f"attach={attach} state=0 uri={uri} migrate_uri={migrate_uri} ticket=- flags={hex(flags)} "
                 f"bandwidth={bandwidth}/0/0 version=11003000 timeout=30000")
        tap.ok(len(result.asked()) == 1 and result.asked()[0].endswith(asked)
               and result.asked()[0].startswith("advise vm 00000000-0000-4000-8000-"), f"{name}: what the plugin is asked",
               f"want {asked}\n{result}")
        tap.equal(result.reports(), [(ENDED, 0)], f"{name}: its end is told")
        result = SHIM.run(command)
        alone = SHIM.run(command, preload=False)
        tap.ok(result.seen() == alone.seen() and result.reports() == [], f"{name}: left as it is", f"{alone}\n{result}")
        result = SHIM.run(command, MOCK_ADVICE="tune bandwidth=60 ticket=t1", FAKE_FAIL=38)
        alone = SHIM.run(command, preload=False, FAKE_FAIL=38)
        tap.ok(result.out == alone.out and result.err == alone.err and len(result.fake) == 1
               and result.reports() == [(ENDED, -1)] and "text=it did not work" in result.mock[-1],
               f"{name}: a failure is the caller's, and is told", f"{alone}\n{result}")


# name: (caller's flags and parameters, advice, settings) -> flags and parameters that libvirt gets
PARAMETERS = {
    "an own limit is replaced": ("flags=3 p:bandwidth:U=90", "bandwidth=60", {}, LIVE | P2P, "bandwidth:U=60"),
    "the rest keeps its place": ("flags=3 p:a:S=x p:bandwidth:U=90 p:b:I=4", "bandwidth=60", {}, LIVE | P2P,
                                 "a:S=x bandwidth:U=60 b:I=4"),
    "0 leaves the caller's": ("flags=3 p:bandwidth:U=90", "bandwidth=0", {}, LIVE | P2P, "bandwidth:U=90"),
    "all at once": ("flags=3 p:bandwidth:U=0", "add=28800 bandwidth=60 postcopy=30 switchover=110 connections=4 "
                    "compression=zstd", {}, LIVE | P2P | POSTCOPY | PARALLEL | COMPRESSED,
                    "bandwidth:U=60 bandwidth.postcopy:U=30 bandwidth.avail.switchover:U=110 parallel.connections:I=4 "
                    "compression:S=zstd"),
    "xbzrle and its cache": ("flags=3", "add=800 compression=xbzrle cache=67108864", {}, LIVE | P2P | COMPRESSED,
                             "compression:S=xbzrle compression.xbzrle.cache:U=67108864"),
    "a cache is xbzrle's": ("flags=3", "add=20800 compression=zstd cache=67108864", {}, LIVE | P2P | COMPRESSED | PARALLEL,
                            "compression:S=zstd"),
    "another method replaces the caller's": ("flags=803 p:compression:S=mt p:compression.mt.level:I=3 p:z:I=1",
                                             "compression=xbzrle", {}, LIVE | P2P | COMPRESSED,
                                             "z:I=1 compression:S=xbzrle"),
    "no method without its flag": ("flags=3", "compression=zstd connections=4", {}, LIVE | P2P, ""),
    "a dropped flag takes its parameters along": (
        "flags=22803 p:parallel.connections:I=2 p:compression:S=zstd p:compression.zstd.level:I=3 "
        "p:auto_converge.initial:I=20 p:bandwidth:U=1", "drop=22800", {}, LIVE | P2P, "bandwidth:U=1"),
    "a similar name stays": ("flags=803 p:compressions:I=1", "drop=800", {}, LIVE | P2P, "compressions:I=1"),
    "auto-converge": ("flags=3", "add=2000", {}, LIVE | P2P | AUTO_CONVERGE, ""),
    "other flags are nobody's": ("flags=3", "add=ffffffff drop=3", {}, LIVE | P2P | POSTCOPY | PARALLEL | COMPRESSED
                                 | AUTO_CONVERGE, ""),
    "libvirt 11.0 has no switchover": ("flags=3", "switchover=110 bandwidth=60", {"FAKE_VERSION": 11000000}, LIVE | P2P,
                                       "bandwidth:U=60"),
    "libvirt 11.1 has": ("flags=3", "switchover=110", {"FAKE_VERSION": 11001000}, LIVE | P2P,
                         "bandwidth.avail.switchover:U=110"),
    "more than libvirt takes": ("flags=3", "bandwidth=18446744073709551615", {}, LIVE | P2P, "bandwidth:U=8796093022207"),
    "zero copy goes with multifd": ("flags=120003", "drop=120000", {}, LIVE | P2P, ""),
    "it is not added": ("flags=3", "add=120000", {}, LIVE | P2P | PARALLEL, ""),
    "a parameter of a wrong type": ("flags=3 p:bandwidth:I=5", "bandwidth=60 add=8000", {}, LIVE | P2P, "bandwidth:I=5"),
}


def check_parameters(tap):
    """What becomes of flags and parameters; the caller's array is never touched (the caller would say so)."""
    for name, (given, advice, settings, flags, want) in PARAMETERS.items():
        result = SHIM.run(f"touri3 uri=b {given}", MOCK_ADVICE=f"tune ticket=t {advice}", **settings)
        tap.ok(result.fake == [f"virDomainMigrateToURI3 vm b flags={hex(flags)} [{want}]"]
               and result.out == f"touri3 {OK}\n", f"parameters: {name}", f"want {hex(flags)} [{want}]\n{result}")
    result = SHIM.run("touri3 uri=b flags=3 p:bandwidth:I=5", MOCK_ADVICE="tune ticket=t bandwidth=60")
    tap.ok(result.reports() == [(RETRIED, -1), (ENDED, 0)] and "text=Invalid argument" in result.mock[-2],
           "what cannot be changed is told to who believes it is", result)


MANY = " ".join(["p:migrate_disks:S=vda"] * 60)  # libvirt takes 64 parameters, and adds two to a direct migration's


def check_room(tap):
    """A list that has no room for what is advised: libvirt would refuse the call, and not as it refuses a parameter."""
    small, large = "bandwidth=60", "bandwidth=60 postcopy=30 switchover=110"
    for command, given, advice, tuned in (("touri3 uri=b flags=3", "", small, True),
                                          ("touri3 uri=b flags=3", "", large, False),
                                          ("migrate3 flags=1", "", small, True), ("migrate3 flags=1", "", large, False),
                                          ("touri3 uri=b flags=3", " p:bandwidth:U=5 p:a:I=1 p:b:I=2", small, True)):
        result = SHIM.run(f"{command} {MANY}{given}", MOCK_ADVICE=f"tune ticket=t {advice}")
        tap.ok(result.out.endswith(f" {OK}\n") and len(result.fake) == 1 and ("bandwidth:U=60" in result.fake[0]) == tuned
               and result.reports() == [(RETRIED, -1)] * (not tuned) + [(ENDED, 0)],
               f"{command.split()[0]}: {60 + given.count('p:')} parameters, and {advice}", result)


# call, advice -> what libvirt is called with instead; "{}" is what came after the flags
TYPED = {
    "touri": ("touri uri=qemu://b/system dname=new bandwidth=5 flags=3",
              "virDomainMigrateToURI3 vm qemu://b/system flags={} [destination_name:S=new bandwidth:U=5{}]"),
    "touri, direct": ("touri uri=tcp://10.0.0.2 flags=1",
                      "virDomainMigrateToURI3 vm - flags={} [migrate_uri:S=tcp://10.0.0.2 bandwidth:U=0{}]"),
    "touri2": ("touri2 uri=qemu://b/system miguri=tcp://10.0.0.2 xml=<domain/> dname=new bandwidth=5 flags=3",
               "virDomainMigrateToURI3 vm qemu://b/system flags={} [migrate_uri:S=tcp://10.0.0.2 destination_name:S=new "
               "destination_xml:S=<domain/> bandwidth:U=5{}]"),
    "migrate": ("migrate flags=1 dname=new miguri=tcp://10.0.0.2 bandwidth=5",
                "virDomainMigrate3 vm fake:/// flags={} [migrate_uri:S=tcp://10.0.0.2 destination_name:S=new "
                "bandwidth:U=5{}]"),
    "migrate2": ("migrate2 flags=1 xml=<domain/> bandwidth=5",
                 "virDomainMigrate3 vm fake:/// flags={} [destination_xml:S=<domain/> bandwidth:U=5{}]"),
}
NEEDS_TYPES = {
    "zstd": ("add=20800 compression=zstd connections=4", PARALLEL | COMPRESSED,
             " parallel.connections:I=4 compression:S=zstd"),
    "xbzrle": ("add=800 compression=xbzrle", COMPRESSED, " compression:S=xbzrle"),
    "post-copy's bandwidth": ("add=8000 postcopy=30", POSTCOPY, " bandwidth.postcopy:U=30"),
    "the switchover's bandwidth": ("switchover=110", 0, " bandwidth.avail.switchover:U=110"),
}


def check_untyped(tap):
    """Calls without typed parameters are made with them where the advice needs that, and only there."""
    for name, (command, line) in TYPED.items():
        flags = LIVE | (P2P if "flags=3" in command else 0)
        for what, (advice, more, params) in NEEDS_TYPES.items():
            result = SHIM.run(command, MOCK_ADVICE=f"tune ticket=t {advice}")
            tap.ok(result.fake == [line.format(hex(flags | more), params)] and result.out == f"{command.split()[0]} {OK}\n"
                   and result.reports() == [(ENDED, 0)], f"{name}: {what}", f"want {line} {params}\n{result}")
        result = SHIM.run(command, MOCK_ADVICE="tune bandwidth=60 postcopy=30 ticket=t", FAKE_FAIL=38)
        alone = SHIM.run(command, preload=False, FAKE_FAIL=38)
        tap.ok(result.out == alone.out and result.err == alone.err and result.reports() == [(ENDED, -1)],
               f"{name}: its failure is the caller's", f"{alone}\n{result}")
        result = SHIM.run(command, MOCK_ADVICE="tune postcopy=30 ticket=t", FAKE_REFUSE="bandwidth.postcopy")
        alone = SHIM.run(command, preload=False)
        tap.ok(result.out == alone.out and result.fake[1:] == alone.fake and len(result.fake) == 2,
               f"{name}: refused, the caller's own is made", f"{alone}\n{result}")
        result = SHIM.run(command, MOCK_ADVICE="tune add=2000 bandwidth=60 compression=zstd connections=2 switchover=9",
                          FAKE_VERSION=11000000)
        tap.ok(len(result.fake) == 1 and "[" not in result.fake[0] and hex(flags | AUTO_CONVERGE) in result.fake[0]
               and "bandwidth=60" in result.fake[0], f"{name}: as it is where that is enough", result)
    for command, line in (("migrate flags=3", "virDomainMigrate vm fake:/// flags=0x8003 - - bandwidth=60"),
                          ("migrate2 flags=3", "virDomainMigrate2 vm fake:/// - flags=0x8003 - - bandwidth=60")):
        result = SHIM.run(command, MOCK_ADVICE="tune add=8800 compression=xbzrle bandwidth=60 postcopy=30 switchover=9")
        tap.equal(result.fake, [line], f"{command}: peer to peer with a connection has what there is room for")
    result = SHIM.run("perform3 uri=b flags=3", MOCK_ADVICE="tune add=8800 compression=xbzrle bandwidth=60")
    tap.equal(result.fake, ["virDomainMigratePerform3 vm - b - flags=0x8003 - bandwidth=60 cookie=in"],
              "in a daemon it has what there is room for")
    result = SHIM.run("migrate flags=3 miguri=qemu://b/system", MOCK_ADVICE="tune bandwidth=60")
    tap.ok(result.fake == ["virDomainMigrate vm fake:/// flags=0x3 - qemu://b/system bandwidth=60"]
           and " uri=qemu://b/system migrate_uri=- " in result.asked()[0], "peer to peer, the URI is libvirt's", result)


def check_direct(tap):
    """In the daemon, a migration that a client conducts: what was prepared with its flags cannot be changed."""
    advice = "tune ticket=t add=28800 bandwidth=60 postcopy=30 switchover=110 connections=4 compression=zstd"
    result = SHIM.run("perform3params flags=1 p:bandwidth:U=5", MOCK_ADVICE=advice)
    tap.ok(" state=2 uri=- " in result.asked()[0], "direct: the plugin is told", result)
    tap.equal(result.fake, ["virDomainMigratePerform3Params vm - flags=0x1 [bandwidth:U=60] cookie=in"],
              "direct: only the bandwidth is set")
    result = SHIM.run("perform3params flags=8001", MOCK_ADVICE=advice)
    tap.equal(result.fake, ["virDomainMigratePerform3Params vm - flags=0x8001 [bandwidth:U=60 bandwidth.postcopy:U=30] "
                            "cookie=in"], "direct: and that of a post-copy that the client allowed")
    result = SHIM.run("perform3params flags=1", MOCK_ADVICE=advice, FAKE_REFUSE="bandwidth")
    tap.ok(len(result.fake) == 1 and result.reports() == [(ENDED, -1)], "direct: it is not made twice", result)


def check_other(tap):
    """Calls that are not asked about, and what the plugin is told of the domain."""
    result = SHIM.run(f"touri3 uri=b flags={hex(OFFLINE)}", MOCK_ADVICE="tune bandwidth=60")
    tap.ok(result.asked() == [] and result.fake == ["virDomainMigrateToURI3 vm b flags=0x400 []"],
           "an offline migration is nobody's business", result)
    result = SHIM.run(f"touri3 uri=b flags={hex(RESUME)}", MOCK_ADVICE="tune bandwidth=60")
    tap.ok(result.asked() == [] and result.fake == ["virDomainMigrateToURI3 vm b flags=0x80000 []"],
           "nor is the resumption of a post-copy", result)
    for state, want in (("3.1", 1), ("5.0", 1), ("1.6", 0), ("2.0", 0)):
        result = SHIM.run("touri3 uri=b flags=3", FAKE_STATE=state)
        tap.ok(f" state={want} " in result.asked()[0], f"a domain in state {state}", result)
    result = SHIM.run("touri3 uri=b flags=3", FAKE_VERSION=12000000, MOCK_ADVICE="tune bandwidth=60")
    tap.equal(result.fake, ["virDomainMigrateToURI3 vm b flags=0x3 [bandwidth:U=60]"], "a client's libvirt may be newer")
    result = SHIM.run("touri3 uri=b flags=3", MOCK_NESTED=1, MOCK_ADVICE="tune bandwidth=60")
    tap.ok(len(result.asked()) == 1 and result.fake[:2] == ["virDomainMigrateSetMaxDowntime nested 77 flags=0",
                                                            "virDomainMigrateToURI3 nested nested flags=0 []"],
           "the plugin's own calls go straight through", result)
    result = SHIM.run("touri3 uri=b flags=3", "fork touri3 uri=c flags=3", "touri3 uri=d flags=3",
                      MOCK_ADVICE="tune bandwidth=60")
    tap.ok(len(result.asked()) == 2 and len(result.fake) == 3 and result.fake[1].endswith(" vm c flags=0x3 []"),
           "a child that was forked under the shim is left alone", result)
    result = SHIM.run("touri3 uri=b flags=3", MIGTUNE_SHIM_TIMEOUT_MS=0)
    tap.ok(result.asked()[0].endswith(" timeout=2000"), "the time for an advice", result)
    result = SHIM.run("touri3 uri=b flags=3", MOCK_ADVICE="tune bandwidth=60 ticket=t reason=because")
    tap.equal(result.shim, ["domain 'vm': because"], "the plugin's reason is logged")
    tap.equal([line for line in result.mock if line == "close"], [], "the plugin stays open")


def during(*commands, begin="touri3 uri=b flags=3", **settings):
    """A migration of vm, and commands while it runs."""
    settings.setdefault("MOCK_ADVICE", "tune ticket=t1")
    return SHIM.run(f"& {begin}", "until {dir}/fake virDomainMigrate", *commands, "touch {dir}/end", "join",
                    FAKE_UNTIL="{dir}/end", **settings)


# short name and arguments, line at libvirt, report
ACTIONS = (("postcopy", "virDomainMigrateStartPostCopy vm flags=0", POST_COPY),
           ("suspend", "virDomainSuspend vm", SUSPEND),
           ("abort", "virDomainAbortJob vm", ABORT),
           ("abortflags", "virDomainAbortJobFlags vm flags=0", ABORT),
           ("abortflags flags=1", "virDomainAbortJobFlags vm flags=0x1", ABORT))
LIMITS = (("maxdowntime value=50", "virDomainMigrateSetMaxDowntime vm 50 flags=0", MAX_DOWNTIME),
          ("maxspeed value=50", "virDomainMigrateSetMaxSpeed vm 50 flags=0", MAX_SPEED))


def check_observed(tap):
    """What a caller does while a migration runs."""
    for command, line, what in ACTIONS + LIMITS:
        result = during(command)
        tap.ok(line in result.fake and (what, 0) in result.reports() and f"{command.split()[0]} {OK}\n" in result.out,
               f"{command}: passes, and is told", result)
        result = SHIM.run(command, FAKE_LIMITS_FAIL=55)
        alone = SHIM.run(command, preload=False, FAKE_LIMITS_FAIL=55)
        tap.ok(result.seen() == alone.seen() and result.mock == [], f"{command}: without a migration nothing happens",
               f"{alone}\n{result}")
        result = during(f"{command} domain=other")
        tap.ok(line.replace(" vm", " other") in result.fake and (what, 0) not in result.reports(),
               f"{command}: another domain's passes untold", result)
        result = during(command, MOCK_ADVICE="leave")
        tap.ok(line in result.fake and result.reports() == [], f"{command}: a migration without a ticket is not told of",
               result)
    for command, line, what in LIMITS:
        result = during(command, command, MOCK_ANSWERS=f"{what}=1", FAKE_LIMITS_FAIL=55)
        tap.ok(line not in result.fake and result.out.count(f"{command.split()[0]} {OK}\n") == 2,
               f"{command}: the plan's stands, and the caller sees success", result)
        result = during(command, MOCK_ANSWERS=f"{what}=-5")
        tap.ok(line in result.fake, f"{command}: an error of the plugin lets it pass", result)
        result = during(f"{command} flags=1", MOCK_ANSWERS=f"{what}=1")
        tap.ok(line.replace("flags=0", "flags=0x1") in result.fake and (what, 0) not in result.reports(),
               f"{command}: with a flag it is another limit", result)
    for command, line, what in ACTIONS:
        result = during(command, MOCK_ANSWERS=f"{what}=1")
        tap.ok(line in result.fake, f"{command}: passes whatever the plugin says", result)
    result = during("maxdowntime value=50", MOCK_ERROR=-5, MOCK_ANSWERS="3=1")
    tap.ok((MAX_DOWNTIME, 0) in result.reports(), "a migration that the plugin could not advise on is told of", result)


def check_daemon(tap):
    """Versions, and the watcher's own calls, which must not be told to itself."""
    for version, tuned in ((8010000, False), (9000000, True), (11003000, True), (11003002, True), (11004000, False),
                           (12000000, False)):
        command = "perform3params uri=b flags=3"
        result = SHIM.run(command, command, FAKE_VERSION=version, MOCK_ADVICE="tune bandwidth=60")
        want = "[bandwidth:U=60]" if tuned else "[]"
        tap.equal(result.fake, [f"virDomainMigratePerform3Params vm b flags=0x3 {want} cookie=in"] * 2,
                  f"a daemon of libvirt {version}")
        tap.equal(len(result.shim), 0 if tuned else 1, f"libvirt {version}: what is not known is said once")
    limit = "virDomainMigrateSetMaxDowntime vm 50 flags=0"
    for peer, told in (("none", True), (str(os.getpid()), True), ("0", False), ("999999999", False)):
        result = during("maxdowntime value=50", begin="perform3params uri=b flags=3", MOCK_ANSWERS="3=1", FAKE_PEER=peer)
        tap.ok((limit not in result.fake) == told and ((MAX_DOWNTIME, 0) in result.reports()) == told,
               f"a limit from process {peer if peer != str(os.getpid()) else 'of another program'}", result)


tap = Tap()
for check in (check_each, check_parameters, check_room, check_untyped, check_direct, check_other, check_observed,
              check_daemon):
    check(tap)
tap.finish()
