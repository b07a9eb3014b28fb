#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Migrations that wait for their turn, and what ends the wait: test_shim_wait.py SHIM PLUGIN CALLER"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shim import ABORT, ENDED, Shim, Tap  # noqa: E402

SHIM = Shim(*(os.path.abspath(a) for a in sys.argv[1:4]))
ABORTED = "-1 errno 7 error 78 operation aborted: job 'migration out' canceled by client"
LONG = "wait wait=60000 ticket=t1 reason=others"
KINDS = {"touri3": "touri3 uri=b flags=3", "touri2": "touri2 uri=b flags=3", "touri": "touri uri=b flags=3",
         "migrate3": "migrate3 flags=1", "migrate2": "migrate2 flags=1", "migrate": "migrate flags=1",
         "perform3params": "perform3params uri=b flags=3"}


def check_turn(tap):
    """The plugin is asked again, with its ticket, until it lets the call go."""
    result = SHIM.run("touri3 uri=b flags=3", MOCK_ADVICE="wait wait=60 ticket=t1 reason=others|wait wait=60 ticket=t1|"
                                                          "tune bandwidth=60 ticket=t2")
    tap.equal([line.split("ticket=")[1].split()[0] for line in result.asked()], ["-", "t1", "t1"],
              "asked again with the ticket")
    tap.equal(result.fake, ["virDomainMigrateToURI3 vm b flags=0x3 [bandwidth:U=60]"], "and then made as advised")
    tap.ok(result.reports() == [(ENDED, 0)] and "ticket=t2" in result.mock[-1], "its end is told by the last ticket", result)
    tap.equal([line for line in result.shim if "waits" in line], ["domain 'vm': its migration waits: others"],
              "the wait is logged once")
    result = SHIM.run("touri3 uri=b flags=3", MOCK_ADVICE="wait wait=0 ticket=t1|leave ticket=t1")
    tap.ok(result.fake == ["virDomainMigrateToURI3 vm b flags=0x3 []"] and result.reports() == [(ENDED, 0)],
           "and then left as it is", result)


def check_cancel(tap):
    """AbortJob while a call waits: it ends as a migration that libvirt aborted."""
    for name, command in KINDS.items():
        for abort in ("abort", "abortflags"):
            result = SHIM.run(f"& {command}", "until {dir}/shim waits", abort, "join", MOCK_ADVICE=LONG)
            lines = result.out.splitlines()
            tap.ok(result.fake == [] and f"{name} {ABORTED}" in lines and f"{abort} 0 errno 7 error 0 -" in lines,
                   f"{name}, ended by {abort}", result)
            tap.ok(result.reports() == [(ABORT, 0), (ENDED, -1)] and "ticket=t1" in result.mock[-1]
                   and ABORTED.split("78 ")[1] in result.mock[-1], f"{name}, {abort}: the plugin is told", result)
            tap.equal(result.err, "libvirt: fake error : operation aborted: job 'migration out' canceled by client\n",
                      f"{name}, {abort}: and so is the program's error handler")


