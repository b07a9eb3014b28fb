# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab's network: hosts, a cable each, one switch.

    host a: br0 -- eth0 ===[ cable-a ]=== port-a --+
    host b: br0 -- eth0 ===[ cable-b ]=== port-b --+-- switch
    client:        eth0 ===[ cable-client ]=== port-client --+
   (host c, like a and b, where a test wants a third one)

Every name is a network namespace. A cable is a bridge of two veths with a token bucket on both, so both directions
run at the link's rate and queue there, and the host's own device stays free for the shaping under test. On a and b
the address sits on br0, the guests' taps join br0, and eth0 is the uplink where guests' and migration's traffic meet.
The client's cable has no limit, unless asked: it stands for many peers.
"""
from .process import run

LINK_RATE = "1gbit"
QUEUE_BYTES = 1_000_000  # what a switch port buffers: 8 ms at 1 Gbit/s
BURST_BYTES = 131_072  # more than the largest (64 KiB) segment, which the bucket would split at some cost
PREFIX, PREFIX6 = "10.77.0", "fd77:"


class Station:
    """One place in the network: its namespace, addresses, and whether it has a bridge."""

    def __init__(self, name, number, rate, has_bridge):
        self.name, self.number, self.rate, self.has_bridge = name, number, rate, has_bridge
        self.address = f"{PREFIX}.{number}"
        self.address6 = f"{PREFIX6}:{number}"
        self.mac = f"52:54:00:77:01:{number:02x}"
        self.cable = f"cable-{name}"
        self.port = f"port-{name}"


def _ip(namespace, *lines):
    """Several `ip` commands in one process."""
    run(["ip", "-n", namespace, "-batch", "-"], stdin="\n".join(lines) + "\n")


class Network:
    """Builds the network; everything disappears with the lab's namespaces, so nothing takes it down."""

    def __init__(self, rate=LINK_RATE, client_rate=None, third=False):
        self.a = Station("a", 1, rate, True)
        self.b = Station("b", 2, rate, True)
        self.client = Station("client", 3, client_rate, False)
        more = [Station("c", 4, rate, True)] if third else []
        self.stations = {station.name: station for station in (self.a, self.b, self.client, *more)}

    def up(self):
        """Create the namespaces, devices and addresses."""
        names = ["switch"]
        for station in self.stations.values():
            names += [station.name, station.cable]
        for name in names:
            run(["ip", "netns", "add", name])
        _ip("switch", "link set lo up", "link add switch0 type bridge stp_state 0 forward_delay 0", "link set switch0 up")
        for station in self.stations.values():
            self._attach(station)

    def _attach(self, station):
        cable = station.cable
        _ip(cable,
            "link set lo up",
            f"link add near type veth peer name eth0 address {station.mac} netns {station.name}",
            f"link add far type veth peer name {station.port} netns switch",
            "link add cable0 type bridge stp_state 0 forward_delay 0",
            "link set near master cable0", "link set far master cable0",
            "link set near up", "link set far up", "link set cable0 up")
        _ip("switch", f"link set {station.port} master switch0", f"link set {station.port} up")
        if station.has_bridge:
            _ip(station.name, "link set lo up",
                f"link add br0 address {station.mac} type bridge stp_state 0 forward_delay 0",
                "link set eth0 master br0", "link set eth0 up", "link set br0 up")
        else:
            _ip(station.name, "link set lo up", "link set eth0 up")
        device = "br0" if station.has_bridge else "eth0"
        _ip(station.name, f"addr add {station.address}/24 dev {device}",
            f"addr add {station.address6}/64 dev {device} nodad")
        if station.rate:
            self.set_rate(station.name, station.rate)

    def set_rate(self, name, rate):
        """Give a station's cable another rate (tc's notation), both ways."""
        station = self.stations[name]
        for device in ("near", "far"):
            run(["tc", "-n", station.cable, "qdisc", "replace", "dev", device, "root", "tbf",
                 "rate", rate, "burst", str(BURST_BYTES), "limit", str(QUEUE_BYTES)])
        station.rate = rate

    def cut(self, name):
        """Interrupt a station's cable; the station's own device keeps its carrier, as behind a broken switch."""
        run(["ip", "-n", self.stations[name].cable, "link", "set", "far", "down"])

    def mend(self, name):
        """Undo cut."""
        run(["ip", "-n", self.stations[name].cable, "link", "set", "far", "up"])

    def snapshot(self, name):
        """The shaping and the devices of a station as text, for a comparison before and after (no counters, no taps)."""
        parts = []
        for what in ("qdisc", "class"):
            parts.append(run(["tc", "-n", name, what, "show"]).stdout)
        for device in self.devices(name):  # a device that goes meanwhile has no filters
            parts.append(run(["tc", "-n", name, "filter", "show", "dev", device], check=False).stdout)
        parts.append("\n".join(self.devices(name)))
        return "\n".join(line for part in parts for line in part.splitlines() if " vnet" not in f" {line}")

    def devices(self, name):
        """Names of a station's devices, without the guests' taps."""
        lines = run(["ip", "-n", name, "-br", "link", "show"]).stdout.splitlines()
        names = [line.split()[0].partition("@")[0] for line in lines]
        return sorted(device for device in names if not device.startswith("vnet"))
