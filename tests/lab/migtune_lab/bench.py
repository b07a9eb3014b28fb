# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two hosts with their watchers and a guest that goes back and forth: what many cases share one after the other."""
import json
import subprocess
import time

from . import shaping
from .host import STATE
from .process import LabError, run, wait_for
from .watcher import CONFIG, HISTORY, LINK_CONFIG, LOG, RUN_DIRECTORY, SHIM_LOG, hook_file, program

QUIET_S = 10.0
GRANTED_GAPS = 1.5
CLEAN_WITHIN_S = 8.0  # much more than it takes, even when the machine stands still in between
CONNECTED_WITHIN_S, SAMPLED_WITHIN_S = 30.0, 30.0
STEP_S, STANDSTILL_S, TRIES = 0.25, 0.3, 5
AROUND_STOP_S, AGAIN = 0.5, 2
REMEMBERED_WITHIN_S, STAYS_S = 10, 1  # the watcher puts it back when it has seen the end
HOOK_LOG = "/var/log/hook.log"
HOOK_TIMES = "/var/log/hook.times"

# The hook as it is installed, with a note of what it writes to standard error, what it returns and how long it took.
HOOK_WRAPPER = """\
#!/bin/sh
begin=$(date +%s%N)
{hook} "$@" 2>>{log}
status=$?
echo "$2 $3 $status $((($(date +%s%N) - begin) / 1000))" >>{times}
exit $status
"""


def observed_hook():
    """A hook program for Lab(hook=...) that runs the installed one and notes what it did."""
    STATE.mkdir(parents=True, exist_ok=True)
    path = STATE / "observed-hook"
    path.write_text(HOOK_WRAPPER.format(hook=hook_file(), log=HOOK_LOG, times=HOOK_TIMES), encoding="ascii")
    path.chmod(0o755)
    return path


def settings(urgency="low", more="", **migration):
    """A configuration: the lab's link, the range of dirty rates that the examples use, and keys of the group migration."""
    keys = " ".join(f"{key} = {value};" if isinstance(value, int) else f'{key} = "{value}";'
                    for key, value in {"urgency": urgency, **migration}.items())
    return (LINK_CONFIG + 'lambda = { low = 0.1; high = 0.4; dirty_low = "0.1Mbit"; dirty_high = "500Mbit"; };\n'
            f"migration = {{ {keys} }};\n{more}\n")


