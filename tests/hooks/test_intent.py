#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""migtune set, get and history --what-if as programs, libvirt's test driver below them. test_intent.py MIGTUNE PLUGIN

The driver forgets what was set when its program ends: what set does to a domain is seen in tests/unit/test_intent_command.c
and in the lab.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

MIGTUNE, PLUGIN = (os.path.abspath(a) for a in sys.argv[1:3])
CONFIG = """migration = { max_downtime = "200ms"; };
rules = (
  { match = { title = "Shop: *"; }; set = { urgency = "high"; }; },
  { match = { metadata = { namespace = "urn:acme:1"; element = "vm"; attribute = "tier"; value = "gold"; }; };
    set = { mode = "observe"; deadline = { low = "90s"; }; }; }
);
"""
DOMAIN = """<domain type='test'><name>{name}</name><memory>8192</memory><vcpu>1</vcpu><os><type>hvm</type></os>{more}</domain>"""
POLICY = "urn:migtune:policy:1"


def run(*arguments):
    """Runs the command. Returns (status, standard output, standard error)."""
    done = subprocess.run([MIGTUNE, *arguments], env=dict(os.environ, MIGTUNE_PLUGIN=PLUGIN, LC_ALL="C.UTF-8"),
                          stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=30, check=False)
    return done.returncode, done.stdout, done.stderr


def node(directory, domains):
    """The URI of a host with these domains, {name: XML within}."""
    path = os.path.join(directory, "node.xml")
    with open(path, "w", encoding="utf-8") as f:
        f.write("<node>" + "".join(DOMAIN.format(name=name, more=more) for name, more in domains.items()) + "</node>")
    return f"test://{path}"


def origins(text):
    """The lines of `migtune get` as {key: (value, origin)}."""
    return {line.split()[0]: (line.split()[1], " ".join(line.split()[2:])) for line in text.splitlines()}


def check_get(tap, directory, config):
    """What holds for domains with a title, with metadata, with a policy."""
    uri = node(directory, {
        "shop": "<title>Shop: db</title>",
        "gold": "<metadata><a:vm xmlns:a='urn:acme:1' tier='gold'/></metadata>",
        "own": f"<title>Shop: web</title><metadata><m:policy xmlns:m='{POLICY}' urgency='low' max-downtime='50ms'/></metadata>",
        "wrong": f"<metadata><policy xmlns='{POLICY}' urgency='soon'/></metadata>"})
    where = ["--connect", uri, "--config", config]
    for name, key, want in (("shop", "urgency", ("high", "rule 1 (migtune.conf:3)")),
                            ("shop", "max_downtime", ("200ms", "migtune.conf:1")),
                            ("shop", "strategy", ("lambda-range", "built-in")),
                            ("gold", "mode", ("observe", "rule 2 (migtune.conf:5)")),
                            ("gold", "deadline_low", ("90s", "rule 2 (migtune.conf:5)")),
                            ("own", "urgency", ("low", "the VM's metadata")),
                            ("own", "max_downtime", ("50ms", "the VM's metadata"))):
        status, output, errors = run("get", name, *where)
        tap.equal((status, errors, origins(output).get(key)), (0, "", want), f"get {name}: {key}")
    status, output, errors = run("get", "own", "max-downtime", "--json", *where)
    tap.equal((status, json.loads(output)["intent"]), (0, {"max_downtime": {"value": "50ms", "origin": "the VM's metadata"}}),
              "get --json")
    status, output, errors = run("get", "wrong", *where)
    tap.ok(status == 1 and origins(output)["urgency"] == ("medium", "built-in"), "refused metadata: the rest holds", output)
    tap.ok(errors.startswith("migtune get: domain 'wrong': its policy is left out whole: metadata: urgency: expected \"high\"")
           and errors.count("\n") == 1, "and one line says what is wrong", errors)
    status, _, errors = run("get", "own", "--connect", uri, "--config", "/nonexistent/c.conf")
    tap.ok(status == 1 and errors.count("\n") == 1 and "/nonexistent/c.conf" in errors, "no configuration", errors)
    status, _, errors = run("get", "own", "--connect", "test:///nonexistent.xml", "--config", config)
    tap.ok(status == 1 and errors.startswith("migtune get: connect to libvirt at test:///nonexistent.xml: ")
           and errors.count("\n") == 1, "no libvirt", errors)


