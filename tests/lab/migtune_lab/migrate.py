# SPDX-License-Identifier: LGPL-2.1-or-later
"""One migration, and everything that can be seen of it from outside: time, bytes, blackout, work lost, a timeline."""
import collections
import contextlib
import dataclasses
import subprocess
import threading
import time

from . import namespace
from .client import gap_ms
from .process import LabError, end, last_lines, wait_for

SAMPLE_S = 0.1
JOB_EVERY = 5  # samples: each costs a virsh
SETTLE_S = 1.0  # watched after the end: the guest's first second on its new host belongs to the migration
LONGEST_S = 300
TOLD_WITHIN_S = 5.0  # after that: until the events of the end have been told, on a busy machine
SWITCHOVER_SLACK_S = 0.05  # an event is stamped when virsh reads it, a little after it happened

# to_target: bytes the target received through its cable (migration and what else goes there); uplink: bytes the
# source sent, guests' traffic included; both since the boot of the lab. job: libvirt's statistics or None.
Sample = collections.namedtuple("Sample", "time to_target uplink job")


@dataclasses.dataclass
class Result:
    """What a migration was like. Times are time.time(); job is libvirt's statistics, names as in domjobinfo --rawstats."""
    ok: bool
    cancelled: bool  # by us
    error: str
    start: float
    end: float
    total_s: float
    job: dict
    downtime_ms: float  # as QEMU tells; None when it does not
    blackout_ms: float  # as the client saw it, see client.py; None when the guest stayed
    longest_gap_ms: float
    work_lost_s: float
    bytes: int  # of the job, as QEMU counts them
    wire_bytes: int  # into the target's cable
    iterations: list  # when each began
    suspended: float
    resumed: float
    samples: list
    events: list

    def arrived_mbit(self, start, end):
        """What arrived through the target's cable in a span: payload, for a veth counts a segment's headers but once."""
        def until(moment):
            before = [sample for sample in self.samples if sample.time <= moment][-1:] or self.samples[:1]
            after = [sample for sample in self.samples if sample.time > moment][:1] or self.samples[-1:]
            (first,), (last,) = before, after
            part = (moment - first.time) / (last.time - first.time) if last.time > first.time else 0.0
            return first.to_target + min(max(part, 0.0), 1.0) * (last.to_target - first.to_target)
        return (until(end) - until(start)) * 8e-6

    def line(self):
        """The result as one line for people."""
        if not self.ok:
            return f"failed after {self.total_s:.1f} s: {self.error}"
        return (f"{self.total_s:.1f} s, blackout {_text(self.blackout_ms)} ms (QEMU {_text(self.downtime_ms)} ms), "
                f"work lost {self.work_lost_s:.2f} s, {self.bytes / 1048576:.0f} MiB, {len(self.iterations)} iterations")


def _text(number):
    return "-" if number is None else f"{number:.0f}"


def parse_job(text):
    """domjobinfo's --rawstats lines as a dictionary, whole numbers as such; None when there is no job."""
    job = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            value = value.strip()
            job[name.strip()] = int(value) if value.lstrip("-").isdigit() else value
    return job if len(job) > 1 else None


