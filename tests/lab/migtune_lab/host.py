# SPDX-License-Identifier: LGPL-2.1-or-later
"""One hypervisor host: its namespaces and private directories, its libvirtd, its watcher.

A host is a network namespace (see network.py) plus mount and host-name namespaces held by a sleeping process.
Inside, /run, /etc/libvirt, /var/lib, /var/cache, /var/log, /sys, /etc/hosts are the host's own: two libvirtd
on one machine would otherwise share sockets, pid files, domain definitions and the capabilities cache.
/run/shared is one directory that both hosts see.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import uuid

from . import image, older
from .events import Events
from .process import LabError, end, last_lines, run, wait_for
from .watcher import Watcher

STATE = pathlib.Path("/run/lab")
UUID_SPACE = uuid.UUID("6d696774-756e-6520-6c61-622074657374")
PRIVATE = ("etc/libvirt", "var/lib", "var/cache", "var/log")
DAEMON_UMASK = 0o022
START_TIMEOUT_S = 30
RELOAD_S = 0.3  # nothing tells when libvirtd has reloaded

LIBVIRTD_CONF = """\
listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_group = "root"
host_uuid = "{uuid}"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
"""

# Root, no security driver, no cgroups and no mount namespace for QEMU: the lab's namespaces are the fence, and
# virtlogd, logind and udev, which the defaults want, do not exist in it.
QEMU_CONF = """\
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
stdio_handler = "file"
namespaces = [ ]
cgroup_controllers = [ ]
migration_host = "{address}"
migration_address = "{listen}"
"""

SETUP = """\
set -e
hostname {hostname}
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /sys/fs/cgroup
{libvirt}
for directory in {private}; do mount --bind {state}/$directory /$directory; done
mount --bind {state}/hosts /etc/hosts
mount --bind {state}/resolv.conf /etc/resolv.conf
mount --bind {shared} {state}/run/shared
mount --rbind {state}/run /run
echo ready
exec sleep infinity
"""


class Host:
    """A host named like its station. start() brings libvirtd up. libvirt: None: the machine's own; or see older.py."""

    def __init__(self, network, name, libvirt=None):
        self.network, self.name, self.libvirt = network, name, libvirt
        self.station = network.stations[name]
        self.hostname = f"host-{name}"
        self.uuid = str(uuid.uuid5(UUID_SPACE, name))
        self.state = STATE / name
        self.events = None
        self.libvirtd = None
        self.watcher = None
        self._holder = None
        self._libvirtd_env = {}

    @property
    def address(self):
        """The host's IPv4 address."""
        return self.station.address

    @property
    def address6(self):
        """The host's IPv6 address."""
        return self.station.address6

    def uri(self, address=None):
        """The libvirt URI under which another host reaches this one."""
        address = address or self.address
        return f"qemu+tcp://{f'[{address}]' if ':' in address else address}/system"

    def start(self, *, hook=None, libvirtd_env=None, listen="::", wait=True):
        """Make the namespaces and start libvirtd; hook is a file to install as hooks/qemu.d/50-migtune before.

        Without wait, wait_libvirtd() must follow (so that two hosts can come up at the same time).
        """
        self._make_directories(listen)
        if hook:
            self.install_hook(hook)
        setup = SETUP.format(hostname=self.hostname, private=" ".join(PRIVATE), state=self.state, shared=STATE / "shared",
                             libvirt=older.mounts(self.libvirt))
        self._holder = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.name}", "unshare", "--mount", "--uts", "--propagation", "private",
             "sh", "-c", setup], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self._holder.stdout.readline() != "ready\n":
            raise LabError(f"host {self.name}: {last_lines(self._holder.stderr.read())}")
        self.start_libvirtd(libvirtd_env, wait=wait)

    def _make_directories(self, listen):
        for directory in (*PRIVATE, "run/shared", "run/lock", "var/lib/libvirt", "var/lib/migtune", "var/log/libvirt",
                          "var/cache/libvirt"):
            (self.state / directory).mkdir(parents=True, exist_ok=True)
        (STATE / "shared").mkdir(exist_ok=True)
        names = "".join(f"{station.address} host-{name} {name}\n" for name, station in self.network.stations.items())
        (self.state / "hosts").write_text("127.0.0.1 localhost\n" + names, encoding="ascii")
        (self.state / "resolv.conf").write_text("", encoding="ascii")
        etc = self.state / "etc/libvirt"
        (etc / "libvirtd.conf").write_text(LIBVIRTD_CONF.format(uuid=self.uuid), encoding="ascii")
        (etc / "qemu.conf").write_text(QEMU_CONF.format(address=self.address, listen=listen), encoding="ascii")

    def path(self, path):
        """A path of the host as this process can open it."""
        return pathlib.Path(f"/proc/{self._holder.pid}/root") / str(path).lstrip("/")

    def command(self, *arguments):
        """The argument list that runs a program inside the host; the new process has the pid that Popen tells."""
        return ["nsenter", f"--target={self._holder.pid}", "--mount", "--uts", "--net", "--", *map(str, arguments)]

    def run(self, *arguments, **options):
        """Run a program inside the host to its end, see process.run."""
        return run(self.command(*arguments), **options)

    def popen(self, *arguments, env=None, **options):
        """Start a program inside the host; env adds to the environment."""
        return subprocess.Popen(self.command(*arguments), env={**os.environ, **(env or {})}, **options)

    def virsh(self, *arguments, **options):
        """Run virsh on this host's libvirtd and return its output."""
        return self.run("virsh", "-q", "-c", "qemu:///system", *arguments, **options).stdout.strip()

    def qmp(self, domain, command, **arguments):
        """Run a QMP command in a guest's QEMU and return what it returns, e.g. query-migrate-parameters."""
        text = json.dumps({"execute": command, "arguments": arguments} if arguments else {"execute": command})
        return json.loads(self.virsh("qemu-monitor-command", domain, text))["return"]

    def migration_connections(self, *options):
        """ss's lines of the host's connections from or to libvirt's migration ports.

        One question for either side: ss 6.1 gets "dport .. and dport .. or sport .. and sport .." wrong.
        """
        lines = []
        for side in ("dport", "sport"):
            lines += run(["ss", "-N", self.name, "-Htn", *options, "state", "established",
                          f"( {side} >= :49152 and {side} <= :49215 )"]).stdout.splitlines()
        return [line for line in lines if line.strip()]

    def break_migrations(self):
        """Reset the host's migration connections; there must be one."""
        if not self.migration_connections("-K"):
            raise LabError(f"{self.name}: no migration's connection among\n{run(['ss', '-N', self.name, '-Htn']).stdout}")

    # libvirtd

    def start_libvirtd(self, env=None, wait=True):
        """Start libvirtd (with env added to its environment, kept for later restarts) and wait until it answers."""
        self._libvirtd_env = self._libvirtd_env if env is None else env
        self._restore_capabilities()
        log = open(self.state / "var/log/libvirt/libvirtd.out", "ab")
        self.libvirtd = self.popen("libvirtd", "--listen", env=self._libvirtd_env, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, start_new_session=True, umask=DAEMON_UMASK)
        log.close()
        if wait:
            self.wait_libvirtd()

    def wait_libvirtd(self):
        """Wait until libvirtd answers, and begin to read its events."""
        wait_for(f"libvirtd on {self.name} ({self.log_tail()})", self._libvirtd_answers, START_TIMEOUT_S)
        self.events = Events(self)

    def _libvirtd_answers(self):
        if self.libvirtd.poll() is not None:
            raise LabError(f"libvirtd on {self.name} ended with status {self.libvirtd.returncode}: {self.log_tail()}")
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.path("/run/libvirt/libvirt-sock")))
            except OSError:
                return False
        return self.run("virsh", "-q", "-c", "qemu:///system", "version", check=False).returncode == 0

    def stop_libvirtd(self, kill=False):
        """End libvirtd (kill: with SIGKILL); guests go on running."""
        if self.events:
            self.events.close()
            self.events = None
        if kill:
            self.libvirtd.kill()
            self.libvirtd.wait()
        else:
            end(self.libvirtd)

    def restart_libvirtd(self, kill=False):
        """Stop and start libvirtd."""
        self.stop_libvirtd(kill)
        self.start_libvirtd()

    def reload_libvirtd(self):
        """Make libvirtd read its configuration again, and look for hooks."""
        self.libvirtd.send_signal(signal.SIGHUP)
        time.sleep(RELOAD_S)

    def log_tail(self):
        """The last lines libvirtd logged, as one line."""
        text = ""
        for name in ("libvirtd.log", "libvirtd.out"):
            path = self.state / "var/log/libvirt" / name
            text += path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return last_lines(text) or "it logged nothing"

    def _capabilities(self):
        return self.state / "var/cache/libvirt/qemu/capabilities"

    def _saved_capabilities(self):
        return image.cache_directory() / f"capabilities{f'-{self.libvirt}' if self.libvirt else ''}"

    def _restore_capabilities(self):
        """Probing QEMU takes a second at each first use: libvirtd's own cache of it is kept beside the guest's kernel."""
        saved = self._saved_capabilities()
        if saved.is_dir() and not self._capabilities().exists():
            shutil.copytree(saved, self._capabilities())

    def save_capabilities(self):
        """Keep libvirtd's cache of QEMU's capabilities for the next lab; libvirtd itself knows when it is stale."""
        saved = self._saved_capabilities()
        for path in self._capabilities().glob("*.xml"):
            kept = saved / path.name
            if not kept.exists() or kept.read_bytes() != path.read_bytes():
                saved.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, saved / f"{path.name}.{os.getpid()}")
                os.replace(saved / f"{path.name}.{os.getpid()}", kept)

    # migtune

    def install_hook(self, hook):
        """Put a hook program where libvirtd looks for it when it starts."""
        directory = self.state / "etc/libvirt/hooks/qemu.d"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "50-migtune").unlink(missing_ok=True)
        shutil.copy(hook, directory / "50-migtune", follow_symlinks=False)  # a link stays one

    def remove_hook(self):
        """Undo install_hook."""
        (self.state / "etc/libvirt/hooks/qemu.d/50-migtune").unlink(missing_ok=True)

    def watch(self, config_text=None, **options):
        """Start `migtune watch` on this host and wait for its socket; options as in watcher.Watcher."""
        self.watcher = Watcher(self, config_text, **options)
        return self.watcher

    # what tests look at

    def snapshot(self):
        """Shaping and devices as text, for a comparison before and after."""
        return self.network.snapshot(self.name)

    def tc(self, *arguments):
        """Output of a tc command on this host."""
        return run(["tc", "-n", self.name, *arguments]).stdout

    def stop(self):
        """End what runs on the host; its namespaces go with the lab."""
        if self.watcher:
            self.watcher.stop()
        if self.libvirtd and self.libvirtd.poll() is None:
            self.save_capabilities()
            self.stop_libvirtd()
        if self._holder:
            end(self._holder)
