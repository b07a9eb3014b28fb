#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's qemu hook against a watcher of our own: test_hook.py HOOK CLIENT-PLUGIN

Whatever happens: exit status 0, nothing on standard output, an end in bounded time. Bounds are generous here (a loaded
machine is no failure); how fast it really is, bench_hook measures.
"""
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

HOOK, PLUGIN = (os.path.abspath(a) for a in sys.argv[1:3])
BOUND_S = 15.0  # no promise: what would hang here hangs for ever, and a busy machine may stand still for seconds
XML = "<domain type='kvm'><name>vm 1</name><title>\"Zürich\" \\ </title></domain>\n"
IGNORED = [(operation, suboperation) for operation in ("prepare", "start", "started", "reconnect", "attach", "restore")
           for suboperation in ("begin", "end")] + [("stopped", "begin"), ("release", "begin"), ("migrate", "end"), ("", ""),
                                                    ("unheard-of", "begin")]


class Watcher:
    """A stand-in for the watcher's socket: keeps requests, answers with what it is told to."""

    def __init__(self, directory, answer=b'{"ok":true}\n', accept=True):
        self.directory = directory
        self.answer = answer
        self.requests = []
        self.connections = 0
        self.kept = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(os.path.join(directory, "migtune.sock"))
        self.socket.listen(8 if accept else 0)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        if accept:
            self.thread.start()

    def serve(self):
        """Accepts until the socket is closed."""
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.kept.append(connection)
            if self.answer is None:
                continue
            line = connection.makefile("rb").readline()
            with contextlib.suppress(OSError):
                self.requests.append(json.loads(line.decode(errors="replace")))
                connection.sendall(self.answer)
                connection.close()

    def close(self):
        """Ends the thread and removes the socket."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.kept:
            connection.close()
        os.unlink(os.path.join(self.directory, "migtune.sock"))


def run(directory, arguments, **options):
    """Runs the hook. Returns (status, standard output, standard error, seconds)."""
    environment = dict(os.environ, MIGTUNE_PLUGIN=PLUGIN, MIGTUNE_RUN_DIR=directory)
    if "stdin" not in options and "input" not in options:
        options["input"] = XML.encode()
    start = time.monotonic()
    done = subprocess.run([HOOK, *arguments], env=environment, capture_output=True, timeout=60, check=False, **options)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace"), time.monotonic() - start


def harmless(tap, result, name, message=None):
    """The contract with libvirt; and, if given, the one line that says why the migration stays untuned ("" for none)."""
    status, output, errors, seconds = result
    good = status == 0 and output == b"" and seconds < BOUND_S
    if message == "":
        good = good and errors == ""
    elif message:
        good = (good and message in errors and errors.count("\n") == 1
                and errors.endswith(", leaving the migration untuned\n"))
    tap.ok(good, name, f"{result!r}, want message {message!r}")


@contextlib.contextmanager
def watching(**options):
    """A directory with a watcher in it."""
    with tempfile.TemporaryDirectory() as directory:
        watcher = Watcher(directory, **options)
        try:
            yield directory, watcher
        finally:
            watcher.close()


def test_normal(tap):
    """Each step that matters reaches the watcher, as it is."""
    with watching() as (directory, watcher):
        harmless(tap, run(directory, ["vm 1", "migrate", "begin", "-"]), "migrate begin", "")
        tap.equal(watcher.requests, [{"request": "hook", "domain": "vm 1", "operation": "migrate", "suboperation": "begin",
                                      "extra": "-", "xml": XML}], "what the watcher is told of migrate begin")
    with watching() as (directory, watcher):
        harmless(tap, run(directory, ["vm\n\"1\"", "release", "end", "migrated"]), "release end", "")
        tap.equal(watcher.requests, [{"request": "hook", "domain": "vm\n\"1\"", "operation": "release",
                                      "suboperation": "end", "extra": "migrated", "xml": ""}],
                  "what the watcher is told of release end")
        harmless(tap, run(directory, ["vm", "stopped", "end", "-"]), "stopped end", "")
        tap.equal(watcher.connections, 2, "one connection an event")


def test_ignored(tap):
    """Other steps end at once: no plugin, no socket."""
    with watching() as (directory, watcher):
        for operation, suboperation in IGNORED:
            harmless(tap, run(directory, ["vm", operation, suboperation, "-"]), f"'{operation} {suboperation}' is ignored",
                     "")
        for arguments in ([], ["vm"], ["vm", "migrate"]):
            harmless(tap, run(directory, arguments), f"{len(arguments)} arguments", "")
        tap.equal(watcher.connections, 0, "the watcher heard of none of them")


def test_bad_watcher(tap):
    """A watcher that is gone, stuck, or talks nonsense."""
    step = ["vm", "migrate", "begin", "-"]
    with tempfile.TemporaryDirectory() as directory:
        harmless(tap, run(directory, step), "no watcher",
                 f"no watcher is running (connect {directory}/migtune.sock: No such file")
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(os.path.join(directory, "migtune.sock"))
        harmless(tap, run(directory, step), "a watcher that died",
                 "Connection refused): start it with systemctl start migtune")
        harmless(tap, run(directory + "/" + "x" * 120, step), "a directory too long for a socket",
                 "longer than a socket's may be")
    with watching(answer=None) as (directory, _):
        harmless(tap, run(directory, step), "a watcher that accepts and never answers", "the watcher did not answer within")
    with watching(accept=False) as (directory, _):
        fillers = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for filler in fillers:  # fills the queue of connections, so that connect() itself has to wait
            filler.setblocking(False)
            with contextlib.suppress(OSError):
                filler.connect(os.path.join(directory, "migtune.sock"))
        harmless(tap, run(directory, step), "a watcher that never accepts", "the watcher did not answer within")
        for filler in fillers:
            filler.close()
    for answer, message in ((b"", "closed the connection without a whole reply"), (b'{"ok":tr', "without a whole reply"),
                            (b"nonsense\n", "reply is not understood: nonsense"), (b"[]\n", "reply is not understood"),
                            (b'{"ok":false,"error":"not for you"}\n', "the watcher refused: not for you"),
                            (b'{"ok":false}\n', "the watcher refused: no reason given")):
        with watching(answer=answer) as (directory, _):
            harmless(tap, run(directory, step), f"the answer {answer!r}", message)


def test_trickle(tap):
    """A watcher that sends a byte now and then does not keep the hook for ever."""
    with tempfile.TemporaryDirectory() as directory:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.join(directory, "migtune.sock"))
            server.listen(1)

            def drip():
                connection, _ = server.accept()
                with connection, contextlib.suppress(OSError):
                    for _ in range(200):
                        connection.sendall(b" ")
                        time.sleep(0.02)

            thread = threading.Thread(target=drip, daemon=True)
            thread.start()
            harmless(tap, run(directory, ["vm", "migrate", "begin", "-"]), "a watcher that trickles",
                     "did not answer within")
            thread.join()


def test_flood(tap):
    """A reply that never ends is cut off."""
    with watching(answer=b"x" * (20 << 20)) as (directory, _):
        harmless(tap, run(directory, ["vm", "migrate", "begin", "-"]), "20 MiB of reply", "the watcher")


def test_stdin(tap):
    """Standard input in every state that it may be in."""
    step = ["vm", "migrate", "begin", "-"]
    with watching() as (directory, watcher):
        harmless(tap, run(directory, step, input=b""), "empty standard input", "")
        harmless(tap, run(directory, step, stdin=subprocess.DEVNULL), "standard input is /dev/null", "")
        harmless(tap, run(directory, step, input=b"<domain>" + b"x" * (10 << 20)), "10 MiB of XML", "")
        harmless(tap, run(directory, step, input=b"<a>\x00</a>"), "XML that is not text", "")
        harmless(tap, run(directory, step, stdin=None, preexec_fn=lambda: os.close(0)), "standard input is closed", "")
        read_end, write_end = os.pipe()
        harmless(tap, run(directory, step, stdin=read_end), "standard input never ends", "")
        os.close(read_end)
        os.close(write_end)
        tap.equal([request["xml"] for request in watcher.requests], [""] * 6,
                  "what is not there, too long or not text counts as empty")
        harmless(tap, run(directory, step, input=b"<a>\xff\xfe</a>"), "XML that is not UTF-8", "")
        exact = b"<" + b"x" * ((1 << 20) - 2)
        harmless(tap, run(directory, step, input=exact), "as much XML as is read", "")
        tap.ok(watcher.requests[-1]["xml"] == exact.decode(), "and it arrives whole")


def test_descriptors(tap):
    """Closed standard output and error."""
    with watching() as (directory, _):
        def close_all():
            for descriptor in (0, 1, 2):
                os.close(descriptor)
        harmless(tap, run(directory, ["vm", "migrate", "begin", "-"], stdin=None, preexec_fn=close_all),
                 "all three descriptors closed")


tap = Tap()
for test in (test_normal, test_ignored, test_bad_watcher, test_trickle, test_flood, test_stdin, test_descriptors):
    test(tap)
tap.finish()
