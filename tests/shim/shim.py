# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a caller under the preload shim, and gathers what each side of it saw."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402, F401

BOUND_S = 60.0  # no promise: what would hang here hangs for ever
LIVE, P2P, POSTCOPY, COMPRESSED = 1, 2, 1 << 15, 1 << 11
AUTO_CONVERGE, PARALLEL, OFFLINE, RESUME = 1 << 13, 1 << 17, 1 << 10, 1 << 19
ENDED, RETRIED, MAX_DOWNTIME, MAX_SPEED, POST_COPY, ABORT, SUSPEND = range(1, 8)


def sanitizer_of(path):
    """A sanitizer's run-time library that must come before anything else that is preloaded; or none."""
    done = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    return [line.split("=>")[1].split()[0] for line in done.stdout.splitlines() if "libasan" in line and "=>" in line]


class Result:
    """What came of a run: exit status, standard output and error, and the lines of the three logs."""

    def __init__(self, done, directory):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.fake, self.mock, self.shim = (lines_of(os.path.join(directory, name)) for name in ("fake", "mock", "shim"))

    def __repr__(self):
        return f"status {self.status}\n" + "\n".join(
            f"{name}: {value}" for name, value in vars(self).items() if name != "status")

    def asked(self):
        """The plugin's advise() lines."""
        return [line for line in self.mock if line.startswith("advise ")]

    def reports(self):
        """(what, result) of each of the plugin's report() lines."""
        return [(int(line.split()[1]), int(line.split("result=")[1].split()[0])) for line in self.mock
                if line.startswith("report ")]

    def seen(self):
        """What the caller and libvirt saw: all that must not depend on a shim that does nothing."""
        return self.status, self.out, self.err, self.fake


def lines_of(path):
    """A file's lines; a missing one has none."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


class Shim:
    """The shim, a plugin for it, and a program to preload it into."""

    def __init__(self, shim, plugin, program):
        self.shim, self.plugin, self.program = shim, plugin, program

    def run(self, *commands, preload=True, plugin=None, program=None, uri="fake:///", domain="vm", **settings):
        """Runs the program with the commands; {dir} is the directory of the logs. Settings become variables."""
        with tempfile.TemporaryDirectory() as directory:
            environment = {key: value for key, value in os.environ.items()
                           if not key.startswith(("MIGTUNE_", "MOCK_", "ALONE_", "FAKE_", "LD_LIBRARY_PATH"))}
            environment.update(MIGTUNE_PLUGIN=plugin or self.plugin, MIGTUNE_SHIM_LOG=f"file:{directory}/shim",
                               MOCK_LOG=f"{directory}/mock", FAKE_LOG=f"{directory}/fake", LC_ALL="C",
                               MIGTUNE_SHIM_TIMEOUT_MS="30000")  # a machine that stands still for seconds fails no test
            environment.update({key: str(value).replace("{dir}", directory) for key, value in settings.items()})
            if preload:
                environment["LD_PRELOAD"] = ":".join([*sanitizer_of(self.shim), self.shim])
            program = program or [self.program]
            done = subprocess.run([*program, uri, domain, *(c.replace("{dir}", directory) for c in commands)],
                                  env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=BOUND_S, check=False)
            if "Sanitizer" in done.stderr:
                sys.exit(f"{program} {commands}:\n{done.stderr}")
            result = Result(done, directory)
            if "signals are not blocked" in result.mock:
                sys.exit("the plugin's thread would take the program's signals")
            return result
