#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""migtune simulate as users and programs meet it: JSON, CSV, pictures, the progress bar. test_simulate.py MIGTUNE PLUGIN"""
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import terminal  # noqa: E402
from tap import Tap  # noqa: E402

MIGTUNE, PLUGIN = (os.path.abspath(a) for a in sys.argv[1:3])
ENVIRONMENT = dict(os.environ, MIGTUNE_PLUGIN=PLUGIN, TERM="xterm")
PAPER = ["lambda-range", "delta-increment", "min-bandwidth", "max-bandwidth"]
METRICS = ["bandwidth_mbps", "iterations", "duration_s", "downtime_s", "reserved_mbit", "reserved_hops_mbit", "sent_mbit",
           "limit_missed", "blocked", "peak_load", "mean_load"]


def run(*arguments, **options):
    """Runs the command. Returns (status, standard output, standard error)."""
    done = subprocess.run([MIGTUNE, "simulate", *arguments], env=ENVIRONMENT, stdin=subprocess.DEVNULL, text=True,
                          timeout=300, check=False, capture_output=True, **options)
    return done.returncode, done.stdout, done.stderr


def on_terminal(*arguments):
    """Runs the command with standard error on a terminal. Returns (status, what came there)."""
    return terminal.run([MIGTUNE, "simulate", *arguments], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL)


def check_json(tap):
    """One line of JSON with everything in it, the same each time."""
    status, output, errors = run("--requests", "2000", "--json")
    tap.ok(status == 0 and errors == "" and output.count("\n") == 1, "--json: one line", f"{status} {errors}")
    all_of_it = json.loads(output)
    tap.equal(list(all_of_it), ["options", "network", "results", "comparisons"], "--json: its parts")
    tap.equal([(r["law"], r["strategy"]) for r in all_of_it["results"]],
              [(law, strategy) for law in ("uniform", "normal", "exponential") for strategy in PAPER],
              "--json: the paper's strategies under the paper's laws")
    tap.equal({tuple(r[kind]) for r in all_of_it["results"] for kind in ("mean", "sd")}, {tuple(METRICS)}, "--json: metrics")
    tap.equal([c["law"] for c in all_of_it["comparisons"]], ["uniform", "normal", "exponential"], "--json: comparisons")
    uniform = {r["strategy"]: r["mean"]["reserved_mbit"] for r in all_of_it["results"] if r["law"] == "uniform"}
    ratio = all_of_it["comparisons"][0]["reserved_lambda_range_to_max_bandwidth"]
    tap.ok(abs(ratio - uniform["lambda-range"] / uniform["max-bandwidth"]) < 1e-5, "--json: the ratio is that of the means",
           f"{ratio} {uniform}")
    tap.equal(run("--requests", "2000", "--json")[1], output, "the same seed gives the same to the last digit")
    tap.ok(run("--requests", "2000", "--json", "--seed", "2")[1] != output, "another seed does not")
    again = [f"--{key.replace('_', '-')}={value}" for key, value in all_of_it["options"].items()]
    tap.equal(json.loads(run(*again, "--json")[1])["results"], all_of_it["results"], "the options in it give it again")
    return all_of_it


def check_csv(tap, as_json):
    """The same numbers in rows."""
    status, output, errors = run("--requests", "2000", "--csv")
    rows = list(csv.DictReader(io.StringIO(output)))
    tap.ok(status == 0 and errors == "" and len(rows) == 12, "--csv: a row for each strategy and law", f"{status} {errors}")
    tap.equal(list(rows[0]), ["network", "law", "strategy", "requests", "runs", "seed", *METRICS,
                              *(m + "_sd" for m in METRICS)], "--csv: columns")
    tap.ok(all(float(row[m]) == result["mean"][m] for row, result in zip(rows, as_json["results"]) for m in METRICS),
           "--csv: the JSON's numbers", output)
    with tempfile.TemporaryDirectory() as directory:
        odd = os.path.join(directory, 'an "odd", name')
        with open(odd, "w", encoding="ascii") as f:
            f.write('links = ( ("a", "b"), ("b", "c") );')
        rows = list(csv.reader(io.StringIO(run("--requests", "10", "--csv", "--network", odd)[1])))
        tap.equal({len(row) for row in rows}, {6 + 2 * len(METRICS)}, "--csv: an odd name breaks no row")
        tap.equal(rows[1][0], 'an "odd", name', "--csv: and is that name")


def check_picture(tap):
    """--plot gives a file that is SVG, whole or not at all."""
    if not shutil.which("gnuplot"):
        tap.skip("--plot", "gnuplot is not installed")
        return
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "figures.svg")
        status, _, errors = run("--requests", "2000", "--plot", path, "--strategies", "all", "--law", "all")
        tap.ok(status == 0 and errors == "" and os.listdir(directory) == ["figures.svg"], "--plot", f"{status} {errors}")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for word in [*PAPER, "clark", "cost-aware", "exponential-clamped", "Mbit/s", "Gbit", "Iterations"]:
            tap.ok(f">{word}<" in text or f"{word} " in text, f"--plot: names {word}")
        if shutil.which("xmllint"):
            tap.equal(subprocess.run(["xmllint", "--noout", "--nonet", path], check=False).returncode, 0, "--plot: good XML")
        else:
            tap.skip("--plot: good XML", "xmllint is not installed")
        odd = os.path.join(directory, "it's $odd_{x}")
        with open(odd, "w", encoding="ascii") as f:
            f.write('links = ( ("a", "b") );')
        status, _, errors = run("--requests", "10", "--network", odd, "--plot", path, "--law", "normal",
                                "--strategies", "clark")
        tap.ok(status == 0 and errors == "", "--plot: of one bar, and a network with an odd name", f"{status} {errors}")
    status, output, errors = run("--requests", "10", "--plot", "/nonexistent/x.svg")
    tap.equal((status, output, errors), (1, "", "migtune simulate: /nonexistent/x.svg: No such file or directory\n"),
              "--plot: to a place that is not there")
    status, output, errors = run("--requests", "10", "--plot", "x.png")
    tap.ok(status == 2 and output == "" and errors.count("\n") == 1, "--plot: no other formats", f"{status} {errors}")


def check_progress(tap):
    """A bar on a terminal, gone at the end; nothing elsewhere; and Ctrl-C is no concern of ours."""
    status, seen = on_terminal("--requests", "50000", "--runs", "2")
    tap.ok(status == 0 and re.search(r"\runiform, lambda-range \[#*\.*\] +\d+ %", seen) is not None,
           "a progress bar on a terminal", repr(seen[:300]))
    tap.ok(seen.endswith("\r\033[K") and "\n" not in seen, "which is gone at the end", repr(seen[-300:]))
    shares = [int(s) for s in re.findall(r"(\d+) %", seen)]
    tap.ok(shares == sorted(shares) and all(0 <= s <= 100 for s in shares), "and never goes back", str(shares))
    tap.equal(run("--requests", "50000", "--law", "normal", "--csv")[2], "", "nothing where there is none")
    with subprocess.Popen([MIGTUNE, "simulate", "--requests", "1000000000"], env=ENVIRONMENT,
                          stdout=subprocess.DEVNULL) as process:
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        tap.equal(process.wait(10), -signal.SIGINT, "Ctrl-C ends it at once")


TAP = Tap()
check_csv(TAP, check_json(TAP))
check_picture(TAP)
check_progress(TAP)
TAP.finish()
