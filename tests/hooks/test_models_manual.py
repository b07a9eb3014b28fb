#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""migtune-models(7) tells of the models, figures and tables there are. test_models_manual.py MIGTUNE PLUGIN MANUAL"""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

MIGTUNE, PLUGIN, MANUAL = (os.path.abspath(a) for a in sys.argv[1:4])


def listed(*arguments):
    """What `migtune model ... --list --json` prints."""
    done = subprocess.run([MIGTUNE, "model", *arguments, "--list", "--json"], env=dict(os.environ, MIGTUNE_PLUGIN=PLUGIN),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=True)
    return json.loads(done.stdout)


def value(text):
    """A default as it is typed, comparable with the registry's: a number, True, False, None or a word."""
    words = {"None": None, "true": True, "false": False}
    if text in words:
        return words[text]
    try:
        return float(text)
    except ValueError:
        return text


def described(lines):
    """{model: [(argument, default or "required")]} and the models whose item has no text or no equation."""
    models, poor, name = {}, [], None
    for number, line in enumerate(lines):
        match = re.fullmatch(r"\.It Ic (\w+\.\w+) Ar (.+)", line)
        if not match:
            continue
        name = match[1]
        models[name] = [(a.split("=")[0], value(a.split("=")[1]) if "=" in a else "required") for a in match[2].split()]
        item = []
        for rest in lines[number + 1:]:
            if rest.startswith((".It", ".El")):
                break
            item.append(rest)
        if item == [] or item[0].startswith(".") or not any(text.startswith(".Dl ") for text in item):
            poor.append(name)
    return models, poor


def registered():
    """The same of the registry."""
    return {row["model"]: [(a["name"], "required" if a["required"] else a["default"]) for a in row["arguments"]]
            for row in listed()}


tap = Tap()
with open(MANUAL, encoding="ascii") as f:
    LINES = f.read().splitlines()
in_manual, without = described(LINES)
models = registered()
tap.equal(sorted(set(models) - set(in_manual)), [], "each model is in the manual")
tap.equal(sorted(set(in_manual) - set(models)), [], "the manual tells of no other model")
tap.equal([name for name in in_manual if name in models], list(models), "in the order of the list")
for model, arguments in models.items():
    tap.equal(in_manual.get(model), arguments, f"{model}: its arguments and defaults")
tap.equal(without, [], "each has a text and an equation")
shown = re.findall(r"^\.It Cm (\w+\.\w+)$", "\n".join(LINES), re.MULTILINE)
there = [row["figure"] for row in listed("--figure")] + [row["table"] for row in listed("--table")]
tap.equal(sorted(set(shown)), sorted(set(there)), "figures and tables")
if shutil.which("mandoc"):
    lint = subprocess.run(["mandoc", "-Tlint", MANUAL], capture_output=True, text=True, check=False)
    # whether the other manuals are installed here says nothing about this one
    complaints = [line for line in (lint.stdout + lint.stderr).splitlines() if "referenced manual not found" not in line]
    tap.equal(complaints, [], "mandoc -Tlint")
else:
    tap.skip("mandoc -Tlint", "mandoc is not installed")
tap.finish()
