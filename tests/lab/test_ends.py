#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""However a migration or a watcher ends: the migration's fate is its own, one record tells it, and nothing is left behind.

Run as: tests/lab/enter tests/lab/test_ends.py
"""
import contextlib
import time

from migtune_lab import Lab, Workload, shaping
from migtune_lab.bench import Bench, kill_qemu, settings
from migtune_lab.cases import Cases
from migtune_lab.process import LabError, wait_for

# Slow enough to have seconds for what is done to it: 256 MiB at 8 MiB/s x 4.
CONFIG = settings(urgency="low", strategy="min-bandwidth", min_bandwidth="24MiB/s")
MIDWAY_S = 1.5
UNTUNED_MIB_S, UNTUNED_MS = 32, 300
AGAIN_WITHIN_S = 60  # the watcher tries at least every 30 s


def midway(bench, config=CONFIG, **options):
    """Watchers and a migration that has been copying for a while, shaped on both ends: (migration, source, target)."""
    if config is not None:
        bench.watch(config)
    source, target = bench.source, bench.target
    migration = bench.lab.migration(bench.guest, **options)
    migration.start()
    bench.copying(migration, MIDWAY_S)
    bench.shaped(source)
    wait_for("an ifb on the destination", lambda: shaping.ifbs(target))
    return migration, source, target


def told(bench, record, result, error=None):
    """Checks of a record's result; the error is noted."""
    bench.tap.note(f"record: result {record.get('result')}, error {record.get('error')}, "
                   f"adopted {record.get('adopted', False)}, "
                   f"tc removed {[entry['removed'] for entry in record.get('tc', [])]}")
    bench.tap.equal(record.get("result"), result, f"its record says {result}")
    if error:
        bench.tap.ok(error in (record.get("error") or ""), f"its error tells of '{error}'", record.get("error"))


def runs_on(bench, host, name="the guest runs on"):
    """A check that the guest works on a host and nowhere else."""
    bench.guest.host = host
    beats = bench.beats()
    states = {h.name: bench.guest.state(h) for h in bench.lab.hosts}
    bench.tap.ok(states[host.name] == "running" and "running" not in states[bench.lab.other(host).name] and beats,
                 f"{name} on host {host.name}", f"{states}, heartbeats {beats}")


def completes(bench):
    """An ordinary migration."""
    migration, source, target = midway(bench)
    result = migration.finish()
    bench.tap.note(result.line())
    bench.tap.ok(result.ok, "it completes", result.error)
    told(bench, bench.one_record(source), "completed")
    bench.tap.equal(target.watcher.records(), [], "the destination's watcher writes no record")
    bench.check_clean()


def cancelled(bench):
    """Cancelled midway."""
    migration, source, _ = midway(bench)
    migration.cancel()
    result = migration.finish()
    bench.tap.ok(result.cancelled, "it is cancelled", result.line())
    bench.check_cancelled(bench.one_record(source))
    runs_on(bench, source)
    bench.check_clean()


def destination_qemu_killed(bench):
    """The destination's QEMU dies midway."""
    migration, source, target = midway(bench)
    kill_qemu(target, bench.guest.name)
    result = migration.finish()
    bench.tap.ok(not result.ok, "it fails", result.line())
    told(bench, bench.one_record(source), "failed")
    runs_on(bench, source)
    bench.check_clean()


def destination_libvirtd_killed(bench):
    """The destination's libvirtd dies midway and stays away until the end."""
    migration, source, target = midway(bench)
    target.libvirtd.kill()
    target.libvirtd.wait()
    died = time.time()
    result = migration.finish()
    bench.tap.note(f"{time.time() - died:.1f} s after its death: {result.line()}")
    bench.tap.ok(not result.ok, "it fails", result.line())
    told(bench, bench.one_record(source), "failed")
    target.restart_libvirtd(kill=True)
    wait_for("the destination's watcher to connect again",
             lambda: target.watcher.output().count("connected to libvirt") >= 2, AGAIN_WITHIN_S)
    settle_after_restart(bench, source, target)
    runs_on(bench, source)
    bench.check_clean()


