#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""migtune status, and --follow on a terminal, in a pipe and as JSON, of a made-up watcher. test_follow.py MIGTUNE PLUGIN"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import socketserver
import subprocess
import sys
import tempfile
import termios
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
from tap import Tap  # noqa: E402
from terminal import read, resize  # noqa: E402

MIGTUNE, PLUGIN = (os.path.abspath(a) for a in sys.argv[1:3])
ENVIRONMENT = dict(os.environ, MIGTUNE_PLUGIN=PLUGIN, TERM="xterm")
PATIENCE_S = 30


def running(name="vm1", **more):
    """An entry of the status: a migration that runs."""
    entry = {"id": f"20261120T061500.123Z-{name}", "domain": name, "uuid": f"uuid-of-{name}", "destination": "host-b",
             "state": "copying", "mode": "enforce", "iteration": 3, "elapsed_ms": 4000, "remaining_bytes": 1 << 30,
             "dirty_rate_mbps": 45.0, "rate_mbps": 231.2, "facts": {"memory_bytes": 4 << 30},
             "plan": {"lambda": 0.18, "bandwidth_mbps": 250.0, "limit_met": True,
                      "prediction": {"total_ms": 12200, "downtime_ms": 240, "bytes": 5 << 30, "iterations": 4}},
             "reasons": ["because"]}
    entry.update(more)
    return entry


def waiting(name="vm2"):
    """An entry of the status: a call that waits."""
    return {"domain": name, "uuid": f"uuid-of-{name}", "destination": "host-c", "state": "waiting", "position": 1,
            "since": "2026-11-20T06:15:00.000Z", "waited_ms": 12300, "waits_for": "vm1, which runs on eth0"}


class Watcher:
    """Answers each request on RUN_DIR/migtune.sock with `status`, between start() and stop()."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "migtune.sock")
        self.status = {"host": "host-a", "mode": "enforce", "libvirt": True, "migrations": [], "classes": []}
        self.asked = 0
        self._server = None

    def start(self):
        """Begins to answer."""
        watcher = self

        class Handler(socketserver.StreamRequestHandler):
            """One connection."""

            def handle(self):
                if json.loads(self.rfile.readline()) == {"request": "status"}:
                    watcher.asked += 1
                    self.wfile.write(json.dumps(watcher.status).encode() + b"\n")

        self._server = socketserver.ThreadingUnixStreamServer(self.path, Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        """Goes away, with its socket."""
        self._server.shutdown()
        self._server.server_close()
        os.unlink(self.path)


class Screen:
    """What a terminal shows of the few sequences that are used; any other one is a failure."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines, self.row, self.column = [""] * rows, 0, 0
        self.scrolled = 0
        self.strange = []
        self.controls = 0

    def _control(self, number, what):
        self.controls += 1
        if what == "A":
            self.row = max(self.row - int(number or 1), 0)
        elif what == "K":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif what == "J":
            self.lines[self.row] = self.lines[self.row][:self.column]
            self.lines[self.row + 1:] = [""] * (self.rows - self.row - 1)
            if number == "2":
                self.lines = [""] * self.rows
        elif what == "H":
            self.row = self.column = 0
        elif what != "m":
            self.strange.append((number, what))

    def _put(self, character):
        if self.column == self.columns:
            self._newline()
            self.column = 0
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + character + line[self.column + 1:]
        self.column += 1

    def _newline(self):
        self.row += 1
        if self.row == self.rows:
            self.lines = self.lines[1:] + [""]
            self.row -= 1
            self.scrolled += 1

    def feed(self, text):
        """Takes what was written."""
        for number, what, plain in re.findall(r"\033\[([0-9;]*)([A-Za-z])|([^\033]|\033)", text):
            if what:
                self._control(number, what)
            elif plain == "\r":
                self.column = 0
            elif plain == "\n":
                self._newline()
            elif plain.isprintable():
                self._put(plain)
            else:
                self.strange.append(plain)

    def text(self):
        """The lines that are not empty."""
        return [line.rstrip() for line in self.lines if line.strip()] or ["(nothing)"]


