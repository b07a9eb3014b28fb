# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers of libvirt's migration functions, what they see of success and failure, and checks that a plan was in force."""
import math
import subprocess

from .bench import settings
from .clients import PythonMigration, python_calls
from .migrate import Migration
from .probe import MIB, Probe
from .process import LabError

POSTCOPY, PARALLEL, AUTO_CONVERGE, COMPRESSED = 1 << 15, 1 << 17, 1 << 13, 1 << 11  # libvirt's VIR_MIGRATE_*
OPTIONS = frozenset(("postcopy-ram", "auto-converge", "multifd", "xbzrle"))  # QEMU's capabilities that these switch on
UNLIMITED_MIB_S = 8796093022207  # what libvirt sets where nobody asked for a limit
QEMU_DOWNTIME_MS = 300  # QEMU's own
PLAN_MIB_S, PLAN_DOWNTIME_MS = 40, 340
CALL_TIMEOUT_S = 60
LIVE, PEER = "flags:LIVE", "flags:LIVE|PEER2PEER"
TYPED = ("virsh", "virsh direct", "migrateToURI3", "migrate3")  # these pass named parameters, and can be given more of them
STOPPED = "stopped"
_STOPPED_XML = ("<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory>"
                "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>")


def define_stopped(lab):
    """Define a domain on both hosts that does not run."""
    for host in lab.hosts:
        host.path("/run/stopped.xml").write_text(_STOPPED_XML.format(name=STOPPED, uuid=lab.a.uuid), encoding="ascii")
        host.virsh("define", "/run/stopped.xml")


def python_call(bench, method, bandwidth=0, flags=None):
    """The arguments of each way to migrate, from Python."""
    uri = bench.target.uri()
    return {
        "migrateToURI3": ["migrateToURI3", uri, {"bandwidth": bandwidth}, flags or PEER],
        "migrateToURI2": ["migrateToURI2", uri, None, None, flags or PEER, None, bandwidth],
        "migrateToURI": ["migrateToURI", uri, flags or PEER, None, bandwidth],
        "migrate3": ["migrate3", "connection", {"bandwidth": bandwidth}, flags or LIVE],
        "migrate2": ["migrate2", "connection", None, flags or LIVE, None, None, bandwidth],
        "migrate": ["migrate", "connection", flags or LIVE, None, None, bandwidth],
    }[method]


def client(bench, how, env=None, **keys):
    """A migration by "virsh", "virsh direct", or a method of Python's binding."""
    if how.startswith("virsh"):
        return Migration(bench.lab, bench.guest, bench.target, env=env, direct=how == "virsh direct", **keys)
    flags, bandwidth = keys.pop("python_flags", None), keys.pop("bandwidth", 0)
    return PythonMigration(bench.lab, bench.guest, env=env, call=python_call(bench, how, bandwidth, flags), **keys)


def moved(bench, migration):
    """Runs one: (its Result, the Probe)."""
    with Probe(bench.source, bench.guest) as probe:
        result = migration.run()
    bench.tap.note(f"{result.line()}; {probe.line()}")
    return result, probe


def parameter(probe, name):
    """A migration parameter of QEMU while memory moved."""
    return probe.moving[-1].parameters[name] if probe.moving else None


def failing(bench):
    """Migrations that virsh cannot make: [(name, arguments)].

    Each is refused by a daemon, or by virsh before it begins. What the client's library refuses is left to Python: virsh
    (9.0 and 11.3, alone) waits for ever where its own thread was refused before it began to wait, one time in twelve.
    """
    guest, uri, host = bench.guest.name, bench.target.uri(), bench.target.hostname
    peer = ["--live", "--p2p"]
    return [
        ("unknown domain", [*peer, "nobody", uri]),
        ("domain does not run", [*peer, STOPPED, uri]),
        ("domain does not run, direct", ["--live", STOPPED, uri]),
        ("unknown host", [*peer, guest, "qemu+tcp://host-z/system"]),
        ("unknown host, direct", ["--live", guest, "qemu+tcp://host-z/system"]),
        ("nobody listens", [*peer, guest, f"qemu+tcp://{host}:1/system"]),
        ("nobody listens, direct", ["--live", guest, f"qemu+tcp://{host}:1/system"]),
        ("no URI", [*peer, guest, "nonsense"]),
        ("the same host", [*peer, guest, bench.source.uri()]),
        ("unknown migration URI", [*peer, guest, uri, f"nonsense://{host}"]),
        ("unknown migration URI, direct", ["--live", guest, uri, f"nonsense://{host}"]),
        ("parameter without its flag", [*peer, "--parallel-connections", "2", guest, uri]),
        ("no bandwidth", [*peer, "--bandwidth", "fast", guest, uri]),
    ]


