#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each strategy drives a real migration: is the bandwidth what its paper says, round by round where it says so?

Run as: tests/lab/enter tests/lab/test_strategies.py
"""
import json
import math
import pathlib
import tempfile
import time

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, model, settings
from migtune_lab.cases import Cases
from migtune_lab.inforce import at_rest, planned_otherwise, shaped_otherwise
from migtune_lab.process import run as run_program
from migtune_lab.watcher import program

DIRTY_MBIT = 80
LINK_MBIT = 1000.0
NAMESPACE = "urn:migtune:policy:1"
# Deadlines would raise what a strategy asks for; here they are too far away to act.
FAR = "60min"
CLARK_INITIAL, CLARK_ADDITION = 120.0, 60.0
COST_SCALE = 150.0
records = []  # of all the migrations here
LAST_S = 0.3  # how much later we may have been told of one event than the watcher was
PASS_S = 1.0  # in shorter rounds the moment of looking matters
MORE = (f'clark = {{ initial = "{CLARK_INITIAL:.0f}Mbit"; addition = "{CLARK_ADDITION:.0f}Mbit"; }};\n'
        f'cost = {{ scale = "{COST_SCALE:.0f}Mbit"; }};')


def rounds(record):
    """The first sample of each iteration in which memory was copied."""
    first = {}
    for sample in record["actual"]["samples"]:
        first.setdefault(sample["iteration"], sample)
    return [first[i] for i in sorted(first)]


def tell(bench, record):
    """The rounds, for the reader."""
    note = bench.tap.note
    note(f"{record['plan']['strategy']}: predicted {record['plan']['prediction']['total_ms'] / 1000:.1f} s, "
         f"actual {record['actual']['total_ms'] / 1000:.1f} s, blackout {record['actual']['downtime_ms']} ms")
    for sample in rounds(record):
        note(f"  round {sample['iteration']} at {sample['t_ms'] / 1000:6.2f} s: "
             f"{sample['remaining_bytes'] / 2 ** 20:6.1f} MiB to send, R {sample['planned_mbps']:6.1f}, "
             f"carried {sample['bandwidth_mbps']:6.1f}, D {sample['dirty_rate_mbps']:6.1f} Mbit/s")


def migrate(bench, strategy, more=MORE, **keys):
    """One migration with a strategy. QEMU's limit and tc's ceil are read while it runs."""
    tap = bench.tap
    bench.watch(settings(urgency="high", more=more, strategy=strategy, deadline=FAR, max_downtime="300ms", **keys))
    bench.sampled()
    return run(bench, strategy, tap)


def run(bench, strategy, tap):
    """Migrates and checks what holds for every strategy: (its record, what was seen of it)."""
    source = bench.source
    migration = bench.lab.migration(bench.guest)
    migration.start()
    bench.copying(migration, 0.5)
    during = at_rest(bench)
    result = migration.finish()
    tap.ok(result.ok, "the migration completes", result.error)
    record = bench.one_record(source)
    records.append(record)
    tell(bench, record)
    tap.equal((record["result"], record["plan"]["strategy"], record["intent"]["strategy"]),
              ("completed", strategy, strategy), "the record says so, and by which strategy")
    tap.ok(math.isclose(during.ceil, during.planned_mbps, rel_tol=0.05), "tc's ceil is R", during)
    differences = shaped_otherwise(during.limits, during.ceil), planned_otherwise(during.limits, during.planned_mbps)
    tap.equal(differences, (None, None), "QEMU's limit is R in the next whole MiB/s")
    most = excess = 0.0  # what is carried is smoothed, so it is compared with the highest R so far
    for sample in before_last_copy(record, result):
        most = max(most, sample["planned_mbps"])
        excess = max(excess, sample["bandwidth_mbps"] / most)
    tap.ok(0.3 < excess < 1.05, "what is carried comes up to R and not beyond it", f"{excess}")
    bench.check_clean()
    return record, result


def before_last_copy(record, result):
    """The record's samples without those that may have some of the last copy in them, which has the whole link.

    Their times count from the first iteration's event, which is also told to us.
    """
    copied_s = result.suspended - result.iterations[0] - LAST_S
    return [sample for sample in record["actual"]["samples"] if sample["t_ms"] / 1000 < copied_s]


def first_plan(bench, record, demand, keeps_lambda=False):
    """R of the first plan is the demand, within what the share of the ideal and the floor leave."""
    facts = record["facts"]
    ideal = model("traffic.ideal_bw", technique="pre-copy", vm_in=facts["vm"]["in_mbps"], vm_out=facts["vm"]["out_mbps"])
    floor = max(8 * 2 ** 20 * 8 / 1e6, facts["dirty_rate_mbps"] / 0.4 if keeps_lambda else 0)
    bench.tap.near(record["plan"]["bandwidth_mbps"], min(max(demand, floor), ideal), 0.002,
                   "R is what its paper says, within bounds")


def lambda_range(bench):
    """R = D / lambda(D)."""
    record, _ = migrate(bench, "lambda-range")
    dirty = record["facts"]["dirty_rate_mbps"]
    first_plan(bench, record, dirty / model("wan.lambda", D=dirty), keeps_lambda=True)


def delta_increment(bench):
    """The first R whose next step gains too little."""
    record, _ = migrate(bench, "delta-increment")
    facts = record["facts"]
    first_plan(bench, record, model(
        "wan.delta_increment", vm_mb=facts["resident_bytes"] * 8e-6, D=facts["dirty_rate_mbps"], tau=facts["tau_ms"] / 1000,
        tg=facts["tg_ms"] / 1000, limit=0.3, cap=LINK_MBIT))


def min_bandwidth(bench):
    """R = D + 50."""
    record, _ = migrate(bench, "min-bandwidth")
    first_plan(bench, record, model("wan.min_bandwidth", D=record["facts"]["dirty_rate_mbps"]))


def max_bandwidth(bench):
    """R = the link, within the urgency's share. Chosen for this VM alone, by its own metadata."""
    tap, guest, source = bench.tap, bench.guest, bench.source
    bench.watch(settings(urgency="high", more=MORE, strategy="min-bandwidth", deadline=FAR))
    source.virsh("metadata", guest.name, "--live", "--uri", NAMESPACE, "--key", "migtune",
                 "--set", "<policy strategy='max-bandwidth'/>")
    record, _ = run(bench, "max-bandwidth", tap)
    tap.equal(record["intent"]["from"], "metadata", "the strategy came from the VM's metadata")
    first_plan(bench, record, model("wan.max_bandwidth", D=record["facts"]["dirty_rate_mbps"], cap=LINK_MBIT))
    bench.source.virsh("metadata", guest.name, "--live", "--uri", NAMESPACE, "--remove", check=False)


