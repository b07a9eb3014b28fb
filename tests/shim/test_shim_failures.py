#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever is wrong on our side, a caller sees what it would see without: test_shim_failures.py SHIM PLUGIN CALLER ABI-MOCKS

Output, errors, errno, last error and what reaches libvirt are compared with a run that has no shim.
"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shim import ENDED, RETRIED, Shim, Tap, lines_of  # noqa: E402

SHIM = Shim(*(os.path.abspath(a) for a in sys.argv[1:4]))
MOCKS = os.path.abspath(sys.argv[4])
CALLS = ("touri3 uri=b flags=3 p:bandwidth:U=0", "touri uri=b flags=3", "migrate3 flags=1", "perform3params uri=b flags=3",
         "maxdowntime value=50", "abort")


def same_as_alone(tap, name, logged=None, run=None, **settings):
    """Every call as without the shim, whether libvirt does it or not; what is logged has that text, once."""
    for outcome in ({}, {"FAKE_FAIL": "38", "FAKE_LIMITS_FAIL": "55"}):
        result = SHIM.run(*CALLS, **(run or {}), **settings, **outcome)
        alone = SHIM.run(*CALLS, preload=False, **outcome)
        tap.ok(result.seen() == alone.seen(), f"{name}: {'failing' if outcome else 'good'} calls as without the shim",
               f"{alone}\n{result}")
        if logged is not None:
            tap.ok(len(result.shim) == 1 and logged in result.shim[0], f"{name}: is logged once", f"{logged}\n{result}")


def check_plugins(tap):
    """Plugins that are missing, do not fit, or fail."""
    untuned = ", leaving migrations untuned"
    for name, text in (("wrong_major", "it has ABI 2, this program needs 1"), ("no_open", "it has no open()"),
                       ("good", "it has no advise()"), ("no_symbol", "it does not export mt_plugin_get"),
                       ("unresolved", "undefined symbol: found_nowhere"), ("null_from_get", "it does not serve ABI 1"),
                       ("short_struct", "bytes, this program needs")):
        same_as_alone(tap, f"plugin {name}", text, run={"plugin": os.path.join(MOCKS, f"mock_{name}.so")})
    same_as_alone(tap, "no plugin", "No such file", run={"plugin": "/nonexistent/plugin.so"})
    result = SHIM.run(CALLS[0], plugin="/nonexistent/plugin.so")
    tap.ok(result.shim[0].endswith(untuned), "the line says what follows", result)
    same_as_alone(tap, "a plugin in no directory", "not an absolute path", run={"plugin": "plugin.so"})
    same_as_alone(tap, "advise() fails", "mock: it does not work", MOCK_ERROR=-5)
    same_as_alone(tap, "an action that nobody knows", MOCK_ADVICE="dance")
    result = SHIM.run(CALLS[0], MIGTUNE_RUN_DIR="/some/where")
    tap.ok(result.mock[0] == "open run_dir=/some/where", "the watcher's directory can be another", result)


def check_hanging(tap):
    """A plugin that does not come back costs one caller its bound, and the others nothing."""
    for where in ("open", "advise"):
        same_as_alone(tap, f"{where}() hangs", "the plugin did not answer within 350 ms", MOCK_HANGS=where,
                      MIGTUNE_SHIM_TIMEOUT_MS=100)
    result = SHIM.run(*CALLS, MOCK_HANGS="advise", MIGTUNE_SHIM_TIMEOUT_MS=100)
    tap.equal(len(result.asked()), 1, "nobody asks while a thread is stuck")
    result = SHIM.run(*CALLS[:2], MOCK_HANGS="report", MOCK_ADVICE="tune bandwidth=60 ticket=t",
                      MIGTUNE_SHIM_TIMEOUT_MS=3000)
    tap.ok(len(result.asked()) == 1 and len(result.fake) == 2 and "U=60" in result.fake[0]
           and result.fake[1].endswith("bandwidth=0"), "report() hangs: the next call is left alone", result)
    result = SHIM.run(CALLS[0], "until {dir}/mock back from advise", "pause 1000", CALLS[0], MOCK_HANGS="advise",
                      MOCK_HANGS_MS=600, MIGTUNE_SHIM_TIMEOUT_MS=100)
    tap.equal(len(result.asked()), 2, "when it has come back, it is asked again")


def check_late(tap):
    """An answer that nobody waits for any more: who believes to have tuned the call is told that it is not."""
    late = {"MOCK_HANGS": "advise", "MOCK_HANGS_MS": 600, "MIGTUNE_SHIM_TIMEOUT_MS": 100}
    for advice, told in (("tune bandwidth=60 ticket=t", [(RETRIED, -1)]), ("tune bandwidth=60", []), ("leave ticket=t", [])):
        result = SHIM.run(CALLS[0], "until {dir}/mock back from advise", "pause 500", MOCK_ADVICE=advice, **late)
        tap.ok(result.reports() == told and "U=60" not in result.fake[0], f"too late: {advice}", result)


def check_domains(tap):
    """Arguments that libvirt refuses are libvirt's to refuse."""
    result = SHIM.run(CALLS[0], FAKE_STATE="gone", MOCK_ADVICE="tune bandwidth=60")
    alone = SHIM.run(CALLS[0], preload=False, FAKE_STATE="gone")
    tap.ok(result.out == alone.out and result.fake == alone.fake and result.mock == [],
           "a domain that is gone: nobody is asked", f"{alone}\n{result}")


REFUSALS = ((3, "no support", True), (8, "invalid argument", True), (55, "operation invalid", True),
            (67, "configuration unsupported", True), (74, "argument unsupported", True), (84, "operation unsupported", True),
            (38, "system error", False), (9, "operation failed", False), (78, "operation aborted", False),
            (42, "no domain", False))


