#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shim in virsh and in Python programs: what it changes, and that else a caller sees no difference.

Run as: tests/lab/enter tests/lab/test_shim.py

Two kinds of cases: with a plugin that advises what the test wants (plugin/advice.c), where the shim is seen alone; and with
migtune's own plugin and watchers.
"""
import re
import subprocess
import time

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.broken import configuration_broken, no_watcher, plugin_garbage, plugin_missing, watcher_hangs
from migtune_lab.callers import (AUTO_CONVERGE, COMPRESSED, OPTIONS, PARALLEL, PEER, POSTCOPY, QEMU_DOWNTIME_MS, TYPED,
                                 UNLIMITED_MIB_S, check_planned, client, compare, define_stopped, moved, outcomes, parameter,
                                 planned_settings)
from migtune_lab.cases import Cases
from migtune_lab.clients import Advice, python_calls, shim_env
from migtune_lab.probe import MIB

SOON_S = 12  # much less than the callers would wait without bounds
WAIT_S = 0.5  # of plugin/advice.c
OPERATION_ABORTED = 78  # VIR_ERR_OPERATION_ABORTED


# The shim alone.

# client, its own options, what is advised, QEMU's capabilities of OPTIONS, QEMU's parameters
SUBSTITUTIONS = (
    ("virsh", {}, {"flags_add": POSTCOPY, "bandwidth_mib_s": 40, "bandwidth_postcopy_mib_s": 15,
                   "bandwidth_switchover_mib_s": 90},
     {"postcopy-ram"},
     {"max-bandwidth": 40 * MIB, "max-postcopy-bandwidth": 15 * MIB, "avail-switchover-bandwidth": 90 * MIB}),
    ("virsh direct", {}, {"flags_add": AUTO_CONVERGE, "bandwidth_mib_s": 41},
     {"auto-converge"}, {"max-bandwidth": 41 * MIB}),
    ("virsh", {"flags": ["--postcopy"]}, {"flags_drop": POSTCOPY, "bandwidth_mib_s": 42},
     set(), {"max-bandwidth": 42 * MIB}),
    ("migrateToURI3", {}, {"flags_add": PARALLEL, "connections": 3, "bandwidth_mib_s": 43},
     {"multifd"}, {"max-bandwidth": 43 * MIB, "multifd-channels": 3}),
    ("migrateToURI3", {"bandwidth": 20}, {"flags_add": PARALLEL | COMPRESSED, "compression": "zstd", "connections": 2,
                                          "bandwidth_mib_s": 44},
     {"multifd"}, {"max-bandwidth": 44 * MIB, "multifd-compression": "zstd"}),
    ("migrateToURI2", {}, {"flags_add": POSTCOPY, "bandwidth_mib_s": 45, "bandwidth_postcopy_mib_s": 15,
                           "bandwidth_switchover_mib_s": 90},
     {"postcopy-ram"},
     {"max-bandwidth": 45 * MIB, "max-postcopy-bandwidth": 15 * MIB, "avail-switchover-bandwidth": 90 * MIB}),
    ("migrateToURI", {}, {"flags_add": AUTO_CONVERGE, "bandwidth_mib_s": 46},
     {"auto-converge"}, {"max-bandwidth": 46 * MIB}),
    ("migrate3", {}, {"flags_add": COMPRESSED, "compression": "xbzrle", "xbzrle_cache_bytes": 32 * MIB,
                      "bandwidth_mib_s": 47},
     {"xbzrle"}, {"max-bandwidth": 47 * MIB, "xbzrle-cache-size": 32 * MIB}),
    ("migrate2", {}, {"flags_add": POSTCOPY, "bandwidth_mib_s": 48}, {"postcopy-ram"}, {"max-bandwidth": 48 * MIB}),
    ("migrate", {}, {"flags_add": AUTO_CONVERGE, "bandwidth_mib_s": 49}, {"auto-converge"}, {"max-bandwidth": 49 * MIB}),
    ("migrate", {}, {"flags_add": PARALLEL, "connections": 3, "bandwidth_mib_s": 50},
     {"multifd"}, {"max-bandwidth": 50 * MIB, "multifd-channels": 3}),
)


def substitutions(bench):
    """Every function that migrates: flags and parameters as advised reach QEMU."""
    tap = bench.tap
    bench.unwatch()
    for how, own, advised, options, parameters in SUBSTITUTIONS:
        advice = Advice(bench.source)
        advice.give(**advised)
        result, probe = moved(bench, client(bench, how, advice.env(), **own))
        tap.ok(result.ok, f"{how}: the migration completes", result.error)
        seen = probe.capabilities() & OPTIONS, {name: parameter(probe, name) for name in parameters}
        tap.equal(seen, (options, parameters), f"{how}: QEMU has what was advised")
        reports = advice.heard("report")
        tap.ok(len(advice.heard("advise")) == 1 and len(reports) == 1 and reports[0].startswith("ended value=0 result=0"),
               f"{how}: one question, and a report of the end", advice.heard(""))


def refused(bench):
    """libvirt or QEMU refuses what was advised: the caller's own call is made."""
    tap = bench.tap
    for how in ("virsh", "migrate3"):
        source, advice = bench.source, Advice(bench.source)
        bench.forget()
        advice.give(flags_add=POSTCOPY | PARALLEL, bandwidth_mib_s=40)
        result, probe = moved(bench, client(bench, how, advice.env()))
        tap.ok(result.ok, f"{how}: the migration completes", result.error)
        tap.equal((probe.capabilities() & OPTIONS, probe.speeds()), (set(), [UNLIMITED_MIB_S]),
                  f"{how}: as the caller asked for")
        tap.note("\n".join(bench.shim_lines(source)))
        said = [line for line in bench.shim_lines(source) if "refused the tuned call" in line]
        tap.equal(len(said), 1, f"{how}: one line says so")
        tap.equal([report.split()[0] for report in advice.heard("report")], ["retried", "ended"],
                  f"{how}: and the plugin was told")


