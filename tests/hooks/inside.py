# SPDX-License-Identifier: LGPL-2.1-or-later
"""A test program that runs itself again in a mount namespace of its own, where it may replace /dev and /run."""
import os
import subprocess
import sys
import tempfile

INSIDE = "MIGTUNE_TEST_INSIDE"


def enter():
    """Starts again inside, unless that is where we are; a skipped test where it is not allowed."""
    if INSIDE in os.environ:
        return
    inside = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode != 0:
        print("1..0 # SKIP no user and mount namespaces here")
        sys.exit(0)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", [*inside, sys.executable, *sys.argv])


def mount_over(path):
    """An empty directory there; /dev has null in it."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["mount", "-n", "-t", "tmpfs", "tmpfs", directory], check=True)
        if path == "/dev":
            with open(os.path.join(directory, "null"), "w", encoding="ascii"):
                pass
            subprocess.run(["mount", "-n", "--bind", "/dev/null", os.path.join(directory, "null")], check=True)
        subprocess.run(["mount", "-n", "--move", directory, path], check=True)
