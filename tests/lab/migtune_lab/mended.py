# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd 11.2 and 11.3 crash on a destination when a failed post-copy is resumed: the lab's own cure, to test the rest."""
import hashlib

from . import image
from .process import run

CRASHES = ((11, 2), (11, 3))


def version():
    """The installed libvirtd's (major, minor)."""
    words = run(["libvirtd", "--version"]).stdout.split()
    return tuple(int(part) for part in words[-1].split(".")[:2])


def is_needed():
    """Would the installed libvirtd crash?"""
    return version() in CRASHES


def env():
    """What to add to a libvirtd's environment so that it does not, see plugin/mended_resume.c."""
    if not is_needed():
        return {}
    source = image.LAB_DIRECTORY / "plugin" / "mended_resume.c"
    library = image.cache_directory() / f"mended-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}.so"
    if not library.exists():
        run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-o", str(library), str(source)])
    return {"LD_PRELOAD": str(library)}
