#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the shim shows, needs and runs when it is loaded: test_shim_symbols.py SHIM SANITIZERS"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shim import Tap, sanitizer_of  # noqa: E402

SHIM = os.path.abspath(sys.argv[1])
IS_PLAIN = sys.argv[2] == "none"
EXPORTED = {"virDomainMigrateToURI3", "virDomainMigrateToURI2", "virDomainMigrateToURI", "virDomainMigrate3",
            "virDomainMigrate2", "virDomainMigrate", "virDomainMigratePerform3Params", "virDomainMigratePerform3",
            "virDomainMigrateSetMaxDowntime", "virDomainMigrateSetMaxSpeed", "virDomainMigrateStartPostCopy",
            "virDomainAbortJob", "virDomainAbortJobFlags", "virDomainSuspend"}
# It lives in other programs: each of these would end, fork, rename or misdirect one of them.
FORBIDDEN = ("exit _exit abort __assert_fail raise fork vfork system popen posix_spawn execve chdir umask setlocale setenv "
             "putenv unsetenv signal sigaction sigprocmask setitimer alarm atexit pthread_atfork openlog closelog syslog "
             "printf puts perror stdout stderr dlclose localtime_r tzset").split()


def output(*command):
    """Standard output of a tool."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def symbols(option):
    """(name, version or "") from nm -D, without what sanitizers and coverage add."""
    names = [line.split()[-1] for line in output("nm", "-D", option, SHIM).splitlines()]
    return {tuple((name.replace("@@", "@") + "@").split("@")[:2]) for name in names
            if not name.startswith(("__asan_", "__ubsan_", "__odr_asan", "__gcov"))}


tap = Tap()
exported, imported = symbols("--defined-only"), symbols("--undefined-only")
tap.equal({name for name, _ in exported}, EXPORTED, "the shim exports what it stands in front of, and nothing else")
tap.equal({version for _, version in exported}, {""}, "without versions, so that they are taken for libvirt's")
tap.equal([name for name, _ in imported if name.startswith("vir")], [], "it needs no symbol of libvirt")
tap.equal(sorted({name for name, _ in imported} & set(FORBIDDEN)), [], "nor what would change the program it is in")
dynamic = output("readelf", "-d", SHIM)
needed = [line.split("[")[1].rstrip("]") for line in dynamic.splitlines() if "(NEEDED)" in line]
libc = ("libc.", "ld-linux", "libpthread.", "libdl.", "libasan.", "libubsan.", "libtsan.", "libm.", "libgcc_s.", "ld64.")
tap.equal([name for name in needed if not name.startswith(libc)], [], "it brings no library along")
tap.ok("NODELETE" in dynamic and "NOW" in dynamic and "TEXTREL" not in dynamic,
       "it is bound when loaded, and stays", dynamic)
tap.ok("RPATH" not in dynamic and "RUNPATH" not in dynamic, "it names no library directories", dynamic)
sections = output("readelf", "-SW", SHIM)
if IS_PLAIN and "gcov" not in output("nm", SHIM):
    tap.equal([name for name in (".init_array", ".ctors", ".preinit_array", ".init ", ".fini_array", ".fini ")
               if f" {name}" in sections], [], "nothing in it runs when it is loaded or unloaded")
else:
    tap.skip("nothing in it runs when it is loaded or unloaded", "instrumented")

# A program that has nothing to do with libvirt.
environment = dict(os.environ, LD_PRELOAD=":".join([*sanitizer_of(SHIM), SHIM]))
done = subprocess.run(["/bin/true"], env=environment, capture_output=True, text=True, check=False)
tap.equal((done.returncode, done.stdout, done.stderr), (0, "", ""), "a child that inherits it ends as without it")
done = subprocess.run(["/bin/cat", "/proc/self/maps"], env=environment, capture_output=True, text=True, check=False)
mapped = {os.path.basename(line.split()[-1]) for line in done.stdout.splitlines() if ".so" in line}
tap.ok(os.path.basename(SHIM) in mapped and not any("virt" in m or "json" in m or "migtune-client" in m for m in mapped),
       "and has neither libvirt nor a plugin in it", mapped)
done = subprocess.run(["/bin/sh", "-c", "ls /proc/$$/task; ls -l /proc/$$/fd | wc -l"], env=environment, capture_output=True,
                      text=True, check=False)
tap.equal(len(done.stdout.splitlines()), 2, "nor a second thread")
tap.finish()
