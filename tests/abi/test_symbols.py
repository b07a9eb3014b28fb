#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the plugins show and what they may call: test_symbols.py PLUGIN..."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

# A plugin lives in other programs' processes: each of these would end, fork, rename or misdirect one of them.
FORBIDDEN = {
    "end the process": "exit _exit _Exit quick_exit abort __assert_fail __assert raise",
    "make processes": "fork vfork _Fork clone system popen posix_spawn posix_spawnp execv execve execvp execvpe "
                      "execl execlp execle fexecve daemon",
    "change the process": "chdir fchdir chroot umask setlocale uselocale setenv putenv unsetenv clearenv signal sigaction "
                          "bsd_signal sysv_signal __sysv_signal sigprocmask setitimer alarm atexit on_exit setuid setgid "
                          "dup2",
    "own syslog": "openlog closelog setlogmask syslog vsyslog __syslog_chk",
    "write to descriptors 1 and 2": "printf vprintf puts putchar perror __printf_chk __vprintf_chk stdout stderr psignal "
                                    "warn warnx err errx error",
}


def symbols(option, path):
    """Names from nm -D, without their versions."""
    out = subprocess.run(["nm", "-D", option, path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


def instrumentation(names):
    """The same without what sanitizers and coverage add."""
    return {n for n in names if not n.startswith(("__asan_", "__ubsan_", "__odr_asan", "__gcov"))}


tap = Tap()
for plugin in sys.argv[1:]:
    name = os.path.basename(plugin)
    exported = instrumentation(symbols("--defined-only", plugin))
    tap.equal(exported, {"mt_plugin_get"}, f"{name} exports mt_plugin_get alone")
    imported = symbols("--undefined-only", plugin)
    for what, names in FORBIDDEN.items():
        tap.equal(sorted(imported & set(names.split())), [], f"{name} has nothing to {what} with")
    flags = subprocess.run(["readelf", "-d", plugin], capture_output=True, text=True, check=True).stdout
    tap.ok("NODELETE" in flags, f"{name} cannot be unloaded", flags)
    tap.ok("NOW" in flags and "TEXTREL" not in flags, f"{name} is bound when it is loaded, without text relocations", flags)
    tap.ok("RPATH" not in flags and "RUNPATH" not in flags, f"{name} names no library directories", flags)
tap.finish()