def clark(bench):
    """Round 1 at the operator's bandwidth, each further one at the last one's dirty rate plus a constant."""
    tap = bench.tap
    record, result = migrate(bench, "clark")
    steps = rounds(record)
    tap.near(steps[0]["planned_mbps"], CLARK_INITIAL, 0.001, "round 1 has the initial bandwidth")
    tap.ok(len(steps) >= 4, "there are rounds enough to look at", f"{len(steps)}")
    bad, seen = [], 0
    for before, now in zip(steps, steps[1:]):
        began, ended = result.iterations[now["iteration"] - 2:now["iteration"]]
        if ended - began < PASS_S or before["iteration"] + 1 != now["iteration"]:
            continue  # too short, or one in between was not seen
        seen += 1
        # QEMU looks when what remains could be sent in the time that a stop may take: that was dirtied before.
        unsent = before["remaining_bytes"] * 8e-6 - result.arrived_mbit(began, ended) if now["iteration"] > 2 else 0
        want = (now["remaining_bytes"] * 8e-6 - max(unsent, 0)) / (ended - began) + CLARK_ADDITION
        tap.note(f"round {now['iteration']}: R {now['planned_mbps']}, reckoned {want:.1f}")
        if not math.isclose(now["planned_mbps"], want, rel_tol=0.1):
            bad.append(f"round {now['iteration']}: {now['planned_mbps']}, wanted {want:.1f}")
    tap.ok(seen >= 3 and not bad, "each further round has the dirty rate of the last one plus the addition",
           f"{seen} rounds seen, wrong: {bad}")
    plans = [step["planned_mbps"] for step in steps[:4]]
    tap.ok(len(set(plans)) > 1, "the bandwidth changes from round to round", f"{plans}")


