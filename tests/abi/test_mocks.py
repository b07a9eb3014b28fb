#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plugins that do not fit are refused with a clear line: test_mocks.py MOCK-DIR MIGTUNE HOOK

The real command and the real hook load each mock. Nothing may crash, the line names the file and what is wrong with it,
and the hook ends with status 0 and an empty standard output whatever it was given.
"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

MOCKS, MIGTUNE, HOOK = (os.path.abspath(a) for a in sys.argv[1:4])
BOTH = {
    "wrong_major": "it has ABI 2, this program needs 1",
    "short_struct": "bytes, this program needs",
    "no_open": "it has no open()",
    "no_close": "it has no close()",
    "null_from_get": "it does not serve ABI 1",
    "no_symbol": "it does not export mt_plugin_get, so it is no migtune plugin",
    "unresolved": "undefined symbol: found_nowhere",
    "open_fails": "Protocol error",
}


def run(program, plugin, *arguments):
    """Runs a host program with a plugin, as the tree's own user would."""
    environment = dict(os.environ, MIGTUNE_PLUGIN=plugin, MIGTUNE_RUN_DIR="/nonexistent")
    return subprocess.run([program, *arguments], env=environment, input="<domain/>", capture_output=True, text=True,
                          timeout=20, check=False)


def mock(name):
    """The path of a mock."""
    return os.path.join(MOCKS, f"mock_{name}.so")


def check_command(tap, name, plugin, text):
    """The command must refuse the plugin in one line."""
    done = run(MIGTUNE, plugin, "status")
    good = (done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1 and plugin in done.stderr
            and text in done.stderr)
    tap.ok(good, f"migtune refuses {name}", f"{done.returncode} {done.stdout!r} {done.stderr!r}, want {text!r}")


def check_hook(tap, name, plugin, text):
    """The hook must refuse the plugin in one line, and libvirt must not notice."""
    done = run(HOOK, plugin, "vm", "migrate", "begin", "-")
    good = (done.returncode == 0 and done.stdout == "" and done.stderr.count("\n") == 1 and text in done.stderr
            and done.stderr.endswith(", leaving the migration untuned\n"))
    tap.ok(good, f"the hook survives {name}", f"{done.returncode} {done.stdout!r} {done.stderr!r}, want {text!r}")


def refused_files(directory):
    """Paths that are no plugin at all, with a piece of the reason."""
    text_file = os.path.join(directory, "text.so")
    with open(text_file, "w", encoding="ascii") as f:
        f.write("this is not an ELF file, whatever its name says\n" * 10)
    empty = os.path.join(directory, "empty.so")
    with open(empty, "w", encoding="ascii"):
        pass
    return {
        "a text file": (text_file, "invalid ELF header"),
        "an empty file": (empty, "file too short"),
        "a missing file": (os.path.join(directory, "missing.so"), "No such file or directory"),
        "a directory": (directory, ""),
        "a relative path": ("mock_good.so", "not an absolute path"),
    }


tap = Tap()
for peculiarity, expected in BOTH.items():
    check_command(tap, peculiarity, mock(peculiarity), expected)
    check_hook(tap, peculiarity, mock(peculiarity), expected)
check_command(tap, "no_command", mock("no_command"), "it has no command()")
check_hook(tap, "no_hook_event", mock("no_hook_event"), "it has no hook_event()")
with tempfile.TemporaryDirectory() as scratch:
    for label, (path, expected) in refused_files(scratch).items():
        check_command(tap, label, path, expected)
        check_hook(tap, label, path, expected)

# What fits is used, including what is newer than the host or lacks what this host does not need.
for fitting in ("good", "future", "no_hook_event"):
    done = run(MIGTUNE, mock(fitting), "anything", "three")
    tap.equal((done.returncode, done.stdout, done.stderr), (3, "mock command anything argc 2 terminated yes\n", ""),
              f"migtune uses {fitting}")
for fitting in ("good", "future", "no_command"):
    check_hook(tap, f"{fitting}, and uses it", mock(fitting), "]: migrate, leaving")
check_hook(tap, "a plugin that writes to standard output", mock("noisy"), "]: migrate, leaving")

# The last resort: a plugin that never returns. The bound is generous, the promise (250 ms) is bench_hook's business.
done = run(HOOK, mock("hangs"), "vm", "migrate", "begin", "-")
tap.equal((done.returncode, done.stdout), (0, ""), "the hook ends although the plugin hangs")
tap.finish()
