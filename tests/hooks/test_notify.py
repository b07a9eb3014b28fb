#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the watcher tells a service manager: test_notify.py MIGTUNE PLUGIN LIBSYSTEMD(0|1)

The manager is a socket of this test; libvirt is its own test driver, whose guests exist in memory alone.
"""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

MIGTUNE, PLUGIN, HAS_LIBSYSTEMD = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3] == "1"
PATIENCE_S = 60
PERIOD_US = 200000
RELOADS = 5
CONF = 'mode = "observe";\nhistory = { file = ""; };\n'


class Manager:
    """A service manager: starts the watcher, and hears what it says."""

    def __init__(self, directory, conf, environment):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = os.path.join(directory, "notify")
        self.socket.bind(path)
        self.socket.settimeout(PATIENCE_S)
        self.heard = []
        environment = {**os.environ, "MIGTUNE_PLUGIN": PLUGIN, "NOTIFY_SOCKET": path, **environment}
        self.watcher = subprocess.Popen(
            [MIGTUNE, "watch", "--config", conf, "--run-dir", os.path.join(directory, "run"), "--log", "stderr",
             "--connect", "test:///default"], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)

    def wait(self, what):
        """The next message that has a line what, as a dictionary; {} when none comes."""
        try:
            while True:
                text = self.socket.recv(4096).decode()
                self.heard.append(text)
                lines = dict(line.split("=", 1) for line in text.splitlines())
                if what in lines:
                    return lines
        except TimeoutError:
            return {}

    def stop(self):
        """End the watcher; (status, log)."""
        self.watcher.send_signal(signal.SIGTERM)
        _, log = self.watcher.communicate(timeout=PATIENCE_S)
        self.socket.close()
        return self.watcher.returncode, log


def check_without(tap, directory, conf):
    """Where nobody listens nothing is said, and all else works."""
    manager = Manager(directory, conf, {"NOTIFY_SOCKET": os.path.join(directory, "nobody")})
    deadline = time.monotonic() + PATIENCE_S
    while not os.path.exists(os.path.join(directory, "run", "migtune.sock")) and time.monotonic() < deadline:
        time.sleep(0.01)
    status, log = manager.stop()
    tap.equal(status, 0, "a manager that does not listen is no error")
    tap.ok("notify" not in log.lower() and "watchdog" not in log, "and not worth a message", log)


def check_life(tap, directory, conf):
    """Ready, fed, reloading, stopping."""
    manager = Manager(directory, conf, {"WATCHDOG_USEC": str(PERIOD_US)})
    ready = manager.wait("READY")
    tap.equal(ready.get("STATUS"), "watching test:///default, mode observe", "ready, with its state in words")
    tap.ok(all(manager.wait("WATCHDOG") for _ in range(3)), "the watchdog is fed", manager.heard)
    in_time = []
    for _ in range(RELOADS):
        asked_us = time.monotonic_ns() // 1000
        os.kill(manager.watcher.pid, signal.SIGHUP)
        in_time.append(int(manager.wait("RELOADING").get("MONOTONIC_USEC", "0")) >= asked_us)
        tap.equal(manager.wait("READY").get("STATUS"), "watching test:///default, mode observe", "a reload ends")
    tap.equal(in_time, [True] * RELOADS, "it is told with its time, which is not before the signal")
    with open(conf, "a", encoding="ascii") as f:
        f.write("nonsense = 1;\n")
    os.kill(manager.watcher.pid, signal.SIGHUP)
    manager.wait("RELOADING")
    tap.ok("refused" in manager.wait("READY").get("STATUS", ""), "a refused configuration is in the state", manager.heard)
    manager.watcher.send_signal(signal.SIGTERM)
    tap.equal(manager.wait("STOPPING").get("STOPPING"), "1", "the end is told")
    status, log = manager.stop()
    tap.equal(status, 0, f"and comes: {log.splitlines()[-1:]}")


def check_no_watchdog(tap, directory, conf):
    """A manager without a watchdog, or one that watches another process, is not fed."""
    manager = Manager(directory, conf, {"WATCHDOG_USEC": str(PERIOD_US), "WATCHDOG_PID": "1"})
    manager.wait("READY")
    time.sleep(3 * PERIOD_US / 1e6)
    manager.watcher.send_signal(signal.SIGTERM)
    manager.wait("STOPPING")
    manager.stop()
    tap.ok(not any("WATCHDOG" in text for text in manager.heard), "another process's watchdog is not fed", manager.heard)


tap_ = Tap()
for number, check in enumerate((check_without, *((check_life, check_no_watchdog) if HAS_LIBSYSTEMD else ()))):
    with tempfile.TemporaryDirectory() as scratch:
        conf_path = os.path.join(scratch, "migtune.conf")
        with open(conf_path, "w", encoding="ascii") as conf_file:
            conf_file.write(CONF)
        check(tap_, scratch, conf_path)
if not HAS_LIBSYSTEMD:
    tap_.skip("what a manager hears", "built without libsystemd")
tap_.finish()
