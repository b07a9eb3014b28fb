#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shim in programs that have libvirt in other ways, and in front of the real one: test_shim_hosts.py SHIM PLUGIN CALLER
CALLER-MODULE CALLER-REAL

The real libvirt's test driver cannot migrate: what it answers must come through unchanged.
"""
import os
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shim import Shim, Tap, sanitizer_of  # noqa: E402

PATHS = [os.path.abspath(a) for a in sys.argv[1:6]]
SHIM, PLUGIN, CALLER, MODULE, REAL = PATHS
RUNNER = Shim(SHIM, PLUGIN, CALLER)
INSIDE = "MIGTUNE_TEST_INSIDE"
IN_PYTHON = """
import ctypes, sys
module = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_LOCAL)
arguments = [a.encode() for a in sys.argv[1:]]
sys.exit(module.caller_main(len(arguments), (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None)))
"""
COMMANDS = ("touri3 uri=qemu://b/system flags=3 p:bandwidth:U=5", "touri2 uri=qemu://b/system flags=3",
            "touri uri=qemu://b/system flags=3", "migrate3 flags=1", "migrate2 flags=1", "migrate flags=1",
            "maxdowntime value=50", "maxspeed value=50", "postcopy", "abort", "abortflags", "suspend")


def check_python(tap):
    """libvirt comes with a module that is opened RTLD_LOCAL, as CPython does, so RTLD_NEXT does not see it."""
    python = [sys.executable, "-c", IN_PYTHON, MODULE]
    leaks = {"ASAN_OPTIONS": "detect_leaks=0"}  # the interpreter's own
    alone = RUNNER.run(*COMMANDS, program=python, preload=False if not sanitizer_of(SHIM) else True,
                       plugin="/nonexistent/plugin.so", **leaks)
    tap.ok(alone.status == 0 and len(alone.fake) == len(COMMANDS), "the module works in Python", alone)
    result = RUNNER.run(*COMMANDS, program=python, MOCK_ADVICE="tune bandwidth=60 ticket=t", **leaks)
    tap.ok(result.status == 0 and len(result.asked()) == 6 and result.out == alone.out and result.err == alone.err
           and len(result.fake) == len(COMMANDS) and "[bandwidth:U=60]" in result.fake[0],
           "with the shim it is tuned", f"{alone}\n{result}")
    result = RUNNER.run("& touri3 uri=b flags=3", "until {dir}/shim waits", "abort", "join", program=python,
                        MOCK_ADVICE="wait wait=60000 ticket=t reason=others", **leaks)
    tap.ok("touri3 -1 errno 7 error 78 operation aborted" in result.out and result.fake == [],
           "a wait ends there, too", result)


def check_real(tap):
    """The real libvirt: the same results, errors and output with the shim as without."""
    settings = {"program": [REAL], "uri": "test:///default", "domain": "test"}
    alone = RUNNER.run(*COMMANDS, preload=False, **settings)
    tap.ok(alone.status == 0 and "error 3 this function is not supported" in alone.out,
           "the test driver cannot migrate", alone)
    for name, more in {"that leaves": {}, "that is missing": {"plugin": "/nonexistent/plugin.so"},
                       "that fails": {"MOCK_ERROR": -5}}.items():
        result = RUNNER.run(*COMMANDS, **settings, **more)
        tap.ok(result.seen() == alone.seen(), f"a plugin {name}: nothing is different", f"{alone}\n{result}")
    result = RUNNER.run(*COMMANDS, MOCK_ADVICE="tune add=8000 bandwidth=60 ticket=t", **settings)
    tap.ok(result.status == 0 and result.out == alone.out and len(result.asked()) == 6
           and len([text for text in result.shim if "making the caller's own" in text]) == 6,
           "a plugin that tunes: refused, made again, and the errors are the caller's", f"{alone}\n{result}")
    result = RUNNER.run("& touri3 uri=qemu://b/system flags=3", "until {dir}/shim waits", "abort", "join",
                        MOCK_ADVICE="wait wait=60000 ticket=t reason=others", **settings)
    tap.ok("touri3 -1 errno 7 error 78 operation aborted: job 'migration out' canceled by client" in result.out
           and "abort 0 errno 7 error 0 -" in result.out and result.err.endswith("canceled by client\n"),
           "a wait that is ended by abort", result)


def virsh(*arguments, preload, **settings):
    """
    (status, output, errors) of virsh at the test driver. It is started again when it hangs: in 11.3 a migration that fails
    at once may end its main loop before that runs, and then virsh waits for ever, with a shim or without.
    """
    environment = dict(os.environ, LC_ALL="C", MIGTUNE_PLUGIN=PLUGIN, **settings)
    environment.pop("LD_LIBRARY_PATH", None)  # meson's leads to the fake
    if preload:
        environment["LD_PRELOAD"] = SHIM
    for _ in range(20):
        try:
            done = subprocess.run(["virsh", "-c", "test:///default", *arguments], env=environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=5, check=False)
            return done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired:
            pass
    return "it hung twenty times"


def check_virsh(tap):
    """A real client's output."""
    if not shutil.which("virsh") or sanitizer_of(SHIM):
        tap.skip("virsh", "not installed, or not to be mixed with a sanitizer")
        return
    for arguments in (["migrate", "--live", "--p2p", "test", "qemu://b.invalid/system"],
                      ["migrate", "--live", "test", "test:///default"], ["migrate-setmaxdowntime", "test", "50"],
                      ["domjobabort", "test"], ["suspend", "test"], ["list", "--all"],
                      ["migrate", "--live", "--p2p", "nobody", "qemu://b.invalid/system"]):
        alone = virsh(*arguments, preload=False)
        for name, settings in {"leaves": {}, "tunes": {"MOCK_ADVICE": "tune add=8000 bandwidth=60 ticket=t"},
                               "fails": {"MOCK_ERROR": "-5"}}.items():
            tap.equal(virsh(*arguments, preload=True, MIGTUNE_SHIM_LOG="nowhere", **settings), alone,
                      f"virsh {' '.join(arguments[:3])}, a plugin that {name}")