def guest_destroyed(bench):
    """The guest is destroyed midway."""
    migration, source, target = midway(bench)
    source.virsh("destroy", bench.guest.name)
    result = migration.finish()
    bench.tap.ok(not result.ok, "it fails", result.line())
    told(bench, bench.one_record(source), "failed")
    with contextlib.suppress(LabError):  # libvirt takes its time over there
        wait_for("", lambda: not bench.guest.state(target))
    bench.tap.equal([bench.guest.state(host) for host in (source, target)], ["", ""], "the guest is gone from both hosts")
    bench.check_clean()
    bench.revive()


def watcher_killed(bench):
    """The source's watcher is killed midway and started again."""
    tap = bench.tap
    migration, source, _ = midway(bench)
    source.watcher.kill()
    tap.ok(shaping.migrations(source), "its class is still there")
    source.watch(CONFIG)
    wait_for("the new watcher to adopt it", lambda: "adopted" in source.watcher.output())
    tap.ok(bool(bench.shaped(source)), "the new watcher shapes it again")
    tap.ok("earlier watcher left" in source.watcher.output(), "the new watcher removed what the old one left",
           "\n".join(bench.log(source)))
    result = migration.finish()
    tap.note(result.line())
    tap.ok(result.ok, "the migration completes", result.error)
    record = bench.one_record(source)
    told(bench, record, "completed")
    tap.equal(record.get("adopted"), True, "its record says that it was adopted")
    bench.check_clean()


def both_watchers_killed(bench):
    """Both watchers are killed midway and started again after its end."""
    tap = bench.tap
    migration, source, target = midway(bench)
    source.watcher.kill()
    target.watcher.kill()
    result = migration.finish()
    tap.note(result.line())
    tap.ok(result.ok, "the migration completes without them", result.error)
    tap.ok(not bench.clean(source) and not bench.clean(target), "they left classes behind")
    for host in (source, target):
        host.watch(CONFIG)
    bench.check_clean("new watchers remove what is left on both hosts")
    tap.equal(source.watcher.records() + target.watcher.records(), [], "nobody writes a record of what nobody saw")


def destination_watcher_killed(bench):
    """The destination's watcher is killed midway and started again."""
    tap = bench.tap
    migration, source, target = midway(bench)
    said = "incoming migration: ingress class"
    before = target.watcher.output().count(said)
    target.watcher.kill()
    target.watch(CONFIG)
    # Until then an ifb may be the old one, which goes while it is looked at.
    wait_for("the new watcher to make a class", lambda: target.watcher.output().count(said) > before)
    tap.ok(any(shaping.migrations(target, device) for device in shaping.ifbs(target)),
           "the new watcher shapes what arrives again", target.snapshot())
    result = migration.finish()
    tap.note(result.line())
    tap.ok(result.ok, "the migration completes", result.error)
    told(bench, bench.one_record(source), "completed")
    bench.check_clean()


def watcher_terminated(bench):
    """The source's watcher is asked to end midway."""
    tap = bench.tap
    bench.source.virsh("migrate-setspeed", bench.guest.name, UNTUNED_MIB_S)  # slow enough to look at what goes on untuned
    migration, source, _ = midway(bench)
    started = time.time()
    tap.equal(source.watcher.stop(), 0, "it ends with status 0")
    tap.note(f"after {time.time() - started:.2f} s")
    check_limits_are_back(bench, source)
    tap.ok(bench.clean(source), "it leaves nothing on the source", source.snapshot())
    lines = [line for line in bench.log(source) if "the watcher stops" in line]
    tap.ok(len(lines) == 1, "one line says that the migration goes on untuned", "\n".join(bench.log(source)))
    result = migration.finish()
    tap.note(result.line())
    tap.ok(result.ok, "the migration completes untuned", result.error)
    tap.equal(source.watcher.records(), [], "nobody writes a record of an end that nobody saw")
    bench.check_clean()


