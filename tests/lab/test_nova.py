#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""nova's own code migrates a guest: as it does alone, and with the shim preloaded.

Run as: tests/lab/enter tests/lab/test_nova.py
"""
from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.broken import configuration_broken, no_watcher, plugin_garbage, plugin_missing, watcher_hangs
from migtune_lab.callers import OPTIONS, QEMU_DOWNTIME_MS, UNLIMITED_MIB_S, planned_mib_s
from migtune_lab.cases import Cases
from migtune_lab.clients import Advice, NovaMigration, shim_env
from migtune_lab.probe import Probe
from migtune_lab.process import wait_for

NAME = "instance-00000001"
FLAVOR, PROJECT = "m1.lab", "2f1c3d5e7a9b4c6d8e0f1a2b3c4d5e6f"
METADATA = ('<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1"><nova:name>lab</nova:name>'
            f'<nova:flavor name="{FLAVOR}"><nova:memory>512</nova:memory></nova:flavor>'
            f'<nova:owner><nova:project uuid="{PROJECT}">lab</nova:project></nova:owner></nova:instance>')
# nova's downtime is 500 ms in 10 steps; at the least delay (3 s a GiB, and it counts 2 GiB at least) a step takes 6 s.
STEPS_MS, STEP_S = (50, 95, 140, 185, 230, 275, 320, 365, 410, 455, 500), 6
FASTEST_STEPS = {"live_migration_downtime_delay": 3}
SLOW_MIB_S = 13  # 140 MiB take longer than a step
PLAN_MIB_S, PLAN_DOWNTIME_MS = 16, 340
CALLER_MIB_S, MORE_MIB_S = 25, 40  # nova.conf's own limit, and a plan above it
ACT_MIB_S, ACTED_WITHIN_S = 25, 4  # slow enough that an operator can act, a second after it began: by itself it takes 5.6 s
SOON_S = 25  # nova alone needs some seconds
SEEN_MIB_S = 60  # slow enough that nova's first look falls into it
SUCCESS = [("started",), ("post",), ("end", None)]


def low(more="", **migration):
    """A plan that lasts: low urgency, the floor PLAN_MIB_S as bandwidth, and a downtime limit that nova never sets."""
    keys = {"min_bandwidth": f"{PLAN_MIB_S}MiB/s", "max_downtime": f"{PLAN_DOWNTIME_MS}ms", **migration}
    return settings("low", more, **keys)


def moved(bench, during=None, shim=False, env=None, **keys):
    """One migration by nova: (NovaMigration, its Result, the Probe). during(migration): a second after memory moves."""
    source = bench.source
    migration = NovaMigration(bench.lab, bench.guest, env=shim_env(**(env or {})) if shim else env, **keys)
    with Probe(source, bench.guest) as probe:
        migration.start()
        if during:
            bench.copying(migration, 1.0)
            during(migration)
        result = migration.finish()
    tap = bench.tap
    tap.note(f"{'with the shim' if shim else 'alone'}: {result.line()}; {probe.line()}")
    steps = ", ".join(f"{step.downtime_ms} ms at {step.time - result.iterations[0]:.1f} s" for step in migration.steps())
    tap.note(f"nova told {migration.said()}; it set {steps or 'no downtime'}")
    return migration, result, probe


def texts(record):
    """Everything a record says in words."""
    return record["reasons"] + [event["text"] for event in record["events"]]


def outcome_of(migration):
    """What nova told. How it calls an abort depends on what libvirt says when it asks: "failed", or "cancelled"."""
    return [event if event[0] in ("command", "refused", "raised") else (event[0],) for event in migration.said()]


def alone(bench):
    """Without the shim and without watchers: nova's bandwidth, its flags, its first two downtime steps."""
    tap = bench.tap
    bench.unwatch()
    migration, result, probe = moved(bench, options={**FASTEST_STEPS, "live_migration_bandwidth": SLOW_MIB_S})
    tap.equal(migration.said(), SUCCESS, "nova reports success")
    tap.ok(result.ok and bench.guest.state() == "running" and bench.guest.state(bench.target) == "",
           "the guest runs on the other host, and is undefined on the first")
    tap.equal(tuple(step.downtime_ms for step in migration.steps()), STEPS_MS[:2], "nova sets 50 ms, then 95 ms")
    tap.ok(probe.downtimes()[-2:] == list(STEPS_MS[:2]) and probe.downtimes()[:-2] in ([], [QEMU_DOWNTIME_MS]),
           "that is what QEMU has, one after the other", probe.line())
    steps = [step.time for step in migration.steps()]
    tap.ok(len(steps) == 2 and steps[0] - result.iterations[0] < STEP_S / 2 < steps[1] - steps[0],
           "the first at nova's first sight of the job, the second a step later", steps)
    tap.equal(probe.speeds(), [SLOW_MIB_S], "QEMU has nova's bandwidth")
    tap.equal(probe.capabilities() & OPTIONS, set(), "and none of the options")


