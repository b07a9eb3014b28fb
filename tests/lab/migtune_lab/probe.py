# SPDX-License-Identifier: LGPL-2.1-or-later
"""What QEMU is set to while a guest migrates, read several times a second over QMP: an eye that is not ours."""
import collections
import json
import threading
import time

from .process import LabError

EVERY_S = 0.2
MIB = 1048576
_QUESTIONS = ("query-migrate", "query-migrate-parameters", "query-migrate-capabilities", "query-migrate")

# status: QEMU's word for the migration's state, both before and after the rest was read; parameters: as QMP names them;
# on: the capabilities that are switched on.
Reading = collections.namedtuple("Reading", "time status parameters on")


class Probe:
    """Reads a guest's QEMU on one host for the length of a with block.

    libvirt sets parameters and capabilities before it lets QEMU begin, and puts them back after the end: `moving` are the
    readings in between, while memory moved.
    """

    def __init__(self, host, guest):
        self._host, self._name = host, guest.name
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.readings = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.wait(EVERY_S):
            try:
                self.readings.append(self._read())
            except (LabError, ValueError, KeyError):  # the guest is gone
                continue

    def _read(self):
        now = time.time()
        commands = (f"qemu-monitor-command {self._name} --cmd '{json.dumps({'execute': question})}'"
                    for question in _QUESTIONS)
        lines = self._host.virsh("; ".join(commands)).splitlines()  # one process for all of them
        before, parameters, capabilities, after = (json.loads(line)["return"] for line in lines if line.strip())
        status = before.get("status", ""), after.get("status", "")
        return Reading(now, status, parameters, frozenset(entry["capability"] for entry in capabilities if entry["state"]))

    @property
    def moving(self):
        """The readings while memory moved."""
        return [reading for reading in self.readings if set(reading.status) <= {"active", "postcopy-active"}]

    def speeds(self):
        """QEMU's max-bandwidth in MiB/s, each different value once, in order."""
        return list(dict.fromkeys(reading.parameters["max-bandwidth"] / MIB for reading in self.moving))

    def downtimes(self):
        """QEMU's downtime-limit in ms, likewise."""
        return list(dict.fromkeys(reading.parameters["downtime-limit"] for reading in self.moving))

    def capabilities(self):
        """The capabilities that were on at any time while memory moved."""
        return frozenset().union(*(reading.on for reading in self.moving))

    def line(self):
        """All that as one line for people."""
        speeds = ", ".join(f"{speed:g}" for speed in self.speeds())
        return (f"{len(self.moving)} readings: max-bandwidth {speeds} MiB/s, downtime-limit "
                f"{', '.join(map(str, self.downtimes()))} ms, on: {', '.join(sorted(self.capabilities())) or '-'}")
