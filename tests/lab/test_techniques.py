#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The technique follows the traffic of both hosts: 16 combinations, chosen as the model says, and run as chosen.

Run as: tests/lab/enter tests/lab/test_techniques.py [--all]

Without --all seven of them, in which each class has its turn on either side. The guest goes back and forth, so that each pair of
classes serves both ways; what flows stays until the next pair.
"""
import argparse
import contextlib
import functools
import time

from migtune_lab import Lab, LabError, Workload
from migtune_lab.bench import Bench, model, settings
from migtune_lab.cases import Cases
from migtune_lab.clients import shim_env
from migtune_lab.process import wait_for

CLASSES = ("idle", "inbound", "outbound", "mixed")
SOME = (("idle", "idle"), ("idle", "inbound"), ("inbound", "outbound"), ("outbound", "mixed"))
TRAFFIC_MBIT = 100
# The rates are smoothed over 2 s and shared once a second: 100 Mbit/s are forgotten (below 10) within 6 s. Their classes are
# as wanted before anything is judged, and remain so: the traffic does not change.
KNOWN_WITHIN_S = 30
LOOKS = 3  # that show the classes as wanted, half a second apart
# The first pass takes 3 s, and leaves so much that pre-copy needs another second or two: long enough for a switch to come
# first where one is planned, on a busy machine as well.
DIRTY_MBIT, SIZE_MIB = 120, 64
MAX_DOWNTIME = "100ms"
SWITCH_WITHIN_S = 2.0
SHARE = 'destination = { share_dir = "/run/shared"; };'
HEADINGS = ("source", "destination", "source in/out", "dest in/out", "model", "chosen", "ran", "switch", "switched", "time")


def configuration(**migration):
    """Both hosts share their traffic; the shim may add the post-copy flag."""
    return settings("low", SHARE, post_copy="add", max_downtime=MAX_DOWNTIME, **migration)


class Background:
    """The traffic between the hosts and the client that makes each host what it is to be."""

    def __init__(self, bench):
        self._bench, self._streams = bench, {}

    def make(self, host, traffic_class):
        """Start and stop streams until a host is of a class."""
        client = self._bench.lab.client
        for direction, ends in (("inbound", (client, host)), ("outbound", (host, client))):
            wanted, key = traffic_class in (direction, "mixed"), (host.name, direction)
            if wanted and key not in self._streams:
                self._streams[key] = self._bench.lab.traffic(*ends, TRAFFIC_MBIT)
            elif not wanted and key in self._streams:
                self._streams.pop(key).stop()


def classes_of(facts):
    """The two hosts' classes of traffic, and where the destination's is from."""
    return facts["src"]["class"], facts["dst"]["class"], facts["dst"]["source"]


def rates(traffic):
    """The rates of facts.src or facts.dst as text."""
    return f"{traffic['in_mbps']:.0f}/{traffic['out_mbps']:.0f}"


class Technique:
    """The cases, and the rows that they leave for the table."""

    def __init__(self):
        self.rows = {}
        self._background = None

    def combination(self, of_source, of_target, bench):
        """One source and destination: what is planned, and what a migration under the shim then does."""
        self._background = self._background or Background(bench)
        if not bench.source.watcher:  # the case before this one failed
            bench.watch(configuration())
        self._background.make(bench.source, of_source)
        self._background.make(bench.target, of_target)
        self._wait(bench, (of_source, of_target, "share"))
        want = model("traffic.technique", src=of_source, dst=of_target)
        row = dict.fromkeys(HEADINGS, "")
        row.update(source=of_source, destination=of_target, model=want)
        self.rows[of_source, of_target] = row
        self._plan(bench, row)
        self._migrate(bench, row)

    @staticmethod
    def _wait(bench, wanted):
        """Until the source's watcher sees both hosts' traffic as it is: if that takes too long, the checks tell."""
        seen = 0

        def as_wanted():
            nonlocal seen
            seen = seen + 1 if classes_of(bench.plan()["facts"]) == wanted else 0
            return seen >= LOOKS
        with contextlib.suppress(LabError):
            wait_for("", as_wanted, KNOWN_WITHIN_S, step=0.5)

    @staticmethod
    def _plan(bench, row):
        """`migtune plan`: the classes as measured, and the model's technique."""
        tap, said = bench.tap, bench.plan()
        facts, reasons = said["facts"], said["reasons"]
        row["source in/out"], row["dest in/out"] = rates(facts["src"]), rates(facts["dst"])
        tap.equal(classes_of(facts), (row["source"], row["destination"], "share"), "plan: both hosts' traffic is what it is")
        tap.equal([reason for reason in reasons if reason.startswith("technique by traffic")],
                  [f"technique by traffic: source {row['source']}, destination {row['destination']} -> {row['model']}"],
                  "plan: the technique is the model's")

    def _migrate(self, bench, row):
        """The technique that was chosen in the call, and the one that ran: by the record, and by libvirt's events."""
        tap, source = bench.tap, bench.source
        count = len(source.watcher.records())
        try:
            env = shim_env()
        except LabError as error:
            tap.ok(False, "the migration runs under the shim", error)
            return
        result = bench.lab.migrate(bench.guest, env=env)
        tap.ok(result.ok, "the migration completes", result.error)
        record = source.watcher.wait_record(count + 1)
        plan, ran = record["plan"], record["actual"]["technique"]
        row.update(chosen=plan["technique"], ran=ran, switch=plan["switch_iteration"] or "-", time=f"{result.total_s:.1f} s")
        tap.equal((record["attach"], record["facts"]["src"]["class"], record["facts"]["dst"]["class"]),
                  ("client-shim", row["source"], row["destination"]), "the shim's plan saw the same traffic")
        tap.equal(plan["technique"], row["model"], "the model's technique was chosen")
        # After a full pass post-copy is what the thesis calls hybrid.
        tap.ok(ran in {"pre-copy": ("pre-copy",), "post-copy": ("post-copy", "hybrid")}[row["model"]],
               "that technique ran, says the record", ran)
        row["switched"] = self.check_switch(bench, record, result)

    @staticmethod
    def check_switch(bench, record, result):
        """Pre-copy never switches, post-copy does at the planned iteration. The moment as text, for the table."""
        tap, name, due = bench.tap, bench.guest.name, record["plan"]["switch_iteration"]
        on_source = [event for event in result.events if event.domain == name and event.text == "Suspended Post-copy"]
        on_target = [event for event in result.events if event.domain == name and event.text == "Resumed Post-copy"]
        if due == 0:
            tap.ok(not on_source and not on_target, "the guest moved once, when everything was there",
                   [event.text for event in result.events])
            return "-"
        if not tap.ok(on_source and on_target and len(result.iterations) >= due,
                      f"the guest went on over there before all was there, and after iteration {due} had begun",
                      [event.text for event in result.events]):
            return "never"
        after_s = result.suspended - result.iterations[due - 1]
        tap.ok(-0.05 < after_s < SWITCH_WITHIN_S, f"that was when iteration {due} began", f"{after_s:.2f} s after")
        return f"{due} + {after_s:.2f} s"

    def immediate(self, bench):
        """post_copy_switch = "immediate": the guest goes at once, before a first pass."""
        tap = bench.tap
        bench.watch(configuration(technique="post-copy", post_copy_switch="immediate"))
        source = bench.source
        result = bench.lab.migrate(bench.guest, env=shim_env())
        tap.ok(result.ok, "the migration completes", result.error)
        record = bench.one_record(source)
        tap.equal((record["plan"]["switch_iteration"], record["actual"]["technique"]), (1, "post-copy"),
                  "planned and run so")
        tap.note(f"switched at {self.check_switch(bench, record, result)}; {result.line()}")

    def table(self, tap):
        """All rows."""
        rows = [HEADINGS] + [tuple(str(row[heading]) for heading in HEADINGS) for row in self.rows.values()]
        widths = [max(map(len, column)) for column in zip(*rows)]
        for row in rows:
            tap.note("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())


def cases(technique, is_whole):
    """A case for each combination, or for some, in an order that changes little from one to the next."""
    pairs = [(first, second) for i, first in enumerate(CLASSES) for second in CLASSES[i:]] if is_whole else SOME
    for pair in pairs:
        for of_source, of_target in dict.fromkeys((pair, pair[::-1])):
            case = functools.partial(technique.combination, of_source, of_target)
            case.__name__, case.__doc__ = f"{of_source}_to_{of_target}", "chosen, and run"
            yield case


def main():
    """All cases on one guest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="all 16 combinations")
    is_whole = parser.parse_args().all
    tap, technique = Cases(), Technique()
    started = time.time()
    with Lab(hook=True) as lab:
        guest = lab.guest(memory_mib=512, workload=Workload("uniform", mbit_per_s=DIRTY_MBIT, size_mib=SIZE_MIB,
                                                            touched_mib=SIZE_MIB))
        bench = Bench(lab, tap, guest)
        tap.note_load()
        bench.watch(configuration())
        tap.run(bench, *cases(technique, is_whole))
        tap.run(bench, technique.immediate)
        tap.note_load()
    technique.table(tap)
    tap.note(f"{time.time() - started:.0f} s in all")
    tap.finish()


if __name__ == "__main__":
    main()
