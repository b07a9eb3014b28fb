#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian packages in clean roots of Debian 12 and 13: built, twice the same, installed, upgraded, removed, purged.

test_deb.py [RELEASE...]: bookworm and trixie, or those named. Needs root, and a mirror when build/roots is empty.
The packages are left in build/packages/RELEASE for the tests after this one.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import debian_root  # noqa: E402
from debian_root import TREE, Root, RootError  # noqa: E402
from tap import Tap  # noqa: E402

RELEASES = ("bookworm", "trixie")
PACKAGES = ("migtune", "migtune-dev", "migtune-libvirtd", "migtune-nova")
PACKAGED = TREE / "build" / "packages"
HOOK = "/etc/libvirt/hooks/qemu.d/50-migtune"
CONF = "/etc/migtune/migtune.conf"
# The two builds, made at the same time, differ in all that a builder may have otherwise.
BUILDERS = (
    {"who": [], "env": {"DEB_BUILD_OPTIONS": "nocheck parallel=1", "DEB_BUILD_PROFILES": "nocheck"}},
    {"who": ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups"],
     "env": {"DEB_BUILD_OPTIONS": "nocheck parallel=1 terse", "DEB_BUILD_PROFILES": "nocheck", "TMPDIR": "/tmp/elsewhere",
             "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "HOME": "/nonexistent", "USER": "other"}},
)
# What dpkg, apt and the system's own bookkeeping leave behind after any package.
NOT_OURS = re.compile(r"/(var/lib/dpkg|var/cache|var/log|var/lib/apt|var/lib/systemd|etc/ld\.so\.cache|run|deb|root)(/|$)|"
                      r"/etc/(group|gshadow|passwd|shadow)-$|/etc/\.pwd\.lock$|/etc/systemd/system(/|$)")


def copy_tree(root, into):
    """This tree's own files, without git."""
    listed = subprocess.run([TREE / "packaging" / "list-sources"], stdout=subprocess.PIPE, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        target = root.path / into.lstrip("/") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TREE / name, target)


def build(root, builder, out):
    """Build the packages in the root into its directory out."""
    (root.path / "tmp/elsewhere").mkdir(mode=0o777, exist_ok=True)
    (root.path / "tmp/elsewhere").chmod(0o777)
    (root.path / out.lstrip("/")).mkdir()
    (root.path / out.lstrip("/")).chmod(0o777)
    root.run(*builder["who"], "/src/packaging/build-deb", out, env=builder["env"])
    return {path.name.split("_")[0]: path for path in sorted((root.path / out.lstrip("/")).glob("*.deb"))}


def check_build(tap, release, again):
    """It builds, and, if wanted, again: that gives the same. The packages are copied out. Returns whether there are any."""
    with Root(release, build=True) as root:
        copy_tree(root, "/src")
        with concurrent.futures.ThreadPoolExecutor() as both:
            first, *more = both.map(lambda builder, out: build(root, builder, out), BUILDERS[:1 + again], ("/out", "/again"))
        if not tap.ok(set(PACKAGES) <= set(first), f"{release}: builds", sorted(first)):
            return False
        for second in more:
            differing = [name for name, path in first.items() if name not in second or
                         path.read_bytes() != second[name].read_bytes()]
            tap.ok(not differing and len(second) == len(first),
                   f"{release}: another builder's packages are the same bit for bit", differing)
        shutil.rmtree(PACKAGED / release, ignore_errors=True)
        shutil.copytree(root.path / "out", PACKAGED / release)
    return True


def lintian(release):
    """What lintian says of the packages: (status, output); None where it is not installed."""
    if not shutil.which("lintian"):
        return None
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0",
                           *map(str, (PACKAGED / release).glob("*.changes"))], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def check_lintian(tap, release, said):
    """No error, no warning; informational tags are let be."""
    if said is None:
        tap.skip(f"{release}: lintian", "not installed")
    else:
        tap.equal(said, (0, ""), f"{release}: lintian has no errors or warnings")


def install(root, packages):
    """dpkg -i of package files, unattended, as unattended-upgrades would."""
    inside = [root.put(path, "/deb") for path in packages]
    return root.run("dpkg", "--force-confdef", "--force-confold", "--install", *inside)


def package_files(release, names=PACKAGES):
    """The built packages' paths."""
    return [next((PACKAGED / release).glob(f"{name}_*.deb")) for name in names]


def make_older(root, package, conf):
    """The same package as an earlier version with another default configuration; returns its path."""
    root.put(package, "/deb")
    root.run("dpkg-deb", "--raw-extract", f"/deb/{package.name}", "/deb/older")
    control = root.path / "deb/older/DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 0.0.9-1", control.read_text(), flags=re.MULTILINE))
    path = root.path / "deb/older" / CONF.lstrip("/")
    path.write_text(conf(path.read_text()))
    (root.path / "deb/older/DEBIAN/md5sums").unlink()
    root.run("dpkg-deb", "--build", "/deb/older", "/deb/older.deb")
    return "/deb/older.deb"


def changes(before, after):
    """Differences of two lists of files that a package may not leave."""
    differing = {path for path in set(before) | set(after) if before.get(path) != after.get(path)}
    return sorted(path for path in differing if not NOT_OURS.match(path))


