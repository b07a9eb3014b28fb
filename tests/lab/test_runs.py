#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which copying of a guest's memory is a migration, and which belong together: retries, saves, many connections.

Run as: tests/lab/enter tests/lab/test_runs.py
"""
import contextlib
import time

from migtune_lab import Lab, Workload, shaping
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.process import LabError, wait_for

CONFIG = settings(urgency="low", strategy="min-bandwidth", min_bandwidth="24MiB/s")
CARRIED_BYTES, CARRIED_WITHIN_S = 1_000_000, 3  # at 24 MiB/s a matter of 0.1 s
SAVED_WITHIN_S = 120
FIGURES_S = 4  # longer than a record waits for libvirt's figures


def grown(now, before):
    """By how much the one class of a migration that is there now has grown."""
    (entry,) = now.values()
    return entry.sent - before[entry.id].sent if entry.id in before else 0


def retried_at_once(bench):
    """Cancelled and started again within the time that a record waits for libvirt's figures: two runs, two records."""
    tap = bench.tap
    bench.watch(CONFIG)
    source = bench.source
    first = bench.lab.migration(bench.guest)
    first.start()
    bench.copying(first, 1.0)
    bench.shaped(source)
    first.cancel()
    first.finish()
    second = bench.lab.migration(bench.guest)
    second.start()
    bench.copying(second, 1.0)
    bench.shaped(source)
    before = shaping.migrations(source)
    with contextlib.suppress(LabError):
        wait_for("", lambda: grown(shaping.migrations(source), before) > CARRIED_BYTES, CARRIED_WITHIN_S)
    sent = grown(shaping.migrations(source), before)
    tap.ok(sent > CARRIED_BYTES, "the second run goes through a class of its own", f"{sent} bytes more, {before}")
    result = second.finish()
    tap.ok(result.ok, "the second run completes", result.line())
    records = source.watcher.wait_record(2) and source.watcher.records()
    tap.note([(record["result"], record["error"]) for record in records])
    tap.equal(len(records), 2, "two records")
    bench.check_cancelled(records[0])
    tap.equal(records[1]["result"], "completed", "the second record says completed")
    bench.check_clean()


def a_save_is_no_migration(bench):
    """Saving and restoring: libvirt tells of iterations, but nothing migrates."""
    tap = bench.tap
    bench.watch(CONFIG)
    source, guest = bench.source, bench.guest
    before = bench.remembered(source)
    source.virsh("save", guest.name, "/run/guest.save", timeout=SAVED_WITHIN_S)
    source.virsh("restore", "/run/guest.save", timeout=SAVED_WITHIN_S)
    wait_for("the guest to run", lambda: guest.state(source) == "running", 10)
    bench.quiet(FIGURES_S)
    tap.equal(source.watcher.records(), [], "no record")
    tap.equal(bench.complaints(source), [], "nothing is logged")
    tap.equal(bench.remembered(source), before, "libvirt remembers the same limits")
    bench.check_clean()


def many_connections(bench):
    """multifd: all channels go through the classes, on both ends."""
    tap = bench.tap
    bench.watch(CONFIG)
    source, target = bench.source, bench.target
    migration = bench.lab.migration(bench.guest, flags=["--parallel", "--parallel-connections", "4"])
    migration.start()
    bench.copying(migration, 2.5)
    # Read in the order in which they grow: what is read later may only be more. What passes by goes to the default class.
    moved = (migration.job() or {}).get("data_processed", 0)
    out = next(iter(bench.shaped(source).values())).sent
    others = shaping.classes(source, "eth0")[shaping.DEFAULT].sent
    ifb = shaping.ifbs(target)
    came = next(iter(shaping.migrations(target, ifb[0]).values())).sent if ifb else 0
    tap.note(f"moved {moved}, egress class {out}, ingress class {came}, default class {others}")
    tap.ok(out > 0.9 * moved > 0 and others < 0.05 * out, "the egress class has it all",
           f"{out} of {moved}, {others} in the default class")
    tap.ok(came > 0.8 * out, "the ingress class has it all", f"{came} of {out}")
    result = migration.finish()
    tap.ok(result.ok, "it completes", result.line())
    bench.one_record(source)
    bench.check_clean()


def plan_of_one_that_moves(bench):
    """A plan for a guest that is migrating is refused at once, on both ends, and disturbs nothing."""
    tap = bench.tap
    bench.watch(CONFIG)
    source, target = bench.source, bench.target
    migration = bench.lab.migration(bench.guest)
    migration.start()
    bench.copying(migration, 1.0)
    for host, other in ((source, target), (target, source)):
        begin = time.monotonic()
        done = bench.migtune(host, "plan", bench.guest.name, other.uri(), check=False)
        took = time.monotonic() - begin
        tap.ok(done.returncode == 1 and "migrating now" in done.stderr, f"refused on host {host.name}",
               done.stderr + done.stdout)
        tap.note(f"{host.name}: {took * 1000:.0f} ms")
    result = migration.finish()
    tap.ok(result.ok, "it completes", result.line())
    bench.one_record(source)
    bench.check_clean()


def main():
    """All cases on one guest."""
    tap = Cases()
    with Lab(hook=True) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=40, size_mib=64, touched_mib=192))
        tap.run(Bench(lab, tap, guest), retried_at_once, a_save_is_no_migration, many_connections, plan_of_one_that_moves)
    tap.finish()


if __name__ == "__main__":
    main()
