# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of the lab: what it does with its memory, its definition, its life."""
import dataclasses
import itertools
import socket
import uuid

from . import image, namespace
from .network import PREFIX, PREFIX6
from .process import LabError, wait_for

PAGE_BITS = 4096 * 8
CONTROL_PORT = 7002
FIRST_ADDRESS = 100
BOOT_TIMEOUT_S = 90
OBEY_TIMEOUT_S = 20
UUID_SPACE = uuid.UUID("6d696774-756e-6520-6775-657374000000")

DOMAIN_XML = """\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  {metadata}
  <memory unit='MiB'>{memory_mib}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initramfs}</initrd>
    <cmdline>console=ttyS0 quiet mitigations=off no_timer_check {parameters}</cmdline>
  </os>
  <features><acpi/></features>
  <clock offset='utc'/>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <serial type='file'><source path='/var/log/libvirt/{name}.console' append='on'/></serial>
    <interface type='bridge'>
      <mac address='{mac}'/>
      <source bridge='br0'/>
      <model type='virtio'/>
      <rom enabled='no'/>
    </interface>
    <memballoon model='none'/>
  </devices>
</domain>
"""


@dataclasses.dataclass(frozen=True)
class Workload:
    """What a guest does with its memory.

    pattern: "idle"; "uniform": mbit_per_s of distinct pages over size_mib; "hot": 95 % of the writes on the first
    hot_mib of them; "bursty": uniform for on_ms, nothing for off_ms, and so on. touched_mib are filled once at the
    boot (size_mib is at most that), with incompressible data unless compressible; both hold for the guest's life.
    The rate counts whole pages, as dirty rates do: 100 Mbit/s are 3052 pages written in each second.
    """
    pattern: str = "uniform"
    mbit_per_s: float = 100
    size_mib: int = 256
    hot_mib: int = 0
    on_ms: int = 1000
    off_ms: int = 1000
    touched_mib: int = 256
    compressible: bool = False
    verify_mib_per_s: float = 0  # all of what was touched is read and compared, over and over

    def parameters(self):
        """The words the guest's program understands."""
        values = {
            "pattern": self.pattern, "rate": round(self.mbit_per_s * 1e6 / PAGE_BITS), "size": self.size_mib,
            "hot": self.hot_mib, "on": self.on_ms, "off": self.off_ms, "touched": self.touched_mib,
            "contents": "text" if self.compressible else "random", "verify": round(self.verify_mib_per_s * 256),
        }
        return values


class Guest:
    """A guest; `host` is where it runs (migrate() keeps that up to date). Numbers tell addresses apart."""

    def __init__(self, client, name="guest", number=1, *, memory_mib=1024, workload=Workload(), metadata=""):
        self.client, self.name, self.memory_mib, self.workload = client, name, memory_mib, workload
        self.address = f"{PREFIX}.{FIRST_ADDRESS + number}"
        self.uuid = str(uuid.uuid5(UUID_SPACE, name))
        self.mac = f"52:54:00:77:02:{number:02x}"
        self.metadata = f"<metadata>{metadata}</metadata>" if metadata else ""
        self.host = None
        self._address6 = f"{PREFIX6}:{FIRST_ADDRESS + number}"
        self._configurations = itertools.count(1)

    def xml(self):
        """The libvirt definition."""
        station = self.client.station
        words = {**self.workload.parameters(), "ip": f"{self.address}/24", "ip6": f"{self._address6}/64",
                 "client": station.address, "client_mac": station.mac}
        return DOMAIN_XML.format(
            name=self.name, uuid=self.uuid, metadata=self.metadata, memory_mib=self.memory_mib, mac=self.mac,
            kernel=image.kernel(), initramfs=image.initramfs(),
            parameters=" ".join(f"lab.{name}={value}" for name, value in words.items()))

    def start(self, host, *, persistent=False, wait=True):
        """Start the guest on a host; with wait, until its heartbeats come."""
        definition = host.path(f"/run/{self.name}.xml")
        definition.write_text(self.xml(), encoding="utf-8")
        if persistent:
            host.virsh("define", f"/run/{self.name}.xml")
            host.virsh("start", self.name)
        else:
            host.virsh("create", f"/run/{self.name}.xml")
        self.host = host
        if wait:
            self.wait_running()
        return self

    def wait_running(self):
        """Wait for heartbeats that arrive from now on."""
        before = self.client.count(self.address)
        try:
            wait_for(f"heartbeats of {self.name}", lambda: self.client.count(self.address) > before + 20, BOOT_TIMEOUT_S)
        except LabError as error:
            raise LabError(f"{error} (console: {self.console_tail()})") from error

    def console_tail(self):
        """The last lines of the guest's console, as one line."""
        path = self.host.path(f"/var/log/libvirt/{self.name}.console")
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return "; ".join(text.strip().splitlines()[-3:]) or "empty"

    def work(self, **changes):
        """Change the workload while the guest runs (not touched_mib, compressible); returns when the guest obeys."""
        self.workload = dataclasses.replace(self.workload, **changes)
        configuration = next(self._configurations)
        words = {"config": configuration, **self.workload.parameters()}
        del words["touched"], words["contents"]
        text = " ".join(f"{name}={value}" for name, value in words.items())
        with namespace.inside(self.client.station.name):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

        def obeyed():
            sender.sendto(text.encode("ascii"), (self.address, CONTROL_PORT))
            last = self.client.last(self.address)
            return last and last.config == configuration
        with sender:
            wait_for(f"{self.name} to take a new workload", obeyed, OBEY_TIMEOUT_S, step=0.05)

    def dirty_rate(self, seconds=1.0):
        """What the guest really writes, in Mbit/s of whole pages, over the last seconds."""
        return self.dirty_rate_in(self.client.now() - seconds, self.client.now())

    def dirty_rate_in(self, start, end):
        """Likewise in a span of time (time.time())."""
        beats = self.client.beats(self.address, start, end)
        if len(beats) < 2:
            return 0.0
        return (beats[-1].pages - beats[0].pages) * PAGE_BITS / 1e6 / (beats[-1].time - beats[0].time)

    def check_memory(self, mib_per_s=64.0, timeout=60.0):
        """Have the guest compare all of its memory once: the number of pages that are not as they should be."""
        pages = self.workload.touched_mib * 256
        self.work(verify_mib_per_s=mib_per_s)
        before = self.client.last(self.address).verified
        wait_for(f"{self.name} to compare its memory", lambda: self.client.last(self.address).verified > before + pages, timeout)
        self.work(verify_mib_per_s=0)
        return self.client.last(self.address).corrupt

    def state(self, host=None):
        """libvirt's word for the guest's state on a host ("" where it is unknown)."""
        return (host or self.host).virsh("domstate", self.name, check=False)

    def destroy(self):
        """End the guest at once."""
        self.host.virsh("destroy", self.name, check=False)
        self.host = None
