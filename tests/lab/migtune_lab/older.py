# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt 9.0, Debian 12's own, for hosts that are to have an older one than the machine.

Its packages come from the machine's own apt sources, are unpacked (not installed) beside the guest's kernel, see image.py,
and are laid over /usr in a host's mount namespace: all that runs there, virsh and the watcher included, finds 9.0 where
the machine's is installed. QEMU stays the machine's.
"""
import fcntl
import os
import pathlib
import platform
import tempfile

from . import image
from .process import LabError, last_lines

VERSION = "9.0"
RELEASE = "bookworm"
# libyajl2: later versions do without, so nothing may have brought it to the machine.
PACKAGES = ("libvirt0", "libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients", "libyajl2")
_OBSTACLE = "MIGTUNE_LAB_NO_LIBVIRT"  # in the environment of what runs inside


def _tree():
    return image.cache_directory() / f"libvirt-{VERSION}"


def prepare():
    """Fetch it, if need be; where that cannot be, missing() tells why from then on, and in programs started from here."""
    os.environ.pop(_OBSTACLE, None)
    if _tree().exists():
        return
    try:
        if platform.freedesktop_os_release().get("VERSION_CODENAME") != RELEASE:
            raise LabError(f"the packages are those of Debian {RELEASE}, which this machine does not run")
        image.cache_directory().mkdir(parents=True, exist_ok=True)
        with open(image.cache_directory() / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _tree().exists():
                _fetch()
    except (LabError, OSError) as error:
        os.environ[_OBSTACLE] = last_lines(str(error)).rpartition("; ")[2]


def _fetch():
    with tempfile.TemporaryDirectory(dir=image.cache_directory()) as name:
        image.unpack([f"{package}/{RELEASE}" for package in PACKAGES], pathlib.Path(name))
        os.rename(pathlib.Path(name) / "tree", _tree())


def missing():
    """Why there is none, or None where it is."""
    if _tree().exists():
        return None
    return f"no libvirt {VERSION}: {os.environ.get(_OBSTACLE, 'it was not fetched')}"


def mounts(version):
    """Shell commands that make this version a host's libvirt; None: the one that is installed."""
    if version is None:
        return ""
    if version != VERSION or missing():
        raise LabError(missing() or f"the lab has no libvirt {version}, only {VERSION}")
    (drivers,) = (_tree() / "usr" / "lib").glob("*/libvirt")
    return (f"mount -t overlay -o lowerdir={_tree()}/usr:/usr libvirt-{VERSION} /usr\n"
            f"mount --bind {drivers} /{drivers.relative_to(_tree())}  # without the machine's newer drivers\n")
