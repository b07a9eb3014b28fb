# SPDX-License-Identifier: LGPL-2.1-or-later
"""Other clients than virsh that start a migration, and the shim that is preloaded into any of them."""
import collections
import contextlib
import datetime
import hashlib
import json
import re

from . import image
from .migrate import Migration
from .process import LabError, run
from .watcher import RUN_DIRECTORY, SHIM_LOG, prefix

PYTHON = "/usr/bin/python3"  # the one that the distribution's python3-libvirt and python3-nova belong to
NOVA_LOG = "/var/log/nova.log"

# 2026-01-31 12:00:00.123 124 INFO nova.virt.libvirt.migration [...] Increasing downtime to 50 ms after 0 sec elapsed time
_STEP = re.compile(r"^(\S+ \S+) .*Increasing downtime to (\d+) ms", re.MULTILINE)

Step = collections.namedtuple("Step", "time downtime_ms")


def shim_file():
    """The installed shim."""
    path = prefix() / "lib" / "migtune" / "migtune-shim.so"
    if not path.exists():
        raise LabError(f"there is no {path}: this needs migtune with its shim")
    return path


def shim_env(**more):
    """The environment of a program under the shim."""
    return {"LD_PRELOAD": str(shim_file()), "MIGTUNE_RUN_DIR": RUN_DIRECTORY, "MIGTUNE_SHIM_LOG": f"file:{SHIM_LOG}", **more}


class Advice:
    """A plugin that advises what a test wants, see plugin/advice.c, for programs on one host."""

    FILE = "/run/advice"

    def __init__(self, host):
        self._host = host
        source = image.LAB_DIRECTORY / "plugin" / "advice.c"
        digest = hashlib.sha256(source.read_bytes() + (prefix() / "include/migtune/plugin.h").read_bytes()).hexdigest()
        self._plugin = image.cache_directory() / f"advice-{digest[:12]}.so"
        if not self._plugin.exists():
            run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-I", str(prefix() / "include"), "-o", str(self._plugin),
                 str(source)])
        self.give()

    def env(self):
        """The environment of a program under the shim with this plugin."""
        return shim_env(MIGTUNE_PLUGIN=str(self._plugin), MIGTUNE_LAB_ADVICE=self.FILE)

    def give(self, **members):
        """What to advise from now on, and what to forget of the past."""
        self._host.path(self.FILE + ".log").unlink(missing_ok=True)
        text = "".join(f"{name}={value}\n" for name, value in members.items())
        self._host.path(self.FILE).write_text(text, encoding="ascii")

    def heard(self, kind):
        """The questions ("advise") or reports ("report") since then, without that word."""
        with contextlib.suppress(FileNotFoundError):
            lines = self._host.path(self.FILE + ".log").read_text(encoding="utf-8").splitlines()
            return [line.partition(" ")[2] for line in lines if line.startswith(kind)]
        return []


class NovaMigration(Migration):
    """A live migration by nova's own code, see nova_migrate.py; start(), abort(), force_complete(), finish().

    call: "driver" (the libvirt driver's operation and monitor) or "guest" (Guest.migrate alone). options: of the group
    [libvirt] of nova.conf.
    """

    def __init__(self, lab, guest, target=None, *, call="driver", options=None, paused=False, destination=None, **keys):
        super().__init__(lab, guest, target or lab.other(guest.host), **keys)
        self._job = {"call": call, "name": guest.name, "uuid": guest.uuid, "memory_mib": guest.memory_mib,
                     "destination": destination or self.target.hostname, "options": options or {}, "log": NOVA_LOG,
                     "paused": paused}

    def command(self):
        """See Migration."""
        self.source.path(NOVA_LOG).unlink(missing_ok=True)
        return [PYTHON, image.LAB_DIRECTORY / "nova_migrate.py", json.dumps(self._job)]

    def abort(self):
        """As the operator's request to abort the migration arrives at the driver."""
        self.tell("abort")

    def force_complete(self):
        """Likewise, to complete it."""
        self.tell("force-complete")

    def log(self):
        """nova's own log."""
        path = self.source.path(NOVA_LOG)
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def steps(self):
        """The downtime limits that nova set (or believes to have set), in order."""
        return [Step(datetime.datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f").timestamp(), int(downtime))
                for stamp, downtime in _STEP.findall(self.log())]

    def said(self):
        """What nova_migrate.py told, without times: [(event, ...)]; complete after finish()."""
        events = [json.loads(line) for line in self.output.splitlines()]
        return [tuple(event[key] for key in event if key != "time") for event in events]


class PythonMigration(Migration):
    """A live migration by a Python program with libvirt's own binding, see libvirt_calls.py for all the words.

    call: [method of virDomain, argument, ...]. meanwhile: calls of another thread of the same program.
    """

    def __init__(self, lab, guest, target=None, *, call, meanwhile=(), after_s=None, **keys):
        super().__init__(lab, guest, target or lab.other(guest.host), **keys)
        self._call, self._meanwhile, self._after_s = call, meanwhile, after_s

    def command(self):
        """See Migration."""
        return python_calls(self.guest.name, self.target.uri(), [self._call], meanwhile=self._meanwhile,
                            after_s=self._after_s)

    def said(self):
        """What the calls returned or raised; complete after finish()."""
        return json.loads(self.output)


def python_calls(domain, uri, calls, **more):
    """The command that makes libvirt calls on a domain from Python."""
    job = {"domain": domain, "uri": uri, "calls": calls, **more}
    return [PYTHON, image.LAB_DIRECTORY / "libvirt_calls.py", json.dumps(job)]
