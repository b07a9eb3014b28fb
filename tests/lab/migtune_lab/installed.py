# SPDX-License-Identifier: LGPL-2.1-or-later
"""migtune as its Debian packages put it on a host: laid over this machine's /usr and /etc, in the lab's own mounts.

The packages are those that tests/packages/test_deb.py leaves in build/packages/RELEASE; a container is one of its clean
roots in build/roots with the packages of that release laid over it.
"""
import os
import pathlib
import platform

from .image import SOURCE_ROOT
from .process import run

PLACE = pathlib.Path("/run/installed")
CONTAINER = pathlib.Path("/mnt")  # a host of the lab has a /run of its own
PACKAGES = ("migtune", "migtune-libvirtd", "migtune-nova", "migtune-dev")
SANDBOX = SOURCE_ROOT / "tests" / "packages" / "sandbox.py"
# A container as kolla makes one: a root and few powers of its own, and the host's network, processes, /run and state.
ENTER = """\
set -e
for shared in proc sys run var/lib var/log; do mount --rbind /$shared {root}/$shared; done
exec chroot {root} setpriv --bounding-set=-all,+net_admin,+sys_ptrace --inh-caps=-all --no-new-privs "$@"
"""


def packages(release):
    """The packages built for a release, [] when there are none."""
    found = [path for name in PACKAGES for path in (SOURCE_ROOT / "build" / "packages" / release).glob(f"{name}_*.deb")]
    return found if len(found) == len(PACKAGES) else []


def machine_release():
    """The name of the release that this machine runs."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def clean_root(release):
    """A clean root of the release; None when there is none."""
    path = SOURCE_ROOT / "build" / "roots" / release
    return path if path.is_dir() else None


def unpack(release, place):
    """The packages' files below a directory; /lib is what it is on the host, a link to /usr/lib."""
    place.mkdir(parents=True)
    (place / "usr/lib").mkdir(parents=True)
    (place / "lib").symlink_to("usr/lib")
    for path in packages(release):
        run(["sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | tar -C "$2" --extract --keep-directory-symlink', "sh", str(path),
             str(place)])


def lay_over(lower, upper, target):
    """Show upper's files over lower's at target; changes are forgotten."""
    scratch = PLACE / "changes" / str(target).strip("/").replace("/", "-")
    for name in ("up", "work"):
        (scratch / name).mkdir(parents=True)
    run(["mount", "-t", "overlay", "lab", "-o",
         f"lowerdir={upper}:{lower},upperdir={scratch / 'up'},workdir={scratch / 'work'}", str(target)])


def on_this_machine():
    """Lay the packages over /usr and /etc, and let the lab use them. For the processes of the lab alone."""
    unpack(machine_release(), PLACE / "files")
    for directory in ("/usr", "/etc"):
        lay_over(directory, PLACE / "files" / directory.strip("/"), directory)
    os.environ["MIGTUNE_LAB_PREFIX"] = "/usr"


def before_removal():
    """The text of the script that dpkg runs before it removes the package migtune."""
    control = PLACE / "control"
    run(["dpkg-deb", "--control", str(packages(machine_release())[0]), str(control)])
    return (control / "prerm").read_text(encoding="utf-8")


def unit():
    """The service's unit, as installed."""
    return "/usr/lib/systemd/system/migtune.service"


def as_the_service():
    """What starts a program with the rights that the unit gives; the lab's own log is beside that."""
    return (SANDBOX, unit(), "--writable", "/var/log", "--")


def make_container(release):
    """A container's root with a release's packages, for hosts that start later; returns what starts a program there."""
    unpack(release, PLACE / "container")
    lay_over(clean_root(release), PLACE / "container", CONTAINER)
    return ("unshare", "--mount", "sh", "-c", ENTER.format(root=CONTAINER), "container")
