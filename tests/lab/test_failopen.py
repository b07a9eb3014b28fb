#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever is missing, broken, foreign or hung: the migration goes on, one line says what is not done, nothing is left.

Run as: tests/lab/enter tests/lab/test_failopen.py
"""
import json
import signal
import time

from migtune_lab import Lab, Workload, shaping
from migtune_lab.bench import Bench, observed_hook, settings
from migtune_lab.cases import Cases
from migtune_lab.process import LabError, wait_for
from migtune_lab.watcher import CONFIG, RUN_DIRECTORY, prefix, program

CONFIG_LOW = settings(urgency="low")
UNLIMITED_MIB_S = 8796093022207  # what libvirt sets where nobody asked for a limit
HOOK_BOUND_MS = 300  # 250 ms are promised; this shell and the machine's load come on top
POLICY = '<migtune:policy xmlns:migtune="urn:migtune:policy:1" urgency="high" max-downtime="150ms"/>'
NO_NET_ADMIN = ("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin")


def looked_at(bench, during=lambda source, target: None, seconds=1.0, **options):
    """One migration: (Result, QEMU's limits midway, migration classes on both hosts midway, what during() returned)."""
    source, target = bench.source, bench.target
    migration = bench.lab.migration(bench.guest, **options)
    migration.start()
    bench.copying(migration, seconds)
    limits = bench.limits(source)
    classes = dict(shaping.migrations(source))
    for device in shaping.ifbs(target):
        classes.update({f"{device} {number}": entry for number, entry in shaping.migrations(target, device).items()})
    extra = during(source, target)
    result = migration.finish()
    bench.tap.note(f"{result.line()}; midway {limits[0]:g} MiB/s, {limits[1]} ms, classes {sorted(classes)}")
    return result, limits, classes, extra


def untouched(bench, limits, classes, name):
    """A check that tc and QEMU are as without us."""
    bench.tap.ok(limits == (UNLIMITED_MIB_S, 300) and not classes, f"{name}: tc and QEMU's limits are as without migtune",
                 f"{limits}, {classes}")


def no_watcher(bench):
    """The hook is there and no watcher."""
    bench.unwatch()
    bench.forget()
    source, target = bench.source, bench.target
    result, limits, classes, _ = looked_at(bench)
    tap = bench.tap
    tap.ok(result.ok, "no watcher: the migration completes", result.error)
    untouched(bench, limits, classes, "no watcher")
    tap.note(f"hook on the destination {bench.hook_calls(target)}, on the source {bench.hook_calls(source)}")
    tap.note("\n".join(bench.hook_lines(target) + bench.hook_lines(source)))
    tap.ok(bench.hook_calls(target) and all(call[2] == 0 for call in bench.hook_calls(target) + bench.hook_calls(source)),
           "no watcher: the hook ran and its status is 0")
    tap.ok(len(bench.hook_lines(target)) <= 1, "no watcher: the hook writes one line at most", "\n".join(bench.hook_lines(target)))
    bench.check_clean("no watcher: nothing is left")


def broken_configuration(bench):
    """A configuration with an error."""
    tap = bench.tap
    bench.unwatch()
    bench.forget()
    try:
        bench.source.watch('mode = "enforce";\nmigration = {\n  urgency = "loww";\n};\n')
        tap.ok(False, "broken configuration: the watcher does not start")
    except LabError as error:
        bench.source.watcher = None
        tap.ok("status 1" in str(error), "broken configuration: the watcher does not start", str(error))
        tap.ok(f"{CONFIG}:3" in str(error) and "urgency" in str(error), "broken configuration: it tells file, line and key",
               str(error))
        tap.note(str(error))
    result, limits, classes, _ = looked_at(bench)
    tap.ok(result.ok, "broken configuration: the migration completes", result.error)
    untouched(bench, limits, classes, "broken configuration")
    bench.check_clean("broken configuration: nothing is left")


def planned(bench, *arguments):
    """What `migtune plan --json` says on the guest's host."""
    done = bench.source.run(program(), "plan", bench.guest.name, bench.target.uri(), "--json", "--run-dir", RUN_DIRECTORY, *arguments)
    return json.loads(done.stdout)


def reload(bench):
    """SIGHUP: a good configuration is taken over, a broken one is not."""
    tap = bench.tap
    bench.watch(CONFIG_LOW)
    source = bench.source
    tap.equal(planned(bench)["intent"]["urgency"], "low", "SIGHUP: at first the first configuration")
    bench.reconfigure(source, 'migration = { urgency = "high"; };\nnonsense = 3;\n')
    source.watcher.process.send_signal(signal.SIGHUP)
    line = wait_for("the watcher's word on it", lambda: [text for text in bench.log(source) if "refused" in text], 3)
    tap.ok(len(line) == 1 and f"{CONFIG}:2" in line[0] and "nonsense" in line[0], "SIGHUP, broken: one line tells file, line and key",
           "\n".join(line))
    tap.equal(planned(bench)["intent"]["urgency"], "low", "SIGHUP, broken: the last good configuration stays")
    bench.reconfigure(source, settings(urgency="high", max_downtime="150ms"))
    source.watcher.process.send_signal(signal.SIGHUP)
    wait_for("the watcher's word on it", lambda: [text for text in bench.log(source) if "reloaded" in text], 3)
    intent = planned(bench)["intent"]
    tap.equal((intent["urgency"], intent["max_downtime_ms"]), ("high", 150), "SIGHUP, good: it is in force")


def plan_and_status(bench):
    """migtune plan and migtune status, with and without a watcher."""
    tap = bench.tap
    before = [host.snapshot() for host in bench.lab.hosts]
    limits = bench.limits()
    bench.watch(CONFIG_LOW)
    bench.quiet(4)
    with_watcher = planned(bench)
    overridden = planned(bench, "--urgency", "high", "--max-downtime", "50ms")
    idle = bench.status()
    text = bench.source.run(program(), "plan", bench.guest.name, bench.target.uri(), "--run-dir", RUN_DIRECTORY).stdout
    bench.unwatch()
    started = time.time()
    alone = planned(bench, "--config", CONFIG)
    took = time.time() - started
    tap.note(f"with a watcher D {with_watcher['facts']['dirty_rate_mbps']} ({with_watcher['facts']['dirty_rate_source']}), R "
             f"{with_watcher['plan']['bandwidth_mbps']}; without D {alone['facts']['dirty_rate_mbps']} "
             f"({alone['facts']['dirty_rate_source']}), R {alone['plan']['bandwidth_mbps']}, after {took:.1f} s")
    tap.equal(sorted(with_watcher), sorted(alone), "plan: with and without a watcher the same parts")
    tap.ok(with_watcher["plan"]["bandwidth_mbps"] > 0 and alone["plan"]["bandwidth_mbps"] > 0 and alone["reasons"],
           "plan: both have a bandwidth and reasons")
    tap.equal((alone["facts"]["device"], alone["facts"]["link_mbps"]), ("eth0", 1000.0), "plan: the uplink is found without a watcher")
    tap.equal((overridden["intent"]["urgency"], overridden["intent"]["max_downtime_ms"]), ("high", 50),
              "plan: --urgency and --max-downtime count")
    tap.ok("Mbit/s" in text and bench.guest.name in text, "plan: there is a text for people", text)
    tap.equal((idle["mode"], idle["libvirt"], idle["migrations"], idle["classes"]), ("enforce", True, [], []),
              "status: an idle host says so")
    failed = bench.source.run(program(), "status", "--run-dir", RUN_DIRECTORY, check=False)
    tap.ok(failed.returncode == 1 and len(failed.stderr.strip().splitlines()) == 1, "status: without a watcher status 1 and one line",
           f"{failed.returncode} {failed.stderr}")
    unknown = bench.source.run(program(), "plan", "nobody", bench.target.uri(), "--config", CONFIG, "--run-dir", RUN_DIRECTORY,
                               check=False)
    tap.ok(unknown.returncode == 1 and "nobody" in unknown.stderr, "plan: an unknown domain is status 1 and one line",
           f"{unknown.returncode} {unknown.stderr}")
    tap.equal(([host.snapshot() for host in bench.lab.hosts], bench.limits()), (before, limits), "plan: changes nothing")


def plugin_does_not_load(bench):
    """The plugin's file is broken."""
    tap = bench.tap
    bench.unwatch()
    bench.forget()
    source, target = bench.source, bench.target
    plugins = sorted((prefix() / "lib" / "migtune").glob("*.so"))
    for host in bench.lab.hosts:
        host.path("/run/garbage.so").write_bytes(b"\x7fELF" + b"\0" * 5000)
        for plugin in plugins:
            host.run("mount", "--bind", "/run/garbage.so", plugin)
    try:
        try:
            source.watch(CONFIG_LOW)
            tap.ok(False, "broken plugin: the watcher does not start")
        except LabError as error:
            source.watcher = None
            tap.note(str(error))
            tap.ok("status 1" in str(error) and "migtune.so" in str(error), "broken plugin: the watcher does not start, and says why",
                   str(error))
        result, limits, classes, _ = looked_at(bench)
        tap.ok(result.ok, "broken plugin: the migration completes", result.error)
        untouched(bench, limits, classes, "broken plugin")
        tap.note("\n".join(bench.hook_lines(target)))
        tap.ok(all(call[2] == 0 for call in bench.hook_calls(target)) and len(bench.hook_lines(target)) == 1,
               "broken plugin: the hook's status is 0 and it writes one line", f"{bench.hook_calls(target)}")
    finally:
        for host in bench.lab.hosts:
            for plugin in plugins:
                host.run("umount", plugin)
    bench.check_clean("broken plugin: nothing is left")


def no_capability(bench):
    """The watchers lack CAP_NET_ADMIN."""
    tap = bench.tap
    bench.watch(CONFIG_LOW, through=NO_NET_ADMIN)
    source, target = bench.source, bench.target
    result, limits, classes, _ = looked_at(bench)
    record = bench.one_record(source, "no CAP_NET_ADMIN: exactly one record")
    tap.ok(result.ok, "no CAP_NET_ADMIN: the migration completes", result.error)
    tap.ok(not classes, "no CAP_NET_ADMIN: no class", str(classes))
    tap.ok(limits[0] < 1000 and limits[0] >= record["applied"]["qemu_mib_s"] > 0, "no CAP_NET_ADMIN: QEMU's cap is set all the same",
           f"{limits}, {record['applied']}")
    tap.note("\n".join(bench.complaints(source) + bench.complaints(target)))
    tap.equal([len(bench.complaints(host)) for host in (source, target)], [1, 1], "no CAP_NET_ADMIN: one warning on each host")
    bench.check_clean("no CAP_NET_ADMIN: nothing is left")


def foreign_qdisc(bench):
    """The uplinks have somebody else's root qdisc."""
    tap = bench.tap
    bench.watch(CONFIG_LOW)
    source, target = bench.source, bench.target
    for host in (source, target):
        host.tc("qdisc", "add", "dev", "eth0", "root", "handle", "1:", "tbf", "rate", "950mbit", "burst", "128k", "limit", "1m")
    foreign = {host: host.tc("qdisc", "show", "dev", "eth0") for host in (source, target)}
    try:
        result, limits, classes, during = looked_at(bench, lambda a, b: a.tc("qdisc", "show", "dev", "eth0"))
        record = bench.one_record(source, "foreign qdisc: exactly one record")
        tap.ok(result.ok, "foreign qdisc: the migration completes", result.error)
        tap.ok(during == foreign[source] and all(host.tc("qdisc", "show", "dev", "eth0") == foreign[host] for host in foreign),
               "foreign qdisc: it stays as it was", f"{during}\n{foreign[source]}")
        tap.ok(not [name for name in classes if " " not in name], "foreign qdisc: no class on the uplink", str(classes))
        tap.ok(limits[0] < 1000, "foreign qdisc: QEMU's cap is set all the same", str(limits))
        tap.note("\n".join(bench.complaints(source)) + f"\nunshaped: {record.get('unshaped')}")
        tap.ok(len(bench.complaints(source)) == 1 and "eth0" in bench.complaints(source)[0], "foreign qdisc: one line says why",
               "\n".join(bench.complaints(source)))
    finally:
        for host in (source, target):
            host.tc("qdisc", "del", "dev", "eth0", "root")
    bench.check_clean("foreign qdisc: nothing else is left")


def observe(bench):
    """mode = observe: plans and records, changes nothing."""
    tap = bench.tap
    bench.watch('mode = "observe";\n' + CONFIG_LOW)
    source = bench.source
    result, limits, classes, _ = looked_at(bench)
    record = bench.one_record(source, "observe: exactly one record")
    tap.ok(result.ok, "observe: the migration completes", result.error)
    untouched(bench, limits, classes, "observe")
    tap.equal((record["mode"], record["result"], record["tc"], record["applied"]["changes"]), ("observe", "completed", [], 0),
              "observe: the record says that nothing was done")
    tap.ok(record["plan"]["bandwidth_mbps"] > 0 and record["reasons"], "observe: the record has a plan and reasons")
    bench.check_clean("observe: nothing is left")


def off(bench):
    """mode = off: does nothing."""
    tap = bench.tap
    bench.watch('mode = "off";\n' + CONFIG_LOW)
    source = bench.source
    result, limits, classes, _ = looked_at(bench)
    time.sleep(0.5)
    tap.ok(result.ok, "off: the migration completes", result.error)
    untouched(bench, limits, classes, "off")
    tap.equal(source.watcher.records(), [], "off: no record")
    bench.check_clean("off: nothing is left")


def hung_watcher(bench):
    """The watchers hang."""
    tap = bench.tap
    bench.watch(CONFIG_LOW)
    source, target = bench.source, bench.target
    for host in (source, target):
        host.watcher.process.send_signal(signal.SIGSTOP)
    try:
        result, limits, classes, _ = looked_at(bench)
        tap.note_load()
        tap.note(f"hook on the destination {bench.hook_calls(target)}, on the source {bench.hook_calls(source)}; first iteration "
                 f"{result.iterations[0] - result.start:.2f} s after the call")
        tap.note("\n".join(bench.hook_lines(target) + bench.hook_lines(source)))
        tap.ok(result.ok, "hung watcher: the migration completes", result.error)
        untouched(bench, limits, classes, "hung watcher")
        calls = bench.hook_calls(target) + bench.hook_calls(source)
        tap.ok(calls and all(call[3] <= HOOK_BOUND_MS for call in calls), f"hung watcher: no hook call takes more than {HOOK_BOUND_MS} ms",
               str(calls))
        tap.ok(all(call[2] == 0 for call in calls), "hung watcher: the hook's status is 0", str(calls))
        tap.ok(len(bench.hook_lines(target)) == 1, "hung watcher: the destination's hook writes one line", "\n".join(bench.hook_lines(target)))
        refused = source.run(program(), "cleanup", "--run-dir", RUN_DIRECTORY, check=False)
        tap.ok(refused.returncode == 1 and "nothing was removed" in refused.stderr, "hung watcher: cleanup removes nothing and says so",
               f"{refused.returncode} {refused.stderr}")
    finally:
        for host in (source, target):
            host.watcher.process.send_signal(signal.SIGCONT)
    time.sleep(3)
    tap.note(f"afterwards {len(source.watcher.records())} record(s): " + str([(r["result"], r["error"]) for r in source.watcher.records()]))
    tap.equal(bench.status(source)["migrations"], [], "hung watcher: after its sleep it steers nothing that is over")
    bench.check_clean("hung watcher: nothing is left")
    again = bench.lab.migrate(bench.guest)
    tap.ok(again.ok and len(target.watcher.records()) == 1, "hung watcher: the next migration is tuned", again.line())
    bench.check_clean("hung watcher: nothing is left after the next migration")


def tunnelled(bench):
    """A tunnelled migration."""
    tap = bench.tap
    bench.watch(CONFIG_LOW)
    source = bench.source
    result, limits, classes, _ = looked_at(bench, flags=["--tunnelled"])
    record = bench.one_record(source, "tunnelled: exactly one record")
    tap.ok(result.ok, "tunnelled: the migration completes", result.error)
    tap.ok(not [name for name in classes if " " not in name], "tunnelled: no class on the source", str(classes))
    tap.ok(limits[0] < 1000, "tunnelled: QEMU's cap is set all the same", str(limits))
    tap.note("\n".join(bench.complaints(source)))
    tap.ok(len(bench.complaints(source)) == 1 and "told apart" in bench.complaints(source)[0], "tunnelled: one line says so",
           "\n".join(bench.complaints(source)))
    tap.equal(record["tc"], [], "tunnelled: the record has no class")
    bench.check_clean("tunnelled: nothing is left")


def ipv6(bench):
    """A migration over IPv6."""
    tap = bench.tap
    bench.watch(CONFIG_LOW)
    source, target = bench.source, bench.target
    result, limits, classes, later = looked_at(bench, lambda a, b: (shaping.migrations(a), shaping.migrations(b, shaping.ifbs(b)[0])),
                                               address=bench.target.address6)
    record = bench.one_record(source, "IPv6: exactly one record")
    tap.ok(result.ok, "IPv6: the migration completes", result.error)
    tap.ok(":" in record["destination"], "IPv6: the record says where to", record["destination"])
    sent = [sum(entry.sent for entry in host.values()) for host in later]
    tap.note(f"to {record['destination']}: {[f'{count / 1e6:.1f} MB' for count in sent]} through the classes after a second")
    tap.ok(len(classes) == 2 and min(sent) > 5e6, "IPv6: both hosts' filters catch its packets", f"{classes}, {sent}")
    tap.ok(limits[0] < 1000, "IPv6: QEMU's cap is set", str(limits))
    tap.equal(bench.complaints(source) + bench.complaints(target), [], "IPv6: nobody complains")
    bench.check_clean("IPv6: nothing is left")


def two_at_once(bench):
    """Two migrations at the same time, with intents from metadata and from a rule."""
    tap, lab = bench.tap, bench.lab
    rule = f'rules = ( {{ match = {{ name = "nobody"; }}; set = {{ urgency = "high"; }}; }},\n' \
           f'          {{ match = {{ name = "{bench.guest.name[:3]}*"; }}; set = {{ urgency = "medium"; }}; }} );\n'
    second = lab.guest(bench.source, name="metadata", memory_mib=512, metadata=POLICY,
                       workload=Workload("uniform", mbit_per_s=20, size_mib=64, touched_mib=192))
    try:
        bench.watch(settings(urgency="low", more=rule))
        source, target = bench.source, bench.target
        migrations = [lab.migration(guest) for guest in (bench.guest, second)]
        for migration in migrations:
            migration.start()
        classes = bench.shaped(source, count=2)
        bench.copying(migrations[0], 0.7)
        bench.copying(migrations[1], 0.0)
        later = shaping.migrations(source)
        into = shaping.migrations(target, shaping.ifbs(target)[0])
        jobs = {job["domain"]: job for job in bench.status(source)["migrations"]}
        results = [migration.finish() for migration in migrations]
        for guest, result in zip((bench.guest, second), results):
            tap.note(f"{guest.name}: {result.line()}")
        tap.ok(all(result.ok for result in results), "two at once: both complete", str([result.error for result in results]))
        tap.note("classes: " + ", ".join(f"{entry.id} ceil {entry.ceil:.0f} sent {entry.sent / 1e6:.1f} MB" for entry in later.values()))
        tap.ok(len(classes) == 2 and all(later[number].sent > 1e6 for number in later) and len(later) == 2,
               "two at once: each has a class of its own that carries it", f"{classes}\n{later}")
        tap.ok(len(into) == 2 and all(entry.sent > 1e6 for entry in into.values()), "two at once: likewise on the destination", str(into))
        rates = {name: job["plan"]["bandwidth_mbps"] for name, job in jobs.items()}
        tap.ok(len(rates) == 2 and sum(rates.values()) <= 985, "two at once: together they plan no more than the link has", str(rates))
        records = wait_for("two records", lambda: len(source.watcher.records()) >= 2 and source.watcher.records(), 8)
        sources = {record["domain"]["name"]: (record["intent"]["from"], record["intent"]["urgency"]) for record in records}
        tap.note(f"intents {sources}, planned {rates}")
        tap.equal(len(records), 2, "two at once: two records")
        tap.equal(sources[second.name], ("metadata", "high"), "metadata: the VM's own policy counts, and the record says so")
        tap.ok(sources[bench.guest.name][0].startswith("rule:2") and sources[bench.guest.name][1] == "medium",
               "rules: the matching rule counts, and the record says so", str(sources))
        bench.check_clean("two at once: nothing is left")
    finally:
        second.destroy()
        lab.guests.remove(second)


def tc_off(bench):
    """tc.enable = false: only QEMU's own cap."""
    tap = bench.tap
    bench.watch(settings(urgency="low", more="tc = { enable = false; };"))
    source, target = bench.source, bench.target
    result, limits, classes, _ = looked_at(bench)
    record = bench.one_record(source, "tc off: exactly one record")
    tap.ok(result.ok, "tc off: the migration completes", result.error)
    tap.ok(not classes and record["tc"] == [], "tc off: no class", f"{classes}, {record['tc']}")
    tap.ok(0 < limits[0] < 1000, "tc off: QEMU's cap is set all the same", str(limits))
    tap.equal(bench.complaints(source) + bench.complaints(target), [], "tc off: nobody complains of what was asked for")
    bench.check_clean("tc off: nothing is left")


def cleanup(bench):
    """migtune cleanup, with and without a watcher."""
    tap = bench.tap
    bench.watch(CONFIG_LOW)
    source, target = bench.source, bench.target

    def run_cleanup(host):
        done = host.run(program(), "cleanup", "--run-dir", RUN_DIRECTORY, check=False)
        return done.returncode, (done.stdout + done.stderr).strip()

    def midway(_source, _target):
        kept = [run_cleanup(host) for host in (source, target)]
        still = shaping.migrations(source), shaping.ifbs(target)
        source.watcher.kill()
        target.watcher.kill()
        return kept, still
    result, _, _, (kept, still) = looked_at(bench, midway)
    tap.ok(result.ok, "cleanup: the migration completes", result.error)
    tap.ok(all(status == 0 and text.startswith("0 objects") for status, text in kept) and all(still),
           "cleanup: what running watchers use stays", f"{kept}, {still}")
    tap.ok(not bench.clean(source) and not bench.clean(target), "cleanup: killed watchers left something behind")
    removed = [run_cleanup(host) for host in (source, target)]
    tap.note(f"with watchers {kept}, without {removed}")
    tap.ok(all(status == 0 and not text.startswith("0 objects") for status, text in removed), "cleanup: it says how much it removed",
           str(removed))
    bench.check_clean("cleanup: nothing is left")
    tap.ok(all(run_cleanup(host) == (0, "0 objects removed") for host in (source, target)), "cleanup: once is enough")


def main():
    """All cases on one guest."""
    tap = Cases()
    with Lab(hook=observed_hook()) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=40, size_mib=64, touched_mib=256))
        tap.run(Bench(lab, tap, guest), no_watcher, broken_configuration, reload, plan_and_status, plugin_does_not_load, no_capability,
                foreign_qdisc, observe, off, hung_watcher, tunnelled, ipv6, two_at_once, tc_off, cleanup)
    tap.finish()


if __name__ == "__main__":
    main()
