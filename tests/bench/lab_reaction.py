#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How soon a real migration is steered: from the first event received to QEMU's limits set and the class installed.

Run as: tests/lab/enter tests/bench/lab_reaction.py [MIGRATIONS]. One JSON line a measurement, in ms.
"""
import json
import statistics
import sys

from migtune_lab import LINK_CONFIG, Lab, Workload


def report(name, values):
    values = sorted(values)
    print(json.dumps({"bench": name, "unit": "ms", "n": len(values), "median": statistics.median(values),
                      "p5": values[len(values) // 20], "p95": values[len(values) - 1 - len(values) // 20]}), flush=True)


def main():
    migrations = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    limits, classes = [], []
    with Lab(hook=True) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=100, size_mib=64))
        watchers = [host.watch(LINK_CONFIG + 'migration = { urgency = "high"; };') for host in (lab.a, lab.b)]
        for i in range(migrations):
            result = lab.migrate(guest)
            if not result.ok:
                sys.exit(f"lab_reaction: {result.line()}")
            record = watchers[i % 2].wait_record(i // 2 + 1)
            limits.append(record["applied"]["after_ms"])
            classes.append(record["tc"][0]["installed_after_ms"])
    report("reaction: limits set", limits)
    report("reaction: class installed", classes)


if __name__ == "__main__":
    main()