def limits(bench):
    """A caller's SetMaxDowntime and SetMaxSpeed while its migration runs: left out, or passed on, as advised."""
    tap = bench.tap
    calls = [["migrateSetMaxDowntime", 77, 0], ["migrateSetMaxSpeed", 33, 0]]
    for stands in (1, 0):
        advice = Advice(bench.source)
        advice.give(bandwidth_mib_s=25, stands=stands)
        migration = client(bench, "migrateToURI3", advice.env(), meanwhile=calls)
        result, probe = moved(bench, migration)
        name = "the plan's stand" if stands else "the caller's pass"
        tap.equal([(outcome.get("result"), outcome["last"]) for outcome in migration.said()["meanwhile"]], [(0, None)] * 2,
                  f"{name}: the caller is told that all is well")
        in_force = ([25], [QEMU_DOWNTIME_MS]) if stands else ([25, 33], [QEMU_DOWNTIME_MS, 77])
        tap.equal((probe.speeds(), probe.downtimes()), in_force, f"{name}: so they do in QEMU")
        tap.equal([report.split()[:2] for report in advice.heard("report")][:2],
                  [["max-downtime", "value=77"], ["max-speed", "value=33"]], f"{name}: the plugin was asked")
        tap.ok(result.ok, f"{name}: the migration completes", result.error)


def cancelled(text):
    """A message with libvirt's words for a cancelled job made one: QEMU 10.0 reports a failed channel now and then."""
    return re.sub(r"operation aborted: job 'migration out' canceled by client|operation failed: job 'migration out' failed: "
                  r"(Channel error: Input/output error|Unable to write to socket: [\w ]+)", "CANCELLED", text)


def without_cause(said):
    """What a Python program was told, with the error of a cancelled job made one, see above."""
    def one(outcome):
        is_cancelled = "error" in outcome and cancelled(outcome["error"][2]) == "CANCELLED"
        return {"call": outcome["call"], "error": "CANCELLED"} if is_cancelled else outcome
    return {thread: [one(outcome) for outcome in outcomes_of] for thread, outcomes_of in said.items()}


def acts(bench):
    """StartPostCopy, Suspend and AbortJob of the same program: as without the shim, and told."""
    tap = bench.tap
    postcopy = PEER + "|POSTCOPY"
    for word, method, flags in (("post-copy", ["migrateStartPostCopy", 0], postcopy), ("suspend", ["suspend"], PEER),
                                ("abort", ["abortJob"], PEER)):
        said, seen = [], []
        for shim in (False, True):
            advice = Advice(bench.source)
            migration = client(bench, "migrateToURI3", advice.env() if shim else None, bandwidth=30, python_flags=flags,
                               meanwhile=[method])
            result, _ = moved(bench, migration)
            said.append(without_cause(migration.said()))
            seen.append((result.ok, "Resumed Post-copy" in [event.text for event in result.events]))
        tap.equal(said[1], said[0], f"{word}: the program is told the same")
        tap.equal(seen[1], seen[0], f"{word}: the same happens")
        tap.ok(any(report.startswith(word) for report in advice.heard("report")), f"{word}: the plugin was told",
               advice.heard("report"))


