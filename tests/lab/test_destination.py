#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The destination's traffic: learnt from the directory that both hosts see, from its libvirt, or not at all.

Run as: tests/lab/enter tests/lab/test_destination.py
"""
import contextlib
import json
import re
import signal
import socket
import statistics
import threading
import time

from migtune_lab import Lab, Workload, namespace
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.process import wait_for

SHARE = "/run/shared"
TRAFFIC_MBIT, LESS_MBIT = 650, 200
USABLE_MBIT = 1000 * 1514 / 1538
DATAGRAM, DATAGRAM_HEADERS = 1400, 42
DATAGRAM_MBIT = 40
MOST_DATAGRAMS = 200_000
CALM_MBIT, BUSY_MBIT = 50, 150  # dirtied by the guest; the busy one's demand is more than the traffic leaves
SETTLE_S = 8  # the smoothing knows traffic to 2 % after four times its 2 s
NOT_KNOWN = "the destination's traffic is not known"
DISCARD_PORT = 9
AT_ONCE_MS = 1000  # waiting for a libvirt that does not answer would take some seconds


def configuration(share_dir="", uri="", more="", **migration):
    """Low urgency, and the keys of the group destination."""
    return settings("low", f'destination = {{ share_dir = "{share_dir}"; uri = "{uri}"; }};\n{more}', **migration)


class Readings:
    """facts.dst of the running migration, as the status shows it, twice a second."""

    def __init__(self, bench):
        self._bench, self._source = bench, bench.source
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.all = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.wait(0.5):
            with contextlib.suppress(Exception):  # the migration ended between two of the questions
                self.all += [job["facts"]["dst"] for job in self._bench.status(self._source)["migrations"]]

    def said(self):
        """The readings, briefly."""
        texts = [f"{reading['source']} {reading['in_mbps']:.0f}" for reading in self.all]
        return ", ".join(text for text, before in zip(texts, [None, *texts]) if text != before)


@contextlib.contextmanager
def background(bench, mbit_per_s=TRAFFIC_MBIT):
    """A stream from the client to the target for the length of the block."""
    traffic = bench.lab.traffic(bench.lab.client, bench.target, mbit_per_s)
    try:
        bench.steady(SETTLE_S)
        yield traffic
    finally:
        traffic.stop()


@contextlib.contextmanager
def datagrams(bench, address, mbit_per_s=DATAGRAM_MBIT):
    """Datagrams from the client to a guest of the lab for the length of the block."""
    assert address in [guest.address for guest in bench.lab.guests]
    over = threading.Event()
    with namespace.inside(bench.lab.client.station.name):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send():
        begin, payload = time.time(), bytes(DATAGRAM)
        for number in range(MOST_DATAGRAMS):
            if over.is_set():
                return
            with contextlib.suppress(ConnectionError):  # nobody listens there
                sender.sendto(payload, (address, DISCARD_PORT))
            wait = begin + number * DATAGRAM * 8e-6 / mbit_per_s - time.time()
            if wait > 0.002:
                time.sleep(wait)
    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        sender.close()


def moved(bench):
    """One migration: (its record, the readings, its result)."""
    source = bench.source
    with Readings(bench) as readings:
        result = bench.lab.migrate(bench.guest)
    bench.tap.ok(result.ok, "the migration completes", result.error)
    record = bench.one_record(source, "one record")
    bench.tap.note(f"{result.line()}; first {record['facts']['dst']}, then {readings.said()}; planned "
                   f"{record['plan']['bandwidth_mbps']} Mbit/s")
    return record, readings, result


def sample_files(bench):
    """What lies in the shared directory."""
    return sorted(path.name for path in bench.lab.a.path(SHARE).iterdir() if path.name.startswith(("migtune", ".migtune")))


def by_share(bench):
    """Both hosts share a directory: the first plan knows what arrives at the destination."""
    tap = bench.tap
    bench.watch(configuration(share_dir=SHARE))
    wait_for("both samples", lambda: sample_files(bench) == ["migtune-host-a.json", "migtune-host-b.json"])
    sample = json.loads(bench.target.path(f"{SHARE}/migtune-{bench.target.hostname}.json").read_text(encoding="utf-8"))
    tap.note(json.dumps(sample))
    addresses = {address for uplink in sample["uplinks"] for address in uplink["addresses"]}
    tap.ok({bench.target.address, bench.target.address6} <= addresses, "the sample has both addresses of the host",
           addresses)
    bench.guest.work(mbit_per_s=BUSY_MBIT)
    with background(bench) as traffic:
        alone = traffic.goodput(time.time() - 4, time.time())
        record, readings, result = moved(bench)
        during = traffic.goodput(result.iterations[0], result.end)
    bench.guest.work(mbit_per_s=CALM_MBIT)
    dst = record["facts"]["dst"]
    tap.equal(dst["source"], "share", "the record says where it is from")
    tap.near(dst["in_mbps"], alone, 0.08, "the first plan knows what arrives there")
    tap.ok(any("the destination's other traffic" in reason and "(share," in reason for reason in record["reasons"]),
           "the reasons say so", record["reasons"])
    tap.ok(record["plan"]["bandwidth_mbps"] <= USABLE_MBIT - dst["in_mbps"] + 0.1, "the plan leaves it room",
           record["plan"]["bandwidth_mbps"])
    reasons = "\n".join(record["reasons"])
    demand = float(re.search(r"R = D/lambda = ([\d.]+)", reasons)[1])  # of a sampled D, which is noisy
    tap.equal(any("bound: at most" in reason and "nobody uses" in reason for reason in record["reasons"]),
              demand > USABLE_MBIT - dst["in_mbps"] + 0.1, "that bound acted, if there was need")
    tap.note(reasons)
    known = [reading["in_mbps"] for reading in readings.all if reading["known"]]
    tap.ok(len(known) == len(readings.all) and known, "it stays known while the migration runs", readings.said())
    tap.ok(known and max(known) <= 1.15 * TRAFFIC_MBIT, "the migration does not count as the destination's traffic",
           readings.said())
    tap.note(f"background {alone:.0f} Mbit/s alone, {during:.0f} during the migration")
    tap.equal([bench.complaints(host) for host in bench.lab.hosts], [[], []], "nobody complains")
    bench.unwatch()
    tap.equal(sample_files(bench), [], "the watchers take their samples along")


def by_share_without_classes(bench):
    """The destination makes no ingress class: what arrived before the migration counts on."""
    tap = bench.tap
    bench.watch(configuration(share_dir=SHARE, more="tc = { ingress = false; };", min_bandwidth="40MiB/s"))
    with background(bench, LESS_MBIT):
        record, readings, _ = moved(bench)
    tap.near(record["facts"]["dst"]["in_mbps"], LESS_MBIT, 0.1, "the first plan knows what arrives there")
    known = [reading["in_mbps"] for reading in readings.all if reading["known"]]
    tap.ok(known and max(known) <= 1.15 * LESS_MBIT, "the migration does not count as the destination's traffic",
           readings.said())
    tap.ok(len(known) == len(readings.all), "it stays known", readings.said())


def planned(bench):
    """facts.dst, as `migtune plan` shows it for a migration to the other host."""
    return bench.plan()["facts"]["dst"]


def by_libvirt(bench):
    """No shared directory: the destination's libvirt tells of its VMs' traffic."""
    tap = bench.tap
    calm = Workload("uniform", mbit_per_s=1, size_mib=8, touched_mib=16)
    other = bench.lab.guest(bench.target, memory_mib=256, workload=calm)
    try:
        bench.watch(configuration(uri="qemu+tcp://%a/system"))
        with datagrams(bench, other.address):
            bench.quiet(3)
            record, readings, _ = moved(bench)
            tap.ok(not record["facts"]["dst"]["known"] and any(NOT_KNOWN in reason for reason in record["reasons"]),
                   "the first plan does without", record["facts"]["dst"])
            known = [reading for reading in readings.all if reading["known"]]
            tap.ok(known and {reading["source"] for reading in known} == {"libvirt"}, "soon it is known", readings.said())
            expected = DATAGRAM_MBIT * (DATAGRAM + DATAGRAM_HEADERS) / DATAGRAM
            tap.near(statistics.median(reading["in_mbps"] for reading in known) if known else None, expected, 0.2,
                     "what the VM there receives is seen")
        first = planned(bench)
        bench.quiet(2)  # it reads twice, half a second apart
        again = wait_for("the destination's libvirt to be known", lambda: (dst := planned(bench))["known"] and dst,
                         step=0.2)
        tap.equal((first["source"], again["source"]), ("unknown", "libvirt"),
                  "`migtune plan`: the first call asks, the second knows")
        tap.equal([bench.complaints(host) for host in bench.lab.hosts], [[], []], "nobody complains")
        begin = time.time()
        bench.unwatch()
        tap.ok(time.time() - begin < 15, "the watchers end at once", f"{time.time() - begin:.1f} s")
    finally:
        other.destroy()


def by_neither(bench):
    """Neither is configured: the reasons say that it is unknown; then a reload configures one."""
    tap = bench.tap
    bench.watch(configuration())
    record, _, _ = moved(bench)
    tap.equal((record["facts"]["dst"]["known"], record["facts"]["dst"]["source"]), (False, "unknown"), "unknown")
    tap.ok(any(NOT_KNOWN in reason for reason in record["reasons"]), "the reasons say so", record["reasons"])
    for share_dir, files in ((SHARE, [f"migtune-{bench.source.hostname}.json"]), ("", [])):
        bench.reconfigure(bench.source, configuration(share_dir=share_dir))
        bench.source.watcher.process.send_signal(signal.SIGHUP)
        wait_for(f"samples {files}", lambda want=files: sample_files(bench) == want)
    tap.ok(True, "a reload starts and stops the sharing")


def check_prompt(bench, record):
    """A check that the class was there as soon as ever, and that nothing was known."""
    after_ms = record["tc"][0]["installed_after_ms"] if record["tc"] else None
    bench.tap.ok(after_ms is not None and after_ms < AT_ONCE_MS, "the class is there at once", f"after {after_ms} ms")
    bench.tap.ok(not record["facts"]["dst"]["known"], "the traffic is unknown")


def nobody_answers(bench):
    """Nothing listens at destination.uri: one line, and nothing is delayed."""
    tap = bench.tap
    bench.watch(configuration(uri="qemu+tcp://%a:1/system"))
    source = bench.source
    record, readings, _ = moved(bench)
    check_prompt(bench, record)
    tap.ok(readings.all and not any(reading["known"] for reading in readings.all), "and stays unknown", readings.said())
    tap.equal(len([line for line in bench.log(source) if ":1/system'" in line]), 1, "one line says so")
    tap.note("\n".join(bench.complaints(source)))


def answers_nothing(bench):
    """What listens at destination.uri accepts and says nothing: nothing is delayed, not even the watcher's end."""
    tap = bench.tap
    bench.watch(configuration(uri="qemu+tcp://%a:4444/system", share_dir=SHARE))
    source, target = bench.source, bench.target
    target.watcher.stop()  # so that no sample tells of it, once the source has looked again
    bench.steady(2.5)
    with namespace.inside(target.station.name):
        listener = socket.create_server((target.address, 4444))
    with listener:
        record, readings, _ = moved(bench)
        check_prompt(bench, record)
        tap.ok(readings.all and not any(reading["known"] for reading in readings.all), "and stays unknown", readings.said())
        wait_for("the sample to be written still", lambda: time.time() * 1000 - json.loads(
            source.path(f"{SHARE}/migtune-{source.hostname}.json").read_text(encoding="utf-8"))["at_ms"] < 2000)
        begin = time.time()
        status = source.watcher.stop()
        tap.ok(status == 0 and time.time() - begin < 15, "the watcher ends at once",
               f"{status}, {time.time() - begin:.1f} s")
    tap.equal(sample_files(bench), [], "and takes its sample along")


def main():
    """All cases on one guest."""
    tap = Cases()
    with Lab(hook=True) as lab:
        guest = lab.guest(memory_mib=512, workload=Workload("uniform", mbit_per_s=CALM_MBIT, size_mib=64, touched_mib=256))
        tap.run(Bench(lab, tap, guest), by_share, by_share_without_classes, by_libvirt, by_neither, nobody_answers,
                answers_nothing)
    tap.finish()


if __name__ == "__main__":
    main()
