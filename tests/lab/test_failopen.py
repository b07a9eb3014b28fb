#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever is missing, broken, foreign or hung: the migration goes on, one line says what is not done, nothing is left.

Run as: tests/lab/enter tests/lab/test_failopen.py
"""
import contextlib
import signal
import time

from migtune_lab import Lab, Workload, shaping
from migtune_lab.bench import Bench, observed_hook, settings
from migtune_lab.cases import Cases
from migtune_lab.process import LabError, wait_for
from migtune_lab.watcher import CONFIG, prefix

CONFIG_LOW = settings(urgency="low")
UNLIMITED_MIB_S = 8796093022207  # what libvirt sets where nobody asked for a limit
HOOK_BOUND_MS = 500  # 250 ms are promised; a shell and two programs beside it, on a machine that is busy, come on top
AWAKE_WITHIN_S = 15
CARRIED_BYTES, CARRIED_WITHIN_S = 1_000_000, 10
USABLE_MBIT = 985
POLICY = '<migtune:policy xmlns:migtune="urn:migtune:policy:1" urgency="high" max-downtime="150ms"/>'
TRIES = 5
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


def untouched(bench, limits, classes):
    """A check that tc and QEMU are as without us."""
    bench.tap.ok(limits == (UNLIMITED_MIB_S, 300) and not classes, "tc and QEMU's limits are as without migtune",
                 f"{limits}, {classes}")


def no_watcher(bench):
    """The hook is there and no watcher."""
    bench.unwatch()
    bench.forget()
    source, target = bench.source, bench.target
    result, limits, classes, _ = looked_at(bench)
    tap = bench.tap
    tap.ok(result.ok, "the migration completes", result.error)
    untouched(bench, limits, classes)
    tap.note(f"hook on the destination {bench.hook_calls(target)}, on the source {bench.hook_calls(source)}")
    tap.note("\n".join(bench.hook_lines(target) + bench.hook_lines(source)))
    tap.ok(bench.hook_calls(target) and all(call[2] == 0 for call in bench.hook_calls(target) + bench.hook_calls(source)),
           "the hook ran and its status is 0")
    tap.ok(len(bench.hook_lines(target)) <= 1, "the hook writes one line at most", "\n".join(bench.hook_lines(target)))
    bench.check_clean()


def no_hook(bench):
    """The watchers are there and no hook: the destination learns of the migration from libvirt's events."""
    tap = bench.tap
    hook = observed_hook()
    for host in bench.lab.hosts:
        host.remove_hook()
        host.reload_libvirtd()
    try:
        bench.watch(CONFIG_LOW)
        source, target = bench.source, bench.target

        def answer_ms(_source, receiver):
            started = time.time()
            bench.status(receiver)
            return (time.time() - started) * 1000
        result, limits, classes, took = looked_at(bench, answer_ms)
        tap.note(f"midway the destination's watcher answered after {took:.0f} ms")
        tap.equal(bench.hook_calls(source) + bench.hook_calls(target), [], "no hook ran")
        tap.ok(result.ok, "the migration completes", result.error)
        tap.ok(len(classes) == 2 and limits[0] < 1000, "it is tuned and shaped on both hosts", f"{limits}, {classes}")
        tap.ok(took < 2500, "the destination's watcher is not held up by the incoming migration", f"{took:.0f} ms")
        tap.equal(bench.complaints(source) + bench.complaints(target), [], "nobody complains")
        bench.check_clean()
    finally:
        for host in bench.lab.hosts:
            host.install_hook(hook)
            host.reload_libvirtd()


def broken_configuration(bench):
    """A configuration with an error."""
    tap = bench.tap
    bench.unwatch()
    bench.forget()
    try:
        bench.source.watch('mode = "enforce";\nmigration = {\n  urgency = "loww";\n};\n')
        tap.ok(False, "the watcher does not start")
    except LabError as error:
        bench.source.watcher = None
        tap.ok("status 1" in str(error), "the watcher does not start", str(error))
        tap.ok(f"{CONFIG}:3" in str(error) and "urgency" in str(error), "it tells file, line and key",
               str(error))
        tap.note(str(error))
    result, limits, classes, _ = looked_at(bench)
    tap.ok(result.ok, "the migration completes", result.error)
    untouched(bench, limits, classes)
    bench.check_clean()


