#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""clang-tidy or cppcheck over every C file of a build, one test a file: static_analysis.py TOOL BUILD-DIR [FILE...]"""
import concurrent.futures
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(HERE, ".."))
from tap import Tap  # noqa: E402

TOOL, BUILD, *ONLY = sys.argv[1:]


def commands():
    """{file, relative to the source tree: its compile commands}; two that define the same macros count once.

    clang-tidy analyses a file once for each of its commands, and what several programs are linked from has several.
    """
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as f:
        entries = json.load(f)
    found = {}
    for entry in entries:
        name = os.path.relpath(os.path.realpath(os.path.join(entry["directory"], entry["file"])), ROOT)
        if name.endswith(".c") and not name.startswith("..") and (not ONLY or name in ONLY):
            macros = frozenset(word for word in shlex.split(entry["command"]) if word.startswith("-D"))
            found.setdefault(name, {}).setdefault(macros, entry)
    return {name: list(found[name].values()) for name in sorted(found)}


def clang_tidy(name):
    """(clean?, findings) of one file."""
    done = subprocess.run(["clang-tidy", "--quiet", "-p", DATABASE, os.path.join(ROOT, name)], capture_output=True,
                          text=True, check=False)
    return done.returncode == 0, done.stdout or done.stderr


# What cppcheck does not understand here. Headers of libraries are not given to it: they are not ours to check.
SUPPRESSED = {
    "missingIncludeSystem", "unknownMacro", "invalidFunctionArgBool",
    "resourceLeak", "memleak",  # it does not know the cleanup attribute; ASan and valgrind look for leaks
    "uninitvar",  # it takes the address of a variable for its value; clang's analyzer and valgrind see the real thing
    "readdirCalled",  # readdir_r() is deprecated, and every stream has one user here
    "getgrnamCalled",  # groups are read before there are threads
}


def cppcheck(name):
    """(clean?, findings) of one file. All its findings are of kinds that mean a mistake; taste is not asked for."""
    done = subprocess.run(["cppcheck", "--quiet", "--std=c11", "--enable=warning,performance,portability", "--inline-suppr",
                           "--library=posix", "--error-exitcode=1", "--template=gcc", "--force",
                           *(f"--suppress={kind}" for kind in sorted(SUPPRESSED)),
                           "-D_GNU_SOURCE", "-DMOCK=0", '-DMT_SOURCE_ROOT=""', "-Iinclude", "-Iplugin", name],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


tap = Tap()
run = {"clang-tidy": clang_tidy, "cppcheck": cppcheck}[TOOL]
if not shutil.which(TOOL):
    tap.skip(TOOL, "not installed")
    tap.finish()
files = commands()
if TOOL == "clang-tidy":  # the unit tests run under the sanitizers and valgrind, and are a quarter of all the files
    files = {name: entries for name, entries in files.items() if not name.startswith("tests/unit/")}
with tempfile.TemporaryDirectory() as DATABASE, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    with open(os.path.join(DATABASE, "compile_commands.json"), "w", encoding="utf-8") as f:
        json.dump([entry for entries in files.values() for entry in entries], f)
    for source, (clean, findings) in zip(files, pool.map(run, files)):
        tap.ok(clean, source, findings)
tap.finish()
