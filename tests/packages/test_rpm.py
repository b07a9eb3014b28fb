#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""RPM packages: built, twice the same; what rpmlint says, what is in them; installed, upgraded and erased in a scratch root.

Built with this machine's rpm, so on Debian with the macros of packaging/rpm/macros.fallback: layout, dependencies and
scriptlets are tried, not what Fedora's own macros make of them. The scratch root has a shell and programs that write down
how they were called; the packages' own programs are looked at, and cannot run there.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from tap import Tap  # noqa: E402

TREE = pathlib.Path(HERE, "..", "..").resolve()
SPEC = TREE / "packaging" / "rpm" / "migtune.spec"
LINT = TREE / "packaging" / "rpm" / "rpmlint.toml"
PACKAGES = ("migtune", "migtune-devel", "migtune-libvirtd", "migtune-nova", "migtune-selinux")
CONF = "etc/migtune/migtune.conf"
HOOK = "etc/libvirt/hooks/qemu.d/50-migtune"
UNITS = {"migtune-nova": ("nova-compute", "openstack-nova-compute"), "migtune-libvirtd": ("libvirtd", "virtqemud")}
MUST_HAVE = {
    "migtune": ("/usr/bin/migtune", "/usr/sbin/migtune-hook", f"/{HOOK}", f"/{CONF}", "/etc/migtune/conf.d",
                "/usr/lib64/migtune/migtune.so", "/usr/lib64/migtune/migtune-client.so",
                "/usr/lib64/migtune/migtune-shim.so", "/usr/lib/systemd/system/migtune.service",
                "/usr/lib/sysusers.d/migtune.conf", "/usr/lib/tmpfiles.d/migtune.conf", "/var/lib/migtune",
                "/usr/share/bash-completion/completions/migtune", "/usr/share/zsh/site-functions/_migtune",
                "/usr/share/man/man8/migtune-watch.8.gz", "/usr/share/man/man8/migtune-hook.8.gz",
                "/usr/share/man/man1/migtune.1.gz", "/usr/share/licenses/migtune/LICENSE"),
    "migtune-devel": ("/usr/include/migtune/plugin.h", "/usr/lib64/pkgconfig/migtune.pc"),
    "migtune-selinux": ("/usr/share/selinux/packages/targeted/migtune.pp.bz2",),
    **{package: tuple(f"/usr/lib/systemd/system/{unit}.service.d/migtune-shim.conf" for unit in units)
       for package, units in UNITS.items()},
}
OLDER = """\
Name: migtune
Version: 0.0.9
Release: 1
Summary: An older one
License: LGPL-2.1-or-later
%description
As a release before this one, with another default configuration.
%install
install -D -m 0644 /dev/stdin %{buildroot}/etc/migtune/migtune.conf <<END
# the default of 0.0.9
END
%files
%config(noreplace) /etc/migtune/migtune.conf
"""
STUBS = {
    "usr/bin/getent": "grep -q \"^$2:\" /etc/group",
    "usr/sbin/groupadd": "echo \"$2:x:990:\" >>/etc/group",
    "usr/lib/systemd/systemd-update-helper": ":",
}


def run(*command, **more):
    """(status, standard output, standard error)."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, **more)
    return done.returncode, done.stdout, done.stderr


def build(directory, environment):
    """One builder's packages."""
    temporary = directory / "tmp"
    temporary.mkdir(parents=True)
    status, _, errors = run(TREE / "packaging" / "build-rpm", directory / "out",
                            env=dict(os.environ, TMPDIR=str(temporary), **environment))
    left = [path.name for path in temporary.iterdir()]
    return status, errors, left, {path.name: path for path in sorted(directory.glob("out/*.rpm"))}


