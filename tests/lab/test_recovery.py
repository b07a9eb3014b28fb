#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A post-copy whose connection breaks is resumed until it works, and the guest's memory is intact afterwards.

Run as: tests/lab/enter tests/lab/test_recovery.py [--all] [--breaks N] [--libvirt 9.0] [--cut SECONDS]

The guest goes back and forth; in each migration its post-copy is broken some times, in another way each time, and must go
on without anybody's doing. At the end of each the guest compares all of its memory with what it should be.

libvirt 11.2 and 11.3 crash on the destination when a post-copy is resumed: where one of them is installed, its daemons run
with the lab's own cure (migtune_lab/mended.py), and the watchers are told to resume whatever the version. One case shows what
they do without being told.
"""
import argparse
import itertools
import time

from migtune_lab import Lab, Workload, mended, older, shaping
from migtune_lab.bench import Bench, kill_qemu, settings
from migtune_lab.cases import Cases
from migtune_lab.process import LabError, wait_for
from migtune_lab.watcher import LOG

MEMORY_MIB, TOUCHED_MIB = 512, 192
PER_MIGRATION = 3
SLOW_MIB_S, FAST_MIB_S = 5, 300
RESUMED_WITHIN_S = 60.0
GOES_ON_S = 1.0  # between two breaks
# Before the first: what QEMU's main loop itself needs of the guest's memory (the rings of devices) has come by then. While it
# waits for a page it answers nobody, so a break then is past help: libvirt does not talk to QEMU out of band.
RUNS_S = 1.5
COMMAND = "virsh migrate --live --p2p --postcopy --postcopy-resume"


def config(resume="always", uri="qemu+tcp://%a/system"):
    """Post-copy at once."""
    return settings(technique="post-copy", post_copy_switch="immediate", strategy="min-bandwidth",
                    more=f'destination = {{ uri = "{uri}"; resume = "{resume}"; }};')


def log(host):
    """What a host's watchers have logged, the earlier ones as well, without records."""
    lines = host.path(LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line for line in lines if "@cee:" not in line)


def wait_log(host, text, count=1, timeout=RESUMED_WITHIN_S):
    """Wait until a host's watchers have logged some words so often."""
    try:
        wait_for(f"{count} x '{text}' in the log", lambda: log(host).count(text) >= count, timeout)
    except LabError as error:
        lines = [line[:300] for line in log(host).splitlines()]
        raise LabError("\n".join([str(error), *lines])) from error


class PostCopyBench(Bench):
    """A bench that gets over a guest whose halves nobody can put together again."""

    def halves(self):
        """How both stand, for the reader of a failure."""
        lines = []
        for host in self.lab.hosts:
            qemu = host.path(f"/var/log/libvirt/qemu/{self.guest.name}.log")
            sockets = host.migration_connections()
            pid = host.path(f"/run/libvirt/qemu/{self.guest.name}.pid")
            waits = host.run("cat", f"/proc/{pid.read_text().strip()}/wchan", check=False).stdout if pid.exists() else "-"
            lines += [f"{host.name}: {state(self, host)}, QEMU's main loop waits in {waits}", *sockets,
                      *qemu.read_text(errors="replace").splitlines()[-8:]]
        return "\n".join(lines)

    def recover(self):
        """Both QEMUs end, and libvirt knows nothing of what was."""
        for host in self.lab.hosts:
            for guest in self.lab.guests:
                if host.path(f"/run/libvirt/qemu/{guest.name}.pid").exists():
                    kill_qemu(host, guest.name)
            host.restart_libvirtd(kill=True)
            self.lab.network.mend(host.name)
        super().recover()


def state(bench, host):
    """libvirt's word for the guest on a host, with its reason."""
    return host.virsh("domstate", "--reason", bench.guest.name, check=False)


def begin(bench, slow=True, **options):
    """A migration in post-copy, slow enough for some breaks: (migration, source, target)."""
    source, target = bench.source, bench.target
    migration = bench.lab.migration(bench.guest, flags=["--postcopy"], **options)
    migration.start()
    try:
        wait_for("post-copy", lambda: "(post-copy)" in state(bench, source) and "(post-copy)" in state(bench, target), 30)
    except LabError as error:
        raise LabError(f"{error}: {state(bench, source)}; {bench.status(source)}\n{log(source)}") from error
    if slow:
        slow_down(bench, source)
    time.sleep(bench.runs_s)
    return migration, source, target


def slow_down(bench, source):
    """So that there is time for breaks."""
    source.virsh("migrate-setspeed", "--postcopy", bench.guest.name, str(SLOW_MIB_S))


def end(bench, migration, source, target):
    """Let it go fast, and wait for its end: the record."""
    source.virsh("migrate-setspeed", "--postcopy", bench.guest.name, str(FAST_MIB_S), check=False)
    record = bench.one_record(source, timeout=60)
    migration.finish()  # virsh itself has given up at the first break
    wait_for("the guest to be the destination's alone", lambda: not bench.guest.state(source) and
             bench.guest.state(target) == "running", 20)
    bench.guest.host = target
    return record


