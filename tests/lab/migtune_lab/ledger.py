# SPDX-License-Identifier: LGPL-2.1-or-later
"""What migrations that run at the same time are given, all together."""
import contextlib
import threading

from .process import LabError

LOOK_S = 0.25


class Ledger:
    """Looks at the watcher all the time: the sum of the rates that are planned, and how many run at the same time."""

    def __init__(self, bench, host):
        self.most_mbps, self.most_running, self.waited = 0.0, 0, set()
        self._bench, self._host, self._over = bench, host, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def line(self):
        """What it saw, for people."""
        return (f"at most {self.most_mbps:.0f} Mbit/s planned, {self.most_running} at the same time; "
                f"waited: {', '.join(sorted(self.waited)) or 'nobody'}")

    def _look(self):
        while not self._over.wait(LOOK_S):
            with contextlib.suppress(LabError, ValueError):
                jobs = self._bench.status(self._host)["migrations"]
                running = [job for job in jobs if job["state"] != "waiting"]
                self.waited |= {job["domain"] for job in jobs if job["state"] == "waiting"}
                self.most_running = max(self.most_running, len(running))
                self.most_mbps = max(self.most_mbps, sum(job["plan"]["bandwidth_mbps"] for job in running))