def check_limits_are_back(bench, source):
    """A check of QEMU's limits while the migration still runs."""
    try:
        limits, remembered = bench.limits(source), bench.remembered(source)
    except LabError as error:
        bench.tap.ok(False, "QEMU has the limits back that libvirt remembers", f"the migration was over: {error}")
        return
    bench.tap.equal((limits, remembered), ((UNTUNED_MIB_S, UNTUNED_MS), (str(UNTUNED_MIB_S), str(UNTUNED_MS))),
                    "QEMU has the limits back that libvirt remembers")


def watcher_restarted(bench):
    """The source's watcher is restarted midway, as an update does."""
    tap = bench.tap
    migration, source, _ = midway(bench)
    tap.equal(source.watcher.stop(), 0, "it ends with status 0")
    source.watch(CONFIG)
    wait_for("the new watcher to adopt it", lambda: "adopted" in source.watcher.output())
    tap.ok(bool(bench.shaped(source)), "the new watcher shapes it again")
    result = migration.finish()
    tap.note(result.line())
    tap.ok(result.ok, "the migration completes", result.error)
    record = bench.one_record(source)
    told(bench, record, "completed")
    tap.equal(record.get("adopted"), True, "its record says that it was adopted")
    bench.check_clean()


def source_libvirtd_restarted(bench):
    """The source's libvirtd is restarted midway."""
    tap = bench.tap
    migration, source, target = midway(bench)
    source.restart_libvirtd(kill=True)
    result = migration.finish()
    tap.ok(not result.ok, "libvirt does not survive it: the call fails", result.line())
    wait_for("the watcher to connect again", lambda: source.watcher.output().count("connected to libvirt") >= 2,
             AGAIN_WITHIN_S)
    bench.check_cancelled(bench.one_record(source))  # by libvirt itself, when it is back
    tap.note("; ".join(bench.complaints(source)))
    settle_after_restart(bench, source, target)
    runs_on(bench, source)
    bench.check_clean()
    # What comes next is tuned again: connection and callbacks are really back.
    again = bench.lab.migrate(bench.guest)
    source.watcher.wait_record(2)
    tap.ok(again.ok and len(source.watcher.records()) == 2, "the next migration is tuned and recorded again", again.line())
    bench.check_clean("nothing is left after the next migration")


def settle_after_restart(bench, source, target):
    """Wait until libvirt itself has cleared the destination's half."""
    wait_for("libvirt to settle", lambda: bench.guest.state(source) == "running", 20)
    try:
        wait_for("", lambda: not bench.guest.state(target), 5)
    except LabError:
        bench.tap.note(f"libvirt left a half on the destination ({bench.guest.state(target)}); destroyed")
        target.virsh("destroy", bench.guest.name, check=False)


def destination_libvirtd_restarted(bench):
    """The destination's libvirtd is restarted midway."""
    tap = bench.tap
    migration, source, target = midway(bench)
    target.restart_libvirtd(kill=True)
    result = migration.finish()
    tap.note(result.line())
    told(bench, bench.one_record(source), "completed" if result.ok else "failed")
    wait_for("the destination's watcher to connect again",
             lambda: target.watcher.output().count("connected to libvirt") >= 2, AGAIN_WITHIN_S)
    tap.note("; ".join(bench.complaints(target)))
    if not result.ok:
        settle_after_restart(bench, source, target)
        runs_on(bench, source)
    bench.check_clean()


def main():
    """All cases on one guest."""
    tap = Cases()
    with Lab(hook=True) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=40, size_mib=64, touched_mib=128))
        tap.run(Bench(lab, tap, guest), completes, cancelled, destination_qemu_killed, watcher_killed, both_watchers_killed,
                destination_watcher_killed, watcher_terminated, watcher_restarted, guest_destroyed,
                source_libvirtd_restarted, destination_libvirtd_restarted, destination_libvirtd_killed)
    tap.finish()


if __name__ == "__main__":
    main()
