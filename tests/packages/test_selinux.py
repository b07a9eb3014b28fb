#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The SELinux policy module builds, labels what is installed, and permits what it must and nothing that it must not.

Built with the reference policy's interfaces (Debian's selinux-policy-dev), linked with all modules of Debian's policy, whose
package is fetched and unpacked, not installed; what results is the policy that a machine would load, and its rules are read.
No kernel enforces it here: that the watcher gets by with it has to be tried on a machine with SELinux.
"""
import bz2
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

try:
    import setools
except ImportError:
    setools = None

ROOT = pathlib.Path(HERE, "..", "..").resolve()
SOURCE = ROOT / "packaging" / "selinux"
MAKEFILE = "/usr/share/selinux/devel/Makefile"
CACHE = ROOT / "build" / "selinux-policy"
TOOLS = ("make", "checkmodule", "semodule_package", "semodule_link", "semodule_expand", "semodule_unpackage")
ENVIRONMENT = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin", LC_ALL="C.UTF-8")

LABELS = {
    "/usr/bin/migtune": "migtune_exec_t",
    "/usr/sbin/migtune-hook": "migtune_hook_exec_t",
    "/run/migtune": "migtune_runtime_t",
    "/run/migtune/migtune.sock": "migtune_runtime_t",
    "/var/lib/migtune/history.jsonl": "migtune_var_lib_t",
    "/usr/bin/migtuned": None,
    "/var/lib/migtune2": None,
}

# (source, target, class, permissions): each must be allowed, whatever booleans say.
PERMITTED = (
    ("migtune_t", "migtune_t", "capability", "net_admin sys_ptrace"),
    ("migtune_t", "migtune_t", "netlink_route_socket", "nlmsg_read nlmsg_write"),
    ("migtune_t", "migtune_t", "netlink_tcpdiag_socket", "create nlmsg_read"),
    ("migtune_t", "virtd_t", "unix_stream_socket", "connectto"),
    ("migtune_t", "svirt_t", "dir", "read search open"),  # /proc/PID/fd of a guest
    ("migtune_t", "svirt_t", "file", "read open"),
    ("migtune_t", "svirt_t", "lnk_file", "read"),
    ("migtune_t", "svirt_runtime_t", "file", "read open"),  # its pid file
    ("migtune_t", "migtune_runtime_t", "sock_file", "create unlink setattr"),
    ("migtune_t", "migtune_var_lib_t", "file", "create append rename unlink"),
    ("migtune_t", "etc_t", "file", "read open"),
    ("migtune_t", "sysfs_t", "file", "read open"),
    ("migtune_t", "proc_t", "file", "read open"),
    ("migtune_t", "kernel_t", "system", "module_request"),  # sch_htb, cls_u32
    ("virtd_t", "migtune_hook_exec_t", "file", "execute read getattr"),
    ("virtd_t", "migtune_hook_t", "process", "transition"),
    ("migtune_hook_t", "virtd_t", "fifo_file", "read write"),
    ("migtune_hook_t", "migtune_t", "unix_stream_socket", "connectto"),
    ("migtune_hook_t", "migtune_runtime_t", "sock_file", "write"),
    ("migtune_hook_t", "devlog_t", "sock_file", "write"),
    ("migtune_hook_t", "lib_t", "file", "read map execute"),
    ("virtd_t", "migtune_t", "unix_stream_socket", "connectto"),  # the shim in libvirtd
)

# Each must not be allowed, whatever booleans say. A permission set is denied if none of it is allowed.
DENIED = (
    ("migtune_t", "migtune_t", "capability", "sys_admin sys_module dac_override setuid setgid sys_rawio chown"),
    ("migtune_t", "domain", "process", "ptrace transition sigkill"),
    ("migtune_t", "svirt_t", "file", "write"),
    ("migtune_t", "svirt_image_t", "file", "read write open"),
    ("migtune_t", "virt_image_t", "file", "read write open"),
    ("migtune_t", "etc_t", "file", "write create unlink"),
    ("migtune_t", "shadow_t", "file", "read open"),
    ("migtune_t", "bin_t", "file", "execute execute_no_trans"),
    ("migtune_t", "shell_exec_t", "file", "execute execute_no_trans"),
    ("migtune_t", "fixed_disk_device_t", "blk_file", "read write open"),
    ("migtune_t", "node_t", "tcp_socket", "node_bind"),
    ("migtune_t", "unconfined_t", "file", "read open"),  # /proc of what is no guest
    ("migtune_hook_t", "migtune_hook_t", "capability", "net_admin sys_ptrace sys_admin dac_override setuid"),
    ("migtune_hook_t", "migtune_hook_t", "netlink_route_socket", "create nlmsg_write"),
    ("migtune_hook_t", "migtune_hook_t", "tcp_socket", "create connect"),
    ("migtune_hook_t", "virtd_t", "unix_stream_socket", "connectto"),
    ("migtune_hook_t", "svirt_t", "file", "read open"),
    ("migtune_hook_t", "migtune_var_lib_t", "file", "read write open"),
    ("migtune_hook_t", "migtune_runtime_t", "file", "write create"),
    ("migtune_hook_t", "virt_etc_rw_t", "file", "write"),
    ("migtune_hook_t", "shell_exec_t", "file", "execute execute_no_trans"),
    ("migtune_hook_t", "shadow_t", "file", "read"),
    ("svirt_t", "migtune_t", "unix_stream_socket", "connectto"),  # a guest that got out of QEMU
    ("svirt_t", "migtune_runtime_t", "sock_file", "write"),
    ("svirt_t", "migtune_var_lib_t", "file", "read write"),
    ("user_t", "migtune_t", "unix_stream_socket", "connectto"),
)

# By a boolean alone, of the rules about the source itself (Debian's init_t is unconfined anyway, by an attribute).
BOOLEANS = (
    ("migtune_connect_destination", "migtune_t", "virt_port_t", "tcp_socket", "name_connect"),
    ("migtune_connect_destination", "migtune_t", "ssh_exec_t", "file", "execute"),
    ("migtune_connect_destination", "migtune_t", "ssh_home_t", "file", "read"),
    ("migtune_use_nfs", "migtune_t", "nfs_t", "file", "create"),
    ("migtune_preload_libvirtd", "init_t", "virtd_t", "process", "noatsecure"),
)


def run(*command, cwd=None):
    """(status, output and errors)."""
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def build(tap, scratch):
    """The module, as the spec builds it."""
    for path in SOURCE.iterdir():
        shutil.copy(path, scratch)
    status, output = run("make", "-f", MAKEFILE, "NAME=targeted", "migtune.pp", cwd=scratch)
    good = status == 0 and not re.search(r"warning|error|deprecated", output, re.IGNORECASE)
    return tap.ok(good, "the module builds without a warning", output)


def check_labels(tap, scratch):
    """The paths get the types that they must have."""
    run("semodule_unpackage", "migtune.pp", "migtune.mod", "migtune.fc.out", cwd=scratch)
    lines = (scratch / "migtune.fc.out").read_text(encoding="ascii").splitlines()
    rules = [(line.split()[0], line.split()[-1].split(":")[2]) for line in lines if line.startswith("/")]
    for path, wanted in LABELS.items():
        got = [label for pattern, label in rules if re.fullmatch(pattern, path)]
        tap.equal(got, [wanted] if wanted else [], f"{path}: {wanted or 'none of ours'}")


def fetch():
    """Directory with the modules of Debian's policy, or None."""
    if not (CACHE / "complete").exists():
        shutil.rmtree(CACHE, ignore_errors=True)
        CACHE.mkdir(parents=True)
        if run("apt-get", "download", "selinux-policy-default", cwd=CACHE)[0] != 0:
            return None
        for package in CACHE.glob("*.deb"):
            if run("dpkg", "-x", str(package), ".", cwd=CACHE)[0] != 0:
                return None
        (CACHE / "complete").touch()
    return CACHE / "usr" / "share" / "selinux" / "default"