def reload(bench):
    """a good configuration is taken over, a broken one is not."""
    tap = bench.tap
    bench.watch(CONFIG_LOW)
    source = bench.source
    tap.equal(bench.plan()["intent"]["urgency"], "low", "at first the first configuration")
    bench.reconfigure(source, 'migration = { urgency = "high"; };\nnonsense = 3;\n')
    source.watcher.process.send_signal(signal.SIGHUP)
    line = wait_for("the watcher's word on it", lambda: [text for text in bench.log(source) if "refused" in text])
    tap.ok(len(line) == 1 and f"{CONFIG}:2" in line[0] and "nonsense" in line[0],
           "broken: one line tells file, line and key", "\n".join(line))
    tap.equal(bench.plan()["intent"]["urgency"], "low", "broken: the last good configuration stays")
    bench.reconfigure(source, settings(urgency="high", max_downtime="150ms"))
    source.watcher.process.send_signal(signal.SIGHUP)
    wait_for("the watcher's word on it", lambda: [text for text in bench.log(source) if "reloaded" in text])
    intent = bench.plan()["intent"]
    tap.equal((intent["urgency"], intent["max_downtime_ms"]), ("high", 150), "good: it is in force")


def plan_and_status(bench):
    """migtune plan and migtune status, with and without a watcher."""
    tap = bench.tap
    before = [host.snapshot() for host in bench.lab.hosts]
    limits = bench.limits()
    bench.watch(CONFIG_LOW)
    bench.sampled()
    with_watcher = bench.plan()
    overridden = bench.plan("--urgency", "high", "--max-downtime", "50ms")
    idle = bench.status()
    text = bench.migtune(bench.source, "plan", bench.guest.name, bench.target.uri()).stdout
    bench.unwatch()
    started = time.time()
    alone = bench.plan("--config", CONFIG)
    took = time.time() - started
    for how, plan in (("with a watcher", with_watcher), (f"without, after {took:.1f} s", alone)):
        tap.note(f"{how}: D {plan['facts']['dirty_rate_mbps']} Mbit/s ({plan['facts']['dirty_rate_source']}), "
                 f"R {plan['plan']['bandwidth_mbps']} Mbit/s")
    tap.equal(sorted(with_watcher), sorted(alone), "plan: with and without a watcher the same parts")
    tap.ok(with_watcher["plan"]["bandwidth_mbps"] > 0 and alone["plan"]["bandwidth_mbps"] > 0 and alone["reasons"],
           "plan: both have a bandwidth and reasons")
    tap.equal((alone["facts"]["device"], alone["facts"]["link_mbps"]), ("eth0", 1000.0),
              "plan: the uplink is found without a watcher")
    tap.equal((overridden["intent"]["urgency"], overridden["intent"]["max_downtime_ms"]), ("high", 50),
              "plan: --urgency and --max-downtime count")
    tap.ok("Mbit/s" in text and bench.guest.name in text, "plan: there is a text for people", text)
    tap.equal((idle["mode"], idle["libvirt"], idle["migrations"], idle["classes"]), ("enforce", True, [], []),
              "status: an idle host says so")
    failed = bench.migtune(bench.source, "status", check=False)
    tap.ok(failed.returncode == 1 and len(failed.stderr.strip().splitlines()) == 1,
           "status: without a watcher status 1 and one line", f"{failed.returncode} {failed.stderr}")
    unknown = bench.migtune(bench.source, "plan", "nobody", bench.target.uri(), "--config", CONFIG, check=False)
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
            tap.ok(False, "the watcher does not start")
        except LabError as error:
            source.watcher = None
            tap.note(str(error))
            tap.ok("status 1" in str(error) and "migtune.so" in str(error), "the watcher does not start, and says why",
                   str(error))
        result, limits, classes, _ = looked_at(bench)
        tap.ok(result.ok, "the migration completes", result.error)
        untouched(bench, limits, classes)
        tap.note("\n".join(bench.hook_lines(target)))
        tap.ok(all(call[2] == 0 for call in bench.hook_calls(target)) and len(bench.hook_lines(target)) == 1,
               "the hook's status is 0 and it writes one line", f"{bench.hook_calls(target)}")
    finally:
        for host in bench.lab.hosts:
            for plugin in plugins:
                host.run("umount", plugin)
    bench.check_clean()


