# SPDX-License-Identifier: LGPL-2.1-or-later
"""Background traffic between two stations of the lab, with the goodput its receiver sees."""
import collections
import itertools
import re
import subprocess
import threading
import time

from .process import LabError, end, wait_for

INTERVAL_S = 0.5
LONGEST_S = 600  # no load without an end
START_TIMEOUT_S = 20
_FIRST_PORT = 5201
_ports = itertools.count(_FIRST_PORT)
# [  5]   0.50-1.00   sec  41.7 MBytes   700 Mbits/sec
_LINE = re.compile(r"^\[\s*\d+\]\s+(\d+\.\d+)-(\d+\.\d+)\s+sec\s+\S+\s+\S+\s+(\S+) Mbits/sec")

Interval = collections.namedtuple("Interval", "start end mbit_per_s")


class Traffic:
    """One TCP stream from a station to another, at most mbit_per_s; runs from start() to stop().

    The kernel paces it (iperf3's own -b would make up later, above the rate, for what a migration took from it).
    """

    def __init__(self, sender, receiver, mbit_per_s):
        self.sender, self.receiver, self.mbit_per_s = sender, receiver, mbit_per_s
        self._port = next(_ports)
        self._intervals = []
        self._lock = threading.Lock()
        self._server = self._client = self._reader = None

    def _spawn(self, station, *arguments, **options):
        return subprocess.Popen(["ip", "netns", "exec", station.name, "iperf3", *map(str, arguments)],
                                stdin=subprocess.DEVNULL, **options)

    def start(self):
        """Start sending, and wait for the first bytes."""
        self._server = self._spawn(self.receiver, "-s", "-1", "-p", self._port, "-i", INTERVAL_S, "-f", "m",
                                   "--forceflush", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_for("iperf3's server", self._listens, START_TIMEOUT_S)
        self._client = self._spawn(self.sender, "-c", self.receiver.address, "-p", self._port, "--fq-rate",
                                   f"{self.mbit_per_s}M", "-t", LONGEST_S, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        wait_for("background traffic", self._flows, START_TIMEOUT_S)
        return self

    def _listens(self):
        listening = subprocess.run(["ss", "-N", self.receiver.name, "-Hltn", f"sport = :{self._port}"],
                                   capture_output=True, text=True, check=False)
        return listening.stdout.strip()

    def _flows(self):
        if self._client.poll() is not None:
            raise LabError(f"iperf3 from {self.sender.name} to {self.receiver.name} ended: "
                           f"{self._client.stderr.read().strip()}")
        return self.intervals()

    def _read(self):
        for line in self._server.stdout:
            match = _LINE.match(line)
            if match:
                now = time.time()
                length = float(match.group(2)) - float(match.group(1))
                if length > 2 * INTERVAL_S:
                    continue  # the sum at the end
                with self._lock:
                    self._intervals.append(Interval(now - length, now, float(match.group(3))))

    def intervals(self):
        """What was received, as a list of Interval (times are time.time())."""
        with self._lock:
            return list(self._intervals)

    def goodput(self, start, end):
        """Mean Mbit/s received in a span, each interval counted by its share of it; None without any."""
        weighted = covered = 0.0
        for interval in self.intervals():
            overlap = min(end, interval.end) - max(start, interval.start)
            if overlap > 0:
                weighted += overlap * interval.mbit_per_s
                covered += overlap
        return weighted / covered if covered else None

    def stop(self):
        """Stop sending."""
        for process in (self._client, self._server):
            if process:
                end(process)
        if self._reader:
            self._reader.join()
        if self._client:
            self._client.stderr.close()
