#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two hosts migrate to a third one at the same time: they share its link, though neither sees the other's traffic.

Run as: tests/lab/enter tests/lab/test_sources.py

Host a and host c send to b. Their watchers and b's tell each other what they know in a directory that all of them see.
"""
import time

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.process import wait_for

LINK_MBPS = 1000.0 * 1514 / 1538  # what of a link can be given away
MEMORY_MIB = 768
WORKLOAD = Workload("uniform", mbit_per_s=60, size_mib=64, touched_mib=512)
TOLD_WITHIN_S = 4.0  # a sample a second on each side, and a plan a second
ROUNDED = 1.0
LATE_S = 0.8  # after the first


def planned(bench, host):
    """What the host's one migration may use, and the plan's reasons: (Mbit/s, reasons); (0, []) when there is none."""
    jobs = bench.status(host)["migrations"]
    return (jobs[0]["plan"]["bandwidth_mbps"], jobs[0]["reasons"]) if jobs else (0.0, [])


def share(bench):
    """High urgency on both: the second begins with its part, and the first gives way."""
    tap, lab = bench.tap, bench.lab
    first, second = lab.guests
    sources = (first.host, second.host)
    migrations = [lab.migration(first, lab.b).start()]
    wait_for("the first to have the link", lambda: planned(bench, sources[0])[0] > 0.6 * LINK_MBPS, 10, step=0.1)
    time.sleep(LATE_S)
    migrations.append(lab.migration(second, lab.b).start())
    wait_for("the second to be planned", lambda: planned(bench, sources[1])[0] > 0, 10, step=0.05)
    begun, seen = time.time(), []
    while time.time() < begun + TOLD_WITHIN_S + 3 and all(migration.is_running() for migration in migrations):
        plans = [planned(bench, host) for host in sources]
        seen.append((time.time() - begun, *plans))
        time.sleep(0.2)
    for moment, one, two in seen:
        tap.note(f"{moment:.1f} s: {one[0]:.0f} + {two[0]:.0f} = {one[0] + two[0]:.0f} Mbit/s")
    settled = [(one, two) for moment, one, two in seen if moment > TOLD_WITHIN_S and one[0] > 0 and two[0] > 0]
    tap.ok(settled and all(one[0] + two[0] <= LINK_MBPS + ROUNDED for one, two in settled),
           f"{TOLD_WITHIN_S:.0f} s later their plans do not exceed the destination's link", seen)
    tap.ok(settled and all(min(one[0], two[0]) > 0.4 * LINK_MBPS for one, two in settled), "each has its part", seen)
    tap.ok(any("other hosts' migrations into the destination: 1" in reason for reason in seen[-1][1][1]),
           "the reasons tell of the other host's", seen[-1][1][1])
    results = [migration.finish() for migration in migrations]
    for result in results:
        tap.note(result.line())
    tap.ok(all(result.ok for result in results), "both arrive", [result.error for result in results])
    record = sources[1].watcher.wait_record(1)
    tap.equal(record["facts"]["dst"].get("migrations"), 1, "the second's record says that another came in as it began")


def main():
    """A guest on a and one on c."""
    tap = Cases()
    with Lab(hook=True, third=True) as lab:
        lab.guest(lab.a, memory_mib=MEMORY_MIB, workload=WORKLOAD, wait=False)
        lab.guest(lab.c, memory_mib=MEMORY_MIB, workload=WORKLOAD, wait=False)
        for guest in lab.guests:
            guest.wait_running()
        bench = Bench(lab, tap, lab.guests[0])
        config = settings("high", more='destination = { share_dir = "/run/shared"; };')
        bench.watch(config, hosts=(lab.a, lab.b, lab.c))
        tap.note_load()
        tap.run(bench, share)
        bench.check_clean()
    tap.finish()


if __name__ == "__main__":
    main()