def guest_migrate_alone(bench):
    """Guest.migrate by itself, without the shim: no monitor, so nobody sets a downtime."""
    tap = bench.tap
    migration, _, probe = moved(bench, call="guest")
    tap.equal(migration.said(), SUCCESS, "it returns")
    tap.equal((probe.speeds(), probe.downtimes()), ([UNLIMITED_MIB_S], [QEMU_DOWNTIME_MS]),
              "libvirt's and QEMU's own limits")


def planned(bench):
    """With the shim and watchers: the plan is in force from the start, and nova's steps do not undo it."""
    tap = bench.tap
    # A first round at a fixed bandwidth, so that a sample between the plan's making and the first iteration changes nothing.
    bench.watch(low('clark = { initial = "16MiB/s"; };', strategy="clark"))
    source = bench.source
    migration, _, probe = moved(bench, shim=True, options=FASTEST_STEPS)
    record = bench.one_record(source)
    tap.note("\n".join(texts(record)))
    tap.equal(migration.said(), SUCCESS, "nova reports success")
    tap.equal((record["result"], record["attach"]), ("completed", "client-shim"), "the record says through whom")
    tap.equal((record["domain"]["nova_flavor"], record["domain"]["nova_project"]), (FLAVOR, PROJECT), "and whose VM it is")
    tap.equal(probe.speeds()[:1], [planned_mib_s(record)],
              "QEMU begins with the plan's bandwidth, in the next whole MiB/s")
    tap.ok(len(migration.steps()) >= 2, "nova believes to have set its downtime twice", migration.steps())
    tap.equal([limit for limit in probe.downtimes() if limit in STEPS_MS], [], "QEMU has none of nova's")
    tap.ok(record["applied"]["downtime_limit_ms"] in probe.downtimes(), "but what the record says was applied",
           f"{record['applied']}, {probe.line()}")
    said = [line for line in bench.log(source) if f"{STEPS_MS[0]} ms" in line and "downtime" in line]
    tap.note("\n".join(bench.log(source)))
    tap.equal(len(said), 1, "one line tells that a caller wanted another downtime")
    tap.equal(record.get("arbitrated", {}).get("max_downtime"), len(migration.steps()), "and the record how often")
    tap.equal("Unable to increase max downtime" in migration.log(), False, "nova met no error on the way")


def guest_migrate_planned(bench):
    """Guest.migrate by itself, with the shim."""
    tap = bench.tap
    bench.watch(low())
    source = bench.source
    migration, _, probe = moved(bench, shim=True, call="guest")
    record = bench.one_record(source)
    tap.equal(migration.said(), SUCCESS, "it returns")
    tap.equal((record["attach"], probe.speeds()[:1]), ("client-shim", [planned_mib_s(record)]),
              "the plan is in force from the start")


def caller_limit(bench):
    """nova.conf's own bandwidth is an upper bound."""
    tap = bench.tap
    bench.watch(low(min_bandwidth=f"{MORE_MIB_S}MiB/s"))
    source = bench.source
    migration, _, probe = moved(bench, shim=True, options={"live_migration_bandwidth": CALLER_MIB_S})
    record = bench.one_record(source)
    tap.equal(migration.said(), SUCCESS, "nova reports success")
    tap.ok(probe.speeds() and max(probe.speeds()) <= CALLER_MIB_S, "QEMU's limit is never above it", probe.line())
    tap.ok(any("the caller's own limit" in text for text in texts(record)), "the record says so", texts(record))


def technique_added(bench):
    """nova does not permit post-copy; the operator of the host lets the shim add it, and the plan wants it."""
    tap = bench.tap
    bench.watch(low(technique="post-copy", post_copy="add", post_copy_switch="immediate"))
    source = bench.source
    migration, result, probe = moved(bench, shim=True)
    record = bench.one_record(source)
    tap.equal(migration.said(), SUCCESS, "nova reports success")
    tap.ok("postcopy-ram" in probe.capabilities(), "QEMU was started with it", probe.line())
    tap.ok(any("Post-copy" in event.text for event in result.events if event.domain == bench.guest.name),
           "the guest went on over there before all of its memory", [event.text for event in result.events])
    tap.equal(record["actual"]["technique"], "post-copy", "the record says so")


def force_post_copy(bench):
    """The operator forces completion, where nova permits post-copy: as without the shim, and recorded."""
    both_ways(bench, NovaMigration.force_complete, {"live_migration_permit_post_copy": "true"}, "post-copy",
              lambda result: "Resumed Post-copy" in [event.text for event in result.events], technique="pre-copy")


