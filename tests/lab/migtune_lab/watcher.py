# SPDX-License-Identifier: LGPL-2.1-or-later
"""`migtune watch` on one host: starting it, its log, its records, its end."""
import json
import os
import pathlib
import socket
import subprocess

from . import image
from .process import LabError, end, last_lines, run, wait_for

RUN_DIRECTORY = "/run/migtune"
HISTORY = "/var/lib/migtune/history.jsonl"
LOG = "/var/log/migtune.log"
SHIM_LOG = "/var/log/migtune-shim.log"
CONFIG = "/run/migtune.conf"
# The least a configuration needs here: a veth cannot tell how fast the cable behind it is.
LINK_CONFIG = 'link = { device = "auto"; rate = "1Gbit"; };\n'
START_TIMEOUT_S, END_TIMEOUT_S = 30, 20


def prefix():
    """Where migtune is installed: MIGTUNE_LAB_PREFIX, by default build/lab-prefix in the source tree."""
    return pathlib.Path(os.environ.get("MIGTUNE_LAB_PREFIX") or image.SOURCE_ROOT / "build" / "lab-prefix")


def program():
    """The installed command."""
    return prefix() / "bin" / "migtune"


def hook_file():
    """The installed libvirt hook."""
    etc = pathlib.Path("/etc") if prefix() == pathlib.Path("/usr") else prefix() / "etc"
    return etc / "libvirt" / "hooks" / "qemu.d" / "50-migtune"


class Watcher:
    """A running watcher. config_text None means the installed configuration; through: a program that starts it (setpriv)."""

    def __init__(self, host, config_text=None, *, log=f"file:{LOG}", history=HISTORY, env=None, through=()):
        self._host = host
        self._history = history
        arguments = [*through, program(), "watch", "--log", log, "--run-dir", RUN_DIRECTORY]
        if config_text is not None:
            host.path(CONFIG).write_text(config_text, encoding="utf-8")
            arguments += ["--config", CONFIG]
        with open(host.path("/var/log/migtune.out"), "ab") as output:
            self.process = host.popen(*arguments, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        wait_for(f"the watcher's socket on {host.name}", self._answers, START_TIMEOUT_S)

    def _answers(self):
        if self.process.poll() is not None:
            raise LabError(f"migtune watch on {self._host.name} ended with status {self.process.returncode}: "
                           f"{last_lines(self.output()) or 'it said nothing'}")
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._host.path(f"{RUN_DIRECTORY}/migtune.sock")))
            except OSError:
                return False
        return True

    def output(self):
        """What it wrote to its log file, and to stdout and stderr (where --log stderr goes)."""
        text = ""
        for name in (LOG, "/var/log/migtune.out"):
            path = self._host.path(name)
            text += path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return text

    def records(self):
        """The outcome records in the history, oldest first."""
        path = self._host.path(self._history)
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]  # what has no end yet is being written
        return [json.loads(line) for line in lines if line.strip()]

    def wait_record(self, count=1, timeout=20.0):
        """Wait until the history has so many records, and return the last one."""
        return wait_for(f"record {count} of the watcher on {self._host.name}",
                        lambda: len(self.records()) >= count and self.records()[-1], timeout)

    def command(self, *arguments, **options):
        """Run another migtune command on the watcher's host."""
        return run(self._host.command(program(), *arguments), **options)

    def stop(self):
        """Ask it to end; returns its exit status."""
        return end(self.process, END_TIMEOUT_S)

    def kill(self):
        """End it without a chance to clean up."""
        self.process.kill()
        return self.process.wait()