def cost_aware_stepwise(bench):
    """The bandwidth that costs least at what is clean: low first, then more."""
    tap = bench.tap
    record, _ = migrate(bench, "cost-aware")
    steps, facts = rounds(record), record["facts"]
    tap.near(steps[0]["planned_mbps"], COST_SCALE, 0.05, "with nothing clean it begins at the scale (exp)")
    resident = facts["resident_bytes"] * 8e-6
    bad = []
    for step in steps[1:]:
        dirty = step["dirty_rate_mbps"] or DIRTY_MBIT
        want = model("calm.best_step", i=max(resident - step["remaining_bytes"] * 8e-6, 0), B=LINK_MBIT,
                     p=dirty / resident, F="exp", C=COST_SCALE)
        if not math.isclose(step["planned_mbps"], want, rel_tol=0.2):
            bad.append(f"round {step['iteration']}: {step['planned_mbps']}, wanted {want:.1f}")
    tap.equal(bad, [], "each further round has the model's best bandwidth for what is clean")
    plans = [sample["planned_mbps"] for sample in record["actual"]["samples"]]
    tap.note(f"R second by second: {plans}")
    tap.ok(max(plans[1:]) > 1.2 * plans[0], "the bandwidth rises as more is clean", f"{plans}")
    first = [sample["planned_mbps"] for sample in record["actual"]["samples"] if sample["iteration"] == 1]
    # How far depends on the D that was sampled before: what is dirtied again is no longer clean.
    tap.ok(max(first) > 1.02 * first[0], "within the first pass already", f"{first}")


def cost_aware_fixed(bench):
    """One bandwidth for the whole migration: the one that costs least. F is a table of measured points."""
    more = ('cost = { bandwidth = "fixed"; function = "table"; table = "400Mbit:0.5 700Mbit:0.02 950Mbit:0.01"; };')
    record, _ = migrate(bench, "cost-aware", more=more)
    # the points are the only candidates: the best of the three, by the model's own cost
    bench.tap.near(record["plan"]["bandwidth_mbps"], 300.0, 0.001, "R leaves the services what the table's knee says")


def calibrate(bench):
    """What these real migrations tell a host of its own constants, as a configuration that is accepted."""
    tap = bench.tap
    with tempfile.TemporaryDirectory() as directory:
        history, fragment = pathlib.Path(directory, "history.jsonl"), pathlib.Path(directory, "fragment.conf")
        history.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        text = run_program([str(program()), "calibrate", "--history", str(history)]).stdout
        tap.note(text)
        found = json.loads(run_program([str(program()), "calibrate", "--history", str(history), "--json"]).stdout)
        tap.note(json.dumps(found)[:600])
        fragment.write_text(text, encoding="utf-8")
        checked = run_program([str(program()), "check", str(fragment)], check=False)
        tap.equal(checked.returncode, 0, "the fragment is a good configuration")
        tap.ok("NaN" not in text and "nan" not in text, "and has no NaN in it", text)


def main():
    """All strategies on one guest."""
    tap = Cases()
    with Lab(hook=True) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=DIRTY_MBIT, size_mib=96, touched_mib=96))
        time.sleep(1)
        tap.note_load()
        tap.run(Bench(lab, tap, guest), lambda_range, delta_increment, min_bandwidth, max_bandwidth, clark,
                cost_aware_stepwise, cost_aware_fixed, calibrate)
    tap.finish()


if __name__ == "__main__":
    main()
