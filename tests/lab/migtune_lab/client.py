# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client: receives the guests' heartbeats and tells what a migration looked like from outside.

Definitions:
  gap       the time between the arrivals of two successive heartbeats, minus their period (5 ms): how long the
            guest's service was away beyond what is normal. Arrival times are the kernel's, so a busy test program
            does not lengthen them.
  blackout  the gap during which the guest changed hosts: the longest one that overlaps the time between the
            source's "suspended" and the destination's "resumed" event.
  work lost for the length of an observed time: that time minus the time for which the guest kept its schedule
            (which the heartbeats carry), in seconds. A guest that stands still loses one second a second.
"""
import collections
import socket
import struct
import threading
import time

from . import namespace

HEARTBEAT_PORT = 7001
PERIOD_S = 0.005
_MAGIC = 0x7462676D
_FORMAT = struct.Struct("<IIQQQQQQ")
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("qq")
_RECEIVE_BUFFER_BYTES = 1 << 20
_POLL_S = 0.2

# verified, corrupt: pages that the guest has read and compared, and those that were not as they should be
Beat = collections.namedtuple("Beat", "time sequence config guest_ns pages work_us verified corrupt")
Gap = collections.namedtuple("Gap", "start end")


def gap_ms(gap):
    """A gap's length beyond the period, in milliseconds."""
    return max(0.0, (gap.end - gap.start - PERIOD_S) * 1000)


class Client:
    """Receives heartbeats in the background from start() to stop()."""

    def __init__(self, network):
        self.station = network.client
        self._beats = collections.defaultdict(list)
        self._lock = threading.Lock()
        self._running = False
        self._receiver = None
        self._socket = None

    @staticmethod
    def now():
        """The clock of all times here: seconds since the epoch."""
        return time.time()

    def start(self):
        """Begin to receive."""
        with namespace.inside(self.station.name):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("0.0.0.0", HEARTBEAT_PORT))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._socket.settimeout(_POLL_S)
        self._running = True
        self._receiver = threading.Thread(target=self._receive, daemon=True)
        self._receiver.start()

    def _receive(self):
        while self._running:
            try:
                data, ancillary, _, sender = self._socket.recvmsg(256, 256)
            except TimeoutError:
                continue
            if len(data) != _FORMAT.size:
                continue
            magic, config, sequence, *counts = _FORMAT.unpack(data)
            if magic != _MAGIC:
                continue
            arrival = self.now()
            for level, kind, value in ancillary:
                if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = _TIMESPEC.unpack(value)
                    arrival = seconds + nanoseconds / 1e9
            with self._lock:
                self._beats[sender[0]].append(Beat(arrival, sequence, config, *counts))

    def stop(self):
        """Stop receiving."""
        self._running = False
        if self._receiver:
            self._receiver.join()
            self._socket.close()

    def count(self, address):
        """How many heartbeats have come from an address."""
        with self._lock:
            return len(self._beats[address])

    def last(self, address):
        """The latest heartbeat from an address, or None."""
        with self._lock:
            beats = self._beats[address]
            return beats[-1] if beats else None

    def beats(self, address, start, end=float("inf")):
        """The heartbeats that arrived in a span, oldest first."""
        with self._lock:
            return [beat for beat in self._beats[address] if start <= beat.time <= end]

    def gaps(self, address, start, end):
        """The gaps of a span, longest first; one at its end is open: it lasts until the span's end."""
        times = [beat.time for beat in self.beats(address, start, end)] + [end]
        gaps = [Gap(first, second) for first, second in zip(times, times[1:])]
        return sorted(gaps, key=lambda gap: gap.start - gap.end)

    def longest_gap_ms(self, address, start, end):
        """The longest gap of a span, in milliseconds."""
        gaps = self.gaps(address, start, end)
        return gap_ms(gaps[0]) if gaps else (end - start) * 1000

    def gap_around(self, address, start, end, suspended, resumed):
        """The longest gap of a span that overlaps the time from suspended to resumed, or None."""
        return next((gap for gap in self.gaps(address, start, end) if gap.start <= resumed and gap.end >= suspended), None)

    def work_lost_s(self, address, start, end):
        """Seconds of the guest's work lost in a span."""
        beats = self.beats(address, start, end)
        if len(beats) < 2:
            return end - start
        return max(0.0, (beats[-1].time - beats[0].time) - (beats[-1].work_us - beats[0].work_us) / 1e6)
