#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What background sampling learns of a guest's hot and cold pages, from windows of different length.

Run as: tests/lab/enter tests/lab/test_hot.py
"""
import json

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.process import wait_for

HOT_MIB, MBIT_PER_S, UNIFORM_MBIT_PER_S = 48, 900, 300
CONFIG = settings(more='measure = { dirty_rate_every = "10s"; };')
PAIRS = 3  # one alone is noisy
TIMEOUT_S = 90


def facts(bench):
    """The facts of a plan for the guest, as its watcher knows them now."""
    done = bench.migtune(bench.source, "plan", bench.guest.name, bench.target.uri(), "--json")
    return json.loads(done.stdout)["facts"]


def sampled(bench):
    """The facts when so many pairs of windows have been measured: each changes what the fit says."""
    bench.watch(CONFIG, hosts=[bench.source])
    seen = []

    def enough():
        now = facts(bench)
        pages = tuple(now[key] for key in ("hot_bytes", "hot_rate_mbps", "cold_rate_mbps"))
        if now["hot_source"] == "windows" and pages not in seen:
            seen.append(pages)
        return len(seen) >= PAIRS and now
    found = wait_for(f"{PAIRS} pairs of windows", enough, TIMEOUT_S, step=1.0)
    bench.tap.note_load()
    bench.tap.note(f"the guest writes {bench.guest.dirty_rate(5):.0f} Mbit/s")
    bench.tap.note({key: found[key] for key in found if key.startswith(("hot_", "cold_", "dirty_rate"))})
    return found


def hot_pages(bench):
    """95 % of the writes go to 48 MiB: these are found, and the rest is cold."""
    tap = bench.tap
    found = sampled(bench)
    hot_mib = found["hot_bytes"] / 1048576
    tap.ok(HOT_MIB / 2 <= hot_mib <= HOT_MIB * 2, "the hot set is found", f"{hot_mib:.1f} MiB of {HOT_MIB}")
    tap.near(found["hot_share"], found["hot_bytes"] / found["memory_bytes"], 0.001, "its share of the memory is said")
    tap.ok(found["cold_rate_mbps"] < MBIT_PER_S / 5, "little of the rest is dirtied", found["cold_rate_mbps"])
    tap.ok(found["dirty_rate_mbps"] > 2 * found["cold_rate_mbps"] and found["dirty_rate_mbps"] > 250,
           "the dirty rate is that of the short windows", found["dirty_rate_mbps"])


def uniform_pages(bench):
    """All pages are written alike: no hot set."""
    tap = bench.tap
    bench.guest.work(pattern="uniform", mbit_per_s=UNIFORM_MBIT_PER_S, hot_mib=0)
    found = sampled(bench)
    tap.ok(found["hot_rate_mbps"] <= UNIFORM_MBIT_PER_S / 10, "no hot set worth speaking of", found["hot_rate_mbps"])
    tap.near(found["cold_rate_mbps"], UNIFORM_MBIT_PER_S, 0.4, "the rate is that of all pages")


def main():
    """All cases on one guest."""
    tap = Cases()
    with Lab() as lab:
        guest = lab.guest(workload=Workload("hot", mbit_per_s=MBIT_PER_S, size_mib=384, hot_mib=HOT_MIB, touched_mib=384))
        tap.run(Bench(lab, tap, guest), hot_pages, uniform_pages)
    tap.finish()


if __name__ == "__main__":
    main()