def check_installed(tap, release, root):
    """What is installed works from where it is."""
    status, output = root.try_run("test", "-x", HOOK)
    tap.equal((status, os.readlink(root.path / HOOK.lstrip("/"))), (0, "/usr/sbin/migtune-hook"),
              f"{release}: the hook is where libvirt looks, and executable")
    tap.equal(root.try_run(HOOK, "vm", "reconnect", "begin", "-"), (0, ""), f"{release}: it runs, and prints nothing")
    status, output = root.try_run("migtune", "check")
    tap.equal(status, 0, f"{release}: migtune check accepts the configuration: {output.strip()}")
    status, output = root.try_run("migtune", "plan", "--offline", "memory=4GiB", "dirty_rate=300Mbit", "link=1Gbit")
    tap.ok(status == 0 and "Mbit" in output, f"{release}: migtune plan --offline", output)
    tap.ok(root.try_run("getent", "group", "migtune")[0] == 0, f"{release}: the group migtune exists")
    links = [f"/usr/lib/systemd/system/{unit}.service.d/migtune-shim.conf"
             for unit in ("nova-compute", "libvirtd", "virtqemud")]
    named = [re.search(r"^Environment=LD_PRELOAD=(.*)$", root.run("cat", link), re.MULTILINE).group(1) for link in links]
    tap.equal([root.try_run("env", f"LD_PRELOAD={path}", "true") for path in named], [(0, "")] * 3,
              f"{release}: the drop-ins name the shim, which can be preloaded")
    units = [path for path in ("lib", "usr/lib") if (root.path / path / "systemd/system/migtune.service").is_file()]
    enabled = (root.path / "etc/systemd/system/multi-user.target.wants/migtune.service").is_symlink()
    tap.ok(units and enabled, f"{release}: the unit is there and enabled", (units, enabled))


def check_life(tap, release):
    """Install, upgrade with an edited and with an untouched configuration, remove, purge."""
    main, *others = package_files(release)
    with Root(release) as root:
        before = root.files()
        groups = root.run("getent", "group")
        older = make_older(root, main, lambda text: "# an earlier default\n" + text)
        root.run("dpkg", "--install", older)
        conf = root.path / CONF.lstrip("/")
        install(root, [main])
        tap.ok("an earlier default" not in conf.read_text(),
               f"{release}: an upgrade takes a new default where nothing was edited")
        root.run("dpkg", "--force-downgrade", "--force-confnew", "--install", older)
        conf.write_text(conf.read_text().replace('mode = "enforce"', 'mode = "observe"'))
        edited = conf.read_text()
        (root.path / "etc/migtune/conf.d/mine.conf").write_text('migration = { urgency = "low"; };\n')
        install(root, [main, *others])
        tap.ok(conf.read_text() == edited and 'mode = "observe"' in edited,
               f"{release}: an upgrade keeps an edited configuration")
        check_installed(tap, release, root)
        state = root.path / "var/lib/migtune"
        state.mkdir(exist_ok=True)
        (state / "history.jsonl").write_text("{}\n")
        names = [path.name.split("_")[0] for path in (main, *others)]
        root.run("dpkg", "--remove", *names)
        left = [path for path in changes(before, root.files()) if not path.startswith(("/etc/migtune", "/var/lib/migtune"))]
        tap.equal([path for path in left if path not in ("/etc/group", "/etc/gshadow", "/run/migtune")], [],
                  f"{release}: removed: nothing but configuration, state and group stays")
        tap.ok(conf.read_text() == edited, f"{release}: removed: the edited configuration stays")
        (root.path / "etc/migtune/conf.d/mine.conf").unlink()  # the administrator's own: dpkg would keep it
        root.run("dpkg", "--purge", *names)
        tap.equal(changes(before, root.files()), [], f"{release}: purged: every file is as before")
        tap.equal([path for path in ("run/migtune", "var/lib/migtune", "etc/migtune", "etc/libvirt/hooks")
                   if (root.path / path).exists()], [], f"{release}: purged: no directory of ours is left")
        tap.equal(root.run("getent", "group"), groups, f"{release}: purged: the groups are as before")


def check_release(tap, release, again):
    """All of one release."""
    if check_build(tap, release, again):
        with concurrent.futures.ThreadPoolExecutor() as beside:
            linted = beside.submit(lintian, release)
            check_life(tap, release)
        check_lintian(tap, release, linted.result())


def make_roots(releases):
    """Both at once: most of it is waiting. Returns {release: why it could not be made}."""
    def one(release):
        try:
            debian_root.make(release)
        except (RootError, OSError, subprocess.SubprocessError) as error:
            return str(error)
        return None

    with concurrent.futures.ThreadPoolExecutor() as both:
        return {release: why for release, why in zip(releases, both.map(one, releases)) if why}


def main():
    """Checks the releases named, or all; only the first one's packages are then built twice, which takes long."""
    tap = Tap()
    if os.geteuid() != 0 or not shutil.which("unshare"):
        tap.skip("Debian packages", "needs root")
        tap.finish()
    debian_root.enter()
    releases = sys.argv[1:] or RELEASES
    failed = make_roots(releases)
    for release in releases:
        if release in failed:
            tap.skip(f"{release}: packages", f"no root: {failed[release]}")
            continue
        try:
            check_release(tap, release, again=release in (*sys.argv[1:], releases[0]))
        except (RootError, OSError, subprocess.SubprocessError) as error:
            tap.ok(False, f"{release}: packages", error)
    tap.finish()


if __name__ == "__main__":
    main()
