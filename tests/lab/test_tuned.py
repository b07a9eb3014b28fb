#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tuned migration, part by part: is what is planned what the models say, and is what is planned what is done?

Run as: tests/lab/enter tests/lab/test_tuned.py
"""
import contextlib
import math
import re
import threading
import time

from migtune_lab import Lab, Workload, shaping
from migtune_lab.bench import Bench, model, settings
from migtune_lab.cases import Cases
from migtune_lab.inforce import at_rest, lasting, mib_s, planned_otherwise, shaped_otherwise
from migtune_lab.process import LabError, wait_for

DIRTY_MBIT = 100
LINK_MBIT, USABLE = 1000.0, 1514 / 1538  # of a link, in the bytes that tc counts
SHARE = {"high": 1.0, "medium": 0.75, "low": 0.5}
GIB_MBIT = 8 * 2 ** 30 / 1e6
MIN_BANDWIDTH = 8 * 2 ** 20 * 8 / 1e6
LAMBDA_LOW, LAMBDA_HIGH, DIRTY_LOW, DIRTY_HIGH = 0.1, 0.4, 0.1, 500
ROUNDED = 1e-3  # reasons and records show three or four digits
PROBE_S = 0.15
BACK_WITHIN_S = 8  # much more than it takes
TRIES = 3
SET_WITHIN_S = 0.3  # a reading sooner after the first sight of the migration may be one of half-set limits

_BOUND = re.compile(r"^bound: at (least|most) (.+), ([\d.]+) Mbit/s \(was ([\d.]+)\)")
_DEMAND = re.compile(r"^lambda-range: lambda\(([\d.]+)\) = ([\d.]+) .* R = D/lambda = ([\d.]+) Mbit/s")


class Probe:
    """Looks at everything a few times a second while a migration runs."""

    def __init__(self, bench):
        self._bench, self._source, self._target = bench, bench.source, bench.target
        self._over = threading.Event()
        self.readings = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.wait(PROBE_S):
            try:
                self.readings.append(self._read())
            except Exception:  # pylint: disable=broad-except # the migration ended between two of the questions
                continue

    def _read(self):
        reading = {"limits": self._bench.limits(self._source), "out": shaping.migrations(self._source),
                   "default": shaping.classes(self._source, "eth0").get(shaping.DEFAULT),
                   "ifbs": shaping.ifbs(self._target), "time": time.time()}
        reading["in"] = {name: shaping.migrations(self._target, name) for name in reading["ifbs"]}
        reading["job"] = self._bench.status(self._source)["migrations"][0]
        return reading


def demanded(bench, record):
    """Lambda and D/lambda, recomputed: the demand in Mbit/s."""
    tap, dirty = bench.tap, record["facts"]["dirty_rate_mbps"]
    value = model("wan.lambda", D=dirty, DL=DIRTY_LOW, DH=DIRTY_HIGH, lL=LAMBDA_LOW, lH=LAMBDA_HIGH, clamp="true")
    shown = next(match for match in map(_DEMAND.match, record["reasons"]) if match)
    source = record["facts"]["dirty_rate_source"]
    tap.note(f"D = {dirty} Mbit/s ({source}), lambda = {value:.4f}, D/lambda = {dirty / value:.1f}")
    tap.near(float(shown[2]), value, ROUNDED, "lambda in the reasons is that of the model")
    tap.near(float(shown[3]), dirty / value, ROUNDED, "the demand in the reasons is D/lambda")
    return dirty / value


def bounded(record, demand):
    """The demand bounded in the order of the design: (Mbit/s, [(at least or most, Mbit/s)] of the bounds that act)."""
    facts, urgency = record["facts"], record["intent"]["urgency"]
    dirty = facts["dirty_rate_mbps"]
    ideal = model("traffic.ideal_bw", technique=record["plan"]["technique"], vm_in=facts["vm"]["in_mbps"],
                  vm_out=facts["vm"]["out_mbps"])
    share = SHARE[urgency] * ideal
    deadline_ms = record["intent"][f"deadline_{urgency}_ms"]
    deadline = GIB_MBIT / (deadline_ms / 1000) if deadline_ms else share
    available = min(LINK_MBIT * USABLE - facts["src"]["out_mbps"], LINK_MBIT * USABLE - facts["dst"]["in_mbps"])
    acted = []
    rate = demand
    for bound in (dirty / LAMBDA_HIGH, deadline, MIN_BANDWIDTH):
        if rate < bound:
            rate = bound
            acted.append(("least", bound))
    converge = min(dirty / LAMBDA_HIGH, ideal)
    most = [max(share, converge), LINK_MBIT, LINK_MBIT * USABLE]
    if urgency == "low":
        most.append(max(available, max(MIN_BANDWIDTH, deadline)))
    for bound in most:
        if rate > bound:
            rate = bound
            acted.append(("most", bound))
    return rate, acted


def check_plan(bench, record):
    """The first plan, recomputed from its facts."""
    tap = bench.tap
    rate, acted = bounded(record, demanded(bench, record))
    named = [(match[1], float(match[3])) for match in map(_BOUND.match, record["reasons"]) if match]
    same = len(named) == len(acted) and all(a[0] == b[0] and math.isclose(a[1], b[1], rel_tol=ROUNDED)
                                            for a, b in zip(acted, named))
    tap.ok(same, "every bound that acted is named in the reasons, and no other", f"acted {acted}\nnamed {named}")
    tap.near(record["plan"]["bandwidth_mbps"], rate, ROUNDED, "the planned bandwidth is the demand within the bounds")
    tap.near(record["plan"]["lambda"], record["facts"]["dirty_rate_mbps"] / rate, ROUNDED,
             "the planned lambda is D over that bandwidth")


def check_dirty_rate(bench, record, result):
    """D in flight, beside what the guest really wrote in the first pass: on a busy machine less than it was told to."""
    early = [sample["dirty_rate_mbps"] for sample in record["actual"]["samples"]
             if sample["iteration"] <= 3 and sample["dirty_rate_mbps"] > 0]
    wrote = bench.guest.dirty_rate_in(*result.iterations[:2])
    bench.tap.note(f"D in flight until iteration 3: {early}; the guest wrote {wrote:.1f} Mbit/s in the first pass")
    bench.tap.near(early[-1] if early else None, wrote, 0.25, "D is known to 25 % by iteration 3")


def settled(readings):
    """The readings while memory was copied with everything installed."""
    return [reading for reading in readings if reading["job"]["state"] == "copying" and reading["out"]
            and reading["time"] > readings[0]["time"] + SET_WITHIN_S]


def follows_status(reading):
    """What differs between QEMU's max-bandwidth and what `status --json` says, as text; None: nothing."""
    return planned_otherwise(reading["limits"], reading["job"]["plan"]["bandwidth_mbps"])