def python_failing(bench):
    """Likewise from Python: [(name, domain, calls)]; and the other functions that the shim stands in front of."""
    guest, nowhere = bench.guest.name, "qemu+tcp://host-z/system"
    calls = [(f"{method} of a domain that does not run", STOPPED, [python_call(bench, method)])
             for method in ("migrateToURI3", "migrateToURI2", "migrateToURI", "migrate3", "migrate2", "migrate")]
    return calls + [
        ("an unknown host", guest, [["migrateToURI3", nowhere, {}, PEER]]),
        ("an unknown host, the old way", guest, [["migrateToURI", nowhere, PEER, None, 0]]),
        ("no URI", guest, [["migrateToURI3", None, {}, PEER]]),
        ("no peer", guest, [["migrateToURI2", None, None, None, PEER, None, 0]]),
        ("flags that exclude each other", guest, [["migrateToURI3", bench.target.uri(), {}, PEER + "|TUNNELLED|PARALLEL"]]),
        ("tunnelled, direct", guest, [["migrate3", "connection", {}, LIVE + "|TUNNELLED"]]),
        ("parameter without its flag", guest, [["migrateToURI3", bench.target.uri(), {"parallel.connections": 2}, PEER]]),
        ("unknown flag", guest, [["migrateToURI3", bench.target.uri(), {}, 1 << 30]]),
        ("limits without a migration", guest, [
            ["migrateSetMaxDowntime", 100, 0], ["migrateSetMaxDowntime", 100, 7],
            ["migrateSetMaxDowntime", QEMU_DOWNTIME_MS, 0],
            ["migrateSetMaxSpeed", 50, 0], ["migrateSetMaxSpeed", 50, 6], ["migrateSetMaxSpeed", UNLIMITED_MIB_S, 0],
            ["migrateGetMaxDowntime", 0], ["migrateGetMaxSpeed", 0]]),
        ("acts without a migration", guest, [["abortJob"], ["abortJobFlags", 0], ["abortJobFlags", 9],
                                             ["migrateStartPostCopy", 0], ["suspend"], ["suspend"], ["resume"], ["resume"]]),
        ("acts on a domain that does not run", STOPPED, [["abortJob"], ["suspend"], ["migrateStartPostCopy", 0],
                                                         ["migrateSetMaxDowntime", 100, 0], ["migrateSetMaxSpeed", 5, 0]]),
    ]


def outcomes(bench, env=None):
    """What virsh and Python are told of all that fails: {name: (status, output, errors)}."""
    source = bench.source
    commands = [(name, ["virsh", "-q", "-c", "qemu:///system", "migrate", *arguments]) for name, arguments in failing(bench)]
    commands += [(f"python: {name}", python_calls(domain, bench.target.uri(), calls))
                 for name, domain, calls in python_failing(bench)]
    told = {}
    for name, command in commands:
        with source.popen(*command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
            try:
                output, errors = process.communicate(timeout=CALL_TIMEOUT_S)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise LabError(f"{name}: no end after {CALL_TIMEOUT_S} s") from error
        told[name] = process.returncode, output, errors
    return told


def compare(bench, with_shim, without, name):
    """A check for each that the two are the same to the letter."""
    for what, outcome in without.items():
        bench.tap.equal(with_shim[what], outcome, f"{name}: {what}: the caller sees the same")


def planned_settings(**migration):
    """A plan that is seen at once: post-copy that nobody asked for, and a bandwidth of its own."""
    return settings("low", **{"technique": "post-copy", "post_copy": "add", "post_copy_switch": "immediate",
                              "min_bandwidth": f"{PLAN_MIB_S}MiB/s", "max_downtime": f"{PLAN_DOWNTIME_MS}ms", **migration})


def planned_mib_s(record):
    """The plan's bandwidth as QEMU gets it: in the next whole MiB/s (but the record has it with three decimals)."""
    return math.ceil(record["plan"]["bandwidth_mbps"] * 1e6 / 8 / MIB - 0.001)


def check_planned(bench, name, attach, seen, source, *, flags=True, typed=True):
    """QEMU has the record's plan from the start; seen: what moved() returned. flags: post-copy was added."""
    tap, (result, probe) = bench.tap, seen
    tap.ok(result.ok, f"{name}: the migration completes", result.error)
    record = bench.one_record(source, f"{name}: one record")
    if not record:
        return
    plan = record["plan"]
    tap.equal((record["result"], record["attach"]), ("completed", attach), f"{name}: the record says through whom")
    tap.equal(probe.speeds()[:1], [planned_mib_s(record)],
              f"{name}: QEMU begins with the plan's bandwidth, in the next whole MiB/s")
    moved_on = "Suspended Post-copy" in [event.text for event in result.events]
    if flags:
        tap.ok("postcopy-ram" in probe.capabilities() and moved_on, f"{name}: post-copy was added, and used", probe.line())
        tap.equal((plan["technique"], record["actual"]["technique"]), ("post-copy", "post-copy"),
                  f"{name}: the record says so")
        if typed:
            tap.equal(bool(parameter(probe, "avail-switchover-bandwidth")), source.libvirt is None,
                      f"{name}: QEMU knows the rate of the switchover where libvirt can tell it")
    else:
        seen = "postcopy-ram" in probe.capabilities(), moved_on, record["actual"]["technique"]
        tap.equal(seen, (False, False, "pre-copy"), f"{name}: no flag was added")
