# SPDX-License-Identifier: LGPL-2.1-or-later
"""When the machine under the lab stood still: its hypervisor held a processor back, for seconds now and then.

A process on each processor, of a real-time priority above all that the lab starts, wakes every 10 ms and tells when it woke
late. No load of the tests' own can do that, however busy they keep the machine, so what is seen is the machine's doing:
in that time rates fall, timeouts expire and clients see blackouts that no migration made.
"""
import collections
import os
import subprocess
import sys
import threading
import time

PRIORITY = 50
EVERY_S = 0.01
LATE_S = 0.04  # a kernel without preemption may hold a processor for some ms
LATE_ORDINARY_S = 0.5  # without the right to a real-time priority: what a busy machine hardly does
END_TIMEOUT_S = 5

Standstill = collections.namedtuple("Standstill", "start end")


class Standstills:
    """Watches from start() to stop()."""

    def __init__(self):
        self._all = []
        self._lock = threading.Lock()
        self._process = self._reader = None

    def start(self):
        """Begin to watch."""
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            start, end = map(float, line.split())
            with self._lock:
                self._all.append(Standstill(start, end))

    def during(self, start, end=float("inf")):
        """Those that overlap a span of time (time.time()). One that has just ended is told within 0.1 s."""
        with self._lock:
            return [still for still in self._all if still.start < end and still.end > start]

    def seconds(self, start, end=float("inf")):
        """How long the machine stood still in a span: the longest time. 0: it did not."""
        return max((still.end - still.start for still in self.during(start, end)), default=0.0)

    def stop(self):
        """Stop watching."""
        if self._process:
            self._process.stdin.close()  # the sign to end, also when this process dies
            self._process.wait(END_TIMEOUT_S)
            self._reader.join()
            self._process.stdout.close()
            self._process = None


def watch(processor):
    """Tell on standard output when this processor stood still; never returns."""
    os.sched_setaffinity(0, {processor})
    late = LATE_S
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        late = LATE_ORDINARY_S
    while True:
        before = time.monotonic()
        time.sleep(EVERY_S)
        lost = time.monotonic() - before - EVERY_S
        if lost > late:
            now = time.time()
            os.write(sys.stdout.fileno(), f"{now - lost:.3f} {now:.3f}\n".encode("ascii"))


def main():
    """A watching process on each processor, until standard input ends."""
    children = []
    for processor in os.sched_getaffinity(0):
        child = os.fork()
        if child == 0:
            watch(processor)
        children.append(child)
    sys.stdin.read()
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
