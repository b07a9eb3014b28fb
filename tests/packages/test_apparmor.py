#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""AppArmor: libvirtd's profile lets libvirtd run the hook; our own profile and our additions to libvirtd's compile.

No kernel enforces them here: that nothing is denied which is needed has to be tried on a machine with AppArmor.
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

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent / "packaging" / "apparmor"
PROFILES = pathlib.Path("/etc/apparmor.d")
LIBVIRTD = "usr.sbin.libvirtd"
PLACES = {"here": "/usr/share/migtune/apparmor", "sbindir": "/usr/sbin", "plugindir": "/usr/lib/x86_64-linux-gnu/migtune",
          "confdir": "/etc/migtune", "hookdir": "/etc/libvirt/hooks/qemu.d"}
PARSER = shutil.which("apparmor_parser", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def installed(name):
    """A file as it is installed."""
    text = (SOURCE / f"{name}.in").read_text(encoding="utf-8")
    for place, path in PLACES.items():
        text = text.replace(f"@{place}@", path)
    return text


def parse(base, path, *options):
    """The parser's (status, output without what it says about this kernel)."""
    done = subprocess.run([PARSER, "--skip-kernel-load", "--skip-cache", "--base", str(base), *options, str(path)],
                          capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, "".join(line for line in (done.stdout + done.stderr).splitlines(True) if "Cache" not in line)


def check_own(tap, base):
    """The hook's own profile, and that a mistake in it would be seen."""
    path = base / "usr.sbin.migtune-hook"
    path.write_text(installed("usr.sbin.migtune-hook"), encoding="utf-8")
    status, output = parse(base, path, "--names")
    tap.equal((status, output.strip()), (0, "migtune-hook"), "the hook's profile compiles")
    code = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.strip().startswith("#")]
    rules = [line.strip() for line in code if line.startswith("  ") and "include" not in line]
    wide = [rule for rule in rules if "capability" in rule or re.search(r"\s\w*(w|x)\w*,$", rule)]
    tap.equal(wide, ["/run/migtune/migtune.sock rw,"],
              "it gives no capability, runs nothing, and writes to the watcher's socket alone")
    wrong = base / "wrong"
    wrong.write_text(path.read_text(encoding="utf-8").replace(" mr,", " mrq,"), encoding="utf-8")
    tap.ok(parse(base, wrong)[0] != 0, "a mistake in it would be found")


def check_libvirtd(tap, base):
    """libvirtd's profile as its package ships it, and with our additions."""
    profile = base / LIBVIRTD
    if not profile.is_file():
        tap.skip("libvirtd's profile", f"there is no {PROFILES / LIBVIRTD}")
        return
    text = profile.read_text(encoding="utf-8")
    tap.ok(re.search(r"^\s*/usr/sbin/\* PUx,$", text, re.MULTILINE) is not None,
           "as shipped, it lets the hook run, in its own profile or unconfined")
    tap.ok(re.search(r"^\s*/\*\* rwmkl,$", text, re.MULTILINE) is not None,
           "and the shim be loaded, and talk to the watcher")
    (base / "abstractions" / "migtune-libvirt").write_text(installed("migtune-libvirt"), encoding="utf-8")
    (base / "local").mkdir(exist_ok=True)
    (base / "local" / LIBVIRTD).write_text("include if exists <abstractions/migtune-libvirt>\n", encoding="utf-8")
    status, output = parse(base, profile)
    tap.equal((status, output), (0, ""), "with our local additions it compiles")
    strict = base / "strict"
    strict.write_text(re.sub(r"^\s*(/usr/sbin/\* PUx|/\*\* rwmkl),$", "", text, flags=re.MULTILINE), encoding="utf-8")
    status, output = parse(base, strict)
    tap.equal((status, output), (0, ""), "a stricter one with them does as well")


def main():
    """All in a copy of this machine's profiles."""
    tap = Tap()
    if PARSER is None or not PROFILES.is_dir():
        tap.skip("AppArmor's profiles", "no apparmor_parser")
        tap.finish()
    with tempfile.TemporaryDirectory() as directory:
        base = pathlib.Path(directory) / "apparmor.d"
        shutil.copytree(PROFILES, base, symlinks=True)
        check_own(tap, base)
        check_libvirtd(tap, base)
    tap.finish()


if __name__ == "__main__":
    main()