def check_virsh(tap, directory, config):
    """What `virsh metadata` writes is read."""
    name = "virsh metadata is as good"
    virsh = shutil.which("virsh")
    if virsh is None:
        tap.skip(name, "there is no virsh")
        return
    commands = (f"metadata test --uri {POLICY} --key migtune --set '<policy urgency=\"high\" mode=\"observe\"/>' --live; "
                "dumpxml test")
    done = subprocess.run([virsh, "-q", "-c", "test:///default", commands], text=True, capture_output=True, timeout=30,
                          check=False)
    begin, end = done.stdout.find("<metadata>"), done.stdout.find("</metadata>")
    if done.returncode != 0 or begin < 0:
        tap.ok(False, name, done.stdout + done.stderr)
        return
    uri = node(directory, {"test": done.stdout[begin:end] + "</metadata>"})
    status, output, errors = run("get", "test", "--connect", uri, "--config", config)
    got = origins(output)
    tap.equal((status, got.get("urgency"), got.get("mode")),
              (0, ("high", "the VM's metadata"), ("observe", "the VM's metadata")), name)
    tap.equal(errors, "", "and nothing is complained of")


def check_set(tap, config):
    """set, as far as it shows without a domain that remembers."""
    where = ["--connect", "test:///default", "--config", config]
    status, output, errors = run("set", "test", "urgency=high", "max_downtime=50ms", *where)
    tap.equal((status, output.splitlines(), errors),
              (0, ['test, the running VM: <policy urgency="high" max-downtime="50ms"/>',
                   'test, its definition: <policy urgency="high" max-downtime="50ms"/>'], ""), "set")
    status, output, errors = run("set", "test", "urgency=high", "--connect", "test:///default", "--config", "/nonexistent")
    tap.equal((status, errors), (0, ""), "set without a configuration: another host's VM")
    for arguments, message in ((["test", "urgency=hihg"], 'urgency: expected "high", "medium" or "low", found "hihg"'),
                               (["test", "max_downtime=50"], 'max_downtime: expected a time such as "300ms"'),
                               (["test", "colour=red"], "'colour=red': unknown key, expected one of mode, "),
                               (["test"], "'test': expected key=value, or --unset KEY, after it"),
                               ([], "'set': expected a domain"),
                               (["test", "max_downtime=5s", "on_no_convergence=exceed"],
                                "domain 'test': metadata: max_downtime: expected less than migration.exceed_downtime")):
        status, output, errors = run("set", *arguments, *where)
        tap.ok((status, output) == (2, "") and message in errors and errors.count("\n") == 1, f"set {' '.join(arguments)}",
               f"{status} {output} {errors}")


def check_plan(tap):
    """`migtune plan` names the origin of what is not as built in."""
    keys = ["memory=4GiB", "dirty_rate=100Mbit", "link=10Gbit", "urgency=high", "max_downtime=100ms"]
    planned = json.loads(run("plan", "--offline", *keys, "--json")[1])
    tap.equal(planned["intent"]["origins"], {"urgency": "the command line", "max_downtime": "the command line"},
              "plan --json: origins")
    told = [reason for reason in planned["reasons"] if reason.startswith("intent: ")]
    tap.equal(told, ["intent: urgency high from the command line; max_downtime 100ms from the command line"],
              "and a reason says so")
    text = run("plan", "--offline", *keys)[1]
    tap.ok("from the command line" in " ".join(text.split()), "plan, for people", text)
    planned = json.loads(run("plan", "--offline", *keys[:3], "--json")[1])
    tap.equal((planned["intent"]["origins"], [r for r in planned["reasons"] if r.startswith("intent: ")]), ({}, []),
              "all as built in: nothing to tell")


def check_what_if(tap, directory):
    """history --what-if on a handmade history."""
    path = os.path.join(directory, "history.jsonl")
    record = {"event": "migration", "id": "20261120T061500.123Z-8a4fd9a2", "result": "completed",
              "started": "2026-11-20T06:15:00.123Z", "mode": "observe", "domain": {"name": "vm1", "uuid": "u"},
              "facts": {"src": {"known": True, "out_mbps": 700.0}}, "intent": {"max_downtime_ms": 300},
              "plan": {"prediction": {"total_ms": 15400, "downtime_ms": 240, "bytes": 1000000000},
                       "tenants": {"bytes": 0}},
              "actual": {"total_ms": 8000, "downtime_ms": 387, "bytes": 1200000000,
                         "samples": [{"t_ms": 4000, "others_mbps": 482.0}, {"t_ms": 8000, "others_mbps": 482.0}]}}
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps(record) + "\n")
    status, output, errors = run("history", "--what-if", path)
    tap.equal((status, errors), (0, ""), "history --what-if")
    for text in ("8.0 s", "15.4 s", "387 ms", "240 ms", "7.4 s MORE", "147 ms less", "190.7 MiB less", "207.9 MiB less",
                 "1 of 1 as it was, 0 as planned", "no steered migration in this history"):
        tap.ok(text in output, f"it says {text}", output)
    tap.ok(all(len(line) <= 100 for line in output.splitlines()), "it fits a terminal", output)


def main():
    """All of it in a directory of its own."""
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "migtune.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG)
        check_get(tap, directory, config)
        check_virsh(tap, directory, config)
        check_set(tap, config)
        check_plan(tap)
        check_what_if(tap, directory)
    tap.finish()


main()