def contents(package):
    """The package; of the source package its files, for rpm writes the builder's directories into its header."""
    if package.name.endswith(".src.rpm"):
        return subprocess.run(["rpm2cpio", package], stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    return package.read_bytes()


def check_build(tap, scratch):
    """Two builders at once, with other places, time zones and users' names. Returns the first one's packages by name."""
    with concurrent.futures.ThreadPoolExecutor() as both:
        one, two = both.map(build, (scratch / "one", scratch / "another-builder"),
                            ({}, {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "USER": "other", "HOME": "/nonexistent"}))
    if not tap.ok(one[0] == 0 and two[0] == 0, "the packages build", one[1] + two[1]):
        return None
    tap.equal(one[2], [], "nothing is left in the temporary directory")
    packages = {re.sub(r"-[\d.]+-\d+.*", "", name): path for name, path in one[3].items() if not name.endswith(".src.rpm")}
    tap.equal(sorted(packages), sorted(PACKAGES), "the packages are those of the spec")
    differing = [name for name, path in one[3].items() if name not in two[3] or contents(path) != contents(two[3][name])]
    tap.ok(not differing and len(one[3]) == len(two[3]) == len(PACKAGES) + 1,
           "another builder's are the same, bit for bit, and what the source package holds", differing)
    return packages


def check_lint(tap, packages):
    """rpmlint, with the filters that rpmlint.toml explains."""
    if not shutil.which("rpmlint"):
        tap.skip("rpmlint", "not installed")
        return
    status, output, errors = run("rpmlint", "--config", LINT, SPEC, *packages.values())
    complaints = [line for line in output.splitlines() if re.search(r": [EW]: ", line)]
    tap.ok(status == 0 and not complaints, "rpmlint has no errors or warnings", "\n".join(complaints) or output + errors)


def query(package, form):
    """Lines of rpm -qp --queryformat."""
    return run("rpm", "-qp", "--nosignature", "--queryformat", form, package)[1].splitlines()


def files(package):
    """{path: (mode, owner, flags)}."""
    lines = query(package, "[%{FILENAMES}|%{FILEMODES:octal}|%{FILEUSERNAME}:%{FILEGROUPNAME}|%{FILEFLAGS:fflags}\\n]")
    return {fields[0]: (fields[1], fields[2], fields[3]) for fields in (line.split("|") for line in lines)}


def check_files(tap, packages):
    """Who has what, with which rights."""
    content = {name: files(path) for name, path in packages.items()}
    for name, paths in MUST_HAVE.items():
        tap.equal([path for path in paths if path not in content[name]], [], f"{name} has what it must")
    owners = {}
    for name, paths in content.items():
        for path in paths:
            owners.setdefault(path, []).append(name)
    tap.equal({path: names for path, names in owners.items() if len(names) > 1}, {}, "no path is in two packages")
    everything = {path: values for paths in content.values() for path, values in paths.items()}
    tap.equal(content["migtune"]["/var/lib/migtune"][:2], ("40750", "root:migtune"), "the state is the group's to read")
    tap.equal([path for path, values in everything.items() if values[1] != "root:root" and path != "/var/lib/migtune"], [],
              "all else is root's")
    tap.equal([path for path, values in everything.items()
               if not values[0].startswith("12") and int(values[0], 8) & 0o6022], [],
              "nothing is set-uid, or writable by others")
    configuration = {path: values[2] for path, values in everything.items() if "c" in values[2]}
    tap.equal(configuration, {f"/{CONF}": "cn"}, "one configuration file, which is not replaced")
    tap.equal([path for path, values in everything.items() if path.startswith("/etc/") and not values[0].startswith("4")
               and path not in (f"/{CONF}", f"/{HOOK}")], [], "nothing else lies in /etc")
    requires = query(packages["migtune"], "[%{REQUIRES}\\n]")
    tap.ok("libvirt-daemon-driver-qemu" in requires
           and any("migtune-selinux" in item and " if " in item for item in requires),
           "it requires libvirt's driver, and the policy where there is SELinux", requires)
    tap.equal([item for item in query(packages["migtune"], "[%{PROVIDES}\\n]") if item.endswith(".so()(64bit)")], [],
              "it provides no library")


def scriptlets(package):
    """{"postinstall": text, ...}."""
    found, name = {}, ""
    for line in run("rpm", "-qp", "--nosignature", "--scripts", package)[1].splitlines():
        heading = re.match(r"(\w+) (?:scriptlet|program)\b", line)
        if heading:
            name = heading[1]
            found[name] = ""
        elif name:
            found[name] += line + "\n"
    return found


def check_scriptlets(tap, packages):
    """They parse, and leave running services alone."""
    for package, path in packages.items():
        for name, text in scriptlets(path).items():
            done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False)
            tap.equal((done.returncode, done.stderr), (0, ""), f"{package}: {name} parses")
            tap.ok(not re.search(r"restart|libvirtd|nova", text.replace("mark-restart-system-units migtune.service", "")),
                   f"{package}: {name} restarts nothing", text)
    tap.equal([scriptlets(packages[name]) for name in UNITS], [{}, {}], "the drop-ins' packages have none")


