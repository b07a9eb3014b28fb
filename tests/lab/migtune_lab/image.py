# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest boots: Debian's cloud kernel and an initramfs of busybox, our workload and the network driver.

The kernel comes from the machine's own apt sources, is unpacked (not installed) and kept in a cache directory:
MIGTUNE_LAB_CACHE, by default build/lab-cache in the source tree. The lab's namespaces reach no other network, so
tests/lab/enter calls prepare() before it makes them; when the cache is filled that costs a few milliseconds.
"""
import fcntl
import hashlib
import os
import pathlib
import shutil
import tempfile

from .process import LabError, run

LAB_DIRECTORY = pathlib.Path(__file__).resolve().parent.parent
SOURCE_ROOT = LAB_DIRECTORY.parent.parent
GUEST_SOURCES = LAB_DIRECTORY / "guest"
KERNEL_PACKAGE = "linux-image-cloud-amd64"
MODULES = ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
           "failover", "net_failover", "virtio_net")


def cache_directory():
    """Where the kernel and the initramfs are kept."""
    return pathlib.Path(os.environ.get("MIGTUNE_LAB_CACHE") or SOURCE_ROOT / "build" / "lab-cache")


def kernel():
    """The guest's kernel."""
    return cache_directory() / "vmlinuz"


def initramfs():
    """The guest's initramfs; its name changes with its sources."""
    digest = hashlib.sha256()
    for name in ("init", "workload.c"):
        digest.update((GUEST_SOURCES / name).read_bytes())
    return cache_directory() / f"initramfs-{digest.hexdigest()[:12]}.cpio"


def prepare():
    """Fill the cache, if need be."""
    if kernel().exists() and initramfs().exists():
        return
    cache_directory().mkdir(parents=True, exist_ok=True)
    with open(cache_directory() / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kernel().exists():
            _fetch_kernel()
        if not initramfs().exists():
            _build_initramfs()


def unpack(packages, scratch):
    """Fetch packages with apt and unpack them into the directory `tree` of a scratch directory."""
    fetch = ["sh", "-c", f"cd {scratch} && apt-get -q -o APT::Sandbox::User=root download {' '.join(packages)}"]
    if run(fetch, check=False, timeout=300).returncode != 0:
        run(["apt-get", "-q", "update"], timeout=300)  # an old list names packages that are gone
        run(fetch, timeout=300)
    for package in scratch.glob("*.deb"):
        run(["dpkg", "-x", str(package), str(scratch / "tree")], timeout=120)


def _fetch_kernel():
    depends = run(["apt-cache", "depends", KERNEL_PACKAGE], check=False).stdout
    packages = [line.split()[1] for line in depends.splitlines() if line.strip().startswith("Depends: linux-image")]
    if not packages:
        raise LabError(f"no guest kernel: apt does not know {KERNEL_PACKAGE}; run packaging/install-deps")
    with tempfile.TemporaryDirectory(dir=cache_directory()) as name:
        scratch = pathlib.Path(name)
        unpack(packages[:1], scratch)
        modules = cache_directory() / "modules"
        modules.mkdir(exist_ok=True)
        for module in MODULES:
            found = list((scratch / "tree").rglob(f"{module}.ko"))
            if not found:
                raise LabError(f"the kernel package {packages[0]} has no module {module}")
            shutil.copy(found[0], modules)
        image = next((scratch / "tree" / "boot").glob("vmlinuz-*"))
        os.replace(shutil.copy(image, scratch / "vmlinuz"), kernel())


def _build_initramfs():
    with tempfile.TemporaryDirectory(dir=cache_directory()) as name:
        root = pathlib.Path(name) / "root"
        for directory in ("bin", "dev", "modules", "proc", "sys"):
            (root / directory).mkdir(parents=True)
        shutil.copy(shutil.which("busybox") or "/bin/busybox", root / "bin" / "busybox")
        for applet in ("sh", "mount", "insmod", "ip", "cat", "arp"):
            (root / "bin" / applet).symlink_to("busybox")
        for module in MODULES:
            shutil.copy(cache_directory() / "modules" / f"{module}.ko", root / "modules")
        shutil.copy(GUEST_SOURCES / "init", root / "init")
        os.chmod(root / "init", 0o755)
        run(["gcc", "-O2", "-static", "-o", str(root / "workload"), str(GUEST_SOURCES / "workload.c")], timeout=120)
        archive = pathlib.Path(name) / "initramfs"
        run(["sh", "-c", f"cd {root} && find . | cpio --quiet -o -H newc >{archive}"])
        os.replace(archive, initramfs())


if __name__ == "__main__":
    prepare()
