#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Migrations back and forth while what can happen happens: nothing is left, no guest is lost, each is recorded.

Run as: tests/lab/enter tests/lab/extra_soak.py [--migrations N] [--seed N]

Two guests, alone or both at once, with patterns and urgencies at random; calls are cancelled, watchers and libvirtds are killed
and come back, configurations are loaded anew. The watchers that live through the last part must not grow.
"""
import argparse
import pathlib
import random
import time

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.process import LabError, wait_for

MEMORY_MIB, TOUCHED_MIB = 256, 128
GUESTS = ("one", "two")
PATTERNS = (dict(pattern="idle"), dict(pattern="uniform", mbit_per_s=100, size_mib=64),
            dict(pattern="uniform", mbit_per_s=300, size_mib=96), dict(pattern="hot", mbit_per_s=300, size_mib=96, hot_mib=8),
            dict(pattern="bursty", mbit_per_s=300, size_mib=64, on_ms=500, off_ms=500))
URGENCIES = ("high", "medium", "low")
BOTH = 0.2  # of the steps: both guests at once
CALM_PART = 0.4  # of the migrations, the last ones: nobody kills a watcher, so that its memory can be judged
WARM = 5  # of those: until it has all that it ever needs
GROWS_MIB, MORE_FILES = 2.0, 0
ENDS_WITHIN_S, SETTLES_WITHIN_S, CHECKED_EVERY = 90, 40, 20
COPYING_WITHIN_S = 20
POLICY = "urn:migtune:policy:1"


def config(rng):
    """As an operator might have it; what changes does not change the outcome."""
    return settings(more=f'measure = {{ dirty_rate_every = "{rng.choice((10, 20, 30))}s"; }};', min_bandwidth="16MiB/s",
                    max_iterations=rng.choice((8, 12, 20)))


class Soak:
    """The steps, and what has been counted."""

    def __init__(self, bench, seed):
        self.bench, self.rng = bench, random.Random(seed)
        self.begun = self.unseen = 0
        self.moving, self.ends, self.happened, self.sizes = [], {}, {}, []

    # what happens while a migration runs

    def nothing(self, _migration, _source, _target):
        """It goes on."""

    def cancelled(self, migration, _source, _target):
        """Its caller calls it off."""
        migration.cancel()

    def source_watcher_killed(self, migration, source, _target):
        """It comes back at once, and adopts."""
        self.watcher_killed(source)
        if not migration.is_running():
            self.unseen += 1

    def target_watcher_killed(self, _migration, _source, target):
        """The same over there."""
        self.watcher_killed(target)

    def watcher_killed(self, host):
        """Killed and started again."""
        host.watcher.kill()
        host.watch(config(self.rng))

    def watcher_restarted(self, migration, source, _target):
        """As an update does."""
        source.watcher.stop()
        source.watch(config(self.rng))
        if not migration.is_running():
            self.unseen += 1

    def source_libvirtd_killed(self, _migration, source, _target):
        """The migration does not survive that, the guest does."""
        source.restart_libvirtd(kill=True)

    def target_libvirtd_killed(self, _migration, _source, target):
        """The same over there."""
        target.restart_libvirtd(kill=True)

    def reloaded(self, _migration, source, target):
        """Another configuration, on both hosts."""
        for host in (source, target):
            self.bench.reconfigure(host, config(self.rng))
            host.watcher.process.send_signal(1)

    def switched(self, _migration, source, _target):
        """Somebody switches it to post-copy."""
        source.virsh("migrate-postcopy", self.moving[0].name, check=False)

    def happenings(self, is_calm):
        """What may happen, with weights."""
        always = {self.nothing: 40, self.cancelled: 15, self.reloaded: 8, self.switched: 10}
        kills = {self.source_watcher_killed: 8, self.target_watcher_killed: 6, self.watcher_restarted: 5,
                 self.source_libvirtd_killed: 4, self.target_libvirtd_killed: 4}
        return always if is_calm else always | kills

    # one step

    def step(self, is_calm):
        """One migration, or two at once."""
        bench, rng = self.bench, self.rng
        host = rng.choice(bench.lab.guests).host
        here = [guest for guest in bench.lab.guests if guest.host is host]
        self.moving = here if len(here) == 2 and rng.random() < BOTH else [rng.choice(bench.lab.guests)]
        for guest in self.moving:
            guest.work(**rng.choice(PATTERNS))
            guest.host.virsh("metadata", guest.name, POLICY, "--live", "--key", "migtune", "--set",
                             f"<policy urgency='{rng.choice(URGENCIES)}'/>")
        choices = self.happenings(is_calm)
        happening = rng.choices(list(choices), list(choices.values()))[0]
        self.happened[happening.__name__] = self.happened.get(happening.__name__, 0) + 1
        self.migrate(happening)
        self.settle()

    def migrate(self, happening):
        """Start, let it happen to the first of them, wait for the ends."""
        bench, source = self.bench, self.moving[0].host
        target = bench.lab.other(source)
        flags = ["--postcopy"] if happening == self.switched else []  # pylint: disable=comparison-with-callable
        migrations = [bench.lab.migration(guest, flags=flags, timeout=ENDS_WITHIN_S).start() for guest in self.moving]
        started = []
        for migration in migrations:
            try:
                bench.copying(migration, 0.0, COPYING_WITHIN_S)
                started.append(migration)
            except LabError as error:
                bench.tap.note(f"before it could be looked at: {error}")
        self.begun += len(migrations)
        time.sleep(self.rng.random())
        if started:
            happening(started[0], source, target)
        for migration in migrations:
            result = migration.finish()
            end = "completed" if result.ok else "cancelled" if result.cancelled else "failed"
            self.ends[end] = self.ends.get(end, 0) + 1

    def settle(self):
        """Each guest works on exactly one host, the watchers are connected, nothing is left."""
        bench = self.bench
        for guest in bench.lab.guests:
            wait_for(f"{guest.name} to be on exactly one host", lambda g=guest: self.place(g), SETTLES_WITHIN_S, step=0.2)
            bench.guest = guest
            if not bench.beats(10):
                raise LabError(f"{guest.name} does not work: {guest.console_tail()}")
        for host in bench.lab.hosts:
            wait_for(f"the watcher of {host.name} to answer with its connection",
                     lambda h=host: not bench.status(h)["migrations"], SETTLES_WITHIN_S, step=0.2)
        wait_for("both hosts to be as they were", lambda: all(bench.clean(host) for host in bench.lab.hosts), SETTLES_WITHIN_S)
        self.sizes.append([size(host.watcher.process.pid) for host in bench.lab.hosts])

    def place(self, guest):
        """Where it runs; what libvirt left of a failed one on the other side is ended (libvirt's doing, with or without us)."""
        states = {host: guest.state(host) for host in self.bench.lab.hosts}
        running = [host for host, state in states.items() if state == "running"]
        if len(running) != 1:
            return False
        other = self.bench.lab.other(running[0])
        if states[other]:
            other.virsh("destroy", guest.name, check=False)
            return False
        guest.host = running[0]
        return True


def size(pid):
    """(resident MiB, open files) of a process."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return resident / 1024, len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def check_records(soak):
    """Each migration has its record: not one less, not one more."""
    tap, bench = soak.bench.tap, soak.bench
    records = [record for host in bench.lab.hosts for record in host.watcher.records()]
    results = {result: sum(record["result"] == result for record in records)
               for result in ("completed", "cancelled", "failed")}
    tap.note(f"{soak.begun} begun; their callers saw {soak.ends}; the records say {results}; what happened: {soak.happened}")
    tap.ok(soak.begun - soak.unseen <= len(records) <= soak.begun,
           f"each of {soak.begun} is recorded once ({soak.unseen} ended while no watcher ran)", len(records))
    ids = [record["id"] for record in records]
    tap.equal(len(set(ids)), len(ids), "no record twice")
    untold = [record for record in records if record["result"] != "completed" and not record["error"]]
    tap.equal(untold, [], "what did not complete says why")


def check_sizes(soak, calm_from):
    """Memory and files of the watchers that lived through the calm part."""
    tap = soak.bench.tap
    sizes = soak.sizes[calm_from + WARM:]
    for index, host in enumerate(soak.bench.lab.hosts):
        resident, files = ([entry[index][what] for entry in sizes] for what in (0, 1))
        tap.note(f"watcher of {host.name} over {len(sizes)} steps: {resident[0]:.1f} -> {resident[-1]:.1f} MiB (at most "
                 f"{max(resident):.1f}), {files[0]} -> {files[-1]} files (at most {max(files)})")
        tap.ok(resident[-1] <= resident[0] + GROWS_MIB, f"the watcher of {host.name} does not grow", resident)
        tap.ok(files[-1] <= files[0] + MORE_FILES, f"the watcher of {host.name} leaves no file open", files)


def main():
    """The steps, then the sums."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--migrations", type=int, default=100, help="how many (100)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100000, help="of what is at random")
    arguments = parser.parse_args()
    tap = Cases()
    tap.note(f"--seed {arguments.seed}")
    started = time.time()
    with Lab(hook=True) as lab:
        for name in GUESTS:
            lab.guest(name=name, memory_mib=MEMORY_MIB, workload=Workload(**PATTERNS[1], touched_mib=TOUCHED_MIB))
        bench = Bench(lab, tap, lab.guests[0])
        soak = Soak(bench, arguments.seed)
        bench.watch(config(soak.rng))
        calm_from = None
        try:
            while soak.begun < arguments.migrations:
                if calm_from is None and soak.begun >= (1 - CALM_PART) * arguments.migrations:
                    calm_from = len(soak.sizes)
                soak.step(calm_from is not None)
                if len(soak.sizes) % CHECKED_EVERY == 0:
                    tap.note(f"{soak.begun} migrations in {time.time() - started:.0f} s: {soak.ends}")
            tap.ok(True, f"after each of {len(soak.sizes)} steps both guests worked, and nothing was left on either host")
        except LabError as error:
            tap.ok(False, f"step {len(soak.sizes) + 1} ({soak.happened}, moving {[g.name for g in soak.moving]})", error)
        for guest in lab.guests:
            tap.equal(guest.check_memory(), 0, f"the memory of {guest.name} is as it should be")
        check_records(soak)
        if calm_from is not None and len(soak.sizes) > calm_from + WARM:
            check_sizes(soak, calm_from)
        for host in lab.hosts:
            kinds = {}
            for line in bench.complaints(host):
                words = " ".join(line.split()[1:])[:110]
                kinds[words] = kinds.get(words, 0) + 1
            tap.note(f"log of {host.name}: " + "; ".join(f"{count} x {words}" for words, count in
                                                         sorted(kinds.items(), key=lambda kind: -kind[1])[:12]))
    tap.note(f"{time.time() - started:.0f} s in all")
    tap.finish()


if __name__ == "__main__":
    main()
