#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The public header compiles alone and without a warning, and SOURCE tells the place of each field and the number of each
constant: test_header.py SOURCE INCLUDE-DIR COMPILER..."""
import os
import re
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


def members(declaration):
    """The names in one declaration: of variables, or of the function that a pointer points to."""
    pointer = re.search(r"\(\*(\w+)\)\s*\(", declaration)
    if pointer:
        return [pointer[1]]
    return [re.sub(r"\[[^]]*\]", "", part).strip(" *").split()[-1].lstrip("*") for part in declaration.split(",")]


def check_complete(tap):
    """What the header has and SOURCE is silent about could change without anybody noticing."""
    with open(os.path.join(INCLUDE, "migtune", "plugin.h"), encoding="utf-8") as f:
        header = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.DOTALL).replace("\\\n", " ")
    with open(SOURCE, encoding="utf-8") as f:
        source = f.read()
    fields = {(struct, name) for struct, body in re.findall(r"^struct (\w+) \{(.*?)^\};", header, re.DOTALL | re.MULTILINE)
              for declaration in body.split(";") if declaration.strip() for name in members(declaration)}
    told = set(re.findall(r"^AT\((\w+), (\w+),", source, re.MULTILINE))
    tap.ok(len(fields) > 40 and fields == told, "the place of every field is told", sorted(fields ^ told))
    constants = set(re.findall(r"^#define (MT_\w+)\s+\d+u\b", header, re.MULTILINE))
    told = set(re.findall(r"^IS\((\w+),", source, re.MULTILINE))
    tap.ok(len(constants) > 10 and constants == told, "the number of every constant is told", sorted(constants ^ told))
    structs = {struct for struct, _ in fields}
    sized = {struct.lower() for struct in re.findall(r"static_assert\((MT_\w+)_SIZE_1_0 ==", source)}
    tap.equal(sized, structs, "the first released size of every struct is told")


tap = Tap()
check_complete(tap)
check(tap, "C99", CC, ["-std=c99"])
check(tap, "C11, fields where they were released", CC, ["-std=c11"])
if CXX:
    check(tap, "C++", [CXX], ["-std=c++11", "-x", "c++"])
else:
    tap.skip("C++", "no C++ compiler")
tap.finish()
