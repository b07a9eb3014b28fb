#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs with each libvirt that is supported, whichever it was built with: test_libvirt.py PLUGIN CLIENT SHIM MIGTUNE CONFIG

The library is the one that the dynamic linker finds, LD_LIBRARY_PATH included; MIGTUNE_TEST_LIBVIRT, if set, is the version
that it must turn out to be.
"""
import ctypes
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

PLUGIN, CLIENT, SHIM, MIGTUNE, CONFIG = (os.path.abspath(a) for a in sys.argv[1:6])
WANTED = os.environ.get("MIGTUNE_TEST_LIBVIRT", "")
OLDEST = (9, 0, 0)
BOUND_S = 20  # no promise: what would hang here hangs for ever


def output(*command):
    """Standard output and error of a command that may fail."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def needed(path):
    """The symbol versions of libvirt that a file needs, as tuples."""
    versions = re.findall(r"\bLIBVIRT_(\w+\.[\w.]+)", output("objdump", "-T", path))
    return {tuple(int(part) for part in version.split(".")) for version in versions}


def check_needs(tap):
    """Nothing newer than the oldest libvirt, and nothing that this one does not have."""
    newest = max(needed(PLUGIN), default=None)
    tap.ok(newest is not None and newest <= OLDEST, f"the plugin needs no symbol of a libvirt after 9.0 (newest: {newest})")
    for path in (CLIENT, SHIM):
        tap.equal(needed(path), set(), f"{os.path.basename(path)} needs none at all")
        tap.ok("libvirt" not in output("readelf", "-d", path), f"{os.path.basename(path)} is not linked with libvirt")
    private = re.findall(r"LIBVIRT_PRIVATE\S*|LIBVIRT_QEMU\S*|LIBVIRT_ADMIN\S*", output("objdump", "-T", PLUGIN))
    tap.equal(private, [], "the plugin needs nothing private of libvirt")
    for path in (PLUGIN, CLIENT, SHIM, MIGTUNE):
        unresolved = [line for line in output("ldd", "-r", path).splitlines()
                      if "undefined" in line or "not found" in line]
        tap.equal(instrumentation(unresolved), [], f"{os.path.basename(path)}: all symbols are there")


def instrumentation(lines):
    """The same without what sanitizers and coverage leave for the program to bring along."""
    return [line for line in lines if not re.search(r"symbol: __(asan|ubsan|sanitizer|gcov|lsan)", line)]


def library_version():
    """Of the library that the dynamic linker finds."""
    version = ctypes.c_ulong()
    ctypes.CDLL("libvirt.so.0").virGetVersion(ctypes.byref(version), None, None)
    number = version.value
    return f"{number // 1000000}.{number // 1000 % 1000}.{number % 1000}"


def watch():
    """What a watcher of libvirt's own test driver says until it has told the versions (the driver's "QEMU" is of no use)."""
    with tempfile.TemporaryDirectory() as run_dir:
        environment = dict(os.environ, MIGTUNE_PLUGIN=PLUGIN)
        command = [MIGTUNE, "watch", "--connect", "test:///default", "--log", "stderr", "--run-dir", run_dir,
                   "--config", CONFIG]
        lines = []
        with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as process:
            timer = threading.Timer(BOUND_S, process.kill)
            timer.start()
            for line in process.stderr:
                lines.append(line.rstrip("\n"))
                if "own library" in line:
                    process.send_signal(signal.SIGTERM)
            process.wait()
            timer.cancel()
        return lines, process.returncode


def check_watcher(tap):
    """It runs, and tells once with what."""
    version = library_version()
    tap.ok(version.startswith(WANTED), f"the library is libvirt {version}", f"MIGTUNE_TEST_LIBVIRT is {WANTED}")
    lines, status = watch()
    told = [line for line in lines if "own library" in line]
    tap.ok(len(told) == 1 and told[0].startswith(f"migtune: libvirt {version} (own library {version}), QEMU "),
           f"a watcher tells once that it is {version}", "\n".join(lines))
    switchover = "a bandwidth for the last copy" in told[0] if told else None
    tap.equal((status, switchover), (0, True), "and what is lacking, and ends well")


tap = Tap()
check_needs(tap)
check_watcher(tap)
tap.finish()