def follows_ceil(reading):
    """The same of QEMU's max-bandwidth and tc's ceil."""
    (entry,) = reading["out"].values()
    return shaped_otherwise(reading["limits"], entry.ceil)


def check_limits(bench, record, readings):
    """What is set is what is said."""
    tap = bench.tap
    copying = settled(readings)
    tap.note("QEMU's limits while it ran: " + ", ".join(f"{speed:g} MiB/s {limit} ms" for speed, limit in
                                                       dict.fromkeys(reading["limits"] for reading in copying)))
    tap.note("ceil on the uplink: " + ", ".join(str(ceil) for ceil in dict.fromkeys(
        entry.ceil for reading in copying for entry in reading["out"].values())))
    tap.ok(copying and all(speed == int(speed) for speed, _ in (r["limits"] for r in copying)),
           "QEMU's max-bandwidth is a whole number of MiB/s")
    planned = math.ceil(mib_s(record["plan"]["bandwidth_mbps"]))
    tap.ok(any(reading["limits"][0] == planned for reading in readings),
           "QEMU's max-bandwidth is first that of the recorded plan, in the next whole MiB/s",
           f"{[reading['limits'] for reading in readings]}, planned {planned} MiB/s")
    tap.ok(copying and lasting(copying, follows_status) is None, "QEMU's max-bandwidth follows `status --json`",
           lasting(copying, follows_status))
    tap.ok(copying and lasting(copying, follows_ceil) is None, "QEMU's max-bandwidth is tc's ceil in the next whole MiB/s",
           lasting(copying, follows_ceil))


def check_shaping(bench, readings, result):
    """The classes carry the migration and nothing else."""
    tap = bench.tap
    middle = [reading for reading in settled(readings) if reading["in"]]
    tap.ok(len(middle) >= 3, "a class on the uplink and an ifb with a class on the destination, while it runs",
           f"{len(readings)} readings, {len(middle)} with both")
    if len(middle) < 2:
        return
    first, last = middle[0], middle[-1]
    device = first["ifbs"][0]
    out = sum(e.sent for e in last["out"].values()) - sum(e.sent for e in first["out"].values())
    into = sum(e.sent for e in last["in"][device].values()) - sum(e.sent for e in first["in"][device].values())
    others = last["default"].sent - first["default"].sent
    tap.note(f"in {last['time'] - first['time']:.1f} s: {out / 1e6:.1f} MB through the source's class, "
             f"{into / 1e6:.1f} MB through the destination's, {others / 1e6:.2f} MB through the default class; "
             f"{result.wire_bytes / 1e6:.1f} MB on the cable in all")
    rate = out * 8e-6 / (last["time"] - first["time"])
    ceils = [entry.ceil for reading in middle for entry in reading["out"].values()]
    tap.ok(out > 20e6 and into > 0.9 * out, "the filters catch the migration's packets on both hosts")
    tap.ok(others < 2e6, "the default class has only the guests' traffic")
    tap.ok(rate <= max(ceils) * 1.05, "the migration keeps to its ceil", f"{rate:.0f} Mbit/s, ceil {max(ceils):.0f}")


