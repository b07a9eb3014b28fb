#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls of libvirt's Python binding on one domain, and everything that the caller sees of their outcome.

Started on a lab host by migtune_lab.clients, with one argument, JSON:

    domain, uri   its name, and the other host's libvirt
    calls         [[method of virDomain, argument, ...], ...], made one after the other
    meanwhile     likewise, made in another thread while the last of calls runs
    after_s       how long after its beginning: seconds; null: a second after memory began to move

Among the arguments "flags:LIVE|PEER2PEER" stands for the sum of VIR_MIGRATE_*, and "connection" for a connection to uri.

Standard output is one JSON object with the lists "calls" and "meanwhile", of an object a call: "result" (a domain as its
name), or "error" with all that libvirt's error object has; and "last", libvirt's last error in this thread after the call.
Exit status 1 when the last of calls failed, with its message on standard error.
"""
import json
import sys
import threading
import time

import libvirt

LONGEST_S = 30


def argument(value, uri):
    """An argument as Python's binding wants it."""
    if value == "connection":
        return libvirt.open(uri)
    if isinstance(value, str) and value.startswith("flags:"):
        return sum(getattr(libvirt, f"VIR_MIGRATE_{name}") for name in value.removeprefix("flags:").split("|"))
    return value


def call(domain, uri, method, *values):
    """The outcome of one call."""
    try:
        result = getattr(domain, method)(*(argument(value, uri) for value in values))
        outcome = {"result": result.name() if isinstance(result, libvirt.virDomain) else result}
    except libvirt.libvirtError as error:
        outcome = {"error": error.err}
    return {"call": method, **outcome, "last": libvirt.virGetLastError()}


def wait_moving(domain):
    """Wait until memory moves, and a second more."""
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until and not domain.jobStats().get("memory_processed"):
        time.sleep(0.05)
    time.sleep(1.0)


def make_meanwhile(domain, job, outcomes):
    """The calls of the other thread."""
    try:
        if job.get("after_s") is None:
            wait_moving(domain)
        else:
            time.sleep(job["after_s"])
    except libvirt.libvirtError as error:
        outcomes.append({"call": "waiting", "error": error.err})
        return
    outcomes += [call(domain, job["uri"], *words) for words in job["meanwhile"]]


def main():
    """All calls."""
    job = json.loads(sys.argv[1])
    libvirt.registerErrorHandler(lambda *_: None, None)
    domain = libvirt.open("qemu:///system").lookupByName(job["domain"])
    outcomes = [call(domain, job["uri"], *words) for words in job["calls"][:-1]]
    meanwhile = []
    thread = threading.Thread(target=make_meanwhile, args=(domain, job, meanwhile))
    if job.get("meanwhile"):
        thread.start()
    outcomes.append(call(domain, job["uri"], *job["calls"][-1]))
    if job.get("meanwhile"):
        thread.join()
    print(json.dumps({"calls": outcomes, "meanwhile": meanwhile}))
    if "error" in outcomes[-1]:
        print(outcomes[-1]["error"][2], file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
