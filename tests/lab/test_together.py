#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two guests migrate at the same time, started by plain virsh: they share the link, or take turns.

Run as: tests/lab/enter tests/lab/test_together.py
"""
import contextlib
import threading
import time

from migtune_lab import Lab, Workload, shaping
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.ledger import Ledger
from migtune_lab.process import LabError

LINK_MBPS = 1000.0 * 1514 / 1538  # what of the link can be given away
TRICKLE_MBPS = 8 * 1.048576
LEAST_CEIL_MBPS = 10.0  # 1 % of the link: no class of ours has less
WORKLOAD = Workload("uniform", mbit_per_s=40, size_mib=64, touched_mib=128)
MEMORY_MIB = 256
ROUNDED = 1.0


class Ceils:
    """What tc says of all classes of migrations, again and again: [(time, {class: ceil})]."""

    def __init__(self, host):
        self.readings, self._host, self._over = [], host, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _look(self):
        while not self._over.wait(0.1):
            with contextlib.suppress(LabError):
                entries = shaping.migrations(self._host)
                self.readings.append((time.time(), {name: entry.ceil for name, entry in entries.items()}))


def both(bench):
    """Both guests go to the other host at once: (results, ledger, ceils), and the records of both by name."""
    source, target = bench.source, bench.target
    migrations = [bench.lab.migration(guest, target) for guest in bench.lab.guests]
    with Ledger(bench, source) as ledger, Ceils(source) as ceils:
        for migration in migrations:
            migration.start()
        results = [migration.finish() for migration in migrations]
    for result in results:
        bench.tap.note(result.line())
    bench.tap.note(ledger.line())
    bench.tap.ok(all(result.ok for result in results), "both arrive", [result.error for result in results])
    source.watcher.wait_record(2)
    records = {record["domain"]["name"]: record for record in source.watcher.records()}
    for name, record in records.items():
        bench.tap.note("\n".join(f"{name} {event['t_ms']} ms: {event['text']}" for event in record["events"]))
    return results, ledger, ceils.readings, records


def share(bench):
    """High urgency: at the same time, and never more than the link carries."""
    tap = bench.tap
    bench.watch(settings(urgency="high"))
    for guest in bench.lab.guests:
        bench.sampled(guest)
    results, ledger, readings, records = both(bench)
    tap.ok(max(result.start for result in results) < min(result.end for result in results), "they ran at the same time")
    tap.ok(ledger.most_running == 2 and ledger.most_mbps <= LINK_MBPS + ROUNDED, "their plans never exceed the link",
           ledger.line())
    # the ceil is lifted to the link for a last copy, which says nothing about sharing
    pairs = [ceils for _, ceils in readings if len(ceils) == 2 and max(ceils.values()) < LINK_MBPS - ROUNDED]
    tap.note(f"{len(pairs)} readings of two classes: {sorted({round(sum(pair.values())) for pair in pairs})} Mbit/s")
    tap.ok(pairs and all(sum(pair.values()) <= LINK_MBPS + ROUNDED for pair in pairs), "nor do their classes in tc", pairs)
    tap.ok(any("its share beside the other migrations" in reason for record in records.values()
               for reason in record["reasons"]), "the reasons say so")
    bench.check_clean()


def take_turns(bench):
    """Low urgency: one after the other; the second trickles until it is its turn."""
    tap = bench.tap
    bench.watch(settings(urgency="low"))
    for guest in bench.lab.guests:
        bench.sampled(guest)
    _, _, readings, records = both(bench)
    waited = [record for record in records.values()
              if any("trickles at 1 MiB/s until it is its turn" in event["text"] for event in record["events"])]
    tap.equal(len(waited), 1, "one of them waits")
    tap.ok(waited and any("its turn has come" in event["text"] for event in waited[0]["events"]), "and has its turn")
    least = min((min(ceils.values()) for _, ceils in readings if len(ceils) == 2), default=None)
    tap.ok(least is not None and TRICKLE_MBPS - ROUNDED <= least <= LEAST_CEIL_MBPS + ROUNDED,
           "its class lets a trickle through meanwhile", least)
    if waited:
        name = waited[0]["domain"]["name"]
        other = next(record for record in records.values() if record["domain"]["name"] != name)
        tap.ok(waited[0]["actual"]["total_ms"] > other["actual"]["total_ms"], "it ends after the other one")
        planned = [sample["planned_mbps"] for sample in waited[0]["actual"]["samples"]]
        tap.ok(planned and max(planned) > 5 * TRICKLE_MBPS, "and then has more than a trickle", planned)
    bench.check_clean()


def main():
    """Both cases on the same two guests."""
    tap = Cases()
    with Lab(hook=True) as lab:
        guests = [lab.guest(name=name, memory_mib=MEMORY_MIB, workload=WORKLOAD) for name in ("one", "two")]
        tap.run(Bench(lab, tap, guests[0]), share, take_turns)
    tap.finish()


if __name__ == "__main__":
    main()
