# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is in force while a guest migrates: QEMU's limits, the class on the uplink, and what `migtune status` says of them.

These are read one after the other, and a plan may change in between: each second, and when an iteration begins. So what is
compared are readings between which nothing changed, or differences that last.
"""
import collections

from . import shaping
from .process import LabError

WORTH_CHANGING = 0.03  # what is set follows a plan that changes by less only later
TRIES = 10
LASTING_S = 1.0  # much more than it takes until what is planned is set

# limits: QEMU's (MiB/s, ms); ceil: of the one class on the uplink, Mbit/s; planned_mbps: as the status says.
InForce = collections.namedtuple("InForce", "limits ceil planned_mbps")


def mib_s(mbit_s):
    """Mbit/s as MiB/s."""
    return mbit_s * 1e6 / 8 / 2 ** 20


def planned_otherwise(limits, planned_mbps):
    """What differs between QEMU's max-bandwidth and what the status says, as text; None: nothing."""
    said = mib_s(planned_mbps)
    good = said * (1 - WORTH_CHANGING) - 1 <= limits[0] <= said * (1 + WORTH_CHANGING) + 1
    return None if good else f"QEMU has {limits[0]} MiB/s, `status` says {said:.1f} MiB/s"


def shaped_otherwise(limits, ceil):
    """The same of QEMU's max-bandwidth and tc's ceil: the one is the next whole MiB/s."""
    return None if -0.001 <= limits[0] - mib_s(ceil) <= 1 else f"QEMU has {limits[0]} MiB/s, the class {ceil} Mbit/s"


def read(bench):
    """All of it now, of the bench's guest on its source."""
    (entry,) = shaping.migrations(bench.source).values()
    return InForce(bench.limits(), entry.ceil, bench.status()["migrations"][0]["plan"]["bandwidth_mbps"])


def at_rest(bench):
    """All of it, at a time when none of it changes."""
    before = None
    for _ in range(TRIES):
        now = read(bench)
        if now == before:
            return now
        before = now
    raise LabError(f"the plan never held still: last {before}")


def lasting(readings, differs):
    """The first difference that lasts, as text; None: there is none. readings: dictionaries with a "time"."""
    since, before = None, None
    for reading in readings:
        now = differs(reading)
        if now is None or now != before:
            since = reading["time"]
        elif reading["time"] - since >= LASTING_S:
            return now
        before = now
    return None
