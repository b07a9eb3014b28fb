#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest that dirties more than the link carries: libvirt alone copies for ever, migtune decides.

Run as: tests/lab/enter tests/lab/test_converge.py [--alone SECONDS]
"""
import argparse

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.process import wait_for

TOO_MUCH_MBIT, SIZE_MIB = 1400, 256
WITHIN_MS = 10000  # of the evidence
INBOUND_MBIT, KNOWN_WITHIN_S = 150, 30
VERDICT = "does not converge"


def verdict(record):
    """The last event in which the watcher says that it does not converge, and what it does; None: it never did."""
    return next((event for event in reversed(record.get("events", [])) if VERDICT in event["text"]), None)


def check_decided(tap, record, remedy):
    """The record tells the evidence and the remedy, and that the end came soon after."""
    event = verdict(record)
    tap.note("\n".join(f"{one['t_ms']} ms: {one['text']}" for one in record.get("events", [])))
    tap.ok(event and event["text"].endswith(remedy), f"the record says that it does not converge, and the remedy: {remedy}",
           record.get("events"))
    if event:
        took = record["actual"]["total_ms"] - event["t_ms"]
        tap.ok(took <= WITHIN_MS, "it ends within 10 s of the evidence", f"{took} ms")


def alone(bench, seconds):
    """Without migtune it is still running."""
    migration = bench.lab.migration(bench.guest)
    migration.start()
    bench.copying(migration, seconds)
    bench.tap.ok(migration.is_running(), f"libvirt alone is still copying after {seconds:.0f} s")
    migration.cancel()
    bench.tap.note(migration.finish().line())


def ends_it(bench):
    """on_no_convergence = abort: the guest stays, and the reason is told."""
    tap = bench.tap
    bench.watch(settings(urgency="high", on_no_convergence="abort", post_copy="never"))
    bench.sampled()
    result = bench.lab.migrate(bench.guest, timeout=90)
    record = bench.one_record(bench.source)
    tap.note(result.line())
    tap.ok(not result.ok, "the migration ends", result.line())
    tap.equal((bench.guest.state(), record.get("result")), ("running", "cancelled"), "the guest runs where it was")
    tap.ok(VERDICT in (record.get("error") or ""), "the error says why", record.get("error"))
    check_decided(tap, record, "abort")
    bench.check_clean()


def stops_it(bench):
    """on_no_convergence = exceed: a longer blackout, as long as configured at most."""
    tap = bench.tap
    bench.watch(settings(urgency="high", on_no_convergence="exceed", exceed_downtime="6s"))
    bench.sampled()
    source = bench.source
    result = bench.lab.migrate(bench.guest, timeout=90)
    record = bench.one_record(source)
    tap.note(result.line())
    tap.ok(result.ok and result.downtime_ms <= 6000, "it completes, within exceed_downtime", result.line())
    check_decided(tap, record, "exceed")
    bench.check_clean()


def switches(bench):
    """Planned as pre-copy, since traffic comes into the source: post-copy where the caller allows it."""
    tap = bench.tap
    bench.watch(settings(urgency="high"))
    source = bench.source
    traffic = bench.lab.traffic(bench.lab.client, source, INBOUND_MBIT)
    try:
        bench.sampled()
        wait_for("the source to be seen as inbound", lambda: bench.plan()["facts"]["src"]["class"] == "inbound",
                 KNOWN_WITHIN_S, step=0.5)
        result = bench.lab.migrate(bench.guest, flags=["--postcopy"], timeout=90)
    finally:
        traffic.stop()
    record = bench.one_record(source)
    tap.note(result.line())
    tap.ok(result.ok, "it completes", result.line())
    tap.equal((record["plan"]["technique"], record["actual"]["technique"]), ("pre-copy", "hybrid"),
              "planned as pre-copy, ended by post-copy")
    check_decided(tap, record, "post-copy")
    tap.equal(bench.guest.state(), "running", "the guest runs")
    bench.check_clean()


def main():
    """All cases on one guest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alone", type=float, default=20, metavar="SECONDS",
                        help="how long to watch libvirt alone (default: 20)")
    seconds = parser.parse_args().alone

    def without(bench):
        """Libvirt alone."""
        alone(bench, seconds)

    tap = Cases()
    with Lab(hook=True) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=TOO_MUCH_MBIT, size_mib=SIZE_MIB))
        tap.run(Bench(lab, tap, guest), without, ends_it, stops_it, switches)
    tap.finish()


if __name__ == "__main__":
    main()