def no_capability(bench):
    """The watchers lack CAP_NET_ADMIN."""
    tap = bench.tap
    bench.watch(CONFIG_LOW, through=NO_NET_ADMIN)
    source, target = bench.source, bench.target
    result, limits, classes, _ = looked_at(bench)
    record = bench.one_record(source)
    tap.ok(result.ok, "the migration completes", result.error)
    tap.ok(not classes, "no class", str(classes))
    tap.ok(0 < limits[0] < 1000 and 0 < record["applied"]["qemu_mib_s"] < 1000, "QEMU's cap is set all the same",
           f"{limits}, {record['applied']}")
    tap.note("\n".join(bench.complaints(source) + bench.complaints(target)))
    tap.equal([len(bench.complaints(host)) for host in (source, target)], [1, 1], "one warning on each host")
    bench.check_clean()


def foreign_qdisc(bench):
    """The uplinks have somebody else's root qdisc."""
    tap = bench.tap
    bench.watch(CONFIG_LOW)
    source, target = bench.source, bench.target
    for host in (source, target):
        host.tc("qdisc", "add", "dev", "eth0", "root", "handle", "1:", "tbf", *"rate 950mbit burst 128k limit 1m".split())
    foreign = {host: host.tc("qdisc", "show", "dev", "eth0") for host in (source, target)}
    try:
        result, limits, classes, during = looked_at(bench, lambda a, b: a.tc("qdisc", "show", "dev", "eth0"))
        record = bench.one_record(source)
        tap.ok(result.ok, "the migration completes", result.error)
        after = {host: host.tc("qdisc", "show", "dev", "eth0") for host in (source, target)}
        tap.ok(during == foreign[source] and after == foreign, "it stays as it was", f"{during}\n{foreign[source]}")
        tap.ok(not [name for name in classes if " " not in name], "no class on the uplink", str(classes))
        tap.ok(limits[0] < 1000, "QEMU's cap is set all the same", str(limits))
        tap.note("\n".join(bench.complaints(source)) + f"\nunshaped: {record.get('unshaped')}")
        tap.ok(len(bench.complaints(source)) == 1 and "eth0" in bench.complaints(source)[0], "one line says why",
               "\n".join(bench.complaints(source)))
    finally:
        for host in (source, target):
            host.tc("qdisc", "del", "dev", "eth0", "root")
    bench.check_clean("nothing else is left")


def observe(bench):
    """mode = observe: plans and records, changes nothing."""
    tap = bench.tap
    bench.watch('mode = "observe";\n' + CONFIG_LOW)
    source = bench.source
    result, limits, classes, _ = looked_at(bench)
    record = bench.one_record(source)
    tap.ok(result.ok, "the migration completes", result.error)
    untouched(bench, limits, classes)
    done = record["mode"], record["result"], record["tc"], record["applied"]["changes"]
    tap.equal(done, ("observe", "completed", [], 0), "the record says that nothing was done")
    tap.ok(record["plan"]["bandwidth_mbps"] > 0 and record["reasons"], "the record has a plan and reasons")
    bench.check_clean()