# The ways to break it. Each leaves libvirtd and watcher running on both hosts.

def connection(_bench, source, _target):
    """The connection is reset from the source's end."""
    source.break_migrations()


def connection_there(_bench, _source, target):
    """The connection is reset from the destination's end."""
    target.break_migrations()


def source_libvirtd(_bench, source, _target):
    """The source's libvirtd is restarted, and the connection is lost meanwhile."""
    source.stop_libvirtd(kill=True)
    source.break_migrations()
    source.start_libvirtd()


def target_libvirtd(_bench, source, target):
    """The same on the destination."""
    target.stop_libvirtd(kill=True)
    source.break_migrations()
    target.start_libvirtd()


def both_libvirtds(bench, source, _target):
    """Both at once."""
    for host in bench.lab.hosts:
        host.stop_libvirtd(kill=True)
    source.break_migrations()
    for host in bench.lab.hosts:
        host.start_libvirtd(wait=False)
    for host in bench.lab.hosts:
        host.wait_libvirtd()


def restarted_then_lost(_bench, source, target):
    """The destination's libvirtd is restarted and the migration goes on; then the connection is lost."""
    target.restart_libvirtd(kill=True)
    time.sleep(GOES_ON_S)
    source.break_migrations()


def watcher(bench, source, _target):
    """The watcher dies, the connection is lost, another watcher comes."""
    source.watcher.kill()
    source.break_migrations()
    wait_for("libvirt to notice", lambda: "failed" in state(bench, source), 10)
    source.watch(config())


def link(bench, source, _target):
    """The cable is interrupted for a while, and the connection is lost meanwhile."""
    bench.lab.network.cut(source.name)
    source.break_migrations()
    time.sleep(bench.cut_s)
    bench.lab.network.mend(source.name)


WAYS = (connection, source_libvirtd, target_libvirtd, link, watcher, both_libvirtds, connection_there, restarted_then_lost)


def survived(bench, way, source, target):
    """Break it in a way; does it go on, and how long did that take?"""
    resumed = log(source).count("post-copy resumed after")
    begun = time.monotonic()
    way(bench, source, target)
    done = time.monotonic()
    try:
        wait_log(source, "post-copy resumed after", resumed + 1)
    except LabError as error:
        return bench.tap.ok(False, f"{way.__name__.replace('_', ' ')}: it is resumed", f"{error}\n{bench.halves()}")
    slow_down(bench, source)  # another watcher gives it the plan's pace again
    text = [line for line in log(source).splitlines() if "post-copy resumed after" in line][-1].partition("post-copy ")[2]
    bench.tap.note(f"{way.__name__}: {text}; {time.monotonic() - done:.1f} s after the break was over, "
                   f"{time.monotonic() - begun:.1f} s after it began")
    good = bench.tap.ok(bench.beats(10), f"{way.__name__.replace('_', ' ')}: it is resumed, and the guest works")
    check_class(bench, source)
    return good


def check_class(bench, source):
    """The new connection's bytes go through the class."""
    def sent():
        return sum(entry.sent for entry in shaping.migrations(source).values())
    before = sent()
    try:
        wait_for("", lambda: sent() > before + 2 ** 20, 5)
    except LabError:
        bench.tap.ok(False, "what it sends goes through its class again", source.tc("-s", "class", "show", "dev", "eth0"))


def check_record(bench, record, breaks):
    """The record's story."""
    bench.tap.note("\n".join(f"{event['t_ms']} ms: {event['text']}" for event in record["events"]))
    bench.tap.note(f"recovery {record.get('recovery')}, {record['actual']['total_ms']} ms in all, applied {record['applied']}")
    bench.tap.ok(record["result"] == "completed", "the record says completed", record)
    if not record.get("adopted"):  # an earlier watcher took its part of the story with it
        bench.tap.equal(record["recovery"]["breaks"], breaks, "the record counts the breaks")


def breaks(bench):
    """The breaks, one migration after the other."""
    tap, ways = bench.tap, itertools.cycle(WAYS)
    done = lived = 0
    while done < bench.breaks:
        bench.watch(config())
        migration, source, target = begin(bench)
        here = 0
        while done < bench.breaks and here < PER_MIGRATION:
            here += 1
            done += 1
            try:
                lived += survived(bench, next(ways), source, target)
            except LabError:
                tap.note(bench.halves())
                tap.note(log(source))
                raise
            time.sleep(GOES_ON_S)
        check_record(bench, end(bench, migration, source, target), here)
        corrupt = bench.guest.check_memory()
        tap.equal(corrupt, 0, "the guest's memory is as it should be")
        bench.check_clean()
    tap.note(f"{lived} of {done} breaks survived")


