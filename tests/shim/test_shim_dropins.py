#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The drop-ins that preload the shim are good unit files, and each of their lines is explained: test_shim_dropins.py SHIM
DROP-IN...
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shim import Tap  # noqa: E402

SHIM, DROPINS = sys.argv[1], [os.path.abspath(path) for path in sys.argv[2:]]
UNIT = "[Unit]\nDescription=something\n\n[Service]\nExecStart=/bin/true\n"


def paragraphs(text):
    """The file's paragraphs, each as (comments, settings); its section's line is none."""
    for paragraph in text.split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line and not line.startswith("[")]
        yield [line for line in lines if line.startswith("#")], [line for line in lines if not line.startswith("#")]


def verify(text):
    """What systemd says of a unit with the drop-in; "" if all is well."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "something.service")
        os.mkdir(path + ".d")
        for name, content in ((path, UNIT), (os.path.join(path + ".d", "migtune-shim.conf"), text)):
            with open(name, "w", encoding="utf-8") as f:
                f.write(content)
        done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60, check=False)
        return "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "something" in line)


tap = Tap()
tap.equal([os.path.basename(path) for path in DROPINS],
          ["nova-compute.conf", "openstack-nova-compute.conf", "libvirtd.conf", "virtqemud.conf"], "a drop-in for each service")
for dropin in DROPINS:
    name = os.path.basename(dropin)[:-len(".conf")]
    with open(dropin, encoding="utf-8") as dropin_file:
        content = dropin_file.read()
    settings = [line for _, lines in paragraphs(content) for line in lines]
    wanted = [f"Environment=LD_PRELOAD={SHIM}"] + ["SupplementaryGroups=migtune"] * name.endswith("nova-compute")
    tap.equal(settings, wanted, f"{name}: what it sets")
    tap.equal([lines for comments, lines in paragraphs(content) if lines and not comments], [],
              f"{name}: each line has a comment")
    tap.ok("@" not in content.split("[Service]")[0] and content.count(f"{name}.service.d") >= 4,
           f"{name}: how to activate and deactivate it", content)
    if shutil.which("systemd-analyze"):
        tap.equal(verify(content), "", f"{name}: systemd accepts it")
    else:
        tap.skip(f"{name}: systemd accepts it", "no systemd-analyze")
tap.finish()