def off(bench):
    """mode = off: does nothing."""
    tap = bench.tap
    bench.watch('mode = "off";\n' + CONFIG_LOW)
    source = bench.source
    result, limits, classes, _ = looked_at(bench)
    time.sleep(0.5)
    tap.ok(result.ok, "the migration completes", result.error)
    untouched(bench, limits, classes)
    tap.equal(source.watcher.records(), [], "no record")
    bench.check_clean()


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
        tap.note(f"hook on the destination {bench.hook_calls(target)}, on the source {bench.hook_calls(source)}; "
                 f"first iteration {result.iterations[0] - result.start:.2f} s after the call")
        tap.note("\n".join(bench.hook_lines(target) + bench.hook_lines(source)))
        tap.ok(result.ok, "the migration completes", result.error)
        untouched(bench, limits, classes)
        calls = bench.hook_calls(target) + bench.hook_calls(source)
        tap.ok(calls and all(call[3] <= HOOK_BOUND_MS for call in calls), f"no hook call takes more than {HOOK_BOUND_MS} ms",
               str(calls))
        tap.ok(all(call[2] == 0 for call in calls), "the hook's status is 0", str(calls))
        tap.equal(len(bench.hook_lines(target)), 1, "the destination's hook writes one line")
        refused = bench.migtune(source, "cleanup", check=False)
        tap.ok(refused.returncode == 1 and "nothing was removed" in refused.stderr, "cleanup removes nothing and says so",
               f"{refused.returncode} {refused.stderr}")
    finally:
        for host in (source, target):
            host.watcher.process.send_signal(signal.SIGCONT)
    with contextlib.suppress(LabError):  # while it wakes up, and until libvirt has told it of all that is over
        wait_for("", lambda: not bench.status(source)["migrations"], AWAKE_WITHIN_S, step=0.2)
    bench.quiet(1)
    tap.note("records afterwards: " + str([(record["result"], record["error"]) for record in source.watcher.records()]))
    tap.equal(bench.status(source)["migrations"], [], "after its sleep it steers nothing that is over")
    bench.check_clean()
    again = bench.lab.migrate(bench.guest)
    target.watcher.wait_record()
    tap.ok(again.ok and len(target.watcher.records()) == 1, "the next migration is tuned", again.line())
    bench.check_clean("nothing is left after the next migration")


def tunnelled(bench):
    """A tunnelled migration."""
    tap = bench.tap
    bench.watch(CONFIG_LOW)
    source = bench.source
    result, limits, classes, _ = looked_at(bench, flags=["--tunnelled"])
    record = bench.one_record(source)
    tap.ok(result.ok, "the migration completes", result.error)
    tap.ok(not [name for name in classes if " " not in name], "no class on the source", str(classes))
    tap.ok(limits[0] < 1000, "QEMU's cap is set all the same", str(limits))
    tap.note("\n".join(bench.complaints(source)))
    tap.ok(len(bench.complaints(source)) == 1 and "unshaped" in bench.complaints(source)[0], "one line says so",
           "\n".join(bench.complaints(source)))
    tap.equal(record["tc"], [], "the record has no class")
    bench.check_clean()


def ipv6(bench):
    """A migration over IPv6."""
    tap = bench.tap
    bench.watch(CONFIG_LOW)
    source, target = bench.source, bench.target

    def carried(sender, receiver):
        return [sum(entry.sent for entry in classes.values())
                for classes in (shaping.migrations(sender), shaping.migrations(receiver, shaping.ifbs(receiver)[0]))]
    result, limits, classes, sent = looked_at(bench, carried, address=bench.target.address6)
    record = bench.one_record(source)
    tap.ok(result.ok, "the migration completes", result.error)
    tap.ok(":" in record["destination"], "the record says where to", record["destination"])
    tap.note(f"to {record['destination']}: {[f'{count / 1e6:.1f} MB' for count in sent]} through the classes after a second")
    tap.ok(len(classes) == 2 and min(sent) > 5e6, "both hosts' filters catch its packets", f"{classes}, {sent}")
    tap.ok(limits[0] < 1000, "QEMU's cap is set", str(limits))
    tap.equal(bench.complaints(source) + bench.complaints(target), [], "nobody complains")
    bench.check_clean()


def carried_by_both(host, device):
    """The classes of two migrations, as soon as both have carried something, or as they are when that takes too long."""
    with contextlib.suppress(LabError):
        wait_for("", lambda: len(found := shaping.migrations(host, device)) == 2
                 and all(entry.sent > CARRIED_BYTES for entry in found.values()), CARRIED_WITHIN_S)
    return shaping.migrations(host, device)


