#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where no watcher runs, another plugin is asked, which can do without: test_shim_alone.py SHIM PLUGIN CALLER

The shim is one that looks for both plugins where the mocks are, as the installed one does for the real ones.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shim import ENDED, MAX_DOWNTIME, RETRIED, Shim, Tap  # noqa: E402

SHIM = Shim(*(os.path.abspath(a) for a in sys.argv[1:4]))
ENOTCONN, EACCES, EPROTO = -107, -13, -71
CALL = "touri3 uri=qemu+tcp://b/system flags=3 p:bandwidth:U=0"
AS_GIVEN = "virDomainMigrateToURI3 vm qemu+tcp://b/system flags=0x3 [bandwidth:U=0]"
TUNED = "virDomainMigrateToURI3 vm qemu+tcp://b/system flags=0x3 [bandwidth:U=60]"
OK = "touri3 0 errno 7 error 0 -\n"
NO_WATCHER = {"MOCK_ERROR": ENOTCONN, "ALONE_ADVICE": "tune bandwidth=60"}
PLANNED = "no watcher runs (systemctl start migtune): migrations are planned without one, and nothing steers them afterwards"
UNTUNED = "no watcher runs (systemctl start migtune): leaving migrations untuned"


def run(*commands, **settings):
    """In a client of this host's libvirt, with the installed plugins."""
    settings = {"uri": "qemu:///system", "MIGTUNE_PLUGIN": "", **settings}
    return SHIM.run(*commands, **settings)


def alone(result):
    """What the second plugin was told."""
    return [line.split("alone: ", 1)[1] for line in result.mock if line.startswith("alone: ")]


def check_asked(tap):
    """Who is asked, and what."""
    result = run(CALL, **NO_WATCHER)
    tap.ok(result.fake == [TUNED] and result.out == OK and len(result.asked()) == 1, "no watcher: planned alone", result)
    asked = [line for line in alone(result) if line.startswith("advise ")]
    tap.ok(len(asked) == 1 and " uri=- migrate_uri=qemu+tcp://b/system " in asked[0] and " attach=1 " in asked[0],
           "it is told where memory goes, but not of a libvirt to connect to", asked)
    tap.ok(0 < int(asked[0].split("timeout=")[1]) <= 30000, "it has the time that is left", asked)
    result = run(CALL + " p:migrate_uri:S=tcp://10.0.0.2", **NO_WATCHER)
    tap.ok(" uri=- migrate_uri=tcp://10.0.0.2 " in alone(result)[1], "the caller's own word for it comes first", result)
    for name, settings in {"a watcher": {"MOCK_ADVICE": "leave"}, "a watcher that refuses us": {"MOCK_ERROR": EACCES},
                           "a watcher that talks nonsense": {"MOCK_ERROR": EPROTO}}.items():
        result = run(CALL, ALONE_ADVICE="tune bandwidth=60", **settings)
        tap.ok(result.fake == [AS_GIVEN] and alone(result) == [] and not any("no watcher" in line for line in result.shim),
               f"{name}: nobody else is asked", result)
    result = SHIM.run(CALL, uri="qemu:///system", **NO_WATCHER)
    tap.ok(result.fake == [AS_GIVEN] and alone(result) == [] and result.shim[-1:] == [UNTUNED],
           "one plugin for all is asked once", result)


def check_where(tap):
    """Only in clients of this host's libvirt."""
    for uri, is_local in (("qemu+unix:///system", True), ("qemu+ssh://a/system", False), ("qemu:///session", False),
                          ("qemu://localhost/system", False), ("test:///default", False), ("fake:///", False)):
        result = run(CALL, uri=uri, **NO_WATCHER)
        tap.ok(result.fake == [TUNED if is_local else AS_GIVEN] and (alone(result) != []) == is_local
               and is_local == (UNTUNED not in result.shim), f"a client of {uri}", result)
    for command in ("perform3params uri=b flags=3", "perform3params flags=1", "perform3 uri=b flags=3"):
        result = run(command, **NO_WATCHER)
        tap.ok("bandwidth:U=60" not in result.fake[0] and "bandwidth=60" not in result.fake[0] and alone(result) == []
               and result.shim == ["mock: it does not work", UNTUNED], f"a daemon: {command}", result)