def held(bench):
    """A call that is to wait waits, and an abort ends it."""
    tap = bench.tap
    advice = Advice(bench.source)
    advice.give(waits=4)
    result, _ = moved(bench, client(bench, "virsh", advice.env()))
    first = result.iterations[0] - result.start if result.iterations else 0
    tap.ok(result.ok and first > 4 * WAIT_S, "it begins when it is its turn", f"{first:.1f} s after the call")
    tap.equal([question.split()[-1] for question in advice.heard("advise")], [f"asked={n}" for n in range(5)],
              "it asked each time")
    advice = Advice(bench.source)
    advice.give(waits=40)
    migration = client(bench, "migrateToURI3", advice.env(), meanwhile=[["abortJob"]], after_s=2)
    began = time.time()
    result = migration.run()
    outcome = migration.said()
    tap.note(outcome)
    tap.ok(not result.ok and not result.iterations and time.time() - began < 40 * WAIT_S, "an abort ends the wait",
           result.line())
    tap.equal(outcome["meanwhile"][0].get("result"), 0, "the abort is told that it worked")
    tap.equal(outcome["calls"][0].get("error", [None])[0], OPERATION_ABORTED, "the call returns what libvirt's would")
    tap.equal(bench.guest.state(), "running", "the guest runs on")


def hangs(bench):
    """A plugin that hangs: the wait is bounded, and the call is the caller's."""
    advice = Advice(bench.source)
    advice.give(sleep=60000, bandwidth_mib_s=40)
    result, probe = moved(bench, client(bench, "virsh", {**advice.env(), "MIGTUNE_SHIM_TIMEOUT_MS": "1000"}))
    bench.tap.ok(result.ok and result.iterations[0] - result.start < SOON_S, "the migration completes, soon", result.line())
    bench.tap.equal(probe.speeds(), [UNLIMITED_MIB_S], "as the caller asked for")


# A caller's view.

def errors(bench):
    """Calls that fail, with watchers and a plan that would change much: the same results, codes and messages."""
    bench.watch(planned_settings())
    without = outcomes(bench)
    bench.tap.note("\n".join(f"{name}: {status} {(message or output).strip().splitlines()[-1:]}"
                             for name, (status, output, message) in without.items()))
    several = "python: acts", "python: limits"  # calls, of which the last need not fail
    bad = [name for name, (status, *_) in without.items() if status == 0 and not name.startswith(several)]
    bench.tap.equal(bad, [], "what is to fail does so without the shim")
    compare(bench, outcomes(bench, shim_env()), without, "client")
    bench.tap.equal([job["domain"] for job in bench.status()["migrations"]], [], "no migration is left in the status")


def aborted(bench):
    """A migration that is aborted by another program: the same message."""
    bench.watch(planned_settings(technique="pre-copy"))
    before, count = bench.remembered(), 0
    for how in ("virsh", "virsh direct", "migrateToURI3"):
        told = []
        for env in (None, shim_env()):
            migration = client(bench, how, env, bandwidth=20)
            migration.start()
            bench.copying(migration, 0.7)
            migration.cancel()
            result = migration.finish()
            told.append((result.ok, cancelled(result.error)))
        bench.tap.equal(told[1], told[0], f"{how}: the caller sees the same")
        count += 2
        bench.source.watcher.wait_record(count)
        bench.check_remembered(before, f"{how}: libvirt remembers for its next migration what it did before")
        bench.source.virsh("migrate-setspeed", bench.guest.name, before[0])


def broken(bench):
    """Whatever is missing or broken: the callers' migrations go as without the shim."""
    tap = bench.tap
    for state in (plugin_missing, plugin_garbage, configuration_broken, no_watcher, watcher_hangs):
        for how in ("virsh", "migrateToURI3") if state in (plugin_missing, no_watcher) else ("virsh direct",):
            bench.unwatch()
            bench.forget()
            name, source = f"{state.__name__.replace('_', ' ')}, {how}", bench.source
            with state(bench, planned_settings()) as more:
                migration = client(bench, how, shim_env(**more))
                result, probe = moved(bench, migration)
            tap.note("\n".join(bench.shim_lines(source)))
            tap.ok(result.ok and result.error == "", f"{name}: the migration completes without a word", result.error)
            if not how.startswith("virsh"):
                tap.equal(migration.said()["calls"], [{"call": how, "result": 0, "last": None}],
                          f"{name}: as the program sees it")
            tap.ok(result.iterations and result.iterations[0] - result.start < SOON_S, f"{name}: it begins soon",
                   result.line())
            if state is not no_watcher:
                seen = probe.speeds(), probe.downtimes(), probe.capabilities() & OPTIONS
                tap.equal(seen, ([UNLIMITED_MIB_S], [QEMU_DOWNTIME_MS], set()),
                          f"{name}: QEMU has what the caller asked for")
                tap.ok(len(bench.shim_lines(source)) <= 1, f"{name}: at most one line in the log", bench.shim_lines(source))


