#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command migtune without its subcommands: options, help, sinks. test_command.py MIGTUNE PLUGIN VERSION MOCK-DIR"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

MIGTUNE, PLUGIN = (os.path.abspath(a) for a in sys.argv[1:3])
VERSION = sys.argv[3]
MOCK = os.path.join(sys.argv[4], "mock_good.so")


def run(*arguments, plugin=PLUGIN, **options):
    """Runs the command. Returns (status, standard output, standard error)."""
    done = subprocess.run([MIGTUNE, *arguments], env=dict(os.environ, MIGTUNE_PLUGIN=plugin), stdin=subprocess.DEVNULL,
                          text=True, timeout=20, check=False, **(options or {"capture_output": True}))
    return done.returncode, done.stdout, done.stderr


tap = Tap()
tap.equal(run("--version"), (0, f"migtune {VERSION}\n", ""), "--version")
tap.equal(run("--version", plugin="/nonexistent.so")[0], 0, "--version needs no plugin")
status, output, errors = run("--help")
tap.ok(status == 0 and errors == "" and output.startswith("usage: migtune "), "--help", f"{status} {output} {errors}")
tap.ok(all(len(line) <= 100 for line in output.splitlines() if "/" not in line), "--help fits a terminal", output)
tap.equal(run()[::2], (2, "migtune: a command is missing, see migtune --help\n"), "no command")
tap.equal(run("--nonsense", "status")[::2], (2, "migtune: unknown option '--nonsense', see migtune --help\n"),
          "unknown option")
tap.equal(run("nonsense")[::2], (2, "migtune: unknown command 'nonsense', see migtune --help\n"), "unknown command")
tap.equal(run("status", "--config")[::2], (2, "migtune: --config: a value is missing, see migtune --help\n"),
          "missing value")
for where in ("nowhere", "file:relative", "file:", "/tmp/x"):
    status, _, errors = run("--log", where, "status")
    tap.ok(status == 2 and errors == "migtune: --log: expected syslog, stderr or file:PATH with an absolute path, "
                                     f"not '{where}'\n", f"--log {where}", f"{status} {errors}")
status, _, errors = run("--log", "file:/nonexistent/log", "status")
tap.ok(status == 2 and "open /nonexistent/log: No such file" in errors, "--log to a place that is not there", errors)

# Global options go, the command's own stay, before and after.
for arguments, count in ((["x"], 1), (["--config", "/c", "x"], 1),
                         (["x", "--config=/c", "--run-dir", "/r", "--debug", "y"], 2),
                         (["--log", "stderr", "x", "--json", "--connect", "qemu:///system"], 4), (["x", "--help"], 2),
                         (["x", "--", "--config", "y"], 4), (["x", "--configuration"], 2)):
    tap.equal(run(*arguments, plugin=MOCK), (0, f"mock command x argc {count} terminated yes\n", ""), " ".join(arguments))

# Every subcommand tells about itself, asked in either way, whatever stands beside it; what follows "--" asks for nothing.
commands = re.findall(r"^  ([a-z]+) ", run("--help")[1], re.MULTILINE)
tap.ok(len(commands) > 10, "subcommands are listed", commands)
for command in commands:
    helped = run(command, "--help")
    tap.ok(helped[::2] == (0, "") and helped[1].startswith(f"usage: migtune {command}"), f"{command} --help", helped)
    tap.equal(run(command, "-h"), helped, f"{command} -h")
    if command != "model":  # what stands beside it is the model that is asked about
        tap.equal(run(command, "x", "-h"), helped, f"{command} x -h")
tap.equal(run("check", "--", "-h")[0], 2, "check -- -h")

# Values of options, both as completion offers them and with a space between.
for command, option, value in (("watch", "--connect", "test:///default"), ("plan", "--connect", "test:///default"),
                               ("plan", "--urgency", "high"), ("plan", "--max-downtime", "1s"),
                               ("migrate", "--bandwidth", "1Gbit"), ("evacuate", "--parallel", "2"),
                               ("set", "--unset", "urgency"), ("get", "--connect", "test:///default"),
                               ("history", "--last", "3"), ("report", "--timelines", "3"), ("explain", "--history", "x"),
                               ("simulate", "--runs", "2"), ("calibrate", "--history", "x"), ("calibrate", "--plot", "x.svg"),
                               ("calibrate", "--since", "2d")):
    for arguments in ([option, value], [f"{option}={value}"]):
        status, output, errors = run(command, *arguments, "--nonsense")
        tap.ok(status == 2 and output == "" and errors.startswith(f"migtune {command}: '--nonsense': unknown "),
               f"{command} {' '.join(arguments)} is taken", f"{status} {output} {errors}")

with open("/dev/full", "w", encoding="ascii") as full:
    status, _, errors = run("--version", stdout=full, stderr=subprocess.PIPE)
tap.ok(status == 1 and "standard output: No space left" in errors, "a full disk is not success", f"{status} {errors}")

with tempfile.TemporaryDirectory() as directory:
    log = os.path.join(directory, "log")
    status, output, errors = run("--log", f"file:{log}", "status", plugin="/nonexistent.so")
    with open(log, encoding="ascii") as f:
        text = f.read()
    tap.ok(status == 1 and output == errors == "", "--log file: takes the messages", f"{status} {output} {errors}")
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"
    tap.ok(re.fullmatch(stamp + r" error: plugin /nonexistent\.so: .*\n", text) is not None,
           "and stamps them as RFC 3339 wants", text)

# Who runs it with other rights than its caller's must not let the caller choose the plugin.
NAME = "a set-user-id program ignores MIGTUNE_PLUGIN"
with tempfile.TemporaryDirectory() as directory:
    copy = os.path.join(directory, "migtune")
    shutil.copy(MIGTUNE, copy)
    if os.geteuid() != 0 or os.statvfs(directory).f_flag & os.ST_NOSUID:
        tap.skip(NAME, "needs root and a file system that allows it")
    else:
        os.chmod(directory, 0o755)
        os.chown(copy, 65534, 65534)
        os.chmod(copy, 0o4755)
        done = subprocess.run([copy, "anything"], env=dict(os.environ, MIGTUNE_PLUGIN=MOCK), capture_output=True, text=True,
                              check=False)
        tap.ok("mock command" not in done.stdout, NAME, f"{done.returncode} {done.stdout} {done.stderr}")
tap.finish()
