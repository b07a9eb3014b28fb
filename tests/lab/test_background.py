#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a migration does to the traffic that shares its link, untuned and tuned.

Run as: tests/lab/enter tests/lab/test_background.py
"""
import contextlib
import time

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.process import wait_for

BACKGROUND_MBIT = 700
KEPT = 0.92  # of its goodput, at low urgency
FULL = 0.93  # of the link: it is full
# Where the source knows nothing of the destination and only the ingress class protects: 92 to 100 % seen.
KEPT_UNKNOWN = 0.85
ALONE_S = 4
TOLD_WITHIN_S = 30  # rates are smoothed over 2 s, and what the other host tells is some seconds old
LINK_MBIT = 1000
LIMIT_MS, GRANTED_MS = 300, 80  # max_downtime, and what a client sees on top
MOVING_S = 0.4  # left out at either end of the copying
SHARE_MBIT = 650  # less than this, of 700: the migration takes part of it away


@contextlib.contextmanager
def background(bench, sender, receiver):
    """Traffic that runs for the length of the block; gives (Traffic, goodput alone)."""
    traffic = bench.lab.traffic(sender, receiver, BACKGROUND_MBIT)
    try:
        start = time.time() + 0.5
        bench.quiet(ALONE_S + 0.5)
        yield traffic, traffic.goodput(start, start + ALONE_S)
    finally:
        traffic.stop()


def share(bench, sender, receiver, is_told=False):
    """One migration under background traffic: (Result, goodput alone, goodput during it).

    is_told: not before the source's watcher knows of that traffic at the target.
    """
    arrives_there = receiver is bench.target
    with background(bench, sender, receiver) as (traffic, alone):
        if is_told:
            wait_for("the source to know the destination's traffic",
                     lambda: (dst := bench.plan()["facts"]["dst"])["known"] and dst["in_mbps"] > 0.95 * alone, TOLD_WITHIN_S,
                     step=0.5)
        result = bench.lab.migrate(bench.guest)
        moved_from = result.iterations[0] if result.iterations else result.start
        during = traffic.goodput(moved_from, result.end)
    own = result.wire_bytes * 8e-6 / result.total_s
    if arrives_there:
        own -= during
    bench.tap.note_load()
    bench.tap.note(f"background {alone:.0f} Mbit/s alone, {during:.0f} during the migration ({during / alone:.1%}); "
                   f"migration {own:.0f} Mbit/s; {result.line()}")
    return result, alone, during


def note_plan(bench, record):
    """What was planned, from what."""
    facts, plan = record["facts"], record["plan"]
    bench.tap.note(f"D {facts['dirty_rate_mbps']} Mbit/s ({facts['dirty_rate_source']}), "
                   f"leaving {facts['src']['out_mbps']}; planned {plan['bandwidth_mbps']} Mbit/s, "
                   f"reserved {plan['reserve_mbps']}, n {plan['iterations']}, "
                   f"downtime limit {plan['downtime_limit_ms']} ms; last ceil {record['tc'][-1]['ceil_mbps']}, "
                   f"{record['applied']}")


def untuned_out(bench):
    """700 Mbit/s leaving the source, untuned: the two share the link."""
    bench.unwatch()
    result, alone, during = share(bench, bench.source, bench.lab.client)
    bench.tap.ok(result.ok, "the migration completes", result.error)
    bench.tap.ok(during < SHARE_MBIT, "it takes from the background what it can get",
                 f"{during:.0f} of {alone:.0f} Mbit/s")


def tuned_out(bench):
    """700 Mbit/s leaving the source, low urgency: the background keeps 92 % of its goodput."""
    tap = bench.tap
    bench.watch(settings(urgency="low"))
    source = bench.source
    result, alone, during = share(bench, source, bench.lab.client)
    record = bench.one_record(source)
    note_plan(bench, record)
    tap.ok(result.ok, "the migration completes", result.error)
    tap.ok(during >= KEPT * alone, f"the background keeps {KEPT:.0%} of its goodput",
           f"{during:.0f} of {alone:.0f} Mbit/s")
    bench.check_clean()


def high_out(bench):
    """700 Mbit/s leaving the source, high urgency: the migration gets its reservation."""
    tap = bench.tap
    bench.watch(settings(urgency="high"))
    source = bench.source
    result, alone, during = share(bench, source, bench.lab.client)
    record = bench.one_record(source)
    plan = record["plan"]
    note_plan(bench, record)
    tap.ok(result.ok, "the migration completes", result.error)
    tap.ok(plan["reserve_mbps"] > 300 and record["tc"][0]["rate_mbps"] > 300,
           "a reservation is planned and installed", f"{plan['reserve_mbps']}, {record['tc']}")
    # While memory moves, without what comes before and after; only the migration arrives there.
    began, ended = result.iterations[0] + MOVING_S, result.suspended - MOVING_S
    carried = result.arrived_mbit(began, ended) / (ended - began)
    tap.note(f"{carried:.0f} Mbit/s arrived while memory moved, {ended - began:.1f} s")
    is_full = carried + during >= FULL * 984  # else the guest's host itself cannot send more
    tap.ok(carried >= 0.8 * min(plan["reserve_mbps"], 984) or not is_full and carried > during,
           "the migration really gets what was reserved, as far as its host can send that",
           f"{carried:.0f} Mbit/s of {plan['reserve_mbps']:.0f}, background {during:.0f} of {alone:.0f}")
    bench.check_clean()


def untuned_in(bench):
    """700 Mbit/s into the destination, untuned."""
    bench.unwatch()
    result, alone, during = share(bench, bench.lab.client, bench.target)
    bench.tap.ok(result.ok, "the migration completes", result.error)
    bench.tap.ok(during < SHARE_MBIT, "it takes from the background what it can get",
                 f"{during:.0f} of {alone:.0f} Mbit/s")


def tuned_in(bench):
    """700 Mbit/s into the destination, low urgency: the ingress class protects what arrives."""
    tap = bench.tap
    bench.watch(settings(urgency="low"))
    source = bench.source
    result, alone, during = share(bench, bench.lab.client, bench.target)
    record = bench.one_record(source)
    note_plan(bench, record)
    tap.ok(result.ok, "the migration completes", result.error)
    tap.ok(during >= KEPT_UNKNOWN * alone, f"the background keeps {KEPT_UNKNOWN:.0%} of its goodput",
           f"{during:.0f} of {alone:.0f} Mbit/s")
    bench.check_clean()


def tuned_in_known(bench):
    """700 Mbit/s into the destination, low urgency, where the watchers tell each other their hosts' traffic."""
    tap = bench.tap
    seen = []

    def once():
        bench.watch(settings(urgency="low", more='destination = { share_dir = "/run/shared"; };'))
        source = bench.source
        result, alone, during = share(bench, bench.lab.client, bench.target, is_told=True)
        seen[:] = [bench.one_record(source), alone, during]
        return result
    # The rule is that of test_blackout.py: one run may be above the limit.
    result = bench.undisturbed(once, LIMIT_MS + GRANTED_MS, again=1)[-1]
    record, alone, during = seen
    facts, plan = record["facts"], record["plan"]
    note_plan(bench, record)
    tap.note(f"the destination's traffic: {facts['dst']}")
    tap.ok(result.ok, "the migration completes", result.error)
    tap.ok(facts["dst"]["known"] and 0.8 * BACKGROUND_MBIT < facts["dst"]["in_mbps"] < 1.1 * BACKGROUND_MBIT,
           "the destination's traffic is known", str(facts["dst"]))
    tap.ok(facts["dst"]["known"] and plan["bandwidth_mbps"] <= LINK_MBIT - facts["dst"]["in_mbps"],
           "the plan takes nothing of it", str(plan["bandwidth_mbps"]))
    tap.ok(during >= KEPT * alone, f"the background keeps {KEPT:.0%} of its goodput", f"{during:.0f} of {alone:.0f} Mbit/s")
    tap.ok(result.ok and result.blackout_ms <= LIMIT_MS + GRANTED_MS,
           f"the blackout is at most {LIMIT_MS} ms (+ {GRANTED_MS} ms)", result.line())
    bench.check_clean()


def main():
    """All cases on one guest."""
    tap = Cases()
    with Lab(hook=True) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=50, size_mib=128, touched_mib=192))
        tap.run(Bench(lab, tap, guest), untuned_out, tuned_out, high_out, untuned_in, tuned_in, tuned_in_known)
    tap.finish()


if __name__ == "__main__":
    main()