def tuned_migration(bench):
    """One ordinary migration with watchers and hooks on both hosts."""
    tap = bench.tap
    bench.watch(settings(urgency="low", max_downtime="100ms"))
    bench.sampled()
    source = bench.source
    tap.note_load()
    tap.note(f"the guest really dirties {bench.guest.dirty_rate(3):.0f} Mbit/s")
    with Probe(bench) as probe:
        result = bench.lab.migrate(bench.guest)
    tap.note(result.line())
    tap.ok(result.ok, "the migration completes", result.error)
    record = bench.one_record(source)
    tap.equal(record.get("result"), "completed", "the record says so")
    tap.note("reasons:\n  " + "\n  ".join(record["reasons"]))
    check_plan(bench, record)
    check_dirty_rate(bench, record, result)
    check_limits(bench, record, probe.readings)
    check_shaping(bench, probe.readings, result)
    tap.ok(all(entry["removed"] for entry in record["tc"]) and record["tc"], "the record says that its class was removed")
    tap.near(record["actual"]["downtime_ms"], result.downtime_ms, 0, "the record's downtime is QEMU's")
    bench.check_clean()
    tap.equal([bench.complaints(host) for host in bench.lab.hosts], [[], []], "nobody complains")


def cancelled_at_rest(bench):
    """A migration that is cancelled while nothing changes: (what was in force, its record, its result)."""
    source = bench.source
    count = len(source.watcher.records())
    migration = bench.lab.migration(bench.guest)
    migration.start()
    bench.copying(migration, 1.5)
    during = at_rest(bench)
    migration.cancel()
    result = migration.finish()
    return during, source.watcher.wait_record(count + 1), result


def check_limits_are_back(bench, before):
    """Checks of QEMU's limits and of libvirt's memory of them, soon after a job's end."""
    tap = bench.tap

    def is_back(limits, remembered):
        # libvirt puts QEMU's own value back when a job ends, and telling libvirt the old speed sets it in QEMU once more.
        # Without a job QEMU has no use for it, and libvirt sets it anew at each start.
        return (remembered == before[1] and limits[1] == before[0][1]
                and limits[0] in (before[0][0], float(remembered[0])))
    with contextlib.suppress(LabError):
        wait_for("", lambda: is_back(bench.limits(), bench.remembered()), BACK_WITHIN_S, step=0.1)
    limits, remembered = bench.limits(), bench.remembered()
    tap.note(f"(MiB/s, ms), (speed, downtime): before {before}, after {(limits, remembered)}")
    tap.equal(remembered, before[1], "the limits that libvirt remembers for its next migration are what they were before")
    tap.equal(limits[1], before[0][1], "QEMU's downtime-limit is what it was before")
    tap.ok(limits[0] in (before[0][0], float(remembered[0])),
           "QEMU's max-bandwidth is what it was before, or what libvirt remembers",
           f"{limits[0]} MiB/s, before {before[0][0]}, remembered {remembered[0]}")


def cancelled_migration(bench):
    """A cancelled migration: QEMU's limits go back."""
    tap = bench.tap
    bench.watch(settings(urgency="low", max_downtime="100ms"))
    before = bench.limits(), bench.remembered()
    source = bench.source
    for count in range(1, TRIES + 1):
        during, record, result = cancelled_at_rest(bench)
        samples = record["actual"]["samples"]
        if not samples or math.isclose(samples[-1]["planned_mbps"], during.planned_mbps, rel_tol=ROUNDED):
            break
        tap.note("its plan changed just before it was cancelled: again")
    tap.ok(result.cancelled, "the migration is cancelled", result.line())
    tap.equal(len(source.watcher.records()), count, "exactly one record")
    tap.note(f"(MiB/s, ms), (speed, downtime): before {before}, during {during}")
    bench.check_cancelled(record)
    tap.equal(during.limits, (record["applied"]["qemu_mib_s"], record["applied"]["downtime_limit_ms"]),
              "QEMU's limits were those of the record")
    tap.ok(math.isclose(during.ceil, record["tc"][-1]["ceil_mbps"], rel_tol=ROUNDED), "tc's ceil was that of the record",
           f"{during}, {record['tc']}")
    check_limits_are_back(bench, before)
    bench.check_clean()


def main():
    """All cases on one guest."""
    tap = Cases()
    with Lab(hook=True) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=DIRTY_MBIT, size_mib=256))
        tap.run(Bench(lab, tap, guest), tuned_migration, cancelled_migration)
    tap.finish()


if __name__ == "__main__":
    main()
