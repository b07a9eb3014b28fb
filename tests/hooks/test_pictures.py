#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The figures of `migtune model --figure` as gnuplot draws them. test_pictures.py MIGTUNE PLUGIN"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

MIGTUNE, PLUGIN = (os.path.abspath(a) for a in sys.argv[1:3])


def run(*arguments, **environment):
    """Runs the command. Returns (status, standard output, standard error)."""
    done = subprocess.run([MIGTUNE, "model", *arguments], env=dict(os.environ, MIGTUNE_PLUGIN=PLUGIN, **environment),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def words(path):
    """All text of a picture; raises when it is not well-formed."""
    document = xml.dom.minidom.parse(path)
    return " ".join("".join(n.data for n in text.childNodes if n.nodeType == n.TEXT_NODE)
                    for tag in ("text", "tspan", "title") for text in document.getElementsByTagName(tag))


def check_picture(tap, directory, name):
    """One figure: drawn whole, with its caption, units and a legend for each series, and nothing else left."""
    path = os.path.join(directory, name + ".svg")
    figure = json.loads(run("--figure", name, "--json")[1])
    tap.equal(run("--figure", name, "--plot", path), (0, "", ""), f"{name} is drawn in silence")
    try:
        text = words(path)
    except (OSError, xml.parsers.expat.ExpatError) as problem:
        tap.ok(False, f"{name} is well-formed", problem)
        return
    expected = [figure["caption"]]
    for panel in figure["panels"]:
        expected += [s["name"] for s in panel["series"]]
        expected.append(panel["y"]["name"] + (f" ({panel['y']['unit']})" if panel["y"]["unit"] else ""))
    tap.equal([e for e in expected if e not in text], [], f"{name} has its caption, units and legends")
    if shutil.which("xmllint"):
        done = subprocess.run(["xmllint", "--noout", "--nonet", path], capture_output=True, text=True, check=False)
        tap.equal((done.returncode, done.stderr), (0, ""), f"{name} satisfies xmllint")
    else:
        tap.skip(f"{name} satisfies xmllint", "not installed")


def check_failures(tap, directory):
    """Each way to fail: one line, and a picture that was there stays."""
    path = os.path.join(directory, "old.svg")
    with open(path, "w", encoding="ascii") as f:
        f.write("old")
    empty = os.path.join(directory, "empty")
    os.mkdir(empty)
    os.mkdir(os.path.join(directory, "directory.svg"))
    for what, target, status, environment in (
            ("a directory that is not there", os.path.join(directory, "nowhere", "x.svg"), 1, {}),
            ("a file in the directory's place", os.path.join(path, "x.svg"), 1, {}),
            ("a directory in the picture's place", os.path.join(directory, "directory.svg"), 1, {}),
            ("no gnuplot", path, 1, {"PATH": empty}),
            ("another kind of file", os.path.join(directory, "x.png"), 2, {}),
            ("no ending", os.path.join(directory, "svg"), 2, {}),
            ("no name", "", 2, {}),
            ("a name with a quote", os.path.join(directory, 'a"b.svg'), 2, {})):
        got, output, errors = run("--figure", "alpha.1", "--plot", target, **environment)
        tap.ok(got == status and output == "" and errors.startswith("migtune model: --plot: ") and errors.count("\n") == 1,
               f"{what}: one line, status {status}", f"{got} {output} {errors[:400]}")
    with open(path, encoding="ascii") as f:
        tap.equal(f.read(), "old", "the picture that was there stays when there is no gnuplot")
    tap.equal(run("--figure", "alpha.1", "--plot", path), (0, "", ""), "and is replaced when there is")
    tap.equal(sorted(os.listdir(directory)), ["directory.svg", "empty", "old.svg"], "nothing else is left behind")


tap = Tap()
if shutil.which("gnuplot"):
    with tempfile.TemporaryDirectory() as scratch:
        for row in json.loads(run("--figure", "--list", "--json")[1]):
            check_picture(tap, scratch, row["figure"])
        tap.equal([n for n in os.listdir(scratch) if not n.endswith(".svg")], [], "only pictures were written")
    with tempfile.TemporaryDirectory() as scratch:
        check_failures(tap, scratch)
        csv = run("--figure", "alpha.2", "--csv", "--plot", os.path.join(scratch, "both.svg"))
        tap.ok(csv[0] == 0 and csv[1].startswith("alpha,") and os.path.exists(os.path.join(scratch, "both.svg")),
               "data and picture at once", csv)
else:
    tap.skip("pictures", "gnuplot is not installed")
tap.finish()