def check_log(tap):
    """That no watcher runs is logged once, and again after one was there."""
    result = run(*[CALL] * 5, **NO_WATCHER)
    tap.equal([line for line in result.shim if "no watcher" in line], [PLANNED], "five migrations: one line")
    tap.ok(not any("a notice" in line for line in result.shim), "the plugin's own is not for the log", result)
    result = run(CALL, MOCK_ERROR=ENOTCONN, ALONE_ADVICE="tune bandwidth=60 reason=because")
    tap.ok("domain 'vm': because" in result.shim, "but the plan is", result)
    result = run(*[CALL] * 4, MOCK_ERRORS=f"{ENOTCONN} {ENOTCONN} 0 {ENOTCONN}", ALONE_ADVICE="tune bandwidth=60")
    tap.equal([line for line in result.shim if "no watcher" in line], [PLANNED] * 2, "it went, came and went: two lines")
    result = run(CALL, MOCK_ERROR=ENOTCONN, ALONE_ADVICE="leave reason=off")
    tap.ok(result.fake == [AS_GIVEN] and not any("no watcher" in line for line in result.shim), "nothing to plan: no line",
           result)
    result = run(CALL, CALL, uri="fake:///", **NO_WATCHER)
    tap.equal([line for line in result.shim if "no watcher" in line], [UNTUNED], "untuned: one line")
    result = run(CALL, MOCK_ERROR=ENOTCONN, ALONE_ERROR=-22)
    tap.ok(result.fake == [AS_GIVEN] and result.out == OK and "alone: mock: it does not work" in result.shim
           and not any("no watcher" in line for line in result.shim), "what it cannot do it says itself", result)


def during(*commands, **settings):
    """A migration, and commands while it runs."""
    return run(f"& {CALL}", "until {dir}/fake virDomainMigrate", *commands, "touch {dir}/end", "join",
               FAKE_UNTIL="{dir}/end", **settings)


def check_reports(tap):
    """Who gave the ticket is told; without one, the watcher that may be started meanwhile."""
    result = during("maxdowntime value=50", MOCK_ERROR=ENOTCONN, ALONE_ADVICE="tune bandwidth=60 ticket=t1",
                    ALONE_ANSWERS="3=1")
    told = [line.split(" text=")[0] for line in alone(result) if line.startswith("report ")]
    tap.ok(len(told) == 2 and told[0].startswith(f"report {MAX_DOWNTIME} ") and told[1].startswith(f"report {ENDED} ")
           and "ticket=t1" in told[1] and result.reports() == [], "a ticket: its plugin hears of all", result)
    tap.ok(not any("SetMaxDowntime" in line for line in result.fake), "and its answer counts", result)
    result = during("maxdowntime value=50", **NO_WATCHER, MOCK_ANSWERS="3=1")
    tap.ok(result.reports() == [(MAX_DOWNTIME, 0)] and not any(line.startswith("report") for line in alone(result)),
           "no ticket: the watcher is asked about limits, and nobody told the end", result)
    result = during("maxdowntime value=50", **NO_WATCHER)
    tap.ok("virDomainMigrateSetMaxDowntime vm 50 flags=0" in result.fake, "and there being none, they pass", result)
    result = during("maxdowntime value=50", MOCK_ERRORS=f"{ENOTCONN} -5", ALONE_ADVICE="wait wait=50 reason=others")
    tap.ok(result.reports() == [(MAX_DOWNTIME, 0)] and not any(line.startswith("report") for line in alone(result)),
           "an advice to wait without a ticket leaves nobody to tell", result)
    result = run(CALL, MOCK_ERRORS=f"{ENOTCONN} 0", MOCK_ADVICE="tune bandwidth=70 ticket=t2",
                 ALONE_ADVICE="wait wait=50 ticket=t1 reason=others")
    tap.ok("U=70" in result.fake[0] and result.reports() == [(ENDED, 0)] and "ticket=t2" in result.mock[-1]
           and " ticket=t1 " in result.asked()[1], "a watcher that comes meanwhile takes over", result)
    result = run(CALL, MOCK_ERROR=ENOTCONN, ALONE_ADVICE="tune add=8000 ticket=t1", FAKE_REFUSE="8000")
    tap.equal([int(line.split()[1]) for line in alone(result) if line.startswith("report ")], [RETRIED, ENDED],
              "a refusal is told to the one that advised")


def check_failures(tap):
    """Whatever is wrong with the second plugin: as without a shim."""
    plain = SHIM.run(CALL, preload=False, uri="qemu:///system")
    for name, settings in {"open() hangs": {"ALONE_HANGS": "open", "MIGTUNE_SHIM_TIMEOUT_MS": 100},
                           "advise() hangs": {"ALONE_HANGS": "advise", "MIGTUNE_SHIM_TIMEOUT_MS": 100},
                           "the watcher took all the time": {"MOCK_HANGS": "advise", "MOCK_HANGS_MS": 150,
                                                             "MIGTUNE_SHIM_TIMEOUT_MS": 100},
                           "advise() fails": {"ALONE_ERROR": -5}}.items():
        result = run(CALL, **NO_WATCHER, **settings)
        tap.ok(result.seen() == plain.seen(), name, f"{plain}\n{result}")
    result = run(CALL, CALL, **NO_WATCHER, ALONE_HANGS="advise", MIGTUNE_SHIM_TIMEOUT_MS=100)
    tap.ok(len(result.asked()) == 1 and result.fake == [AS_GIVEN] * 2, "while it hangs, nobody is asked", result)
    result = run(*[CALL] * 3, **NO_WATCHER)
    tap.equal(len([line for line in alone(result) if line.startswith("open ")]), 1, "it is opened once")


tap = Tap()
for check in (check_asked, check_where, check_log, check_reports, check_failures):
    check(tap)
tap.finish()