def alone(bench):
    """No watcher: a client's migration gets a plan's bandwidth all the same, and a line in the log says so, once."""
    tap = bench.tap
    for how in ("virsh", "virsh direct", "migrateToURI3", "migrateToURI"):
        bench.unwatch()
        bench.forget()
        source = bench.source
        result, probe = moved(bench, client(bench, how, shim_env()))
        lines = bench.shim_lines(source)
        tap.note("\n".join(lines))
        tap.ok(result.ok and result.error == "", f"{how}: the migration completes without a word", result.error)
        tap.ok(len(probe.speeds()) == 1 and probe.speeds()[0] < UNLIMITED_MIB_S, f"{how}: QEMU has a plan's bandwidth",
               probe.line())
        tap.equal((probe.downtimes(), probe.capabilities() & OPTIONS), ([QEMU_DOWNTIME_MS], set()), f"{how}: and no more")
        tap.ok(len(lines) == 2 and "no watcher runs" in lines[0] and "pre-copy at " in lines[1], f"{how}: what is logged",
               lines)
    bench.forget()
    nowhere = ["migrateToURI3", "qemu+tcp://host-z/system", {}, PEER]
    with bench.source.popen(*python_calls(bench.guest.name, bench.target.uri(), [nowhere] * 3), env=shim_env(),
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.communicate(timeout=60)
    said = [line for line in bench.shim_lines(bench.source) if "no watcher runs" in line]
    tap.equal(len(said), 1, "three calls of one program: one line")


# migtune's own plugin and watchers.

def planned(bench):
    """Clients with the shim, and watchers: each way to migrate is tuned from its start."""
    for how in ("virsh", "virsh direct", "migrateToURI3", "migrate3", "migrateToURI"):
        bench.watch(planned_settings())
        source = bench.source
        seen = moved(bench, client(bench, how, shim_env()))
        check_planned(bench, how, "client-shim", seen, source, typed=how in TYPED)


def not_permitted(bench):
    """post_copy = "permitted": the flag is the caller's to set."""
    bench.watch(planned_settings(post_copy="permitted"))
    source = bench.source
    check_planned(bench, "permitted", "client-shim", moved(bench, client(bench, "virsh", shim_env())), source, flags=False)


def auto_converge(bench):
    """auto_converge = "add": where pre-copy would not converge, and only there."""
    tap, guest = bench.tap, bench.guest
    calm = guest.workload
    for busy in (False, True):
        if busy:  # a second's sample sees each of its pages once at most: 540 Mbit/s, and the caller allows 335
            guest.work(mbit_per_s=900, size_mib=64)
        try:
            bench.watch(settings("low", post_copy="never", auto_converge="add", max_downtime="500ms",
                                 min_bandwidth="40MiB/s"))
            bench.sampled()
            source = bench.source
            result, probe = moved(bench, client(bench, "virsh", shim_env(), bandwidth=40 if busy else 0))
            record = bench.one_record(source)
            tap.note(f"D {record['facts']['dirty_rate_mbps']} Mbit/s ({record['facts']['dirty_rate_source']})")
        finally:
            guest.work(mbit_per_s=calm.mbit_per_s, size_mib=calm.size_mib)
        tap.ok(result.ok, f"{busy}: the migration completes", result.error)
        tap.equal("auto-converge" in probe.capabilities(), busy, f"{busy}: the flag is added where it is needed")


def bound_by_caller(bench):
    """The caller's own bandwidth is an upper bound."""
    bench.watch(planned_settings(technique="pre-copy"))
    source = bench.source
    result, probe = moved(bench, client(bench, "virsh", shim_env(), bandwidth=30))
    bench.tap.ok(result.ok and probe.speeds() and max(probe.speeds()) <= 30, "QEMU's limit is never above it", probe.line())
    bench.one_record(source)


def main():
    """All cases on one guest."""
    tap = Cases()
    started = time.time()
    with Lab(hook=True) as lab:
        guest = lab.guest(memory_mib=512, workload=Workload("uniform", mbit_per_s=10, size_mib=16, touched_mib=64))
        define_stopped(lab)
        tap.note_load()
        tap.run(Bench(lab, tap, guest), substitutions, refused, limits, acts, held, hangs, errors, aborted, broken, alone,
                planned, not_permitted, bound_by_caller, auto_converge)
    tap.note(f"{time.time() - started:.0f} s in all")
    tap.finish()


if __name__ == "__main__":
    main()
