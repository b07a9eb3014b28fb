#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""migtune history and explain, as users and programs meet them. test_history.py MIGTUNE PLUGIN"""
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import terminal  # noqa: E402
from tap import Tap  # noqa: E402

MIGTUNE, PLUGIN = (os.path.abspath(a) for a in sys.argv[1:3])
ENVIRONMENT = dict(os.environ, MIGTUNE_PLUGIN=PLUGIN, TERM="xterm")
ARGUMENTS = {"stdin": subprocess.DEVNULL, "env": ENVIRONMENT}


def record(number, samples=2):
    """A record; each has its own second."""
    moment = f"2026-11-{1 + number // 86400:02d}T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z"
    return {"event": "migration", "id": f"{re.sub('[-:]', '', moment)}-{number:08x}", "result": "completed",
            "mode": "enforce", "started": moment,
            "domain": {"name": f"instance-{number:08x}", "uuid": f"{number:08x}-0000-0000-0000-000000000000"},
            "destination": "host-b.example.org", "facts": {"dirty_rate_mbps": 45.0, "dirty_rate_source": "history"},
            "intent": {"max_downtime_ms": 300, "from": "default"},
            "plan": {"strategy": "lambda-range", "technique": "pre-copy", "limit_met": True,
                     "prediction": {"total_ms": 10000, "downtime_ms": 250, "bytes": 1 << 30, "iterations": 4}},
            "reasons": ["because"],
            "actual": {"total_ms": 11000, "downtime_ms": 240, "bytes": 1 << 30, "iterations": 5, "technique": "pre-copy",
                       "samples": [{"t_ms": i * 1000, "iteration": 1, "remaining_bytes": 1 << 20, "dirty_rate_mbps": 44.0,
                                    "bandwidth_mbps": 90.0, "planned_mbps": 100.0, "lambda": 0.44} for i in range(samples)]},
            "error": None}


def write(path, count, samples=2):
    """A history of so many records."""
    with open(path, "w", encoding="utf-8") as f:
        for number in range(count):
            f.write(json.dumps(record(number, samples), separators=(",", ":")) + "\n")
    return path


def run(*arguments):
    """Runs the command. Returns (status, standard output, standard error)."""
    done = subprocess.run([MIGTUNE, *arguments], text=True, capture_output=True, timeout=300, check=False, **ARGUMENTS)
    return done.returncode, done.stdout, done.stderr


def on_terminal(columns, *arguments):
    """Runs the command on a terminal of that width. Returns (status, what came there)."""
    status, seen = terminal.run([MIGTUNE, *arguments], columns, env=ENVIRONMENT)
    return status, seen.replace("\r\n", "\n")


def plain(text):
    """Without colours."""
    return re.sub(r"\033\[[0-9]*m", "", text)


def check_terminals(tap, path):
    """The table in its two forms, and the story."""
    status, output = on_terminal(80, "history", path)
    lines = plain(output).splitlines()
    tap.ok(status == 0 and len(lines) == 2 + 2 * 20 + 1 and all(len(line) < 80 for line in lines), "80 columns", output)
    tap.equal(lines[-1], "10 earlier ones are not shown: --last N shows more", "the last 20 are shown, and it is said")
    tap.ok("instance-0000001d completed" in lines[-3], "a nova name is whole", lines[-3])
    status, output = on_terminal(200, "history", path, "--last=30")
    tap.ok(status == 0 and len(output.splitlines()) == 32 and max(map(len, plain(output).splitlines())) < 200,
           "200 columns: one line each", output)
    status, output = on_terminal(80, "history", "--accuracy", path)
    lines = output.splitlines()
    tap.ok(status == 0 and lines[0].startswith("30 predictions in ") and all(len(line) < 80 for line in lines[1:]),
           "--accuracy in 80 columns", output)
    status, output = on_terminal(80, "explain", "--history", path, "instance-00000007", "--run-dir", "/nonexistent")
    tap.ok(status == 0 and output.startswith("instance-00000007 -> host-b.example.org: completed\n")
           and all(len(line) < 80 for line in output.splitlines()), "explain in 80 columns", output)


def check_programs(tap, path):
    """Pipes in and out."""
    status, output, errors = run("history", "--json", path)
    tap.equal((status, [json.loads(line) for line in output.splitlines()], errors), (0, [record(i) for i in range(30)], ""),
              "--json: the records")
    tap.ok("\033" not in run("history", path)[1], "no colour in a pipe")
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
        done = subprocess.run([MIGTUNE, "history", "--json", "--last", "2", "/dev/stdin"], stdin=cat.stdout, env=ENVIRONMENT,
                              text=True, capture_output=True, timeout=60, check=False)
    tap.equal((done.returncode, done.stdout.splitlines()), (0, output.splitlines()[-2:]), "a pipe as FILE")
    with open(os.path.join(os.path.dirname(path), "migtune.conf"), "w", encoding="utf-8") as f:
        f.write(f'history = {{ file = "{path}"; }};\n')
    tap.equal(run("history", "--json", "--config", f.name)[1], output, "--config: its history")
    tap.equal(json.loads(run("explain", "--json", "--config", f.name, "instance-00000007")[1]), record(7), "explain --json")
    status, _, errors = run("explain", "--config", f.name, "nobody")
    tap.ok(status == 1 and errors.count("\n") == 1 and "no migration 'nobody'" in errors, "explain: nobody", errors)
    status, _, errors = run("explain", "--config", f.name, "202611")
    tap.ok(status == 2 and errors.count("\n") == 1 and "and 25 more" in errors, "explain: many", errors)


def peak_kib(*arguments):
    """The most memory that the command had."""
    with open(os.devnull, "w", encoding="ascii") as null:
        # pylint: disable=consider-using-with
        process = subprocess.Popen([MIGTUNE, *arguments], stdout=null, **ARGUMENTS)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss if process.returncode == 0 else -1


def check_long(tap, directory):
    """A history of 30 MB takes no more memory than a short one; on a terminal it has a bar, which goes."""
    short, long = (write(os.path.join(directory, name), count, 60) for name, count in (("short", 30), ("long", 4500)))
    name = "--json: constant memory"
    with open(PLUGIN, "rb") as f:
        sanitized = b"__asan_init" in f.read()
    if sanitized:
        tap.skip(name, "the sanitizer keeps what was freed")
    else:
        few, many = peak_kib("history", "--json", short), peak_kib("history", "--json", long)
        tap.ok(0 < few and 0 < many < few + 4096, name, f"{few} KiB, {many} KiB for {os.path.getsize(long)} bytes")
        many = peak_kib("history", long)
        tap.ok(0 < many < few + 4096, "the table as well", f"{few} KiB, {many} KiB")
    status, output = on_terminal(80, "history", long)
    tap.ok(status == 0 and "reading the history [" in output, "a bar while it is read", output[:200])
    tap.ok(output.rpartition("\r\033[K")[2].startswith("\033[1mSTARTED"), "which is gone before the table", output[-4000:])


def main():
    """All of it."""
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        path = write(os.path.join(directory, "history.jsonl"), 30)
        check_terminals(tap, path)
        check_programs(tap, path)
        check_long(tap, directory)
    tap.finish()


if __name__ == "__main__":
    main()
