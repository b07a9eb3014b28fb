#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The public header compiles alone and without a warning: test_header.py SOURCE INCLUDE-DIR COMPILER..."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

SOURCE, INCLUDE, *CC = sys.argv[1:]
WARNINGS = ["-pedantic", "-Wall", "-Wextra", "-Wpadded", "-Werror", "-fsyntax-only", "-I", INCLUDE]
CXX = shutil.which("clang++" if "clang" in CC[-1] else "g++")


def check(tap, name, compiler, options):
    """One compiler run."""
    done = subprocess.run([*compiler, *options, *WARNINGS, SOURCE], capture_output=True, text=True, check=False)
    tap.ok(done.returncode == 0, name, done.stderr)


tap = Tap()
check(tap, "C99", CC, ["-std=c99"])
check(tap, "C11, fields where they were released", CC, ["-std=c11"])
if CXX:
    check(tap, "C++", [CXX], ["-std=c++11", "-x", "c++"])
else:
    tap.skip("C++", "no C++ compiler")
tap.finish()
