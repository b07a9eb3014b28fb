#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests of five kinds, each beside three kinds of other traffic: every migration ends in time, as it was predicted.

Run as: tests/lab/enter tests/lab/extra_matrix.py [--all] [--only PATTERN] [--keep FILE]

With --all a guest of each kind goes to the other host and back, and once more, so that each of its migrations has its
background; without, each kind has one. The watchers stay, so that what they learn counts. Medians over all are what the
prediction is judged by: a single guest that is emulated may be held up by anything.
"""
import argparse
import contextlib
import dataclasses
import functools
import json
import statistics
import time

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.process import LabError, wait_for

BACKGROUND_MBIT = 500
KNOWN = 0.96  # part of the background that the watcher must have seen
KNOWN_WITHIN_S = 15
SAMPLED_FOR_S = 20  # a new guest's first samples: QEMU looks at 512 pages a GiB, so that one of them alone may be off by a quarter
SEEN_BY_CLIENT_MS = 60  # on top of max_downtime
LIMIT_MS = 300
DEADLINE_S_PER_GIB = 60
TOTAL_PART, BLACKOUT_PART, BLACKOUT_MS = 0.15, 0.40, 50  # medians; of the blackout either will do
TRIES = 2  # the second one where a blackout was too long: emulated guests share the processors with all that runs here
BACKGROUNDS = ("none", "out", "in")
GAPS_RUNS, GAP_PART = 4, 1.2  # what is configured as reconfiguration_time, of the longest gap of so many untuned migrations
LEARNT_FROM = 3  # so many migrations a host has to see before it knows its own constants
HEADINGS = ("pattern", "background", "result", "met", "D Mbit/s", "R Mbit/s", "n", "total s", "predicted", "off",
            "blackout ms", "QEMU's", "predicted", "off")


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of guest. in_pairs: what it does shows only in two windows of different length."""
    memory_mib: int
    workload: Workload
    in_pairs: bool = False


KINDS = {
    "uniform_300": Kind(1024, Workload("uniform", mbit_per_s=300, size_mib=256, touched_mib=384)),
    "uniform_700": Kind(768, Workload("uniform", mbit_per_s=700, size_mib=256, touched_mib=256)),
    "hot": Kind(1024, Workload("hot", mbit_per_s=900, size_mib=384, hot_mib=48, touched_mib=384), in_pairs=True),
    "bursty": Kind(512, Workload("bursty", mbit_per_s=400, size_mib=192, on_ms=1000, off_ms=1000, touched_mib=256),
                   in_pairs=True),
    "idle": Kind(512, Workload("idle", touched_mib=256)),
}


def configuration(reconfiguration_ms):
    """Both hosts tell each other their traffic; the dirty rate is sampled often, since the guests do not stay.

    reconfiguration_time: what a client waits beyond the last copy; longer here, where the guest's processor is emulated.
    """
    return settings("medium", 'destination = { share_dir = "/run/shared"; };\nmeasure = { dirty_rate_every = "10s"; };',
                    max_downtime=f"{LIMIT_MS}ms", deadline=f"{DEADLINE_S_PER_GIB}s", on_no_convergence="abort",
                    reconfiguration_time=f"{reconfiguration_ms:.0f}ms")


def exceeds(result, record):
    """Was a blackout longer than it was said to be?"""
    return result.ok and record["plan"]["limit_met"] and result.blackout_ms > LIMIT_MS + SEEN_BY_CLIENT_MS


