#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an idle watcher costs with 200 domains: watcher_idle.py MIGTUNE [SECONDS].

The domains are those of libvirt's test driver, which lives inside the watcher's own process: what libvirt's side costs is
counted as well, dirty rates (which that driver does not have) are asked for and refused. One JSON line a measurement.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

DOMAINS = 200
WARM_UP_S = 5


def node(directory):
    """The test driver's configuration with its domains."""
    names = []
    for i in range(DOMAINS):
        name = directory / f"domain{i}.xml"
        name.write_text(f"<domain type='test'><name>vm{i}</name><memory unit='MiB'>64</memory>"
                        f"<os><type>hvm</type></os></domain>", encoding="utf-8")
        names.append(f"<domain file='{name}'/>")
    path = directory / "node.xml"
    path.write_text(f"<node>{''.join(names)}</node>", encoding="utf-8")
    return path


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("no VmRSS")


def main():
    program, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    with tempfile.TemporaryDirectory(prefix="migtune-bench.") as name:
        directory = pathlib.Path(name)
        config = directory / "migtune.conf"
        config.write_text('history = { file = ""; };\n', encoding="utf-8")
        watcher = subprocess.Popen([program, "watch", "--connect", f"test://{node(directory)}", "--config", config,
                                    "--run-dir", directory / "run", "--log", f"file:{directory}/log"])
        try:
            time.sleep(WARM_UP_S)
            before, start = cpu_s(watcher.pid), time.monotonic()
            time.sleep(seconds)
            share = (cpu_s(watcher.pid) - before) / (time.monotonic() - start) * 100
            print(json.dumps({"bench": f"watcher idle, {DOMAINS} domains: processor", "unit": "% of one core", "n": 1,
                              "median": round(share, 3)}))
            print(json.dumps({"bench": f"watcher idle, {DOMAINS} domains: resident", "unit": "MiB", "n": 1,
                              "median": round(resident_kib(watcher.pid) / 1024, 1)}))
        finally:
            watcher.send_signal(signal.SIGTERM)
            watcher.wait(10)


if __name__ == "__main__":
    main()
