#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Migrations with what the Debian packages install, with the rights the service has; beside an update; in a container.

Run as: tests/lab/enter tests/lab/test_installed.py, after tests/packages/test_deb.py has built the packages
"""
import functools
import os
import pathlib
import re
import shutil

from migtune_lab import Lab, Workload, installed, shaping
from migtune_lab.bench import Bench, settings
from migtune_lab.cases import Cases
from migtune_lab.process import wait_for
from migtune_lab.watcher import hook_file, program

CONFIG = settings(urgency="low", strategy="min-bandwidth", min_bandwidth="24MiB/s")
CONTAINER_RELEASE = "trixie"
PROGRAMS = ("/usr/bin/migtune", "/usr/sbin/migtune-hook")


def copying(bench):
    """A migration that has been copying for a second."""
    migration = bench.lab.migration(bench.guest).start()
    bench.copying(migration, 1.0)
    return migration


def tuned(bench):
    """One migration, shaped on both ends and recorded on the source."""
    tap, source, target = bench.tap, bench.source, bench.target
    migration = copying(bench)
    tap.ok(bool(bench.shaped(source)), "it has a class on the source's uplink")
    tap.ok("ingress" in target.tc("qdisc", "show"), "the hook announced it: the destination's ingress is shaped",
           target.tc("qdisc", "show"))
    tap.equal(bench.status()["migrations"][0]["domain"], bench.guest.name, "migtune status shows it")
    result = migration.finish()
    tap.note(result.line())
    tap.ok(result.ok, "it completes", result.error)
    tap.equal(bench.one_record(source)["result"], "completed", "its record says completed")
    bench.check_clean()


def as_the_service(bench):
    """The unit's rights: no file system to write to, two capabilities, a system call filter."""
    tap = bench.tap
    bench.watch(CONFIG, through=installed.as_the_service())
    status = pathlib.Path(f"/proc/{bench.source.watcher.process.pid}/status").read_text(encoding="ascii")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    tap.equal([fields[name].strip() for name in ("CapEff", "NoNewPrivs", "Seccomp")], ["0000000000081000", "1", "2"],
              "the watcher has the unit's rights")
    tuned(bench)
    denied = [line for host in bench.lab.hosts for line in bench.log(host)
              if re.search("denied|not permitted|read-only", line, re.IGNORECASE)]
    tap.equal(denied, [], "nothing is denied that it misses")


def updated(bench):
    """An update midway: new files in the place of the old ones, and the service is restarted."""
    tap = bench.tap
    bench.watch(CONFIG, through=installed.as_the_service())
    source, migration = bench.source, copying(bench)
    for path in (*PROGRAMS, *pathlib.Path("/usr/lib").glob("*/migtune/*.so")):
        shutil.copy2(path, f"{path}.dpkg-new")
        os.replace(f"{path}.dpkg-new", path)
    tap.equal(source.watcher.stop(), 0, "the watcher ends with status 0")
    source.watch(CONFIG, through=installed.as_the_service())
    wait_for("the new watcher to adopt it", lambda: "adopted" in source.watcher.output())
    result = migration.finish()
    tap.ok(result.ok, "the migration completes", result.line())
    tap.equal(bench.one_record(source).get("adopted"), True, "its record says that it was adopted")
    bench.check_clean()


def container(bench, through_container):
    """The watchers in containers of another release, with the host's network, processes and /run."""
    if not through_container:
        bench.tap.skip("container", f"no packages for {CONTAINER_RELEASE}")
        return
    bench.watch(CONFIG, through=through_container)
    root = os.readlink(f"/proc/{bench.source.watcher.process.pid}/root")
    bench.tap.equal(root, str(installed.CONTAINER), "the watcher's root is the container's")
    tuned(bench)


def removed(bench):
    """Removed while a guest migrates, after a crash; then without any file, libvirtd as it was: it still knows of a hook."""
    tap = bench.tap
    bench.watch(CONFIG, through=installed.as_the_service())
    source, migration = bench.source, copying(bench)
    bench.shaped(source)
    source.watcher.kill()
    tap.ok(bool(shaping.migrations(source)), "a crash leaves a class")
    source.run("sh", "-c", installed.before_removal(), "prerm", "remove")
    tap.equal(shaping.migrations(source), {}, "the package's removal takes it away")
    result = migration.finish()
    tap.ok(result.ok, "the migration completes", result.line())
    bench.unwatch()
    for host in bench.lab.hosts:
        host.remove_hook()
    for path in PROGRAMS:
        os.unlink(path)
    result = bench.lab.migrate(bench.guest)
    tap.ok(result.ok, "another one completes", result.line())
    bench.check_clean()


def main():
    """All cases on one guest."""
    tap = Cases()
    if not installed.packages(installed.machine_release()):
        tap.skip("installed packages", "none were built for this release: tests/packages/test_deb.py")
        tap.finish()
    installed.on_this_machine()
    has_container = installed.packages(CONTAINER_RELEASE) and installed.clean_root(CONTAINER_RELEASE)
    through_container = installed.make_container(CONTAINER_RELEASE) if has_container else None

    @functools.wraps(container)
    def in_container(bench):
        container(bench, through_container)

    tap.equal((str(program()), os.readlink(hook_file())), PROGRAMS, "the packages' files are in place")
    with Lab(hook=True) as lab:
        guest = lab.guest(workload=Workload("uniform", mbit_per_s=40, size_mib=64, touched_mib=128))
        tap.run(Bench(lab, tap, guest), as_the_service, updated, in_container, removed)
    tap.finish()


if __name__ == "__main__":
    main()
