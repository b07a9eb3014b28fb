#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the host programs write to syslog: test_syslog.py MIGTUNE HOOK CLIENT-PLUGIN MOCK-DIR

Runs itself again in a mount namespace where /dev/log is a socket of our own.
"""
import os
import re
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
from inside import enter, mount_over  # noqa: E402
from tap import Tap  # noqa: E402

MIGTUNE, HOOK, PLUGIN, MOCKS = (os.path.abspath(a) for a in sys.argv[1:5])
BOUND_S = 15.0  # no promise: what would hang here hangs for ever, and a busy machine may stand still for seconds
WARNING, ERROR = 24 + 4, 24 + 3  # facility daemon


def own_dev():
    """/dev with nothing but null in it. Returns the socket that is /dev/log."""
    mount_over("/dev")
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
    log.settimeout(2)
    return log


def receive(log):
    """The next line, or ""."""
    try:
        return log.recv(65536).decode()
    except TimeoutError:
        return ""


def run(program, *arguments, plugin=PLUGIN):
    """(status, standard output, seconds)."""
    environment = dict(os.environ, MIGTUNE_PLUGIN=plugin, MIGTUNE_RUN_DIR="/nonexistent")
    start = time.monotonic()
    done = subprocess.run([program, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=30, check=False)
    return done.returncode, done.stdout, time.monotonic() - start


def like(tap, line, pattern, name):
    """A syslog line as a regular expression: priority, time stamp, the rest."""
    tap.ok(re.fullmatch(pattern, line.rstrip("\n\0")) is not None, name, repr(line))


def fill(log):
    """Makes the socket take no more, as when the log daemon hangs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect("/dev/log")
        sender.setblocking(False)
        for _ in range(100000):
            try:
                sender.send(b"x" * 1000)
            except BlockingIOError:
                return True
    return False


enter()
tap = Tap()
syslog = own_dev()
STAMP = r"\w{3} [ \d]\d \d\d:\d\d:\d\d "

run(HOOK, "vm", "migrate", "begin", "-")
like(tap, receive(syslog), rf"<{WARNING}>{STAMP}migtune-hook\[\d+\]: domain 'vm', migrate begin: no watcher is running .*, "
                           "leaving the migration untuned", "the hook's line")
run(HOOK, "vm", "release", "end", "-")
like(tap, receive(syslog), rf"<30>{STAMP}migtune-hook\[\d+\]: domain 'vm', release end: no watcher .*",
     "a domain's end that nobody hears of is no warning")
status, output, seconds = run(HOOK, "vm", "migrate", "begin", "-", plugin=os.path.join(MOCKS, "mock_hangs.so"))
like(tap, receive(syslog), rf"<{WARNING}>migtune-hook\[\d+\]: domain 'vm', migrate: not done after \d+ ms, "
                           "leaving the migration untuned", "the hook's last words when the plugin hangs")
tap.ok(status == 0 and output == b"" and seconds < BOUND_S, "and its end", f"{status} {output} {seconds}")
run(MIGTUNE, "--log", "syslog", "status", plugin="/nonexistent.so")
like(tap, receive(syslog), rf"<{ERROR}>{STAMP}migtune\[\d+\]: plugin /nonexistent\.so: .*", "the command's line")
if fill(syslog):
    status, output, seconds = run(HOOK, "vm", "migrate", "begin", "-")
    tap.ok(status == 0 and output == b"" and seconds < BOUND_S, "a log daemon that hangs does not hold the hook",
           f"{status} {output} {seconds}")
else:
    tap.skip("a log daemon that hangs does not hold the hook", "its socket never fills here")
tap.finish()