class Migration:
    """A live migration by virsh, peer to peer. run() does all of it; or start(), then look, then finish().

    flags: further options of virsh migrate ("--postcopy"); direct: not peer to peer, but virsh speaks to both hosts;
    bandwidth: MiB/s; cancel_after: seconds; address: of the target for both connections (its IPv6 one, say); env: for the
    client (LD_PRELOAD); progress: called with each Sample.

    A subclass has another client: command() tells which. Its exit status is the result, its last lines on standard error
    are the reason; what it wrote to standard output is in `output` after the end.
    """

    def __init__(self, lab, guest, target, *, flags=(), direct=False, bandwidth=None, cancel_after=None, address=None,
                 env=None, progress=None, timeout=LONGEST_S):
        self.lab, self.guest, self.source, self.target = lab, guest, guest.host, target
        self._cancel_after, self._timeout, self._env, self._progress = cancel_after, timeout, env, progress
        self._arguments = ["--live", *([] if direct else ["--p2p"]), *flags]
        if bandwidth is not None:
            self._arguments += ["--bandwidth", str(bandwidth)]
        self._uris = [target.uri(address)]
        if address:
            self._uris += ["--migrateuri", f"tcp://{f'[{address}]' if ':' in address else address}"]
        self.output = ""
        self._client = self._sampler = None
        self._samples = []
        self._over = threading.Event()
        self._start = self._end = None
        self._is_cancelled = False

    def run(self):
        """Migrate and return the Result; a migration that fails is a Result too, with ok False."""
        self.start()
        return self.finish()

    def command(self):
        """The client's program and its arguments."""
        return ["virsh", "-q", "-c", "qemu:///system", "migrate", *self._arguments, self.guest.name, *self._uris]

    def start(self):
        """Begin."""
        self._start = time.time()
        self._client = self.source.popen(*self.command(), env=self._env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()
        return self

    def is_running(self):
        """Has the migration call not yet returned?"""
        return self._client.poll() is None

    def tell(self, line):
        """Write a line to the client's standard input."""
        self._client.stdin.write(line + "\n")
        self._client.stdin.flush()

    def cancel(self):
        """Cancel the job."""
        self._is_cancelled = True
        self.source.virsh("domjobabort", self.guest.name, check=False)

    def job(self):
        """libvirt's statistics of the running job, or None."""
        return parse_job(self.source.virsh("domjobinfo", "--rawstats", self.guest.name, check=False))

    def _sample(self):
        port, uplink = self.target.station.port, "eth0"
        switch, source = namespace.Counters("switch"), namespace.Counters(self.source.name)
        due, count = time.time(), 0
        while not self._over.wait(max(0.0, due - time.time())):
            job = self.job() if count % JOB_EVERY == JOB_EVERY - 1 and self.is_running() else None
            sample = Sample(time.time(), switch.read()[port][1], source.read()[uplink][1], job)
            self._samples.append(sample)
            if self._progress:
                self._progress(sample)
            count += 1
            due = max(due + SAMPLE_S, time.time())
        switch.close()
        source.close()

    def finish(self):
        """Wait for the end, settle, and collect."""
        cancel_at = self._start + self._cancel_after if self._cancel_after is not None else None
        while self.is_running():
            if cancel_at and time.time() >= cancel_at:
                self.cancel()
                cancel_at = None
            if time.time() > self._start + self._timeout:
                self.cancel()
                end(self._client)
                self._over.set()
                raise LabError(f"the migration of {self.guest.name} did not end within {self._timeout} s")
            time.sleep(0.01)
        self._end = time.time()
        self.output, error = self._client.communicate()
        time.sleep(SETTLE_S)
        self._over.set()
        self._sampler.join()
        is_ok = self._client.returncode == 0
        if is_ok:
            self.guest.host = self.target
            with contextlib.suppress(LabError):  # what is not told is missing in the result
                wait_for("the events of the end", self._is_told, TOLD_WITHIN_S)
        return self._collect(is_ok, last_lines(error))

    def _collect(self, is_ok, error):
        name, address, client = self.guest.name, self.guest.address, self.lab.client
        watched_until = self._end + SETTLE_S
        events = sorted(self.source.events.since(self._start) + self.target.events.since(self._start),
                        key=lambda event: event.time)
        iterations = [event.time for event in self.source.events.since(self._start, name, "migration-iteration")]
        suspended = self._moment(self.source, "Suspended")
        resumed = self._moment(self.target, "Resumed") if is_ok else None
        job = self._completed_job() if is_ok else {}
        gap = None
        if suspended and resumed:
            gap = client.gap_around(address, self._start - SETTLE_S, watched_until,
                                    suspended - SWITCHOVER_SLACK_S, resumed)
        before = [sample.to_target for sample in self._samples[:1]] or [0]
        after = [sample.to_target for sample in self._samples[-1:]] or [0]
        return Result(
            ok=is_ok, cancelled=self._is_cancelled and not is_ok, error=error,
            start=self._start, end=self._end, total_s=self._end - self._start, job=job,
            downtime_ms=job.get("downtime"), blackout_ms=gap_ms(gap) if gap else None,
            longest_gap_ms=client.longest_gap_ms(address, self._start, watched_until),
            work_lost_s=client.work_lost_s(address, self._start, watched_until),
            bytes=job.get("data_processed", 0), wire_bytes=after[0] - before[0],
            iterations=iterations, suspended=suspended, resumed=resumed, samples=self._samples, events=events)

    def _is_told(self):
        return (self._moment(self.source, "Suspended") and self._moment(self.target, "Resumed")
                and self.source.events.since(self._start, self.guest.name, "job-completed"))

    def _moment(self, host, text):
        events = [event for event in host.events.since(self._start, self.guest.name, "lifecycle") if text in event.text]
        return events[0].time if events else None

    def _completed_job(self):
        """The finished job's statistics: the source's event has them; else the destination's copy (not after post-copy)."""
        events = self.source.events.since(self._start, self.guest.name, "job-completed")
        if events and events[-1].values:
            return events[-1].values
        text = self.target.virsh("domjobinfo", "--completed", "--rawstats", self.guest.name, check=False)
        return parse_job(text) or {}