class Matrix:
    """The cases, and what each measured."""

    def __init__(self, keep):
        self.rows, self._keep, self._reconfiguration_ms = {}, keep, None

    def prepare(self, bench, is_whole):
        """The machine's gap; and what both hosts learn of QEMU, in time and memory: those migrations are not judged."""
        self._reconfiguration_ms = GAP_PART * bench.seen_beyond(GAPS_RUNS)
        self._watch(bench)
        for _ in range(2 * LEARNT_FROM if is_whole else 0):
            bench.lab.migrate(bench.guest)

    def _watch(self, bench):
        """Watchers on both hosts, with what they have learnt so far; those that run go on."""
        for host in bench.lab.hosts:
            if not host.watcher:
                host.watch(configuration(self._reconfiguration_ms))

    @contextlib.contextmanager
    def _background(self, bench, kind, which):
        """That traffic, known to the source's watcher, for the length of the block."""
        if which == "none":
            self._wait(bench, kind, lambda facts: facts["src"]["out_mbps"] + facts["dst"]["in_mbps"] < 10)
            yield
            return
        client = bench.lab.client
        ends = (bench.source, client) if which == "out" else (client, bench.target)
        host, rate = ("src", "out_mbps") if which == "out" else ("dst", "in_mbps")
        traffic = bench.lab.traffic(*ends, BACKGROUND_MBIT)
        try:
            self._wait(bench, kind, lambda facts: facts[host][rate] >= KNOWN * BACKGROUND_MBIT)
            yield
        finally:
            traffic.stop()

    @staticmethod
    def _wait(bench, kind, is_known):
        """Until the source's watcher has measured the guest and knows the traffic; if that takes too long, so be it."""
        def known():
            facts = bench.plan()["facts"]
            sampled = facts["hot_source"] != "none" if KINDS[kind].in_pairs else facts["dirty_rate_source"] == "measured"
            return sampled and is_known(facts)
        with contextlib.suppress(LabError):
            wait_for("", known, KNOWN_WITHIN_S, step=0.25)

    def case(self, kind, background, bench):
        """One migration of one kind of guest beside one background."""
        for attempt in range(TRIES):
            result, record = self._migrate(kind, background, bench)
            if attempt == TRIES - 1 or not exceeds(result, record):
                break
            bench.tap.note(f"above the limit, once more: {result.line()}")
        self._check(bench, (kind, background), result, record)

    def _migrate(self, kind, background, bench):
        """Once: what was seen, and the record."""
        self._watch(bench)
        time.sleep(SAMPLED_FOR_S)
        source = bench.source
        count = len(source.watcher.records())
        with self._background(bench, kind, background):
            result = bench.lab.migrate(bench.guest, timeout=120)
        record = source.watcher.wait_record(count + 1)
        if self._keep:
            seen = {"kind": kind, "background": background, "blackout_ms": result.blackout_ms,
                    "qemu_ms": result.downtime_ms, "lost_s": result.work_lost_s, "total_s": result.total_s,
                    "stood_s": bench.lab.standstills.seconds(result.start, result.end),
                    "suspended": (result.suspended or 0) - result.start, "resumed": (result.resumed or 0) - result.start,
                    "iterations": [begin - result.start for begin in result.iterations], "job": result.job, "record": record}
            with open(self._keep, "a", encoding="utf-8") as file:
                file.write(json.dumps(seen) + "\n")
        return result, record

    def _check(self, bench, key, result, record):
        tap, plan, actual = bench.tap, record["plan"], record["actual"]
        self.rows[key] = (result, record)
        deadline_s = DEADLINE_S_PER_GIB * record["facts"]["memory_bytes"] / 2**30
        tap.note(result.line())
        for event in record.get("events", []):
            tap.note(f"{event['t_ms']} ms: {event['text']}")
        tap.ok(result.ok and actual["total_ms"] <= 1e3 * deadline_s or record["error"],
               f"ends within its deadline of {deadline_s:.0f} s, or early with a reason",
               f"{result.line()}; {record['error']}")
        if result.ok and plan["limit_met"]:
            tap.ok(not exceeds(result, record), "the blackout is within max_downtime, as was said",
                   f"{result.blackout_ms:.0f} ms, QEMU's {result.downtime_ms} ms")

    def judge(self, tap, is_whole):
        """The table, and the predictions: where there are enough of them for a median."""
        lines, totals, parts, differences = [HEADINGS], [], [], []
        for (kind, background), (result, record) in self.rows.items():
            plan, actual, prediction = record["plan"], record["actual"], record["plan"]["prediction"]
            cells = [kind, background, record["result"], "yes" if plan["limit_met"] else "no",
                     f"{record['facts']['dirty_rate_mbps']:.0f}", f"{plan['bandwidth_mbps']:.0f}",
                     f"{plan['iterations']}/{actual['iterations']}"]
            if result.ok and prediction["total_ms"] is not None:
                totals.append(abs(prediction["total_ms"] - actual["total_ms"]) / actual["total_ms"])
                cells += [f"{actual['total_ms'] / 1e3:.1f}", f"{prediction['total_ms'] / 1e3:.1f}",
                          f"{prediction['total_ms'] / actual['total_ms'] - 1:+.0%}"]
                differences.append(abs(prediction["downtime_ms"] - result.blackout_ms))
                parts.append(differences[-1] / result.blackout_ms)
                cells += [f"{result.blackout_ms:.0f}", f"{result.downtime_ms}", f"{prediction['downtime_ms']}",
                          f"{prediction['downtime_ms'] - result.blackout_ms:+.0f}"]
            lines.append((*cells, *[""] * (len(HEADINGS) - len(cells))))
        widths = [max(map(len, column)) for column in zip(*lines)]
        for line in lines:
            tap.note("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
        if not totals:
            return
        total, part, difference = statistics.median(totals), statistics.median(parts), statistics.median(differences)
        tap.note(f"median error of the total time {total:.1%}, of the blackout {part:.1%} or {difference:.0f} ms; "
                 f"{len(totals)} that completed")
        if not is_whole:
            return
        tap.ok(total <= TOTAL_PART, f"predicted total time: within {TOTAL_PART:.0%} (median)", f"{total:.1%}")
        tap.ok(part <= BLACKOUT_PART or difference <= BLACKOUT_MS,
               f"predicted blackout: within {BLACKOUT_PART:.0%} or {BLACKOUT_MS} ms (median)",
               f"{part:.1%}, {difference:.0f} ms")

    def cases(self, kind, is_whole):
        """A case for each background, or for one of them."""
        for background in BACKGROUNDS if is_whole else (BACKGROUNDS[list(KINDS).index(kind) % len(BACKGROUNDS)],):
            case = functools.partial(self.case, kind, background)
            case.__name__, case.__doc__ = f"{kind}_{background}", "predicted, and as it was"
            yield case


def main():
    """Each kind of guest in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="each kind of guest beside each traffic, and their predictions judged")
    parser.add_argument("--only", choices=KINDS, action="append", help="one kind of guest (may be given several times)")
    parser.add_argument("--times", type=int, default=1, help="how often the whole (default: 1)")
    parser.add_argument("--keep", metavar="FILE", help="append each migration's record and what a client saw")
    arguments = parser.parse_args()
    tap, matrix = Cases(), Matrix(arguments.keep)
    started = time.time()
    with Lab(hook=True) as lab:
        bench = Bench(lab, tap, None)
        tap.note_load()
        for _ in range(arguments.times):
            for name in arguments.only or KINDS:
                bench.unwatch()  # what a guest does while it boots is not what it does later
                bench.guest = lab.guest(name=name.replace("_", "-"), memory_mib=KINDS[name].memory_mib,
                                        workload=KINDS[name].workload)
                if not matrix.rows:
                    matrix.prepare(bench, arguments.all)
                tap.run(bench, *matrix.cases(name, arguments.all))
                bench.guest.destroy()
                lab.guests.remove(bench.guest)
        tap.note_load()
        bench.check_clean()
    matrix.judge(tap, arguments.all)
    tap.note(f"{time.time() - started:.0f} s in all")
    tap.finish()


if __name__ == "__main__":
    main()
