# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a person sees while the lab works: steps with elapsed times, and a running migration."""
import sys
import time

BAR_WIDTH = 28
LINE_EVERY_S = 2.0
RATE_OVER_S = 1.0
MIB = 1048576


class Progress:
    """Prints steps, each with the time since the start."""

    def __init__(self, stream=sys.stdout, start=None):
        self._stream = stream
        self._start = start or time.time()
        self._is_terminal = stream.isatty()

    @property
    def started(self):
        """When the clock began (time.time())."""
        return self._start

    def step(self, text):
        """One line of progress."""
        self._stream.write(f"[{time.time() - self._start:6.1f} s] {text}\n")
        self._stream.flush()

    def migration(self, label, traffic=None):
        """A callback for Migration's progress: a bar that moves on a terminal, a line now and then elsewhere."""
        return MigrationProgress(self, label, traffic, self._stream, self._is_terminal)


class MigrationProgress:
    """Shows a migration's samples as they come."""

    def __init__(self, progress, label, traffic, stream, is_terminal):
        self._progress, self._label, self._traffic = progress, label, traffic
        self._stream, self._is_terminal = stream, is_terminal
        self._samples = []
        self._job = None
        self._next_line = 0.0
        self._drawn = False

    def __call__(self, sample):
        self._samples.append(sample)
        self._job = sample.job or self._job
        if not self._job or (not self._is_terminal and sample.time < self._next_line):
            return
        self._next_line = sample.time + LINE_EVERY_S
        text = self._text(sample)
        if self._is_terminal:
            self._stream.write(f"\r{text}\x1b[K")
            self._stream.flush()
            self._drawn = True
        else:
            self._progress.step(text.strip())

    def _text(self, sample):
        job = self._job
        done = 1 - job["memory_remaining"] / job["memory_total"] if job.get("memory_total") else 0.0
        filled = round(done * BAR_WIDTH)
        text = (f"{self._label:8} [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {done:4.0%}  "
                f"{sample.time - self._samples[0].time:5.1f} s  iteration {job.get('memory_iteration', 0):2}  "
                f"{job['memory_remaining'] / MIB:5.0f} MiB to go  {self._rate():4.0f} Mbit/s")
        intervals = self._traffic.intervals() if self._traffic else []
        return text + (f"  background {intervals[-1].mbit_per_s:4.0f} Mbit/s" if intervals else "")

    def _rate(self):
        last = self._samples[-1]
        first = next(sample for sample in self._samples if sample.time >= last.time - RATE_OVER_S)
        elapsed = last.time - first.time
        return (last.to_target - first.to_target) * 8e-6 / elapsed if elapsed else 0.0

    def close(self):
        """Leave the bar's line."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
