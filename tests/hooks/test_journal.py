#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Outcome records and systemd's journal: test_journal.py MIGTUNE MOCK-DIR HAS-LIBSYSTEMD(0|1)

Runs itself again in a mount namespace where the journal's sockets and /dev/log are our own.
"""
import os
import re
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
from inside import enter, mount_over  # noqa: E402
from tap import Tap  # noqa: E402

MIGTUNE, MOCKS = (os.path.abspath(a) for a in sys.argv[1:3])
HAS_LIBSYSTEMD = sys.argv[3] == "1"
JOURNAL = "/run/systemd/journal"
FIELDS = {"MESSAGE": '@cee: {"id":1}', "PRIORITY": "6", "SYSLOG_FACILITY": "3", "SYSLOG_IDENTIFIER": "migtune",
          "MIGTUNE_ID": "1", "MIGTUNE_DOMAIN": "a b=c", "MIGTUNE_ERROR": "two\nlines"}


def listen(path):
    """A datagram socket there."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    sock.setblocking(False)
    return sock


def receive(sock):
    """All that has arrived."""
    got = []
    try:
        while True:
            got.append(sock.recv(65536))
    except BlockingIOError:
        return got


def entry(data):
    """The journal's native format: NAME=value and a newline, or NAME, a newline, 8 bytes of length, the value, a newline."""
    fields = {}
    while data:
        line, _, rest = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if equals:
            data = rest
        else:
            size = int.from_bytes(rest[:8], "little")
            value, data = rest[8:8 + size], rest[9 + size:]
        fields[name.decode()] = value.decode()
    return fields


def record(log, stderr=subprocess.PIPE, journal_stream=None):
    """Lets the command send a record. Returns its standard error."""
    environment = {k: v for k, v in os.environ.items() if k != "JOURNAL_STREAM"}
    environment["MIGTUNE_PLUGIN"] = os.path.join(MOCKS, "mock_good.so")
    if journal_stream is not None:
        environment["JOURNAL_STREAM"] = journal_stream
    done = subprocess.run([MIGTUNE, "--log", log, "status", "record"], env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=stderr, timeout=30, check=True)
    return (done.stderr or b"").decode()


def check_entry(tap, got, name):
    """One entry with its fields."""
    if not tap.equal(len(got), 1, f"{name}: one entry"):
        return
    fields = entry(got[0])
    tap.equal({k: v for k, v in fields.items() if k in FIELDS}, FIELDS, f"{name}: its fields")
    tap.ok(re.fullmatch("[0-9a-f]{32}", fields.get("MESSAGE_ID", "")), f"{name}: its message's ID", fields)
    tap.equal([k for k in fields if k.startswith("CODE_")], [], f"{name}: nothing of our sources")


def link_log(target):
    """/dev/log leads there."""
    if os.path.lexists("/dev/log"):
        os.unlink("/dev/log")
    os.symlink(target, "/dev/log")


def check_with_journal(tap, journal, syslog):
    """journald collects for syslog: one entry, and no line."""
    record("syslog")
    check_entry(tap, receive(journal), "syslog that is the journal's")
    tap.equal(receive(syslog), [], "and no line beside it")
    with tempfile.TemporaryFile() as stream:
        st = os.fstat(stream.fileno())
        record("stderr", stderr=stream, journal_stream=f"{st.st_dev}:{st.st_ino}")
        check_entry(tap, receive(journal), "standard error that is the journal's")
        stream.seek(0)
        tap.equal(stream.read(), b"", "and no line beside it")
    tap.equal((record("stderr", journal_stream="1:2"), receive(journal)), ('migtune: @cee: {"id":1}\n', []),
              "standard error that was redirected: a line")


def check_without(tap, journal, syslog):
    """Others' syslog, or no journald: a line."""
    line = re.compile(rb'<30>.* migtune\[\d+\]: @cee: \{"id":1\}\0?')
    other = listen("/dev/other-log")
    link_log("/dev/other-log")
    record("syslog")
    got = receive(other)
    tap.ok(len(got) == 1 and line.fullmatch(got[0]), "another syslog daemon gets a line", got)
    tap.equal(receive(journal), [], "and the journal nothing: that daemon may be collecting from it")
    link_log(f"{JOURNAL}/dev-log")
    os.unlink(f"{JOURNAL}/socket")
    record("syslog")
    got = receive(syslog)
    tap.ok(len(got) == 1 and line.fullmatch(got[0]), "without the journal's own socket: a line", got)
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    dead.bind(f"{JOURNAL}/socket")
    dead.close()
    record("syslog")
    got = receive(syslog)
    tap.ok(len(got) == 1 and line.fullmatch(got[0]), "when nobody answers there: a line", got)


def main():
    """All of it."""
    enter()
    tap = Tap()
    mount_over("/dev")
    mount_over("/run")
    journal, syslog = listen(f"{JOURNAL}/socket"), listen(f"{JOURNAL}/dev-log")
    link_log(f"{JOURNAL}/dev-log")
    if HAS_LIBSYSTEMD:
        check_with_journal(tap, journal, syslog)
    else:
        tap.skip("records with their fields in the journal", "built without libsystemd")
    check_without(tap, journal, syslog)
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "log")
        record(f"file:{path}", journal_stream="1:2")
        with open(path, encoding="utf-8") as f:
            tap.ok(f.read().endswith(' @cee: {"id":1}\n'), "a file gets a line")
    tap.finish()


if __name__ == "__main__":
    main()