def rates_at_rest(bench, host):
    """The bandwidths of two plans. Each is made anew on its own, so what they sum up to counts when neither changes."""
    before = None
    for _ in range(TRIES):
        now = {job["domain"]: job["plan"]["bandwidth_mbps"] for job in bench.status(host)["migrations"]}
        if now == before:
            break
        before = now
        bench.quiet(0.3)
    return now


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
        for migration in migrations:
            bench.copying(migration)
        later, into = (carried_by_both(*where) for where in ((source, "eth0"), (target, shaping.ifbs(target)[0])))
        rates = rates_at_rest(bench, source)
        results = [migration.finish() for migration in migrations]
        for guest, result in zip((bench.guest, second), results):
            tap.note(f"{guest.name}: {result.line()}")
        tap.ok(all(result.ok for result in results), "both complete", str([result.error for result in results]))
        tap.note("\n".join(f"class {entry.id}: ceil {entry.ceil:.0f} Mbit/s, sent {entry.sent / 1e6:.1f} MB"
                           for entry in later.values()))
        tap.ok(len(classes) == 2 and len(later) == 2 and all(entry.sent > CARRIED_BYTES for entry in later.values()),
               "each has a class of its own that carries it", f"{classes}\n{later}")
        tap.ok(len(into) == 2 and all(entry.sent > CARRIED_BYTES for entry in into.values()), "likewise on the destination",
               str(into))
        tap.ok(len(rates) == 2 and sum(rates.values()) <= USABLE_MBIT, "together they plan no more than the link has",
               str(rates))
        source.watcher.wait_record(2)
        records = source.watcher.records()
        sources = {record["domain"]["name"]: (record["intent"]["from"], record["intent"]["urgency"]) for record in records}
        tap.note(f"intents {sources}, planned {rates}")
        tap.equal(len(records), 2, "two records")
        tap.equal(sources[second.name], ("metadata", "high"), "metadata: the VM's own policy counts, and the record says so")
        tap.ok(sources[bench.guest.name][0].startswith("rule:2") and sources[bench.guest.name][1] == "medium",
               "rules: the matching rule counts, and the record says so", str(sources))
        bench.check_clean()
    finally:
        second.destroy()
        lab.guests.remove(second)


def tc_off(bench):
    """tc.enable = false: only QEMU's own cap."""
    tap = bench.tap
    bench.watch(settings(urgency="low", more="tc = { enable = false; };"))
    source, target = bench.source, bench.target
    result, limits, classes, _ = looked_at(bench)
    record = bench.one_record(source)
    tap.ok(result.ok, "the migration completes", result.error)
    tap.ok(not classes and record["tc"] == [], "no class", f"{classes}, {record['tc']}")
    tap.ok(0 < limits[0] < 1000, "QEMU's cap is set all the same", str(limits))
    tap.equal(bench.complaints(source) + bench.complaints(target), [], "nobody complains of what was asked for")
    bench.check_clean()


def cleanup(bench):
    """migtune cleanup, with and without a watcher."""
    tap = bench.tap
    bench.watch(CONFIG_LOW)
    source, target = bench.source, bench.target

    def run_cleanup(host):
        done = bench.migtune(host, "cleanup", check=False)
        return done.returncode, (done.stdout + done.stderr).strip()

    def midway(_source, _target):
        kept = [run_cleanup(host) for host in (source, target)]
        still = shaping.migrations(source), shaping.ifbs(target)
        source.watcher.kill()
        target.watcher.kill()
        return kept, still
    result, _, _, (kept, still) = looked_at(bench, midway)
    tap.ok(result.ok, "the migration completes", result.error)
    tap.ok(all(status == 0 and text.startswith("0 objects") for status, text in kept) and all(still),
           "what running watchers use stays", f"{kept}, {still}")
    tap.ok(not bench.clean(source) and not bench.clean(target), "killed watchers left something behind")
    removed = [run_cleanup(host) for host in (source, target)]
    tap.note(f"with watchers {kept}, without {removed}")
    tap.ok(all(status == 0 and not text.startswith("0 objects") for status, text in removed), "it says how much it removed",
           str(removed))
    bench.check_clean()
    tap.ok(all(run_cleanup(host) == (0, "0 objects removed") for host in (source, target)), "once is enough")


def main():
    """All cases on one guest."""
    tap = Cases()
    with Lab(hook=observed_hook()) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=40, size_mib=64, touched_mib=256))
        tap.run(Bench(lab, tap, guest), no_watcher, no_hook, broken_configuration, reload, plan_and_status,
                plugin_does_not_load, no_capability, foreign_qdisc, observe, off, hung_watcher, tunnelled, ipv6,
                two_at_once, tc_off, cleanup)
    tap.finish()


if __name__ == "__main__":
    main()