class Bench:
    """lab, tap, guest; source and target are the guest's host and the other one, as of now."""

    def __init__(self, lab, tap, guest):
        self.lab, self.tap, self.guest = lab, tap, guest
        self.before = {host.name: host.snapshot() for host in lab.hosts}

    @property
    def source(self):
        """Where the guest is."""
        return self.guest.host

    @property
    def target(self):
        """Where it is not."""
        return self.lab.other(self.guest.host)

    # watchers

    def unwatch(self):
        """End the watchers."""
        for host in self.lab.hosts:
            if host.watcher:
                host.watcher.stop()
                host.watcher = None

    def forget(self):
        """Empty logs and histories, so that a case finds only its own."""
        for host in self.lab.hosts:
            for path in (LOG, "/var/log/migtune.out", HISTORY, HOOK_LOG, HOOK_TIMES, SHIM_LOG):
                host.path(path).unlink(missing_ok=True)

    def watch(self, config=None, hosts=None, settle_s=1.2, **options):
        """New watchers, with empty logs and histories. They know the traffic after settle_s."""
        self.unwatch()
        self.forget()
        for host in hosts or self.lab.hosts:
            host.watch(settings() if config is None else config, **options)
        for host in hosts or self.lab.hosts:
            wait_for(f"the watcher of {host.name} to connect", lambda h=host: "connected to libvirt" in h.watcher.output(),
                     CONNECTED_WITHIN_S)
        time.sleep(settle_s)

    def plan(self, *arguments, guest=None):
        """What `migtune plan --json` says of the guest's (or another one's) way from the source to the target."""
        name = (guest or self.guest).name
        return json.loads(self.migtune(self.source, "plan", name, self.target.uri(), "--json", *arguments).stdout)

    def sampled(self, guest=None):
        """Wait until the source's watcher has measured the guest's dirty rate, and return the plan's facts."""
        def measured():
            facts = self.plan(guest=guest)["facts"]
            return facts["dirty_rate_source"] == "measured" and facts
        return wait_for(f"the watcher of {self.source.name} to sample the guest", measured, SAMPLED_WITHIN_S, step=0.25)

    def status(self, host=None):
        """What `migtune status --json` says."""
        return json.loads(self.migtune(host or self.source, "status", "--json").stdout)

    def migtune(self, host, *arguments, check=True):
        """Run a migtune command on a host, beside the watcher there."""
        return host.run(program(), *arguments, "--run-dir", RUN_DIRECTORY, check=check)

    def reconfigure(self, host, text):
        """Write another configuration for a host's watcher (and do not tell it)."""
        host.path(CONFIG).write_text(text, encoding="utf-8")

    # what is seen while a migration runs

    def limits(self, host=None):
        """QEMU's (max-bandwidth in MiB/s, downtime-limit in ms)."""
        values = (host or self.source).qmp(self.guest.name, "query-migrate-parameters")
        return values["max-bandwidth"] / 1048576, values["downtime-limit"]

    def remembered(self, host=None):
        """libvirt's own memory of both: what the next migration starts with."""
        host = host or self.source
        return (host.virsh("migrate-getspeed", self.guest.name), host.virsh("migrate-getmaxdowntime", self.guest.name))

    def copying(self, migration, seconds=0.0, timeout=40.0):
        """Wait until memory moves, and some seconds more; an error if the migration ends meanwhile."""
        def moves():
            if not migration.is_running():
                raise LabError(f"the migration ended early: {migration.finish().line()}")
            job = migration.job()
            return job and job.get("data_processed", 0) > 0
        wait_for("memory to move", moves, timeout, step=0.05)
        until = time.time() + seconds
        while time.time() < until:
            if not migration.is_running():
                raise LabError(f"the migration ended early: {migration.finish().line()}")
            time.sleep(0.02)

    def shaped(self, host, device="eth0", count=1, timeout=15.0):
        """Wait for so many classes of migrations on a device, and return them."""
        return wait_for(f"{count} class(es) on {device} of {host.name}",
                        lambda: len(found := shaping.migrations(host, device)) >= count and found, timeout)

    def undisturbed(self, migrate, limit_ms, again=0):
        """Results of migrate() until one's blackout is not to be blamed on the machine: the last one, which counts, last.

        A run whose blackout is above limit_ms while the machine stood still around the guest's stop is made again, twice at
        most; `again` more are made whatever the reason for the blackout was.
        """
        results = []
        while True:
            result = migrate()
            results.append(result)
            if not result.ok or result.blackout_ms is None or result.blackout_ms <= limit_ms:
                return results
            stood = self.lab.standstills.seconds(result.suspended - AROUND_STOP_S, result.resumed + AROUND_STOP_S)
            if stood > 0 and len(results) <= AGAIN:
                self.tap.note(f"the machine stood still for {stood:.2f} s at the stop, so this is made again: "
                              f"{result.line()}")
            elif again > 0:
                again -= 1
                self.tap.note(f"above the limit, once more: {result.line()}")
            else:
                return results

    def seen_beyond(self, runs=2):
        """What a client sees here beyond QEMU's downtime, in ms: the most in so many untuned migrations.

        It is the machine's: an emulated guest that resumes waits for a processor, today longer than yesterday.
        """
        self.unwatch()
        results = [self.lab.migrate(self.guest) for _ in range(runs)]
        gaps = [result.blackout_ms - result.downtime_ms for result in results
                if result.ok and result.blackout_ms is not None and result.downtime_ms is not None]
        self.tap.note(f"a client sees {', '.join(f'{gap:.0f}' for gap in gaps)} ms more than QEMU's downtime, untuned")
        return max(gaps, default=0)

    def granted(self, least_ms):
        """How much longer than max_downtime a client may see a blackout here, in ms: half as much again as it sees untuned."""
        return max(least_ms, GRANTED_GAPS * self.seen_beyond())

    # afterwards

    def clean(self, host):
        """Is nothing of ours left on a host?"""
        return host.snapshot() == self.before[host.name]

    def check_clean(self, name="nothing is left on either host", timeout=CLEAN_WITHIN_S):
        """A check that both hosts' qdiscs, classes, filters and devices are as they were."""
        try:
            wait_for("", lambda: all(self.clean(host) for host in self.lab.hosts), timeout)
            good = True
        except LabError:
            good = False
        detail = "".join(f"{host.name} was:\n{self.before[host.name]}\nis:\n{host.snapshot()}\n" for host in self.lab.hosts
                         if not self.clean(host))
        return self.tap.ok(good, name, detail)

    def log(self, host):
        """The lines that a host's watcher logged, without records."""
        lines = host.watcher.output().splitlines() if host.watcher else []
        return [line for line in lines if line.strip() and "@cee:" not in line]

    def complaints(self, host):
        """Those that are not plain information about its start, its configuration and migrations."""
        plain = ("watching ", "connected to libvirt", "(own library ", "migration to ", "incoming migration",
                 "configuration reloaded")
        return [line for line in self.log(host) if not any(words in line for words in plain)]

    def one_record(self, host, name="exactly one record: a history line and a log line", timeout=20.0):
        """A check that a host's watcher wrote one record, which is returned ({} when there is none)."""
        try:
            host.watcher.wait_record(1, timeout)
        except LabError:
            pass
        time.sleep(0.3)  # a second one would come now
        records = host.watcher.records()
        logged = [line for line in host.watcher.output().splitlines() if "@cee:" in line]
        self.tap.ok(len(records) == 1 and len(logged) == 1, name,
                    f"{len(records)} in the history, {len(logged)} in the log\n{host.watcher.output()}")
        return records[-1] if records else {}

    def check_cancelled(self, record, name="the record says that it was cancelled"):
        """A check of the record of a migration that somebody cancelled.

        Closing the connection makes QEMU 10.0 report "failed" now and then, virsh as well, so a record may say that it
        cannot be told.
        """
        result, error = record.get("result"), record.get("error") or ""
        self.tap.note(f"record: result {result}, error {error}")
        good = result == "cancelled" or (result == "failed" and "failed or cancelled" in error)
        return self.tap.ok(good, name, f"{result}: {error}")

    def check_remembered(self, before, name="libvirt remembers for its next migration what it did before"):
        """A check of libvirt's memory of the limits after a migration that was called off, when it stays as it is."""
        since, end = None, time.monotonic() + REMEMBERED_WITHIN_S
        while time.monotonic() < end and (since is None or time.monotonic() < since + STAYS_S):
            if self.remembered() != before:
                since = None
            elif since is None:
                since = time.monotonic()
            time.sleep(STEP_S)
        self.tap.equal(self.remembered(), before, name)

    def hook_calls(self, host):
        """[(operation, suboperation, status, milliseconds)] of the observed hook, oldest first."""
        path = host.path(HOOK_TIMES)
        lines = path.read_text(encoding="ascii").split("\n")[:-1] if path.exists() else []
        return [(words[0], words[1], int(words[2]), int(words[3]) / 1000) for words in map(str.split, lines)]

    def hook_lines(self, host):
        """What the observed hook wrote."""
        path = host.path(HOOK_LOG)
        return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []

    def shim_lines(self, host):
        """What the shim logged in any program on a host."""
        path = host.path(SHIM_LOG)
        return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []

    def recover(self):
        """Back to order after a case that failed: no migration, no watcher, no leftovers, a guest that works."""
        for host in self.lab.hosts:
            if host.watcher and host.watcher.process.poll() is None:
                run(["kill", "-CONT", str(host.watcher.process.pid)], check=False)
            if host.libvirtd.poll() is not None:
                host.start_libvirtd()
        for guest in self.lab.guests:
            for host in self.lab.hosts:
                host.virsh("domjobabort", guest.name, check=False)
        time.sleep(1.0)
        self.unwatch()
        for host in self.lab.hosts:
            self.migtune(host, "cleanup", check=False)
        self.revive()

    def revive(self):
        """See to it that the guest runs on exactly one host (a where it is nowhere)."""
        guest = self.guest
        running = [host for host in self.lab.hosts if guest.state(host) == "running"]
        if len(running) == 1 and self.beats():
            guest.host = running[0]
            return
        for host in self.lab.hosts:
            host.virsh("destroy", guest.name, check=False)
        guest.start(self.lab.a)
        self.tap.note("a new guest was started")

    def beats(self, timeout=5.0):
        """Do heartbeats of the guest arrive from now on?"""
        before = self.lab.client.count(self.guest.address)
        try:
            return bool(wait_for("", lambda: self.lab.client.count(self.guest.address) > before, timeout))
        except LabError:
            return False

    def quiet(self, seconds=QUIET_S):
        """Let a while pass."""
        time.sleep(seconds)

    def steady(self, seconds=QUIET_S):
        """Let a while pass in which the machine does not stand still: after that, smoothed rates know nothing."""
        for _ in range(TRIES):
            begin = time.time()
            while time.time() < begin + seconds:
                time.sleep(STEP_S)
                if self.lab.standstills.seconds(begin) > STANDSTILL_S:
                    break
            else:
                return


def model(name, **values):
    """What `migtune model` computes."""
    done = run([str(program()), "model", name, *(f"{key}={value}" for key, value in values.items())])
    return json.loads(done.stdout)["result"]


def kill_qemu(host, name):
    """SIGKILL a guest's QEMU on a host."""
    pid = host.path(f"/run/libvirt/qemu/{name}.pid").read_text(encoding="ascii").strip()
    subprocess.run(["kill", "-KILL", pid], check=True)