def check_not_cancelled(tap):
    """What does not end a wait."""
    result = SHIM.run("& touri3 uri=b flags=3", "until {dir}/shim waits", "abort domain=other", "suspend",
                      "abortflags flags=1", "join", MOCK_ADVICE="wait wait=700 ticket=t1 reason=others|leave ticket=t1")
    tap.ok("virDomainAbortJob other" in result.fake and "virDomainSuspend vm" in result.fake
           and "virDomainAbortJobFlags vm flags=0x1" in result.fake and "touri3 0 errno 7 error 0 -" in result.out,
           "another domain's abort, a pause, an abort of another kind", result)
    result = SHIM.run("& touri3 uri=b flags=3", "until {dir}/shim waits", "abort", "join", FAKE_VERSION=12000000,
                      MOCK_ADVICE="wait wait=700 ticket=t1 reason=others|leave ticket=t1")
    tap.ok("abort -1 errno 32 error 55 no job is active on the domain" in result.out
           and "touri3 0 errno 7 error 0 -" in result.out, "a libvirt whose last error cannot be set", result)
    result = SHIM.run("& touri3 uri=b flags=3", "until {dir}/fake virDomainMigrateToURI3", "abort", "join",
                      FAKE_UNTIL="/nonexistent", MOCK_ADVICE="wait wait=60 ticket=t1|leave ticket=t1")
    tap.ok("virDomainAbortJob vm" in result.fake and f"touri3 {ABORTED}".replace("errno 7", "errno 32") in result.out,
           "after it, abort is libvirt's", result)
    result = SHIM.run("& touri3 uri=b flags=3", "until {dir}/shim waits", "maxdowntime value=50", "abort", "join",
                      MOCK_ADVICE=LONG, MOCK_ANSWERS="3=1")
    tap.ok("maxdowntime 0 errno 7 error 0 -" in result.out and result.fake == [], "a limit while it waits is told", result)


def check_libvirts(tap):
    """What libvirt has is libvirt's to abort."""
    result = SHIM.run("& touri3 uri=b flags=3", "until {dir}/fake virDomainMigrateToURI3", "& touri3 uri=c flags=3",
                      "until {dir}/shim waits", "abort", "touch {dir}/end", "join", FAKE_UNTIL="{dir}/end",
                      MOCK_ADVICE="leave ticket=t1|wait wait=60 ticket=t2 reason=others|leave ticket=t2")
    tap.ok("virDomainAbortJob vm" in result.fake and f"touri3 {ABORTED}".replace("errno 7", "errno 32") in result.out
           and "touri3 0 errno 7 error 0 -" in result.out, "a second call of the domain waits: the first is aborted", result)
    result = SHIM.run("& perform3params flags=1", "until {dir}/shim waits", "abort", "join", MOCK_ADVICE=LONG)
    tap.ok(result.fake == [] and f"perform3params {ABORTED}" in result.out, "a client without change protection has no job",
           result)
    for command in ("perform3params flags=101", "perform3 flags=101"):  # VIR_MIGRATE_CHANGE_PROTECTION
        result = SHIM.run(f"& {command}", "until {dir}/shim waits", "abort", "join", MOCK_ADVICE=LONG, FAKE_JOB=1,
                          FAKE_UNTIL="/nonexistent")
        made = [line for line in result.fake if "Perform3" in line]
        tap.ok("virDomainAbortJob vm" in result.fake and len(made) == 1 and "bandwidth:U" not in made[0]
               and f"{command.split()[0]} {ABORTED}".replace("errno 7", "errno 32") in result.out
               and (ENDED, -1) in result.reports(), f"{command}: the client's job is ended by libvirt", result)


def check_room(tap):
    """In a daemon only so many wait, because each keeps one of its client's few calls; in a client all can."""
    advice = {"MOCK_ADVICE": LONG}
    many = [f"& perform3params uri=b flags=3 domain=vm{i}" for i in range(6)]
    aborts = [f"abort domain=vm{i}" for i in range(6)]
    result = SHIM.run(*many, "until {dir}/fake Perform3Params", "until {dir}/shim so it does not", *aborts, *aborts, "join",
                      **advice)
    tap.ok(result.out.count(f"perform3params {ABORTED}") <= 4 and
           len([line for line in result.fake if "Perform3Params" in line]) >= 2, "a daemon", result)
    calls = [f"& touri3 uri=b flags=3 domain=vm{i}" for i in range(6)]
    waits = [f"until {{dir}}/shim 'vm{i}': its migration waits" for i in range(6)]
    result = SHIM.run(*calls, *waits, *aborts, "join", **advice)
    tap.equal((result.out.count(f"touri3 {ABORTED}"), result.fake), (6, []), "a client")


tap = Tap()
for check in (check_turn, check_cancel, check_not_cancelled, check_libvirts, check_room):
    check(tap)
tap.finish()
