#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`migtune migrate` and `migtune evacuate`: a host drained by urgency, at the same time and one by one, and Ctrl-C.

Run as: tests/lab/enter tests/lab/test_evacuate.py [--all] [--only CASE]

Four guests of different urgency go back and forth between the hosts.
"""
import argparse
import contextlib
import datetime
import fcntl
import json
import os
import pty
import re
import subprocess
import termios
import threading
import time

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.ledger import Ledger
from migtune_lab.process import LabError, wait_for
from migtune_lab.watcher import RUN_DIRECTORY, program

GUESTS = (("db", "high"), ("web", "medium"), ("batch1", "low"), ("batch2", "low"))
ORDER = [name for name, _ in GUESTS]
POLICY = "<migtune:policy xmlns:migtune='urn:migtune:policy:1' urgency='{}'/>"
WORKLOAD = Workload("uniform", mbit_per_s=15, size_mib=32, touched_mib=128)
MEMORY_MIB = 256
LINK_MBPS = 1000.0 * 1514 / 1538  # what of the link can be given away
SLOW = "80Mbit"  # so that there is time for Ctrl-C
ENDS_WITHIN_S, SAMPLED_WITHIN_S = 150, 60
BACKGROUND_MBIT, SLA_MBIT, KEPT = 450, 400, 0.95  # tenants' traffic, what of it is promised to them, to 5 %
KNOWN_WITHIN_S, WORST_OVER_S = 15, 1.0
CTRL_C = b"\x03"


class Terminal:
    """A migtune command with a terminal of its own; text is what it wrote to that."""

    def __init__(self, host, *arguments):
        self.text = ""
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(host.command(program(), *arguments, "--run-dir", RUN_DIRECTORY), stdin=slave,
                                        stdout=slave, stderr=slave, start_new_session=True,
                                        env=dict(os.environ, TERM="xterm"),
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        with contextlib.suppress(OSError):  # the other end is closed
            while data := os.read(self._master, 4096):
                self.text += data.decode(errors="replace")

    def press(self, key):
        """Type something."""
        os.write(self._master, key)

    def shows(self, pattern, timeout=60.0):
        """Wait for a regular expression in what it wrote."""
        def found():
            if self.process.poll() is not None and not re.search(pattern, self.text):
                raise LabError(f"it ended without {pattern!r}: {self.text[-600:]!r}")
            return re.search(pattern, self.text)
        return wait_for(f"{pattern!r} on the terminal", found, timeout, step=0.05)

    def end(self):
        """Wait for its end; returns the exit status."""
        status = self.process.wait(ENDS_WITHIN_S)
        self._reader.join(5)
        os.close(self._master)
        return status

    def last_picture(self):
        """What stands there in the end, as lines: what was erased is gone."""
        text = self.text.replace("\r\n", "\n")
        while (match := re.search(r"\r\x1b\[(\d+)A\x1b\[J", text)) is not None:
            lines = text[:match.start()].split("\n")
            text = "\n".join(lines[:len(lines) - 1 - int(match[1])] + [text[match.end():]])
        return text.split("\n")


def evacuate(bench, *arguments, to=None):
    """Run `migtune evacuate` from where the guests are to the other host."""
    return bench.source.run(program(), "evacuate", to or bench.target.uri(), *arguments, "--run-dir", RUN_DIRECTORY,
                            check=False, timeout=ENDS_WITHIN_S)


def begin(bench, urgency="medium", more=""):
    """All guests on one host, and watchers that have looked at them."""
    gather(bench)
    bench.watch(settings(urgency, f'measure = {{ dirty_rate_every = "10s"; }};\n{more}'))
    for guest in bench.lab.guests:
        wait_for(f"the watcher to sample {guest.name}", lambda name=guest.name: sampled(bench, name), SAMPLED_WITHIN_S,
                 step=0.5)


def sampled(bench, name):
    """Has the source's watcher measured the guest's dirty rate?"""
    said = bench.migtune(bench.source, "plan", name, bench.target.uri(), "--json").stdout
    return json.loads(said)["facts"]["dirty_rate_source"] == "measured"


def everywhere(bench):
    """Where each guest runs: {name: host's name}; "?" where that is not on exactly one host."""
    places = {}
    for guest in bench.lab.guests:
        on = [host for host in bench.lab.hosts if guest.state(host) == "running"]
        places[guest.name] = on[0].name if len(on) == 1 else "?"
        guest.host = on[0] if len(on) == 1 else guest.host
    return places


def gather(bench):
    """All guests on one host again: where most are."""
    places = list(everywhere(bench).values())
    target = max(bench.lab.hosts, key=lambda host: places.count(host.name))
    for guest in bench.lab.guests:
        if guest.host is not target:
            bench.lab.migrate(guest, target)


def spans(records):
    """{domain: (began, ended)} of the records, in seconds."""
    found = {}
    for record in records:
        started = datetime.datetime.fromisoformat(record["started"]).timestamp()
        found[record["domain"]["name"]] = (started, started + record["actual"]["total_ms"] / 1000)
    return found


def check_all_moved(bench, done, target, name):
    """Checks that everybody arrived, and that the summary says so."""
    tap = bench.tap
    tap.equal(everywhere(bench), dict.fromkeys(ORDER, target.name), f"{name}: all arrived, and run")
    tap.ok(done.returncode == 0, f"{name}: exit status 0", f"{done.returncode}\n{done.stderr}")
    tap.note(done.stdout)


def dry_run(bench):
    """--dry-run: the order, the destinations, the predictions; and nothing happens."""
    tap = bench.tap
    begin(bench)
    source, target = bench.source, bench.target
    done = evacuate(bench, "--dry-run", "--json")
    schedule = json.loads(done.stdout)["schedule"]
    tap.equal((done.returncode, [row["domain"] for row in schedule][:2]), (0, ORDER[:2]), "high before medium before low")
    tap.equal({row["domain"]: row["urgency"] for row in schedule}, dict(GUESTS), "the urgency is the guests' own")
    tap.ok(all(row["prediction"]["total_ms"] > 0 and row["ends_ms"] > row["begins_ms"] for row in schedule),
           "each has its predictions", schedule)
    tap.note(evacuate(bench, "--dry-run").stdout)
    uris = (target.uri(), target.uri(target.address6))
    done = evacuate(bench, "--dry-run", "--json", to=",".join(uris))
    tap.equal({row["destination"] for row in json.loads(done.stdout)["schedule"]}, set(uris),
              "what is promised to one destination sends the next domain to the other")
    tap.equal(set(everywhere(bench).values()), {source.name}, "nobody has moved")
    tap.equal(bench.status(source)["migrations"], [], "and the watcher was told of nothing")


def evacuated(bench, name, *arguments):
    """All evacuated, which is checked, and the sum of the plans with it: (the command's end, the ledger, the records)."""
    begin(bench)
    source, target = bench.source, bench.target
    with Ledger(bench, source) as ledger:
        done = evacuate(bench, *arguments)
    records = source.watcher.wait_record(len(GUESTS)) and source.watcher.records()
    bench.tap.note(done.stderr)
    check_all_moved(bench, done, target, name)
    bench.tap.ok(0 < ledger.most_mbps <= LINK_MBPS + 0.5, f"{name}: the sum of planned rates never exceeds the link",
                 ledger.most_mbps)
    bench.tap.note(ledger.line())
    return done, ledger, records


def at_once(bench):
    """All of them, as the queue says: high urgency ends first, and the plans never exceed the link."""
    tap = bench.tap
    done, ledger, records = evacuated(bench, "at once")
    when = spans(records)
    tap.note({name: tuple(round(moment - min(b for b, _ in when.values()), 1) for moment in span)
              for name, span in when.items()})
    tap.equal(min(when, key=lambda name: when[name][1]), "db", "high urgency ends first")
    tap.ok(max(when[name][1] for name in ("db", "web")) <= min(when[name][0] for name in ("batch1", "batch2")) + 1.5,
           "low urgency begins when the others have ended", when)
    tap.ok({"batch1", "batch2"} & ledger.waited, "somebody waited for its turn", ledger.waited)
    tap.ok(all(record["attach"] == "client-shim" and record["result"] == "completed" for record in records),
           "each was advised before it was started", [record["attach"] for record in records])
    tap.equal([line.split()[0] for line in done.stdout.splitlines()[1:5]][:2], ORDER[:2], "the summary is in their order")
    bench.check_clean()


def one_by_one(bench):
    """--parallel 1: the same, and never two at the same time; the wishes of the command line are the plan's."""
    tap = bench.tap
    done, ledger, records = evacuated(bench, "one by one", "--parallel", "1", "--max-downtime", "250ms", "--json")
    tap.equal(ledger.most_running, 1, "never two at the same time")
    tap.equal([record["domain"]["name"] for record in records][:2], ORDER[:2], "in their order")
    tap.equal({(record["intent"]["max_downtime_ms"], record["intent"]["from"]) for record in records},
              {(250, "command line")}, "the records' intent is the command line's")
    said = json.loads(done.stdout)
    tap.equal((said["moved"], said["not_moved"]), (len(GUESTS), 0), "--json: the numbers")
    good = [move for move in said["migrations"] if move["actual"]["downtime_ms"] is not None
            and move["predicted"]["total_ms"] is not None]
    tap.equal(len(good), len(GUESTS), "each with its blackout and its prediction")
    bench.check_clean()


def together(bench):
    """--urgency high: all at the same time, and still within the link."""
    tap = bench.tap
    _, ledger, records = evacuated(bench, "together", "--urgency", "high")
    tap.ok(ledger.most_running > 1, "several at the same time", ledger.most_running)
    tap.equal({record["intent"]["urgency"] for record in records}, {"high"}, "the urgency is the command line's")
    bench.check_clean()


def beside_tenants(bench, *arguments):
    """Tenants' traffic leaves the host: all together never take what the SLA promises to it, however urgent some are."""
    tap = bench.tap
    begin(bench, more=f'sla = {{ lower = "{SLA_MBIT}Mbit"; }};')
    source, target = bench.source, bench.target
    traffic = bench.lab.traffic(source, bench.lab.client, BACKGROUND_MBIT)
    try:
        wait_for("the watcher to know the traffic",
                 lambda: bench.plan()["facts"]["src"]["out_mbps"] > 0.9 * BACKGROUND_MBIT, KNOWN_WITHIN_S, step=0.5)
        with Ledger(bench, source) as ledger:
            done = evacuate(bench, *arguments)
        source.watcher.wait_record(len(GUESTS))
    finally:
        traffic.stop()
    when = spans(source.watcher.records())
    check_all_moved(bench, done, target, "beside tenants")
    began, ended = min(b for b, _ in when.values()), max(e for _, e in when.values())
    kept = traffic.goodput(began, ended)
    worst = min(traffic.goodput(began + i / 2, began + i / 2 + WORST_OVER_S)
                for i in range(max(1, int(2 * (ended - began - WORST_OVER_S)))))
    tap.note(f"{ledger.line()}; background {kept:.0f} Mbit/s over {ended - began:.1f} s, {worst:.0f} in its worst second")
    tap.equal(min(when, key=lambda name: when[name][1]), "db", "high urgency ends first")
    tap.ok(0 < ledger.most_mbps <= LINK_MBPS - SLA_MBIT + 0.5, "the sum of rates never exceeds the link less the SLA",
           ledger.most_mbps)
    tap.ok(kept >= KEPT * SLA_MBIT, f"the background keeps its {SLA_MBIT} Mbit/s to {1 - KEPT:.0%}", kept)
    bench.check_clean()


def beside_tenants_serial(bench):
    """The same one by one."""
    beside_tenants(bench, "--parallel", "1")


def ctrl_c_once(bench):
    """Ctrl-C: what runs ends, nobody else is started, and the exit status tells."""
    tap = bench.tap
    begin(bench)
    source = bench.source
    shown = Terminal(source, "evacuate", bench.target.uri(), "--parallel", "1", "--bandwidth", SLOW)
    shown.shows(r"db .*iteration \d")
    shown.press(CTRL_C)
    status = shown.end()
    where = everywhere(bench)
    tap.note("\n".join(line for line in shown.last_picture() if line.strip()))
    tap.equal(status, 1, "exit status 1")
    tap.equal(where, {name: bench.lab.other(source).name if name == "db" else source.name for name in ORDER},
              "the one that ran has moved, the others have not")
    tap.ok("interrupted, starting no more; 1 run on" in shown.text, "it says so", shown.text[-600:])
    tap.ok("3 of 4 domains did not move: web, " in shown.text, "and who did not move", shown.text[-600:])
    tap.ok("\x1b[" not in "".join(shown.last_picture()), "the bars are gone", shown.last_picture())
    gather(bench)
    bench.check_clean()


def ctrl_c_twice(bench):
    """Ctrl-C twice: the running ones are aborted, and run on where they were."""
    tap = bench.tap
    begin(bench)
    source = bench.source
    shown = Terminal(source, "evacuate", bench.target.uri(), "--parallel", "2", "--bandwidth", SLOW, "--urgency", "high")
    shown.shows(r"2 running")
    shown.press(CTRL_C)
    shown.shows(r"starting no more")
    shown.press(CTRL_C)
    status = shown.end()
    tap.note("\n".join(line for line in shown.last_picture() if line.strip()))
    tap.equal(status, 1, "exit status 1")
    tap.equal(everywhere(bench), dict.fromkeys(ORDER, source.name), "nobody has moved, and all run")
    tap.equal(len(re.findall(r"^\S+ +\S+ +aborted ", "\n".join(shown.last_picture()), re.MULTILINE)), 2,
              "two were aborted")
    bench.check_clean()


def migrate(bench):
    """`migtune migrate` on a terminal: a bar, one line in the end, the wishes in the record; and Ctrl-C aborts."""
    tap = bench.tap
    begin(bench, "low")
    source, target = bench.source, bench.target
    shown = Terminal(source, "migrate", "web", target.uri(), "--bandwidth", SLOW)
    shown.shows(r"web .*iteration \d")
    shown.press(CTRL_C)
    tap.equal(shown.end(), 1, "Ctrl-C: exit status 1")
    tap.ok("migtune migrate: web: aborted" in shown.text, "Ctrl-C: it says so", shown.text[-400:])
    tap.equal(everywhere(bench)["web"], source.name, "Ctrl-C: the guest stays")
    bench.check_cancelled(source.watcher.wait_record(1))
    shown = Terminal(source, "migrate", "web", target.uri(), "--urgency", "high", "--max-downtime", "200ms")
    tap.equal(shown.end(), 0, "it moves")
    last = [line for line in shown.last_picture() if line.strip()][-1]
    tap.note(last)
    tap.ok(re.fullmatch(r"web moved to \S+ in [\d.]+ s \(predicted [\d.]+ s\), blackout \d+ ms \(predicted \d+ ms\)",
                        last), "and says how", last)
    record = source.watcher.wait_record(2)
    intent = record["intent"]
    tap.equal((intent["urgency"], intent["max_downtime_ms"], intent["from"]), ("high", 200, "command line"),
              "the intent is the command line's")
    tap.equal(everywhere(bench)["web"], target.name, "it runs there")
    bench.unwatch()
    done = target.run(program(), "migrate", "web", source.uri(), "--config", "/run/migtune.conf", "--json", check=False)
    tap.note(done.stderr)
    tap.equal((done.returncode, json.loads(done.stdout)["result"]), (0, "moved"), "without a watcher it moves as well")
    tap.ok("no watcher runs, advised without one" in done.stderr, "and a line says that none runs", done.stderr)
    tap.equal(everywhere(bench)["web"], source.name, "it is back")


def post_copy(bench):
    """--post-copy allows the switch that the plan wants; --no-post-copy forbids it, whatever the configuration says."""
    tap = bench.tap
    gather(bench)
    for option, permission, planned in (("--post-copy", "permitted", "post-copy"), ("--no-post-copy", "add", "pre-copy")):
        bench.watch(settings("low", technique="post-copy", post_copy=permission))
        source = bench.source
        done = bench.migtune(source, "migrate", bench.guest.name, bench.target.uri(), option, check=False)
        tap.note(done.stdout + done.stderr)
        tap.equal(done.returncode, 0, f"{option}: it moves")
        record = source.watcher.wait_record(1)
        tap.equal(record["plan"]["technique"], planned, f"{option}: {planned} was planned")
        tap.note(f"{record['actual']['technique']} ran")  # a pass that leaves little ends before the switch
        everywhere(bench)
    gather(bench)


def failures(bench):
    """One that cannot move does not stop the others."""
    tap = bench.tap
    begin(bench)
    source, target = bench.source, bench.target
    target.path("/run/blocked.xml").write_text(bench.lab.guests[0].xml(), encoding="utf-8")
    target.virsh("create", "--paused", "/run/blocked.xml")  # the same guest is there already
    done = evacuate(bench)
    tap.note(done.stdout + done.stderr)
    target.virsh("destroy", "db", check=False)
    tap.equal(done.returncode, 1, "exit status 1")
    tap.ok("1 of 4 domains did not move: db" in done.stderr, "one line says which", done.stderr)
    where = everywhere(bench)
    tap.equal({name: where[name] for name in ORDER[1:]}, dict.fromkeys(ORDER[1:], target.name), "the others have moved")
    tap.equal(where["db"], source.name, "the one that failed runs on")
    gather(bench)


def main():
    """All cases on four guests."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--all", action="store_true", help="all cases, in five minutes")
    parser.add_argument("--only", action="append", help="a case alone (may be given several times)")
    arguments = parser.parse_args()
    tap, started = Cases(), time.time()
    with Lab(hook=True) as lab:
        for name, urgency in GUESTS:
            lab.guest(name=name, memory_mib=MEMORY_MIB, workload=WORKLOAD, metadata=POLICY.format(urgency), wait=False)
        for guest in lab.guests:
            guest.wait_running()
        bench = Bench(lab, tap, lab.guests[0])
        tap.note_load()
        cases = {case: True for case in (dry_run, at_once, beside_tenants, ctrl_c_twice)}
        cases |= {case: arguments.all
                  for case in (one_by_one, together, migrate, beside_tenants_serial, ctrl_c_once, post_copy, failures)}
        tap.run(bench, *(case for case, chosen in cases.items()
                         if (case.__name__ in arguments.only if arguments.only else chosen)))
        tap.note_load()
    tap.note(f"{time.time() - started:.0f} s in all")
    tap.finish()


if __name__ == "__main__":
    main()