def link(tap, modules, scratch):
    """The whole policy with our module in it."""
    for path in modules.glob("*.pp.bz2"):
        (scratch / path.stem).write_bytes(bz2.decompress(path.read_bytes()))
    (scratch / "base.pp").rename(scratch / "base")
    others = sorted(path.name for path in scratch.glob("*.pp"))
    status, output = run("semodule_link", "-o", "linked", "base", *others, cwd=scratch)
    if status == 0:
        status, output = run("semodule_expand", "linked", "policy", cwd=scratch)  # neverallow rules are checked here
    return tap.ok(status == 0, f"and links with the {len(others)} modules of Debian's policy",
                  "\n".join(output.splitlines()[-20:]))


class Rules:
    """The allow rules between the types that are asked for: one pass through all 100,000 (sesearch makes one a question)."""

    def __init__(self, path):
        policy = setools.SELinuxPolicy(str(path))
        self.names = {}
        for row in (*PERMITTED, *DENIED, *(row[1:] for row in BOOLEANS)):
            for name in row[:2]:
                if name not in self.names:
                    self.names[name] = self.of_type(policy, name)
        wanted = set().union(*self.names.values())
        self.rules, self.transitions = {}, {}
        for rule in policy.terules():
            source, target = str(rule.source), str(rule.target)
            if source not in wanted or rule.ruletype not in (setools.TERuletype.allow, setools.TERuletype.type_transition):
                continue
            if rule.ruletype == setools.TERuletype.type_transition:
                self.transitions[source, target, str(rule.tclass)] = str(rule.default)
            else:
                self.rules.setdefault((source, target, str(rule.tclass)), []).append((self.condition(rule), set(rule.perms)))

    @staticmethod
    def of_type(policy, name):
        """The type and its attributes, or the attribute itself: what a rule may call it."""
        try:
            return {name} | {str(attribute) for attribute in policy.lookup_type(name).attributes()}
        except setools.exception.InvalidType:
            return {name}

    @staticmethod
    def condition(rule):
        """The boolean that a rule depends on when that is true, or None."""
        try:
            return str(rule.conditional) if rule.conditional_block else "not " + str(rule.conditional)
        except AttributeError:  # unconditional
            return None

    def granted(self, source, target, kind, permission, condition=None, direct=False):
        """Those of the permissions that some rule grants: always (None), if the boolean is on, or ever ("")."""
        sources = {source} if direct else self.names[source]
        found = set()
        for a in sources:
            for b in self.names[target] | ({"self"} if a == target else set()):
                for on, permissions in self.rules.get((a, b, kind), ()):
                    if condition in ("", on):
                        found |= permissions
        return found & set(permission.split())


