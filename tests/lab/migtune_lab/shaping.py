# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tc says about migtune's classes, read by tc's own program: an eye that is not ours."""
import collections
import re

MAJOR = "4d54"
INNER, DEFAULT = f"{MAJOR}:1", f"{MAJOR}:fffe"

# Rates in Mbit/s; sent: bytes so far.
Class = collections.namedtuple("Class", "device id rate ceil prio sent")

_CLASS = re.compile(r"^class htb (\S+) .*?(?:prio (\d+) )?rate (\S+) ceil (\S+) ")
_SENT = re.compile(r"^ Sent (\d+) bytes")
_UNITS = {"bit": 1e-6, "Kbit": 1e-3, "Mbit": 1.0, "Gbit": 1e3}


def mbit(text):
    """tc's notation of a rate as Mbit/s."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(\w+)", text)
    return float(match[1]) * _UNITS[match[2]]


def classes(host, device):
    """The HTB classes of a device as {id: Class}."""
    found = {}
    current = None
    for line in host.tc("-s", "class", "show", "dev", device).splitlines():
        match = _CLASS.match(line)
        if match:
            current = Class(device, match[1], mbit(match[3]), mbit(match[4]), int(match[2] or 0), 0)
            found[current.id] = current
            continue
        match = _SENT.match(line)
        if match and current:
            found[current.id] = current._replace(sent=int(match[1]))
            current = None
    return found


def migrations(host, device="eth0"):
    """The classes of migrations on a device, without the inner and the default class."""
    found = classes(host, device)
    return {number: entry for number, entry in found.items()
            if number.startswith(MAJOR) and number not in (INNER, DEFAULT)}


def ifbs(host):
    """The names of migtune's own ifb devices on a host."""
    return [device for device in host.network.devices(host.name) if device.startswith("mtifb")]
