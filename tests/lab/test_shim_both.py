#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shim in the client and in the source's libvirtd at once: one migration, announced twice, decided once.

Run as: tests/lab/enter tests/lab/test_shim_both.py
"""
import contextlib
import time

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench
from migtune_lab.callers import TYPED, check_planned, client, moved, planned_settings
from migtune_lab.cases import Cases
from migtune_lab.clients import shim_env

AS_ADVISED = "libvirt's daemon has the call as its client was advised"


@contextlib.contextmanager
def daemon(host):
    """A host's libvirtd under the shim; its guests run on."""
    host.stop_libvirtd()
    host.start_libvirtd(shim_env())
    try:
        yield
    finally:
        host.stop_libvirtd()
        host.start_libvirtd({})


def events(record):
    """What the record says that happened."""
    return [event["text"] for event in record.get("events", [])]


def planned(bench):
    """Its client's plan is in force, and the daemon leaves it so."""
    for how in ("virsh", "virsh direct", "migrateToURI3", "migrateToURI"):
        source = bench.source
        with daemon(source):
            bench.watch(planned_settings())
            seen = moved(bench, client(bench, how, shim_env()))
            check_planned(bench, how, "client-shim", seen, source, typed=how in TYPED)
            told = events(source.watcher.records()[-1])
            bench.tap.ok(told.count(AS_ADVISED) == 1, f"{how}: the daemon asked, and was told to leave it", told)
            bench.tap.equal(bench.complaints(source), [], f"{how}: nobody complains")


def given_up(bench):
    """The watcher comes between the two questions: the daemon's shim has the call planned after all."""
    source = bench.source
    with daemon(source):
        bench.watch(planned_settings())
        seen = moved(bench, client(bench, "virsh", shim_env(MIGTUNE_RUN_DIR="/run/nobody")))
        check_planned(bench, "a client that found no watcher", "daemon-shim", seen, source)


def refused(bench):
    """A call that fails is one failure."""
    source = bench.source
    with daemon(source):
        bench.watch(planned_settings())
        result = client(bench, "virsh", shim_env(), address="nobody.invalid").run()
        bench.tap.ok(not result.ok, "a call that cannot succeed fails", result.line())
        record = bench.one_record(source, "and is recorded once")
        bench.tap.equal((record.get("result"), record.get("attach")), ("failed", "client-shim"), "as its client's")
        bench.tap.ok(record.get("error"), "with libvirt's words", record.get("error"))


def main():
    """All cases on one guest."""
    tap = Cases()
    started = time.time()
    with Lab(hook=True) as lab:
        guest = lab.guest(memory_mib=512, workload=Workload("uniform", mbit_per_s=10, size_mib=16, touched_mib=64))
        tap.note_load()
        tap.run(Bench(lab, tap, guest), planned, given_up, refused)
    tap.note(f"{time.time() - started:.0f} s in all")
    tap.finish()


if __name__ == "__main__":
    main()
