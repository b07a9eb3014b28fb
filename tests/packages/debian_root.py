# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clean roots of Debian releases, for building and for installing packages.

A release has two layers in build/roots: RELEASE is a minimal system with what migtune's packages depend on, and
RELEASE-build adds what building them needs. They are made once, from the mirror that this machine's own apt uses, and never
written to again: a Root is an overlay on them whose changes are in memory and go with it. Everything happens in a mount
namespace of this process (see enter()), so nothing stays mounted.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
CACHE = TREE / "build" / "roots"
LIBCONFIG = {"bookworm": "libconfig9", "trixie": "libconfig11"}
RUN_TIME = ("libjson-c5", "libnl-3-200", "libnl-route-3-200", "libsystemd0", "libvirt0", "libxml2",
            "systemd-standalone-sysusers", "systemd-standalone-tmpfiles", "passwd", "python3-minimal")
BUILD = ("build-essential", "debhelper", "meson", "pkgconf", "libconfig-dev", "libjson-c-dev", "libnl-3-dev",
         "libnl-route-3-dev", "libsystemd-dev", "libvirt-dev", "libxml2-dev", "python3")
UNREAD = [f"-oDpkg::Options::=--path-exclude=/usr/share/{name}/*" for name in ("doc", "info", "locale", "man")]
QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
MARK = "MIGTUNE_PACKAGES_NAMESPACE"
TIMEOUT_S = 600


class RootError(Exception):
    """A root cannot be made here; says why."""


def enter():
    """Go on in a mount namespace of one's own: the program is started again in it."""
    if MARK not in os.environ:
        os.environ[MARK] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])


def _do(*command, **options):
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S, check=False, **options)
    if done.returncode != 0:
        raise RootError(f"{command[0]}: {' '.join(done.stdout.split()[-40:])}")
    return done.stdout


def mirror():
    """Where this machine's apt gets Debian from."""
    lines = _do("apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)").splitlines()
    for origin, label, codename, uri in (line.split("|", 3) for line in lines):
        if origin == label == "Debian" and "-" not in codename:
            return uri
    raise RootError("apt knows no mirror of Debian")


def _make_clean(release):
    target, fresh = CACHE / release, CACHE / f"{release}.new"
    if target.exists():
        return
    if not shutil.which("mmdebstrap"):
        raise RootError("mmdebstrap is not installed")
    shutil.rmtree(fresh, ignore_errors=True)
    _do("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", "--dpkgopt=force-unsafe-io",
        '--aptopt=Acquire::Languages "none"', "--skip=cleanup/apt/lists",  # these the other layer needs as well
        f"--include={','.join((LIBCONFIG[release], *RUN_TIME))}", release, fresh, mirror())
    os.replace(fresh, target)


def _make_build(release):
    target, fresh = CACHE / f"{release}-build", CACHE / f"{release}-build.new"
    if target.exists():
        return
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    with Root(release, upper=fresh) as root:
        shutil.copy("/etc/resolv.conf", root.path / "etc/resolv.conf")
        root.run("apt-get", "-q", "update")
        root.run("apt-get", "-q", "-y", "--no-install-recommends", *UNREAD, "install", *BUILD)
        root.run("apt-get", "clean")
    os.replace(fresh, target)


def make(release):
    """Make a release's layers where they are missing."""
    CACHE.mkdir(parents=True, exist_ok=True)
    _make_clean(release)
    _make_build(release)


class Root:
    """A scratch root of a release. build: with what building needs. upper: a directory that keeps the changes."""

    def __init__(self, release, build=False, upper=None):
        self.release = release
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix=f"migtune-{release}-", dir="/run"))
        self.path = self.scratch / "root"
        lower = ([CACHE / f"{release}-build"] if build else []) + [CACHE / release]
        try:
            _do("mount", "-t", "tmpfs", "-o", "mode=755", "migtune-root", self.scratch)
            for name in ("root", "upper", "work"):
                (self.scratch / name).mkdir()
            work = self.scratch / "work"
            if upper:
                work = upper.parent / f"{upper.name}.work"
                work.mkdir(exist_ok=True)
            _do("mount", "-t", "overlay", "migtune-root", "-o",
                f"lowerdir={':'.join(map(str, lower))},upperdir={upper or self.scratch / 'upper'},workdir={work}", self.path)
            _do("mount", "-t", "proc", "proc", self.path / "proc")
            _do("mount", "-t", "tmpfs", "tmp", self.path / "tmp", "-o", "mode=1777")
        except RootError:
            self.close()
            raise
        self._work = work if upper else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Forget everything."""
        subprocess.run(["umount", "--recursive", "--lazy", self.scratch], stderr=subprocess.DEVNULL, check=False)
        if getattr(self, "_work", None):
            shutil.rmtree(self._work, ignore_errors=True)
        os.rmdir(self.scratch)

    def try_run(self, *command, env=None):
        """Run a program in the root: (status, output of both kinds)."""
        done = subprocess.run(["chroot", str(self.path), *map(str, command)], env={**QUIET, **(env or {})},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=TIMEOUT_S, check=False)
        return done.returncode, done.stdout

    def run(self, *command, env=None):
        """Run a program in the root that must succeed; returns its output."""
        status, output = self.try_run(*command, env=env)
        if status != 0:
            raise RootError(f"{self.release}: {command[0]} ended with {status}: {output[-3000:]}")
        return output

    def put(self, path, into):
        """Copy a file into a directory of the root, made if need be; returns its path in the root."""
        target = self.path / into.lstrip("/")
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        return f"{into}/{pathlib.Path(path).name}"

    def files(self):
        """Every file with type, mode, owner, and content or target: {path: description}."""
        found = {}
        for directory, directories, names in os.walk(self.path):
            place = pathlib.Path(directory)
            if place == self.path:
                directories[:] = [name for name in directories if name not in ("proc", "sys", "dev", "tmp")]
            for name in (*directories, *names):
                path = place / name
                status = path.lstat()
                kind = (oct(status.st_mode), status.st_uid, status.st_gid)
                if path.is_symlink():
                    kind += (os.readlink(path),)
                elif path.is_file():
                    kind += (status.st_size, path.read_bytes() if status.st_size < 1 << 16 else int(status.st_mtime))
                found["/" + str(path.relative_to(self.path))] = kind
        return found
