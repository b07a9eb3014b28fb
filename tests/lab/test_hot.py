#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What background sampling learns of a guest's hot and cold pages, from windows of different length.

Run as: tests/lab/enter tests/lab/test_hot.py
"""
from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.process import wait_for

MIB = 1048576
HOT_MIB, MBIT_PER_S, UNIFORM_MBIT_PER_S = 48, 900, 300
CONFIG = settings(more='measure = { dirty_rate_every = "10s"; };')
PAIRS, MOST_PAIRS = 2, 5  # of windows: one alone is noisy, and chance makes even more of them look otherwise now and then
TIMEOUT_S = 120  # for the next pair


def sampled(bench, is_right):
    """The facts when enough pairs of windows have been measured (each changes what the fit says) for them to be right.

    Windows are samples of pages, so now and then a few of them tell otherwise by chance; more of them do not.
    """
    bench.watch(CONFIG, hosts=[bench.source])
    seen = []

    def next_pair():
        now = bench.plan()["facts"]
        pages = tuple(now[key] for key in ("hot_bytes", "hot_rate_mbps", "cold_rate_mbps"))
        if now["hot_source"] != "windows" or pages in seen:
            return None
        seen.append(pages)
        return now
    bench.tap.note_load()
    while len(seen) < MOST_PAIRS:
        found = wait_for(f"pair {len(seen) + 1} of windows", next_pair, TIMEOUT_S, step=0.5)
        bench.tap.note(f"the guest writes {bench.guest.dirty_rate(5):.0f} Mbit/s, "
                       f"{({key: found[key] for key in found if key.startswith(('hot_', 'cold_', 'dirty_rate'))})}")
        if len(seen) >= PAIRS and is_right(found):
            break
    return found


def is_hot(found):
    """The hot set is found, and the rest is cold."""
    return HOT_MIB / 2 <= found["hot_bytes"] / MIB <= HOT_MIB * 2 and found["cold_rate_mbps"] < MBIT_PER_S / 5


def is_uniform(found):
    """No hot set worth speaking of."""
    return (found["hot_rate_mbps"] <= UNIFORM_MBIT_PER_S / 10
            and abs(found["cold_rate_mbps"] - UNIFORM_MBIT_PER_S) <= 0.4 * UNIFORM_MBIT_PER_S)


def hot_pages(bench):
    """95 % of the writes go to 48 MiB: these are found, and the rest is cold."""
    tap = bench.tap
    bench.guest.work(pattern="hot", mbit_per_s=MBIT_PER_S, hot_mib=HOT_MIB)
    found = sampled(bench, is_hot)
    hot_mib = found["hot_bytes"] / MIB
    tap.ok(HOT_MIB / 2 <= hot_mib <= HOT_MIB * 2, "the hot set is found", f"{hot_mib:.1f} MiB of {HOT_MIB}")
    tap.near(found["hot_share"], found["hot_bytes"] / found["memory_bytes"], 0.001, "its share of the memory is said")
    tap.ok(found["cold_rate_mbps"] < MBIT_PER_S / 5, "little of the rest is dirtied", found["cold_rate_mbps"])
    tap.ok(found["dirty_rate_mbps"] > 2 * found["cold_rate_mbps"] and found["dirty_rate_mbps"] > 250,
           "the dirty rate is that of the short windows", found["dirty_rate_mbps"])


def uniform_pages(bench):
    """All pages are written alike: no hot set."""
    tap = bench.tap
    bench.guest.work(pattern="uniform", mbit_per_s=UNIFORM_MBIT_PER_S, hot_mib=0)
    found = sampled(bench, is_uniform)
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
