#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shim in the source's libvirtd: every client's migrations are tuned, and else no client sees a difference.

Run as: tests/lab/enter tests/lab/test_shim_daemon.py

The clients here have no shim. First with a plugin that advises what the test wants (plugin/advice.c), then with migtune's
own plugin and watchers.
"""
import contextlib
import time

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench
from migtune_lab.callers import (OPTIONS, POSTCOPY, QEMU_DOWNTIME_MS, TYPED, UNLIMITED_MIB_S, check_planned, client, compare,
                                 define_stopped, moved, outcomes, planned_settings)
from migtune_lab.cases import Cases
from migtune_lab.clients import Advice, shim_env
from migtune_lab.probe import Probe

BY_DAEMON, FIXED_FLAGS = "2", "2"  # MT_CALL_BY_DAEMON, MT_CALL_FIXED_FLAGS


@contextlib.contextmanager
def daemon(bench, env):
    """The source's libvirtd with something in its environment; the guest runs on."""
    host = bench.source
    host.stop_libvirtd()
    host.start_libvirtd(env)
    try:
        yield host
    finally:
        host.stop_libvirtd()
        host.start_libvirtd({})


def advised(bench):
    """The shim in the source's libvirtd, with the test's plugin: every client, peer to peer and direct."""
    tap = bench.tap
    bench.unwatch()
    for how, options, state in (("virsh", {"postcopy-ram"}, "0"), ("virsh direct", set(), FIXED_FLAGS),
                                ("migrateToURI", {"postcopy-ram"}, "0")):
        advice = Advice(bench.source)
        advice.give(flags_add=POSTCOPY, bandwidth_mib_s=35, stands=1)
        with daemon(bench, advice.env()) as host:
            migration = client(bench, how)
            with Probe(host, bench.guest) as probe:
                migration.start()
                bench.copying(migration, 0.5)
                host.virsh("migrate-setmaxdowntime", bench.guest.name, "77")
                result = migration.finish()
            tap.note(f"{result.line()}; {probe.line()}; {advice.heard('')}")
            tap.ok(result.ok, f"{how}: the migration completes", result.error)
            tap.equal((probe.speeds(), probe.capabilities() & OPTIONS), ([35], options),
                      f"{how}: QEMU has what can still be changed")
            tap.equal(probe.downtimes(), [QEMU_DOWNTIME_MS], f"{how}: a caller's downtime did not undo the plan's")
            question = dict(word.split("=", 1) for word in (advice.heard("advise") or ["attach=? state=?"])[0].split())
            tap.equal((question["attach"], question["state"]), (BY_DAEMON, state),
                      f"{how}: the plugin knows where it is asked")


def errors(bench):
    """Calls that fail, with the shim in libvirtd: the same results, codes and messages."""
    bench.watch(planned_settings())
    without = outcomes(bench)
    with daemon(bench, shim_env()):
        compare(bench, outcomes(bench), without, "daemon")


def broken(bench):
    """The shim in libvirtd without a plugin, and without a watcher."""
    bench.unwatch()
    for name, more in (("no plugin", {"MIGTUNE_PLUGIN": "/run/there-is-none.so"}), ("no watcher", {})):
        with daemon(bench, shim_env(**more)):
            result, probe = moved(bench, client(bench, "virsh"))
            bench.tap.ok(result.ok and result.error == "", f"{name}: the migration completes", result.error)
            if name != "no watcher":
                bench.tap.equal((probe.speeds(), probe.downtimes()), ([UNLIMITED_MIB_S], [QEMU_DOWNTIME_MS]),
                                f"{name}: as it is")


def planned(bench):
    """The shim in libvirtd, and watchers: tuned from the start, whoever calls."""
    for how in ("virsh", "virsh direct", "migrateToURI3"):
        with daemon(bench, shim_env()) as source:
            bench.watch(planned_settings())
            seen = moved(bench, client(bench, how))
            check_planned(bench, how, "daemon-shim", seen, source, flags=how != "virsh direct", typed=how in TYPED)
            bench.tap.equal(bench.complaints(source), [], f"{how}: nobody complains")


def main():
    """All cases on one guest."""
    tap = Cases()
    started = time.time()
    with Lab(hook=True) as lab:
        guest = lab.guest(memory_mib=512, workload=Workload("uniform", mbit_per_s=10, size_mib=16, touched_mib=64))
        define_stopped(lab)
        tap.note_load()
        tap.run(Bench(lab, tap, guest), advised, errors, broken, planned)
    tap.note(f"{time.time() - started:.0f} s in all")
    tap.finish()


if __name__ == "__main__":
    main()
