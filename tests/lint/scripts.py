#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every shell and Python script of the tree parses, and what says that it is a program can be run."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(HERE, ".."))
from tap import Tap  # noqa: E402


def tree():
    """Files that belong to the tree."""
    listed = subprocess.run([os.path.join(ROOT, "packaging", "list-sources")], stdout=subprocess.PIPE, text=True, check=True)
    return sorted(name for name in listed.stdout.split("\0") if name)


def language(path):
    """ "python", "sh", "bash" or None, from the first line or the name."""
    with open(path, "rb") as f:
        first = f.readline(200)
    if first.startswith(b"#!"):
        for name in (b"python", b"bash", b"dash", b"/sh"):
            if name in first:
                return name.decode().strip("/")
        return None
    return "python" if path.endswith(".py") else None


def check(tap, name):
    """Syntax, and the executable bit of what starts with #!."""
    path = os.path.join(ROOT, name)
    kind = language(path)
    if kind is None:
        return
    if kind == "python":
        with open(path, encoding="utf-8") as f:
            try:
                compile(f.read(), name, "exec")
                error = ""
            except SyntaxError as problem:
                error = str(problem)
    else:
        done = subprocess.run([kind if kind == "bash" else "sh", "-n", path], capture_output=True, text=True, check=False)
        error = done.stderr
    with open(path, "rb") as f:
        is_program = f.read(2) == b"#!"
    if is_program and not os.access(path, os.X_OK):
        error += "starts with #! but is not executable"
    tap.ok(error == "", name, error)


tap = Tap()
for script in tree():
    check(tap, script)
tap.finish()