def check_syslog(tap):
    """In a mount namespace where /dev/log is a socket of our own."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/dev"], check=True)
    with open("/dev/null", "w", encoding="ascii"):
        pass
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind("/dev/log")
        log.settimeout(5)
        result = RUNNER.run("touri3 uri=b flags=3", "touri3 uri=b flags=3", plugin="/nonexistent/p.so", MIGTUNE_SHIM_LOG="")
        line = log.recv(65536).decode()
        tap.ok(line.startswith("<28>migtune-shim[") and line.endswith(", leaving migrations untuned"),
               "a line in syslog", line)
        log.setblocking(False)
        try:
            more = log.recv(65536).decode()
        except BlockingIOError:
            more = ""
        tap.equal((more, result.err), ("", ""), "and only one, and none elsewhere")
    result = RUNNER.run("touri3 uri=b flags=3", plugin="/nonexistent/p.so", MIGTUNE_SHIM_LOG="")
    tap.equal((result.out, result.err), ("touri3 0 errno 7 error 0 -\n", ""), "a log daemon that died")


def enter(tap):
    """Runs check_syslog() in namespaces of its own."""
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        tap.skip("syslog", "no user and mount namespaces here")
        return
    done = subprocess.run([*unshare, sys.executable, os.path.abspath(__file__), *PATHS],
                          env=dict(os.environ, **{INSIDE: "1"}), capture_output=True, text=True, timeout=120, check=False)
    for text in done.stdout.splitlines():
        if text.startswith(("ok ", "not ok ")):
            tap.ok(text.startswith("ok "), text.split(" - ", 1)[1], done.stdout)
    tap.equal(done.returncode, 0, "the checks of syslog ran")


tap = Tap()
if INSIDE in os.environ:
    check_syslog(tap)
else:
    for check in (check_python, check_real, check_virsh, enter):
        check(tap)
tap.finish()
