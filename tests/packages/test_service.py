#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The watcher's unit: systemd accepts it, it is exposed little, and each exception from its hardening says why.

That the watcher works with these rights is tried in the lab, see tests/lab/test_installed.py.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

SYSTEMD = pathlib.Path(__file__).resolve().parent.parent.parent / "packaging" / "systemd"
EXPOSURE = 2.0
# What makes the service less confined than it could be: each has a comment in its paragraph or right before it.
EXCEPTIONS = ("CapabilityBoundingSet", "ReadWritePaths", "BindReadOnlyPaths", "RestrictAddressFamilies", "IPAddressAllow",
              "SystemCallFilter", "RuntimeDirectoryPreserve", "Group", "KillMode", "ProtectProc")
LEFT_OUT = {"ProcSubset": "ProcSubset=pid is not set", "User": "root, because"}


def unit_text():
    """The unit as it is installed, with a program that every machine has."""
    text = (SYSTEMD / "migtune.service.in").read_text(encoding="utf-8")
    return text.replace("@bindir@/migtune", "/bin/true")


def settings(text):
    """[(name, value, whether the lines just above it are a comment, or belong to a paragraph that starts with one)]."""
    found = []
    for paragraph in text.split("\n\n"):
        lines = paragraph.splitlines()
        commented = False
        for line in lines:
            if line.startswith("#"):
                commented = True
            elif "=" in line:
                name, value = line.split("=", 1)
                found.append((name, value, commented))
    return found


def analyze(*arguments):
    """systemd-analyze's (status, output)."""
    done = subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, timeout=120,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def check_systemd(tap, text):
    """What systemd itself says."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "migtune.service")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        _, output = analyze("verify", "--man=no", path)
        tap.equal([line for line in output.splitlines() if "migtune" in line], [], "systemd accepts the unit")
        status, output = analyze("security", "--offline=true", f"--threshold={round(EXPOSURE * 10)}", path)
        exposure = re.search(r"exposure level for \S+: ([0-9.]+)", output)
        tap.ok(status == 0 and exposure and float(exposure[1]) <= EXPOSURE,
               f"exposure {exposure[1] if exposure else 'unknown'} is at most {EXPOSURE}", output)


def main():
    """All of it."""
    tap, text = Tap(), unit_text()
    if shutil.which("systemd-analyze"):
        check_systemd(tap, text)
    else:
        tap.skip("what systemd says", "no systemd-analyze")
    found = settings(text)
    tap.equal([name for name in EXCEPTIONS if not any(have == name and why for have, _, why in found)], [],
              "each exception is there and explained")
    tap.equal([why for name, why in LEFT_OUT.items() if why not in text or any(have == name for have, _, _ in found)], [],
              "so is what is left out")
    tap.equal({value for name, value, _ in found if name == "CapabilityBoundingSet"}, {"CAP_NET_ADMIN CAP_SYS_PTRACE"},
              "of root's powers two are left")
    group = (SYSTEMD / "migtune.sysusers").read_text(encoding="utf-8")
    tap.ok(re.search(r"^g migtune -$", group, re.MULTILINE) is not None, "sysusers makes the group that the unit names")
    tmpfiles = (SYSTEMD / "migtune.tmpfiles").read_text(encoding="utf-8")
    modes = {name: value for name, value, _ in found if name in ("RuntimeDirectoryMode", "StateDirectoryMode")}
    tap.equal(set(re.findall(r"^d \S+ (\d+) root migtune -$", tmpfiles, re.MULTILINE)), set(modes.values()),
              "tmpfiles gives the directories the unit's modes")
    tap.finish()


if __name__ == "__main__":
    main()
