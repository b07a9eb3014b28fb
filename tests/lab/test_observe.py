#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mode observe, for all and for one guest: planned, predicted, recorded, and nothing is other than on an untouched host.

Run as: tests/lab/enter tests/lab/test_observe.py
"""
import json

from migtune_lab import Lab, Workload
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.clients import shim_env
from migtune_lab.probe import Probe
from migtune_lab.watcher import CONFIG

NAMESPACE = "urn:acme:inventory:1"
METADATA = f'<a:vm xmlns:a="{NAMESPACE}" tier="gold"/>'
CALLER_MIB_S = 32  # the caller's own limit, so that there is time to look; a plan would have another
RULE = (f'rules = ( {{ match = {{ metadata = {{ namespace = "{NAMESPACE}"; element = "vm"; attribute = "tier"; '
        'value = "g*"; }; }; set = { mode = "observe"; }; } );')
# A plan that is seen at once: another bandwidth and another downtime limit than QEMU's own.
PLANNED = {"strategy": "min-bandwidth", "min_bandwidth": "12MiB/s", "max_downtime": "340ms"}


def seen(bench, env=None):
    """Migrates: what QEMU was set to while memory moved, what tc said of both hosts, what libvirt remembers before and
    after."""
    source, target = bench.source, bench.target
    migration = bench.lab.migration(bench.guest, bandwidth=CALLER_MIB_S, env=env)
    remembered = bench.remembered(source)
    with Probe(source, bench.guest) as probe:
        migration.start()
        bench.copying(migration, 1.0)
        during = {host.name: host.snapshot() for host in (source, target)}
        result = migration.finish()
    bench.tap.note(f"{result.line()}; {probe.line()}")
    bench.tap.ok(result.ok, "it completes", result.line())
    bench.tap.ok(probe.moving, "QEMU was looked at while memory moved")
    parameters = [reading.parameters for reading in probe.moving]
    return {"parameters": parameters[-1] if parameters else {}, "held still": all(p == parameters[0] for p in parameters),
            "capabilities": sorted(probe.capabilities()), "tc": during, "remembered": remembered,
            "remembered after": bench.remembered(bench.source)}


class Untouched:
    """What a migration looks like on hosts where nothing of migtune runs."""
    seen = None


def untouched(bench):
    """No watcher, no shim: the measure of the others."""
    bench.unwatch()
    Untouched.seen = seen(bench)
    bench.tap.ok(Untouched.seen["held still"], "its parameters hold still")


def check_same(bench, got):
    """A check for each thing that could have been changed."""
    for what, want in Untouched.seen.items():
        bench.tap.equal(got[what], want, f"as on an untouched host: {what}")
    bench.check_clean()


def check_record(bench, source, origin):
    """The record has what was planned and what came of it."""
    record = bench.one_record(source)
    planned, actual = record["plan"]["prediction"], record["actual"]
    bench.tap.equal((record["mode"], record["result"], record["tc"], record["applied"]["changes"]),
                    ("observe", "completed", [], 0), "the record says that it was watched")
    bench.tap.note(f"predicted {planned}; actual {[actual[key] for key in ('total_ms', 'downtime_ms', 'bytes')]}")
    bench.tap.ok(planned["total_ms"] > 0 and planned["downtime_ms"] > 0 and planned["bytes"] > 0 and actual["bytes"] > 0,
                 "what was predicted, and what it came to", str(planned))
    got = record["intent"]["origins"].get("mode", "")
    bench.tap.ok(got == origin or (origin[-1] == ":" and got.startswith(origin)), f"its mode is from {origin}", got)
    return record


def what_if(bench, source):
    """`migtune history --what-if` tells of it."""
    done = json.loads(bench.migtune(source, "history", "--what-if", "--json", "--config", CONFIG).stdout)
    bench.tap.equal([(m["domain"], m["mode"]) for m in done["migrations"]], [(bench.guest.name, "observe")],
                    "history --what-if has it")
    (one,) = done["migrations"] or [{"actual": {}, "planned": {}}]
    bench.tap.note(f"actual {one['actual']}, planned {one['planned']}")
    bench.tap.ok((one["planned"].get("total_ms") or 0) > (one["actual"].get("total_ms") or 0),
                 "a slower plan would have taken longer", str(one))
    people = bench.migtune(source, "history", "--what-if", "--config", CONFIG).stdout
    bench.tap.ok("migration that migtune did not steer" in people and "MORE" in people, "for people, too", people)


def for_all(bench):
    """mode = "observe" in the configuration, and a caller under the shim."""
    bench.watch('mode = "observe";\n' + settings(**PLANNED))
    source = bench.source
    bench.sampled()  # else the plan would be for a dirty rate that the caller's limit cannot keep up with
    check_same(bench, seen(bench, env=shim_env()))
    check_record(bench, source, "migtune.conf:1")
    what_if(bench, source)


def by_a_rule(bench):
    """A rule that knows the guest by its metadata."""
    bench.watch(settings(more=RULE, **PLANNED))
    source = bench.source
    check_same(bench, seen(bench))
    check_record(bench, source, "rule 1 (migtune.conf:")


def by_its_metadata(bench):
    """`migtune set` while the guest and the watchers run; then virsh takes it back, and the plan is in force."""
    bench.watch(settings(**PLANNED))
    source, name = bench.source, bench.guest.name
    bench.migtune(source, "set", name, "mode=observe")
    got = bench.migtune(source, "get", name, "mode", "--config", CONFIG).stdout.split()
    bench.tap.equal(got, ["mode", "observe", "the", "VM's", "metadata"], "get tells so")
    check_same(bench, seen(bench))
    check_record(bench, source, "the VM's metadata")
    source = bench.source
    xml = source.virsh("dumpxml", name)
    bench.tap.ok('mode="observe"' in xml.replace("'", '"') and NAMESPACE in xml, "its metadata came with it", xml)
    source.virsh("metadata", name, "--uri", "urn:migtune:policy:1", "--remove", "--live")
    got = seen(bench)
    differs = sorted(what for what, want in Untouched.seen.items() if got[what] != want)
    bench.tap.ok({"parameters", "tc"} <= set(differs), "without it the same eyes see what is done", str(differs))
    bench.tap.equal(bench.one_record(source)["mode"], "enforce", "the record says so")
    bench.check_clean()


def main():
    """All cases on one guest."""
    tap = Cases()
    with Lab(hook=True) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=20, size_mib=32, touched_mib=96), metadata=METADATA,
                          memory_mib=512)
        tap.run(Bench(lab, tap, guest), untouched, for_all, by_a_rule, by_its_metadata)
    tap.finish()


if __name__ == "__main__":
    main()
