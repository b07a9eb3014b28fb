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

BACKGROUND_MBIT = 700
KEPT = 0.92  # of its goodput, at low urgency
ALONE_S = 4
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


def share(bench, name, sender, receiver):
    """One migration under background traffic: (Result, goodput alone, goodput during it)."""
    arrives_there = receiver is bench.target
    with background(bench, sender, receiver) as (traffic, alone):
        result = bench.lab.migrate(bench.guest)
        moved_from = result.iterations[0] if result.iterations else result.start
        during = traffic.goodput(moved_from, result.end)
    own = result.wire_bytes * 8e-6 / result.total_s
    if arrives_there:
        own -= during
    bench.tap.note_load()
    bench.tap.note(f"{name}: background {alone:.0f} Mbit/s alone, {during:.0f} during the migration ({during / alone:.1%}); "
                   f"migration {own:.0f} Mbit/s; {result.line()}")
    return result, alone, during


def note_plan(bench, record):
    """What was planned, from what."""
    facts, plan = record["facts"], record["plan"]
    bench.tap.note(f"D {facts['dirty_rate_mbps']} Mbit/s ({facts['dirty_rate_source']}), leaving {facts['src']['out_mbps']}; planned "
                   f"{plan['bandwidth_mbps']} Mbit/s, reserved {plan['reserve_mbps']}, n {plan['iterations']}, downtime limit "
                   f"{plan['downtime_limit_ms']} ms; last ceil {record['tc'][-1]['ceil_mbps']}, {record['applied']}")


def untuned_out(bench):
    """700 Mbit/s leaving the source, untuned: the two share the link."""
    bench.unwatch()
    result, alone, during = share(bench, "leaving, untuned", bench.source, bench.lab.client)
    bench.tap.ok(result.ok, "leaving, untuned: the migration completes", result.error)
    bench.tap.ok(during < SHARE_MBIT, "leaving, untuned: it takes from the background what it can get",
                 f"{during:.0f} of {alone:.0f} Mbit/s")


def tuned_out(bench):
    """700 Mbit/s leaving the source, low urgency: the background keeps 92 % of its goodput."""
    tap = bench.tap
    bench.watch(settings(urgency="low"))
    source = bench.source
    result, alone, during = share(bench, "leaving, low urgency", source, bench.lab.client)
    record = bench.one_record(source, "leaving, low urgency: exactly one record")
    note_plan(bench, record)
    tap.ok(result.ok, "leaving, low urgency: the migration completes", result.error)
    tap.ok(during >= KEPT * alone, f"leaving, low urgency: the background keeps {KEPT:.0%} of its goodput",
           f"{during:.0f} of {alone:.0f} Mbit/s")
    bench.check_clean("leaving, low urgency: nothing is left on either host")


def high_out(bench):
    """700 Mbit/s leaving the source, high urgency: the migration gets its reservation."""
    tap = bench.tap
    bench.watch(settings(urgency="high"))
    source = bench.source
    result, alone, during = share(bench, "leaving, high urgency", source, bench.lab.client)
    record = bench.one_record(source, "leaving, high urgency: exactly one record")
    plan = record["plan"]
    note_plan(bench, record)
    tap.ok(result.ok, "leaving, high urgency: the migration completes", result.error)
    tap.ok(plan["reserve_mbps"] > 300 and record["tc"][0]["rate_mbps"] > 300,
           "leaving, high urgency: a reservation is planned and installed", f"{plan['reserve_mbps']}, {record['tc']}")
    carried = result.job.get("memory_processed", result.bytes) * 8e-6 / (result.end - result.iterations[0])
    tap.ok(carried >= 0.8 * min(plan["reserve_mbps"], 984) * 1448 / 1514,
           "leaving, high urgency: the migration really gets what was reserved",
           f"{carried:.0f} Mbit/s of {plan['reserve_mbps']:.0f}, background {during:.0f} of {alone:.0f}")
    bench.check_clean("leaving, high urgency: nothing is left on either host")


def untuned_in(bench):
    """700 Mbit/s into the destination, untuned."""
    bench.unwatch()
    result, alone, during = share(bench, "arriving, untuned", bench.lab.client, bench.target)
    bench.tap.ok(result.ok, "arriving, untuned: the migration completes", result.error)
    bench.tap.ok(during < SHARE_MBIT, "arriving, untuned: it takes from the background what it can get",
                 f"{during:.0f} of {alone:.0f} Mbit/s")


def tuned_in(bench):
    """700 Mbit/s into the destination, low urgency: the ingress class protects what arrives."""
    tap = bench.tap
    bench.watch(settings(urgency="low"))
    source = bench.source
    result, alone, during = share(bench, "arriving, low urgency", bench.lab.client, bench.target)
    record = bench.one_record(source, "arriving, low urgency: exactly one record")
    note_plan(bench, record)
    tap.ok(result.ok, "arriving, low urgency: the migration completes", result.error)
    tap.ok(during >= KEPT * alone, f"arriving, low urgency: the background keeps {KEPT:.0%} of its goodput",
           f"{during:.0f} of {alone:.0f} Mbit/s")
    bench.check_clean("arriving, low urgency: nothing is left on either host")


def main():
    """All cases on one guest."""
    tap = Cases()
    with Lab(hook=True) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=50, size_mib=128, touched_mib=256))
        tap.run(Bench(lab, tap, guest), untuned_out, tuned_out, high_out, untuned_in, tuned_in)
    tap.finish()


if __name__ == "__main__":
    main()