def check_rules(tap, policy):
    """What the policy says."""
    rules = Rules(policy)
    for row in PERMITTED:
        tap.equal(rules.granted(*row), set(row[3].split()), "permitted: {} -> {}:{} {}".format(*row))
    for row in DENIED:
        tap.equal(rules.granted(*row, condition=""), set(), "denied: {} -> {}:{} {}".format(*row))
    for boolean, *row in BOOLEANS:
        tap.equal((rules.granted(*row, direct=True), rules.granted(*row, condition=boolean, direct=True)), (set(), {row[3]}),
                  "{}: {} -> {}:{} {}".format(boolean, *row))
    for source, target, wanted in (("init_t", "migtune_exec_t", "migtune_t"),
                                   ("virtd_t", "migtune_hook_exec_t", "migtune_hook_t")):
        tap.equal(rules.transitions.get((source, target, "process")), wanted, f"{source} starts {target} as {wanted}")


def main():
    """All of it."""
    tap = Tap()
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=ENVIRONMENT["PATH"])]
    if missing or not os.path.exists(MAKEFILE):
        tap.skip("the SELinux policy", f"not installed: {', '.join(missing) or 'selinux-policy-dev'}")
        tap.finish()
    with tempfile.TemporaryDirectory() as directory:
        scratch = pathlib.Path(directory)
        if build(tap, scratch):
            check_labels(tap, scratch)
            modules = fetch() if setools else None
            if modules is None:
                tap.skip("what the policy permits", "no python3-setools, or no selinux-policy-default to fetch")
            elif link(tap, modules, scratch):
                check_rules(tap, scratch / "policy")
    tap.finish()


main()