def force_suspend(bench):
    """Likewise where nova does not permit it: it suspends the guest."""
    both_ways(bench, NovaMigration.force_complete, {}, "suspend",
              lambda result: result.suspended and result.suspended < result.iterations[0] + ACTED_WITHIN_S)


def abort(bench):
    """The operator aborts: as without the shim, and recorded."""
    record, before = both_ways(bench, NovaMigration.abort, {}, "abort", lambda result: not result.ok)
    bench.check_cancelled(record)
    bench.check_remembered(before)
    bench.source.virsh("migrate-setspeed", bench.guest.name, before[0])


def abort_waiting(bench):
    """The operator aborts while the shim holds the call until its turn."""
    tap = bench.tap
    bench.unwatch()
    advice = Advice(bench.source)
    advice.give(waits=600)
    migration = NovaMigration(bench.lab, bench.guest, env=advice.env())
    migration.start()
    wait_for("the call to wait", lambda: len(advice.heard("advise")) >= 2, 40)
    migration.abort()
    result = migration.finish()
    tap.note(f"{result.line()}; {migration.said()}")
    tap.equal((result.iterations, outcome_of(migration)), ([], [("started",), ("command", "abort"), ("recover",), ("end",)]),
              "nothing began, and nova rolls back")
    tap.ok("refused" not in str(migration.said()), "the abort worked, nova thinks", migration.said())
    tap.equal(bench.guest.state(), "running", "the guest runs on")


def both_ways(bench, act, options, word, seen, **migration):
    """An operator's act without and with the shim: nova tells the same, and its effect is the same.

    (The shim's record, what libvirt remembered before that: what nova alone set just as libvirt began, libvirt keeps.)
    """
    tap = bench.tap
    bench.unwatch()
    without, alone_result, _ = moved(bench, act, options={"live_migration_bandwidth": ACT_MIB_S, **options})
    tap.ok(seen(alone_result), "without the shim it has its effect", alone_result.line())
    bench.watch(low(**migration))
    source, before = bench.source, bench.remembered()
    with_shim, result, _ = moved(bench, act, shim=True, options={"live_migration_bandwidth": ACT_MIB_S, **options})
    record = bench.one_record(source)
    tap.equal(outcome_of(with_shim), outcome_of(without), "nova tells the same with the shim as without")
    tap.ok(seen(result), "it has its effect", result.line())
    tap.ok(any("the caller asked" in text and word in text for text in texts(record)), "the record says what the caller did",
           texts(record))
    return record, before


def broken(bench):
    """Whatever is missing or broken: nova's migrations go as without the shim."""
    tap = bench.tap
    for state in (plugin_missing, plugin_garbage, configuration_broken, no_watcher, watcher_hangs):
        bench.unwatch()
        bench.forget()
        name = state.__name__.replace("_", " ")
        with state(bench, low()) as more:
            migration, result, probe = moved(bench, shim=True, env=more, options={"live_migration_bandwidth": SEEN_MIB_S})
        tap.equal(migration.said(), SUCCESS, f"{name}: nova reports success")
        tap.ok(result.iterations and result.iterations[0] - result.start < SOON_S, f"{name}: it begins soon", result.line())
        if state is not no_watcher:
            tap.ok(probe.speeds() == [SEEN_MIB_S] and probe.downtimes()[-1:] == [STEPS_MS[0]]
                   and not probe.capabilities() & OPTIONS, f"{name}: QEMU has what nova alone would set", probe.line())


def unknown_destination(bench):
    """nova names a destination that there is none: the same failure with the shim and without."""
    bench.watch(low())
    told = []
    for shim in (False, True):
        migration = NovaMigration(bench.lab, bench.guest, env=shim_env() if shim else None, destination="host-z")
        migration.run()
        told.append(migration.said())
    bench.tap.note(told[0])
    bench.tap.ok(told[0] == told[1] and told[0][-1] != SUCCESS[-1], "nova tells the same", told)


def main():
    """All cases on one guest, which dirties so little that a migration lasts just as long as its first pass."""
    tap = Cases()
    with Lab(hook=True) as lab:
        guest = lab.guest(name=NAME, persistent=True, memory_mib=512, metadata=METADATA,
                          workload=Workload("uniform", mbit_per_s=2, size_mib=16, touched_mib=64))
        tap.note_load()
        tap.run(Bench(lab, tap, guest), alone, guest_migrate_alone, planned, guest_migrate_planned, caller_limit,
                technique_added, force_post_copy, force_suspend, abort, abort_waiting, broken, unknown_destination)
    tap.finish()


if __name__ == "__main__":
    main()