def check_unpacked(tap, packages, scratch):
    """rpm2cpio: links lead to what is there, programs are what they should be."""
    root = (scratch / "unpacked").resolve()
    root.mkdir()
    for path in packages.values():
        status = subprocess.run(f"rpm2cpio '{path}' | cpio -idm --quiet", shell=True, cwd=root, check=False).returncode
        tap.equal(status, 0, f"{path.name} can be unpacked")
    broken = [str(path) for path in root.rglob("*") if path.is_symlink()
              and (os.readlink(path).startswith("/") or not path.is_file() or root not in path.resolve().parents)]
    tap.equal(broken, [], "every link leads to a file of the packages")
    tap.equal(((root / HOOK).resolve(), os.access(root / HOOK, os.X_OK)), (root / "usr/sbin/migtune-hook", True),
              "the hook's link leads to its program")
    plugin = root / "usr/lib64/migtune/migtune.so"
    status, output, errors = run(root / "usr/bin/migtune", "check", root / CONF,
                                 env=dict(os.environ, MIGTUNE_PLUGIN=str(plugin)))
    tap.equal((status, errors), (0, ""), "the command loads the plugin and accepts the configuration")
    flags = run("readelf", "-d", plugin)[1] + run("readelf", "-lW", plugin)[1]
    tap.ok("BIND_NOW" in flags and "GNU_RELRO" in flags and "RUNPATH" not in flags, "the plugin is hardened", output)
    text = (root / "usr/lib/systemd/system/migtune.service").read_text(encoding="utf-8")
    tap.ok("ExecStart=/usr/bin/migtune watch" in text, "the unit starts the installed program", text)
    named = {re.search(r"^Environment=LD_PRELOAD=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)[1]
             for path in root.glob("usr/share/migtune/systemd/*/migtune-shim.conf")}
    tap.equal(named, {"/usr/lib64/migtune/migtune-shim.so"}, "the drop-ins name the installed shim")


def make_root(root):
    """A directory that rpm can chroot to; returns the file in which its programs write how they were called."""
    calls = root / "calls"
    for directory in ("bin", "etc", "dev", "tmp", "var/lib/rpm", "usr/bin", "usr/sbin", "usr/lib/systemd"):
        (root / directory).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "/bin/busybox", root / "bin/busybox")
    for name in ("sh", "rm", "grep"):
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n", encoding="ascii")
    (root / "etc/group").write_text("root:x:0:\n", encoding="ascii")
    (root / "dev/null").touch()
    for name, text in STUBS.items():
        (root / name).write_text(f"#!/bin/sh\necho \"{os.path.basename(name)} $*\" >>/calls\n{text}\n", encoding="ascii")
        (root / name).chmod(0o755)
    calls.touch()
    return calls


def listing(root):
    """What is there, without rpm's own files."""
    return {str(path.relative_to(root)) for path in root.rglob("*")
            if not re.match(r"(var/lib/rpm|calls|tmp)(/|$)", str(path.relative_to(root)))}


