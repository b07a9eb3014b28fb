#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dependence runs one way, and the include lines prove it.

hooks/ -> include/ <- plugin/; inside the plugin service -> steer -> policy -> model, and steer -> measure, enforce,
record; command -> simulate -> model. model/, policy/ and simulate/ do no I/O. The headers at the plugin's root (facts, plan,
intent, units, ...) are everybody's.
"""
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(HERE, ".."))
from tap import Tap  # noqa: E402

# Which folders of the plugin a folder may include from, besides itself and the root.
MAY_INCLUDE = {
    "model": set(),
    "policy": {"model"},
    "measure": {"model"},
    "enforce": {"model", "measure"},  # what to shape is named by measure/sockets.h's flows
    "record": {"model"},
    "simulate": {"model"},
    "steer": {"policy", "model", "measure", "enforce", "record"},
    "service": {"steer", "policy", "model", "measure", "enforce", "record"},
    "command": {"service", "steer", "policy", "model", "measure", "enforce", "record", "simulate"},
}
PURE = ("model", "policy")
# What arithmetic needs, and no more; of our own root headers those that are only data and arithmetic.
PURE_SYSTEM_HEADERS = {"assert.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h", "stdarg.h", "stdbool.h",
                       "stddef.h", "stdint.h", "string.h"}
PURE_ROOT_HEADERS = {"array.h", "call_flags.h", "facts.h", "intent.h", "origin.h", "plan.h", "reason.h", "units.h",
                     "versions.h"}
# A folder that does no I/O either, but allocates and can fail.
ALLOCATING = "simulate"
ALLOCATING_SYSTEM_HEADERS = PURE_SYSTEM_HEADERS | {"stdlib.h"}
ALLOCATING_ROOT_HEADERS = PURE_ROOT_HEADERS | {"err.h"}


def includes(path):
    """(line number, is it <system>?, header) of each include line of a file of the source tree."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                yield number, match[1] == "<", match[2]


def files(*patterns):
    """Files of the source tree, relative to it."""
    return sorted(os.path.relpath(path, ROOT) for pattern in patterns
                  for path in glob.glob(os.path.join(ROOT, pattern), recursive=True))


def folder(header):
    """The plugin's folder that a header or file belongs to; "" for the root."""
    return header.split("/")[0] if "/" in header else ""


def check_hosts(tap):
    """Host programs know include/, the build's own header and each other; the shim has types from libvirt, too."""
    own = {os.path.basename(p) for p in files("hooks/*.h")}
    libraries = ("libvirt", "netlink", "json-c", "libconfig")
    bad = [f"{path}:{number}: {header}" for path in files("hooks/*.[ch]") for number, system, header in includes(path)
           if (not system and header not in own | {"mt_build.h"})
           or (header.startswith(libraries) and not (path.startswith("hooks/shim") and header.startswith("libvirt/")))]
    tap.equal(bad, [], "hooks/ includes include/ alone")


def check_public(tap):
    """The public header needs nothing of ours."""
    bad = [f"{path}:{number}: {header}" for path in files("include/**/*.h") for number, system, header in includes(path)
           if not system]
    tap.equal(bad, [], "include/ includes nothing of ours")


def resolve(path, header):
    """A quoted header relative to plugin/: beside the file that includes it, or from the plugin's root."""
    beside = os.path.normpath(os.path.join(os.path.dirname(path), header))
    if os.path.exists(os.path.join(ROOT, beside)) and beside.startswith("plugin/"):
        return beside[len("plugin/"):]
    return header


def check_direction(tap):
    """Each folder of the plugin includes only from those below it."""
    for name in sorted({folder(p[len("plugin/"):]) for p in files("plugin/*/**/*.[ch]")}):
        known = name in MAY_INCLUDE
        tap.ok(known, f"plugin/{name}/ has its place in the order", "add it to MAY_INCLUDE, and to the picture")
        if not known:
            continue
        bad = []
        for path in files(f"plugin/{name}/**/*.[ch]"):
            for number, system, header in includes(path):
                target = folder(resolve(path, header))
                if not system and target not in MAY_INCLUDE[name] | {name, ""}:
                    bad.append(f"{path}:{number}: {header}")
        tap.equal(bad, [], f"plugin/{name}/ includes from {', '.join(sorted(MAY_INCLUDE[name])) or 'nothing'}")


def beyond(folders, system_headers, root_headers):
    """Include lines of these folders that go beyond such headers."""
    paths = files(*(f"plugin/{name}/*.[ch]" for name in folders))
    return [f"{path}:{number}: {header}" for path in paths for number, system, header in includes(path)
            if (system and header not in system_headers)
            or (not system and folder(resolve(path, header)) == "" and header not in root_headers)]


def check_pure(tap):
    """The pure folders, and the root headers that they use, do no I/O."""
    tap.equal(beyond(PURE, PURE_SYSTEM_HEADERS, PURE_ROOT_HEADERS), [], "model/ and policy/ include nothing that does I/O")
    tap.equal(beyond([ALLOCATING], ALLOCATING_SYSTEM_HEADERS, ALLOCATING_ROOT_HEADERS), [],
              "simulate/ includes nothing that does I/O")
    bad = [f"{path}:{number}: {header}" for path in files(*(f"plugin/{name}" for name in PURE_ROOT_HEADERS))
           for number, system, header in includes(path) if system and header not in PURE_SYSTEM_HEADERS | {"net/if.h"}]
    tap.equal(bad, [], "nor do the root headers that they use")


def check_cycles(tap):
    """No header includes itself by way of others."""
    graph = {path[len("plugin/"):]: [resolve(path, header) for _, system, header in includes(path) if not system]
             for path in files("plugin/**/*.h")}
    cycles, done = [], set()

    def visit(name, trail):
        if name in trail:
            cycles.append(" -> ".join([*trail[trail.index(name):], name]))
        elif name not in done:
            for header in graph.get(name, []):
                visit(header, [*trail, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    tap.equal(cycles, [], "no header includes itself")


tap = Tap()
for check in (check_hosts, check_public, check_direction, check_pure, check_cycles):
    check(tap)
tap.finish()
