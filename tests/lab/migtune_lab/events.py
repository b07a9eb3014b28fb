# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's events of one host, as `virsh event` tells them: when iterations begin, when the guest stops and runs."""
import collections
import datetime
import re
import subprocess
import threading

from .process import end, wait_for

# 2026-01-31 12:00:00.123+0000: event 'lifecycle' for domain 'guest': Resumed Migrated
# Some events (job-completed) go on with lines of their own: "\ttime_elapsed: 3724".
_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+[+-]\d{4}): event '([^']+)' for domain '([^']+)':? ?(.*)$")

# values: the parameters that came with the event, whole numbers as such.
Event = collections.namedtuple("Event", "time domain name text values")

_SIGN = "events-are-heard"
_SIGN_XML = (f"<domain type='qemu'><name>{_SIGN}</name><memory unit='MiB'>1</memory>"
             "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>")
_HEARD_WITHIN_S = 30


class Events:
    """Reads a host's events in the background, from the moment it is made: none that comes later is missed."""

    def __init__(self, host):
        self._host = host
        self._events = []
        self._lock = threading.Lock()
        # stdbuf: virsh writes to a pipe, which stdio would buffer by the block.
        self._virsh = host.popen("stdbuf", "-oL", "virsh", "-q", "-c", "qemu:///system", "event", "--all", "--loop",
                                 "--timestamp", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        host.path(f"/run/{_SIGN}.xml").write_text(_SIGN_XML, encoding="ascii")
        wait_for(f"virsh event on {host.name}", self._hears, _HEARD_WITHIN_S)

    def _hears(self):
        """virsh does not tell when it has begun to listen: define a domain until that is told."""
        self._host.virsh(f"define /run/{_SIGN}.xml; undefine {_SIGN}", check=False)
        return self.since(0, _SIGN)

    def _read(self):
        for line in self._virsh.stdout:
            match = _LINE.match(line.rstrip())
            if match:
                stamp, name, domain, text = match.groups()
                moment = datetime.datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f%z").timestamp()
                with self._lock:
                    self._events.append(Event(moment, domain, name, text, {}))
                continue
            key, colon, value = line.strip().partition(": ")
            with self._lock:
                if colon and self._events:
                    self._events[-1].values[key] = int(value) if value.lstrip("-").isdigit() else value

    def since(self, moment, domain=None, name=None):
        """The events from a moment (time.time()) on, oldest first."""
        with self._lock:
            return [event for event in self._events if event.time >= moment
                    and domain in (None, event.domain) and name in (None, event.name)]

    def wait(self, moment, domain, name, text, timeout=10.0):
        """Wait for an event whose text contains some words."""
        def found():
            return next((event for event in self.since(moment, domain, name) if text in event.text), None)
        return wait_for(f"event {name} '{text}' of {domain} on {self._host.name}", found, timeout)

    def close(self):
        """Stop reading."""
        end(self._virsh)
        self._reader.join()