def daemons_restarted(bench):
    """Both daemons are restarted in post-copy, and the connection stays: it goes on, and nobody resumes what runs."""
    tap = bench.tap
    bench.watch(config())
    migration, source, target = begin(bench)
    for host in (target, source):
        host.restart_libvirtd(kill=True)
    wait_log(source, "connected to libvirt", 2, 35)
    time.sleep(3.0)  # attempts would come within that
    status = bench.status(source)["migrations"]
    tap.ok(status and status[0]["state"] == "post-copy", "status: post-copy goes on", status)
    record = end(bench, migration, source, target)
    tap.equal((record["result"], record.get("recovery")), ("completed", None), "it completes, unbroken")
    tap.ok("to be resumed through" not in log(source) or "attempt" not in log(source), "no attempt was made", log(source))
    tap.equal(bench.guest.check_memory(), 0, "the guest's memory is as it should be")
    bench.check_clean()


def conducted_by_its_client(bench):
    """A migration that virsh itself conducts, between both hosts, is resumed as well."""
    bench.watch(config())
    migration, source, target = begin(bench, direct=True)
    survived(bench, connection, source, target)
    check_record(bench, end(bench, migration, source, target), 1)
    bench.tap.equal(bench.guest.check_memory(), 0, "the guest's memory is as it should be")
    bench.check_clean()


def way_unknown(bench):
    """Nobody told the destination's libvirt: the log says what to do; once it is configured the migration is resumed."""
    tap = bench.tap
    bench.watch(config(uri=""))
    migration, source, target = begin(bench, slow=False)
    pace = source.qmp(bench.guest.name, "query-migrate-parameters")["max-postcopy-bandwidth"] / 2 ** 20
    slow_down(bench, source)
    source.break_migrations()
    wait_log(source, COMMAND, timeout=10)
    time.sleep(2.0)
    tap.equal(log(source).count(COMMAND), 1, "the log says once what an operator can do")
    status = bench.status(source)["migrations"][0]
    tap.ok(status["state"] == "broken" and "not resumed" in status["recovery"]["text"], "status says so", status)
    tap.note(bench.migtune(source, "status").stdout)
    bench.reconfigure(source, config())
    source.watcher.process.send_signal(1)
    wait_log(source, "post-copy resumed after")
    tap.ok(True, "resumed when the configuration names the way")
    record = end(bench, migration, source, target)
    check_record(bench, record, 1)
    tap.equal(pace, int(record["applied"]["postcopy_mbps"] * 1e6 / 8 / 2 ** 20),
              "QEMU had the plan's pace for post-copy, though nobody stood in the call")
    tap.equal(bench.guest.check_memory(), 0, "the guest's memory is as it should be")
    bench.check_clean()


def crashing_version(bench):
    """Where the destination's libvirt is known to crash by it, it is not asked to resume; the log says what to do."""
    tap = bench.tap
    bench.watch(config(resume="auto"))
    migration, source, target = begin(bench)
    source.break_migrations()
    wait_log(source, "crashes when a post-copy is resumed", timeout=10)
    tap.ok(bench.status(source)["migrations"][0]["recovery"]["attempts"] == 0, "no attempt was made")
    tap.note(bench.migtune(source, "status").stdout)
    bench.reconfigure(source, config())
    source.watcher.process.send_signal(1)
    wait_log(source, "post-copy resumed after")
    check_record(bench, end(bench, migration, source, target), 1)
    bench.check_clean()


def main():
    """All cases on one guest."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--all", action="store_true", help="all cases, in five minutes")
    parser.add_argument("--breaks", type=int, default=5, help="how often (5)")
    parser.add_argument("--cut", type=float, default=5.0, help="how long the cable is interrupted, s (5)")
    parser.add_argument("--runs", type=float, default=RUNS_S, help=f"before the first break of a migration, s ({RUNS_S})")
    parser.add_argument("--libvirt", choices=[older.VERSION], help="of both hosts; by default the installed one")
    parser.add_argument("--only", help="one case alone")
    arguments = parser.parse_args()
    tap = Cases()
    if arguments.libvirt and older.missing():
        tap.skip("post-copies are resumed", older.missing())
        tap.finish()
    is_mended = not arguments.libvirt and mended.is_needed()
    started = time.time()
    with Lab(hook=True, libvirt=arguments.libvirt, libvirtd_env=mended.env() if is_mended else None) as lab:
        guest = lab.guest(memory_mib=MEMORY_MIB, workload=Workload("uniform", mbit_per_s=40, size_mib=64,
                                                                   touched_mib=TOUCHED_MIB))
        bench = PostCopyBench(lab, tap, guest)
        bench.breaks, bench.cut_s, bench.runs_s = arguments.breaks, arguments.cut, arguments.runs
        cases = {breaks: True, daemons_restarted: arguments.all, conducted_by_its_client: arguments.all,
                 way_unknown: arguments.all, crashing_version: is_mended}
        tap.note_load()
        tap.run(bench, *(case for case, chosen in cases.items()
                         if (case.__name__ == arguments.only if arguments.only else chosen)))
    tap.note(f"{time.time() - started:.0f} s in all")
    tap.finish()


if __name__ == "__main__":
    main()