def rpm(tap, root, name, *arguments):
    """rpm in the root must succeed without a word."""
    status, output, errors = run("rpm", "--root", root, "--dbpath", "/var/lib/rpm", "--nosignature", "--force-debian",
                                 "--nodeps", *arguments)
    tap.ok(status == 0 and not re.search("warning|error", errors.replace(f"warning: /{CONF} created as /{CONF}.rpmnew", "")
                                         .replace(f"warning: /{CONF} saved as /{CONF}.rpmsave", "")),
           name, f"{status}\n{output}\n{errors}")


def older(scratch):
    """An earlier package with another default configuration."""
    spec = scratch / "older.spec"
    spec.write_text(OLDER, encoding="ascii")
    run("rpmbuild", "-bb", "--nodeps", "--define", f"_topdir {scratch}/older", "--define", f"_tmppath {scratch}", spec)
    return next((scratch / "older").rglob("migtune-0.0.9*.rpm"), None)


def check_life(tap, packages, scratch):
    """Install, upgrade with an edited configuration, erase: with the scriptlets, in a root of its own."""
    if os.geteuid() != 0:
        tap.skip("installed into a scratch root", "rpm changes its root only for root")
        return
    root = scratch / "root"
    calls = make_root(root)
    before, first = listing(root), older(scratch)
    rpm(tap, root, "an older package is installed", "--install", first)
    (root / CONF).write_text("# edited\n", encoding="ascii")
    rpm(tap, root, "and upgraded to these", "--upgrade", *packages.values())
    tap.equal((root / CONF).read_text(encoding="utf-8"), "# edited\n", "the upgrade keeps the edited configuration")
    tap.ok((root / f"{CONF}.rpmnew").is_file(), "and puts the new default beside it")
    tap.ok("migtune:x:990:" in (root / "etc/group").read_text(encoding="ascii"), "the group was made")
    tap.equal(os.stat(root / "var/lib/migtune").st_gid, 990, "in time for the directory that is its own")
    said = calls.read_text(encoding="ascii").splitlines()
    tap.ok(not [line for line in said if "remove-system-units" in line], "an upgrade does not stop the watcher", said)
    calls.write_text("", encoding="ascii")
    rpm(tap, root, "the same packages again", "--upgrade", "--replacepkgs", *packages.values())
    tap.equal([line for line in calls.read_text(encoding="ascii").splitlines() if "systemd" in line],
              ["systemd-update-helper mark-restart-system-units migtune.service"], "an upgrade has the watcher restarted")
    (root / "var/lib/migtune/history.jsonl").write_text("{}\n", encoding="ascii")
    (root / "run/migtune").mkdir(parents=True)
    calls.write_text("", encoding="ascii")
    rpm(tap, root, "erased", "--erase", *packages)
    tap.equal([line for line in calls.read_text(encoding="ascii").splitlines() if "systemd" in line],
              ["systemd-update-helper remove-system-units migtune.service"], "the watcher was stopped and disabled first")
    tap.equal((root / f"{CONF}.rpmsave").read_text(encoding="utf-8"), "# edited\n", "the edited file is kept as .rpmsave")
    left = listing(root) - before - {"etc/migtune", f"{CONF}.rpmsave", f"{CONF}.rpmnew"}
    tap.equal({path for path in left if not (root / path).is_dir()}, set(), "no other file is left")
    tap.equal({path for path in left if "migtune" in path}, set(), "no directory of its own either")


def main():
    """All of it."""
    tap = Tap()
    missing = [tool for tool in ("rpmbuild", "rpm", "rpm2cpio", "cpio", "meson", "busybox") if not shutil.which(tool)]
    if missing:
        tap.skip("RPM packages", f"not installed: {', '.join(missing)}")
        tap.finish()
    with tempfile.TemporaryDirectory(prefix="mt-rpm-") as directory:
        scratch = pathlib.Path(directory)
        packages = check_build(tap, scratch)
        if packages and sorted(packages) == sorted(PACKAGES):
            check_lint(tap, packages)
            check_files(tap, packages)
            check_scriptlets(tap, packages)
            check_unpacked(tap, packages, scratch)
            check_life(tap, packages, scratch)
    tap.finish()


main()