def refused(code, text="not that flag", **settings):
    """A call whose tuned form libvirt refuses."""
    return SHIM.run("touri3 uri=b flags=3 p:bandwidth:U=5", FAKE_REFUSE="8000", FAKE_REFUSE_CODE=code, FAKE_REFUSE_TEXT=text,
                    MOCK_ADVICE=settings.pop("MOCK_ADVICE", "tune add=8000 bandwidth=60 ticket=t"), **settings)


def repeated(result):
    """True if the caller's own call followed the tuned one, and the caller saw only success."""
    return ([line.split("flags=")[1] for line in result.fake] == ["0x8003 [bandwidth:U=60]", "0x3 [bandwidth:U=5]"]
            and result.out == "touri3 0 errno 7 error 0 -\n" and result.reports() == [(RETRIED, -1), (ENDED, 0)])


def stands(result, code, text="not that flag"):
    """True if the tuned call was the only one, and its failure the caller's."""
    return (len(result.fake) == 1 and result.out == f"touri3 -1 errno 32 error {code} {text}\n"
            and result.reports()[-1] == (ENDED, -1))


def check_refused(tap):
    """What libvirt refuses before it begins is made as the caller gave it, and nothing else is."""
    for code, name, repeats in REFUSALS:
        result = refused(code)
        good = repeated(result) if repeats else stands(result, code)
        tap.ok(good, f"{name}: {'the own call is made' if repeats else 'it stands'}", result)
    result = refused(8)
    tap.ok("text=not that flag" in result.mock[-2] and len(result.shim) == 1
           and "libvirt refused the tuned call (not that flag), making the caller's own" in result.shim[0],
           "a refusal is told and logged", result)
    for command in ("migrate-set-capabilities", "migrate-set-parameters", "migrate"):
        result = refused(1, f"internal error: unable to execute QEMU command '{command}': no")
        tap.ok(repeated(result), f"QEMU refuses {command}", result)
    for text in ("internal error: unable to execute QEMU command 'cont': no", "internal error: QEMU died in 'migrate"):
        tap.ok(stands(refused(1, text), 1, text), f"it stands: {text}", refused(1, text))
    result = SHIM.run("touri3 uri=b flags=3", FAKE_FAIL=8, MOCK_ADVICE="tune bandwidth=60 ticket=t")
    alone = SHIM.run("touri3 uri=b flags=3", preload=False, FAKE_FAIL=8)
    tap.ok(result.out == alone.out and len(result.fake) == 2, "the own call is refused, too: its error is the caller's",
           f"{alone}\n{result}")
    for command, advice in (("touri3 uri=b flags=3 p:bandwidth:U=60", "tune bandwidth=60 ticket=t"),
                            ("touri3 uri=b flags=8003", "tune add=8000 ticket=t"),
                            ("touri uri=b flags=3 bandwidth=60", "tune bandwidth=60 ticket=t")):
        result = SHIM.run(command, FAKE_FAIL=8, MOCK_ADVICE=advice)
        alone = SHIM.run(command, preload=False, FAKE_FAIL=8)
        tap.ok(result.seen() == alone.seen() and result.reports() == [(ENDED, -1)],
               f"the advice was the caller's own already: once is enough: {command}", f"{alone}\n{result}")


def check_begun(tap):
    """A migration that had begun is never repeated."""
    tap.ok(stands(refused(8, FAKE_BEGUN=1), 8), "the guest was paused and resumed", refused(8, FAKE_BEGUN=1))
    result = refused(8, MOCK_ANSWERS="2=1")
    tap.ok(stands(result, 8), "the plugin knows better", result)
    result = refused(55, FAKE_STATE="1.6")
    tap.ok(stands(result, 55), "an earlier migration was cancelled, and the error says little", result)
    result = refused(8, FAKE_STATE="1.6")
    tap.ok(repeated(result), "an earlier migration was cancelled, and the error says enough", result)
    for code, good in ((8, repeated), (55, lambda result: stands(result, 55))):
        result = refused(code, FAKE_VERSION=12000000)
        tap.ok(good(result), f"a newer libvirt, error {code}: only what is certain is repeated", result)
    result = refused(8, MOCK_ADVICE="tune add=8000 bandwidth=60")
    tap.ok([line.split("flags=")[1] for line in result.fake] == ["0x8003 [bandwidth:U=60]", "0x3 [bandwidth:U=5]"]
           and result.reports() == [], "without a ticket it is repeated, and nobody told", result)


def check_log(tap):
    """Where lines go."""
    result = SHIM.run(CALLS[0], plugin="/nonexistent/plugin.so", MIGTUNE_SHIM_LOG="stderr")
    tap.ok("plugin /nonexistent/plugin.so: " in result.err, "to standard error, when asked to", result)
    for where in ("nowhere", "file:relative"):
        result = SHIM.run(CALLS[0], plugin="/nonexistent/plugin.so", MIGTUNE_SHIM_LOG=where)
        tap.ok(result.err == "" and result.out == "touri3 0 errno 7 error 0 -\n", f"to '{where}': nowhere", result)
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "log")
        SHIM.run(CALLS[0], MIGTUNE_SHIM_LOG=f"file:{path}", MOCK_ADVICE="tune bandwidth=1 reason=a\x1b[31m\x7f")
        tap.equal(lines_of(path), ["domain 'vm': a [31m "], "control characters do not get into a line")


tap = Tap()
for check in (check_plugins, check_hanging, check_late, check_domains, check_refused, check_begun, check_log):
    check(tap)
tap.finish()