class Terminal:
    """migtune on a terminal of its own."""

    def __init__(self, *arguments, columns=80, rows=24, term="xterm"):
        self.master, slave = pty.openpty()
        self.screen = Screen(columns, rows)
        self.resize(columns, rows)
        # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
        self.process = subprocess.Popen(
            [MIGTUNE, *arguments], env=dict(ENVIRONMENT, TERM=term), stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def resize(self, columns, rows):
        """As if a window was resized."""
        resize(self.master, columns, rows)

    def _read(self, seconds):
        """What comes within so long; None at its end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return ""
        return read(self.master).decode(errors="replace") or None

    def wait(self, condition):
        """Reads until condition(screen lines) holds. Returns whether it did."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            text = self._read(0.2)
            if text is None:
                return False
            self.screen.feed(text)
            if condition(self.screen.text()):
                return True
        return False

    def key(self, key):
        """Presses one."""
        os.write(self.master, key)

    def end(self):
        """Reads what is left. Returns the exit status."""
        while (text := self._read(PATIENCE_S)) is not None:
            self.screen.feed(text)
        os.close(self.master)
        return self.process.wait(PATIENCE_S)


def check_terminal(tap, directory, watcher):
    """The picture in place: from the first status by way of a restart to Ctrl-C."""
    watcher.status["migrations"] = [running(), waiting()]
    watcher.start()
    terminal = Terminal("--run-dir", directory, "status", "--follow")
    want = ["host-a: mode enforce, libvirt connected, 2 migrations",
            "vm1 -> host-b: copying, iteration 3",
            "  [" + "#" * 29 + "." * 9 + "]  75 %  1.0 GiB of 4.0 GiB remain",
            "  231.2 Mbit/s of 250.0 Mbit/s planned, dirtied at 45.0 Mbit/s, lambda 0.180",
            "  predicted end in 8.2 s, blackout 240 ms",
            "vm2 -> host-c: waiting for 12.3 s, place 1",
            "  since 2026-11-20T06:15:00.000Z, for: vm1, which runs on eth0"]
    tap.ok(terminal.wait(lambda lines: len(lines) == 7), "a block for each", terminal.screen.text())
    lines = terminal.screen.text()
    tap.equal(lines, want, "its lines")
    tap.ok(all(len(line) < 80 for line in lines), "80 columns are enough")
    watcher.status["migrations"] = [running(state="switchover", iteration=5, remaining_bytes=1 << 20, elapsed_ms=13000)]
    tap.ok(terminal.wait(lambda lines: len(lines) == 5 and "switchover, iteration 5" in lines[1]), "it is drawn over itself",
           terminal.screen.text())
    tap.equal((terminal.screen.text()[-1], terminal.screen.scrolled), ("  800 ms later than predicted, blackout 240 ms", 0),
              "later than predicted")
    watcher.stop()
    tap.ok(terminal.wait(lambda lines: len(lines) == 1 and lines[0].startswith("no watcher: ")), "one that goes is told",
           terminal.screen.text())
    watcher.status["migrations"] = []
    watcher.start()
    tap.ok(terminal.wait(lambda lines: lines == ["host-a: mode enforce, libvirt connected, 0 migrations"]),
           "and waited for", terminal.screen.text())
    terminal.key(b"\x03")
    status = terminal.end()
    tap.equal((status, terminal.screen.column, terminal.screen.strange), (0, 0, []), "Ctrl-C ends it well")
    watcher.stop()


def check_small_terminal(tap, directory, watcher):
    """More migrations than fit, and another size meanwhile."""
    watcher.status["migrations"] = [running(f"vm{i}") for i in range(30)]
    watcher.start()
    terminal = Terminal("--run-dir", directory, "status", "--follow", columns=40, rows=12)
    tap.ok(terminal.wait(lambda lines: any("more" in line for line in lines)), "more than fit")
    asked = watcher.asked
    terminal.wait(lambda lines: watcher.asked > asked + 1)
    lines = terminal.screen.text()
    tap.ok(lines[-1] == "... and 22 more" and len(lines) == 11 and terminal.screen.scrolled == 0, "are counted", lines)
    tap.ok(all(len(line) < 40 for line in lines), "lines are cut to the width", lines)
    terminal.resize(100, 20)
    terminal.screen.columns = 100
    terminal.screen.lines += [""] * 8
    terminal.screen.rows = 20
    tap.ok(terminal.wait(lambda lines: lines[-1] == "... and 14 more" and len(lines) == 19),
           "another size is followed", terminal.screen.text())
    os.kill(terminal.process.pid, signal.SIGTERM)
    tap.equal((terminal.end(), terminal.screen.scrolled), (0, 0), "SIGTERM ends it well")
    watcher.stop()


def check_many(tap, directory, watcher):
    """On 80x24: blocks while they fit, else a row each."""
    watcher.status["migrations"] = [running(f"instance-{i:08x}") for i in range(5)] + [waiting()]
    watcher.start()
    terminal = Terminal("--run-dir", directory, "status", "--follow")
    tap.ok(terminal.wait(lambda lines: len(lines) == 23), "five blocks and one that waits fit", terminal.screen.text())
    watcher.status["migrations"] = ([running(f"instance-{i:08x}") for i in range(18)] +
                                    [running("late", elapsed_ms=99000), waiting(),
                                     running("lost", state="broken", recovery={"text": "post-copy broke; trying again"})])
    tap.ok(terminal.wait(lambda lines: lines[1].startswith("DOMAIN ") and lines[-1].startswith("lost ")),
           "more than that are rows", terminal.screen.text())
    lines = terminal.screen.text()
    tap.equal(lines[1:3] + lines[20:],
              ["DOMAIN                 STATE      ROUND  DONE REMAINING         RATE  ENDS IN",
               "instance-00000000      copying        3  75 %   1.0 GiB 231.2 Mbit/s    8.2 s",
               "late                   copying        3  75 %   1.0 GiB 231.2 Mbit/s     late",
               "vm2                    waiting    place 1: vm1, which runs on eth0",
               "lost                   broken     post-copy broke; trying again"], "their lines")
    tap.ok(len(lines) == 23 and all(len(line) < 80 for line in lines) and terminal.screen.scrolled == 0, "all on one screen",
           lines)
    terminal.key(b"\x03")
    tap.equal((terminal.end(), terminal.screen.strange), (0, []), "rows: Ctrl-C")
    watcher.stop()


def check_widths(tap, directory, watcher):
    """Narrow and wide: nothing that matters is cut off."""
    name = "instance-0000001a-of-a-tenant-with-a-long-name"
    watcher.status["migrations"] = [running(name, destination="compute-0042.region-one.example.org")]
    watcher.start()
    for columns, want in ((60, ["  [" + "#" * 14 + "." * 4 + "]  75 %  1.0 GiB of 4.0 GiB remain",
                                "  231.2 Mbit/s of 250.0 Mbit/s, D 45.0 Mbit/s, lambda 0.180"]),
                          (200, ["  [" + "#" * 29 + "." * 9 + "]  75 %  1.0 GiB of 4.0 GiB remain",
                                 "  231.2 Mbit/s of 250.0 Mbit/s planned, dirtied at 45.0 Mbit/s, lambda 0.180"])):
        terminal = Terminal("--run-dir", directory, "status", "--follow", columns=columns)
        tap.ok(terminal.wait(lambda lines: len(lines) == 5), f"{columns} columns", terminal.screen.text())
        lines = terminal.screen.text()
        tap.equal(lines[2:4], want, f"{columns} columns: its rates")
        tap.ok(lines[1].endswith(": copying, iteration 3") and " -> c" in lines[1]
               and (columns == 60 or name in lines[1]), f"{columns} columns: state and both names", lines[1])
        tap.ok(all(len(line) < columns for line in lines), f"{columns} columns are not exceeded", lines)
        terminal.key(b"\x03")
        terminal.end()
    watcher.stop()


def check_dumb(tap, directory, watcher):
    """A terminal that cannot go back up gets a line for each change."""
    watcher.status["migrations"] = [running()]
    watcher.start()
    for term in ("dumb", ""):
        terminal = Terminal("--run-dir", directory, "status", "--follow", columns=200, term=term)
        tap.ok(terminal.wait(lambda lines: len(lines) == 2 and " vm1: copying, iteration 3, 75 %" in lines[1]),
               f"TERM={term}: lines", terminal.screen.text())
        os.kill(terminal.process.pid, signal.SIGTERM)
        tap.equal((terminal.end(), terminal.screen.strange, terminal.screen.controls), (0, [], 0),
                  f"TERM={term}: no sequences at all")
    watcher.stop()


def check_hostile(tap, directory, watcher):
    """Names that would like to do something."""
    evil = "\x1b[2J\x1b]0;x\x07\x9b31m\u202eevil\r\n"
    watcher.status["migrations"] = [running(evil, state=evil, destination=evil), waiting(evil)]
    watcher.status["host"] = evil
    watcher.start()
    terminal = Terminal("--run-dir", directory, "status", "--follow")
    tap.ok(terminal.wait(lambda lines: any("evil" in line for line in lines)), "a name with control characters is shown")
    terminal.key(b"\x03")
    tap.equal((terminal.end(), terminal.screen.strange), (0, []), "and does nothing")
    for arguments in (["status"], ["status", "--json"], ["explain", evil], ["explain", "--json", evil]):
        once = Terminal("--run-dir", directory, *arguments)
        tap.equal((once.end(), once.screen.strange), (0, []), f"nor in {' '.join(arguments)!r}")
        tap.ok(any("evil" in line for line in once.screen.text()), "where it is shown, too", once.screen.text())
    watcher.status["host"] = "host-a"
    watcher.stop()


def start(directory, *arguments):
    """migtune with its output in a pipe."""
    # pylint: disable=consider-using-with
    return subprocess.Popen([MIGTUNE, "--run-dir", directory, "status", "--follow", *arguments], env=ENVIRONMENT, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def check_pipe(tap, directory, watcher):
    """A line for each change."""
    process = start(directory)

    def line():
        return re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", "", process.stdout.readline())

    tap.equal(line(), f"no watcher: {watcher.path}: No such file or directory; waiting for one\n", "pipe: no watcher yet")
    watcher.status["migrations"] = [running()]
    watcher.start()
    tap.equal(line(), "host-a: mode enforce, libvirt connected, 1 migration\n", "pipe: a watcher")
    first = ("vm1: copying, iteration 3, 75 %, 1.0 GiB remain, 231.2 Mbit/s of 250.0 Mbit/s, dirtied at 45.0 Mbit/s, "
             "lambda 0.180, blackout 240 ms\n")
    tap.equal(line(), first, "pipe: a migration")
    asked = watcher.asked
    while watcher.asked < asked + 2:
        time.sleep(0.05)
    watcher.status["migrations"] = [running(iteration=4)]
    tap.equal(line(), first.replace("iteration 3", "iteration 4"), "pipe: the next line is the next change")
    watcher.status["migrations"] = []
    tap.equal(line(), "host-a: mode enforce, libvirt connected, 0 migrations\n", "pipe: the head changes")
    tap.equal(line(), "vm1: over; migtune explain tells more\n", "pipe: one that ended")
    process.send_signal(signal.SIGINT)
    tap.equal((process.wait(PATIENCE_S), process.stdout.read(), process.stderr.read()), (0, "", ""), "pipe: SIGINT ends it")
    watcher.stop()


def check_json(tap, directory, watcher):
    """An object a second."""
    watcher.status["migrations"] = [running()]
    watcher.start()
    process = start(directory, "--json")
    objects = [json.loads(process.stdout.readline()) for _ in range(2)]
    tap.equal(objects, [watcher.status] * 2, "--json: the status, again and again")
    watcher.stop()
    while "error" not in (last := json.loads(process.stdout.readline())):
        pass
    tap.ok(last["error"].startswith("no watcher: ") and list(last) == ["error"], "--json: no watcher", last)
    process.stdout.close()
    tap.equal((process.wait(PATIENCE_S), process.stderr.read()), (0, ""), "--json: it ends when nobody reads on")


def check_once(tap, directory, watcher):
    """Without --follow: what programs and people get, and answers that are none."""
    def run(*arguments):
        done = subprocess.run([MIGTUNE, "--run-dir", directory, "status", *arguments], env=ENVIRONMENT, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S, check=False)
        return done.returncode, done.stdout, done.stderr

    status, output, errors = run()
    tap.ok(status == 1 and output == "" and errors.startswith("migtune status: no watcher is running"), "once: no watcher",
           f"{status} {output} {errors}")
    watcher.status["migrations"] = [running(), waiting(), {"domain": 7, "plan": [], "facts": None}]
    watcher.start()
    status, output, errors = run()
    lines = output.splitlines()
    tap.ok(status == 0 and errors == "" and len(lines) == 5 and lines[1].startswith("DOMAIN "), "once: a table", output)
    tap.equal(lines[2].split(), "vm1 copying 3 4.0 s 1.0 GiB 45.0 Mbit/s 0.180 250.0 Mbit/s 12.2 s".split(), "once: its row")
    tap.ok("place 1 since 2026-11-20T06:15:00.000Z: vm1, which runs on eth0" in lines[3], "once: one that waits", lines[3])
    tap.equal(json.loads(run("--json")[1]), watcher.status, "once: --json")
    good = watcher.status
    for nonsense in ({"error": "oh\x1b[1m"}, [], {"migrations": 7}, "x"):
        watcher.status = nonsense
        status, output, errors = run()
        tap.ok(status == 1 and output == "" and errors.startswith("migtune status: the watcher's answer: ")
               and errors.count("\n") == 1 and "\x1b" not in errors, f"once: the answer {nonsense!r}", f"{output} {errors}")
    watcher.status = good
    watcher.stop()
    tap.equal(run("--fol\x1blow"), (2, "", "migtune status: '--fol?low': unknown argument, see migtune status --help\n"),
              "once: an unknown argument")
    status, output, errors = run("--help")
    tap.ok(status == 0 and output.startswith("usage: migtune status [--follow] [--json]\n") and errors == "", "once: --help")
    long_path = os.path.join(directory, "x" * 200)
    done = subprocess.run([MIGTUNE, "--run-dir", long_path, "status", "--follow"], env=ENVIRONMENT, text=True,
                          capture_output=True, timeout=PATIENCE_S, check=False)
    tap.ok(done.returncode == 1 and done.stderr.count("\n") == 1 and "longer than a socket's may be" in done.stderr,
           "what cannot get better is not waited for", f"{done.returncode} {done.stdout} {done.stderr}")


def main():
    """All of it."""
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        watcher = Watcher(directory)
        for check in (check_terminal, check_small_terminal, check_many, check_widths, check_dumb, check_hostile, check_pipe,
                      check_json, check_once):
            check(tap, directory, watcher)
    tap.finish()


if __name__ == "__main__":
    main()
