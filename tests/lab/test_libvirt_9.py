#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same with libvirt 9.0, the oldest that is supported: the watchers alone, the shim in virsh, the shim in libvirtd.

Run as: tests/lab/enter tests/lab/test_libvirt_9.py

Both hosts have Debian 12's own libvirt (see migtune_lab/older.py); QEMU, and what migtune was built with, are as elsewhere.
"""
import time

from migtune_lab import Lab, Workload, older
from migtune_lab.bench import Bench
from migtune_lab.callers import check_planned, client, moved, planned_mib_s, planned_settings
from migtune_lab.cases import Cases
from migtune_lab.clients import shim_env
from migtune_lab.probe import Probe
from test_shim_daemon import advised, daemon


def versions(bench):
    """Who runs what."""
    bench.watch()
    for host in bench.lab.hosts:
        said = host.virsh("version")
        bench.tap.note(said)
        bench.tap.ok("Using library: libvirt 9.0.0" in said, f"{host.name}: virsh says 9.0.0", said)
        for name, process in (("libvirtd", host.libvirtd), ("the watcher", host.watcher.process)):
            with open(f"/proc/{process.pid}/maps", encoding="utf-8") as maps:
                libraries = {line.split()[-1].rpartition("/")[2] for line in maps if "/libvirt.so" in line}
            bench.tap.equal(libraries, {"libvirt.so.0.9000.0"}, f"{host.name}: {name} has its library")


def watched(bench):
    """An ordinary migration without the shim: virsh to both hosts, and peer to peer."""
    tap = bench.tap
    for how in ("virsh direct", "virsh"):
        bench.watch(planned_settings(technique="pre-copy"))
        source, migration = bench.source, client(bench, how)
        with Probe(source, bench.guest) as probe:
            migration.start()
            bench.copying(migration)
            classes = bench.shaped(source)
            result = migration.finish()
        tap.note(f"{result.line()}; {probe.line()}; {list(classes.values())}")
        tap.ok(result.ok, f"{how}: the migration completes", result.error)
        record = bench.one_record(source, f"{how}: one record")
        tap.equal((record["result"], record["attach"]), ("completed", "watcher"), f"{how}: the record says through whom")
        tap.ok(planned_mib_s(record) in probe.speeds(), f"{how}: QEMU's max-bandwidth was that of the recorded plan",
               f"{planned_mib_s(record)} MiB/s; {probe.line()}")
        tap.equal(record["actual"]["downtime_ms"], result.downtime_ms, f"{how}: the record's downtime is QEMU's")
        bench.check_clean(f"{how}: nothing is left on either host")
        tap.equal([bench.complaints(host) for host in bench.lab.hosts], [[], []], f"{how}: nobody complains")


def untuned(bench, host):
    """The shim's words on what it does not do, a version that it does not know among them."""
    bench.tap.note("\n".join(bench.shim_lines(host)))
    return [line for line in bench.shim_lines(host) if "untuned" in line or "refused" in line]


def shim_in_clients(bench):
    """virsh under the shim, and watchers."""
    for how in ("virsh", "virsh direct"):
        bench.watch(planned_settings())
        source = bench.source
        check_planned(bench, how, "client-shim", moved(bench, client(bench, how, shim_env())), source)
        bench.tap.equal(untuned(bench, source), [], f"{how}: the shim leaves nothing as it was")


def shim_in_libvirtd(bench):
    """The source's libvirtd under the shim, watchers, and clients without."""
    for how in ("virsh", "virsh direct"):
        with daemon(bench, shim_env()) as source:
            bench.watch(planned_settings())
            seen = moved(bench, client(bench, how))
            check_planned(bench, how, "daemon-shim", seen, source, flags=how != "virsh direct")
            bench.tap.equal((untuned(bench, source), bench.complaints(source)), ([], []),
                            f"{how}: the shim knows this version, and nobody complains")


def main():
    """All cases on one guest."""
    tap = Cases()
    if older.missing():
        tap.skip("migrations between hosts with libvirt 9.0", older.missing())
        tap.finish()
    started = time.time()
    with Lab(hook=True, libvirt=older.VERSION) as lab:
        guest = lab.guest(memory_mib=512, workload=Workload("uniform", mbit_per_s=10, size_mib=16, touched_mib=64))
        tap.note_load()
        tap.run(Bench(lab, tap, guest), versions, watched, shim_in_clients, shim_in_libvirtd, advised)
    tap.note(f"{time.time() - started:.0f} s in all")
    tap.finish()


if __name__ == "__main__":
    main()
