#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What becomes of hot pages: left to the stop, left to post-copy, or copied where neither can be.

Run as: tests/lab/enter tests/lab/test_hot_ways.py
"""
from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.process import wait_for

TOUCHED_MIB, MBIT_PER_S = 256, 1300
FEW_MIB, MANY_MIB = 20, 128
SAMPLED_WITHIN_S = 180
FEW_LIMIT_MS = 500
# Of what is sampled: in FEW_LIMIT_MS go 49 MiB. QEMU samples 512 pages a GiB, so that 20 MiB look like 10 or like 50 now and
# then; further samples tell.
FEW_MOST_MIB = 44
BLACKOUT_SLACK_MS = 80
ROUNDS = 6  # of which none converges


def prepare(bench, hot_mib, most_mib=TOUCHED_MIB, **keys):
    """A guest with so many hot pages, and watchers that have seen them."""
    bench.guest.work(pattern="hot", mbit_per_s=MBIT_PER_S, hot_mib=hot_mib)
    bench.watch(settings(urgency="high", more='measure = { dirty_rate_every = "10s"; };', **keys))
    wait_for("the sampler to find hot pages",
             lambda: (facts := bench.plan()["facts"])["hot_source"] == "windows" and 0 < facts["hot_bytes"] < most_mib << 20,
             SAMPLED_WITHIN_S, step=1.0)
    facts = bench.plan()["facts"]
    bench.tap.note_load()
    bench.tap.note({key: facts[key] for key in facts if key.startswith(("hot_", "cold_", "dirty_rate"))})


def migrate(bench, *flags):
    """One migration: (its record, what was seen of it)."""
    tap, source = bench.tap, bench.source
    result = bench.lab.migrate(bench.guest, flags=flags)
    tap.note(result.line())
    tap.ok(result.ok, "the migration completes", result.error)
    record = bench.one_record(source)
    tap.note("\n".join(line for line in record["reasons"] if "hot" in line or "technique" in line))
    tap.note("\n".join(f"{event['t_ms']} ms: {event['text']}" for event in record["events"]))
    for sample in record["actual"]["samples"]:
        tap.note(f"  {sample['t_ms']} ms: round {sample['iteration']}, {sample['remaining_bytes'] / 2 ** 20:.1f} MiB, "
                 f"D {sample['dirty_rate_mbps']}, R {sample['planned_mbps']}")
    return record, result


def reason(record, part):
    """Does a reason say so?"""
    return any(part in line for line in record["reasons"])


def few_hot_pages(bench):
    """Hot II, stop: the hot set fits in the last copy, so the guest is stopped when the cold pages are clean."""
    tap = bench.tap
    most_ms = FEW_LIMIT_MS + bench.granted(BLACKOUT_SLACK_MS)
    records = []

    def once():
        prepare(bench, FEW_MIB, FEW_MOST_MIB, max_downtime=f"{FEW_LIMIT_MS}ms")
        record, result = migrate(bench)
        records.append(record)
        return result
    # The rule is that of test_blackout.py: one run may be above the limit.
    result = bench.undisturbed(once, most_ms, again=1)[-1]
    record = records[-1]
    tap.ok(reason(record, "Hot II: stop when the cold ones are clean"), "the reasons compare Hot I and II and say which",
           record["reasons"])
    tap.equal(record["actual"]["technique"], "pre-copy", "it was stopped, not switched")
    tap.ok(result.blackout_ms <= most_ms, "within max_downtime", f"{result.blackout_ms} ms of {most_ms:.0f}")
    bench.check_clean()


def many_hot_pages(bench):
    """Hot II, switch: the hot set is more than the last copy may bring, and the caller allows post-copy."""
    tap = bench.tap
    prepare(bench, MANY_MIB, max_downtime="100ms")
    record, _ = migrate(bench, "--postcopy")
    tap.ok(reason(record, "Hot II: post-copy when the cold ones are clean"), "the reasons say so", record["reasons"])
    # Planned as post-copy or as hybrid: as whether the caller allowed it was known from the start or not.
    plan = record["plan"]
    tap.ok(plan["technique"] in ("post-copy", "hybrid") and plan["switch_iteration"] >= 2
           and record["actual"]["technique"] == "hybrid", "planned and done: post-copy after pre-copy",
           f"{plan['technique']}, switch {plan['switch_iteration']}, {record['actual']['technique']}")
    switched = [event for event in record["events"] if "post-copy begins" in event["text"]]
    tap.equal(len(switched), 1, "the record tells when")
    # The plan is corrected while it runs, and the record has the first one.
    tap.ok(switched and int(switched[0]["text"].rsplit(" ", 1)[1]) >= 2, "not before the first pass is done",
           f"{switched}, plan {plan['switch_iteration']}")
    tap.ok(record["actual"]["downtime_ms"] <= 100 + BLACKOUT_SLACK_MS, "QEMU's downtime is within max_downtime",
           record["actual"]["downtime_ms"])
    bench.check_clean()


def post_copy_not_allowed(bench):
    """The caller did not allow post-copy: its call's flags say so, or libvirt refuses; the record tells, and it goes on."""
    tap = bench.tap
    prepare(bench, MANY_MIB, max_downtime="100ms", on_no_convergence="exceed", exceed_downtime="8s", max_iterations=ROUNDS)
    target = bench.target
    record, _ = migrate(bench)
    tap.equal(record["actual"]["technique"], "pre-copy", "it stayed with pre-copy")
    said = record["reasons"] + [event["text"] for event in record["events"]]
    tap.ok(any("no post-copy" in text for text in said), "the record says why", said)
    tap.equal(bench.complaints(target), [], "nobody complains on the destination")
    bench.check_clean()


def main():
    """All cases on one guest."""
    tap = Cases()
    with Lab(hook=True) as lab:
        guest = lab.guest(workload=Workload("hot", mbit_per_s=MBIT_PER_S, size_mib=TOUCHED_MIB, hot_mib=FEW_MIB,
                                            touched_mib=TOUCHED_MIB))
        tap.run(Bench(lab, tap, guest), few_hot_pages, many_hot_pages, post_copy_not_allowed)
    tap.finish()


if __name__ == "__main__":
    main()
