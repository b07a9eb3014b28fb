#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a program with the rights that a systemd unit would give it, where no systemd runs.

Usage: sandbox.py UNIT [--writable DIRECTORY]... -- PROGRAM [ARGUMENT...]

Applied, from what the unit says: CapabilityBoundingSet, NoNewPrivileges, Group, UMask, ProtectSystem=strict with
RuntimeDirectory, StateDirectory and ReadWritePaths, ProtectHome=tmpfs, ProtectProc, ProtectKernelTunables,
MemoryDenyWriteExecute (where the kernel can), RestrictAddressFamilies and SystemCallFilter (a seccomp filter made from
systemd's own sets), for x86-64. Not applied: IPAddressDeny, the devices and the namespaces. A setting that this program does
not know is an error when it begins with "Restrict" or "SystemCall", so that a new one is not overlooked.
"""
import ctypes
import grp
import os
import platform
import re
import struct
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 1, 32, 4096, 16384, 1 << 18
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_MDWE = 24, 38, 22, 65
AUDIT_ARCH_X86_64, SYS_SOCKET = 0xC000003E, 41
ALLOW, REFUSE = 0x7FFF0000, 0x00050001  # SECCOMP_RET_ERRNO | EPERM
LOAD, JEQ, RETURN = 0x20, 0x15, 0x06
CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_PTRACE": 19, "CAP_DAC_READ_SEARCH": 2}
LAST_CAPABILITY = 63
KNOWN = {"RestrictAddressFamilies", "SystemCallFilter", "SystemCallArchitectures", "SystemCallErrorNumber",
         "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID"}


def settings(path):
    """{name: [value, ...]} of the section [Service]."""
    found, section = {}, ""
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.strip()
            if line.startswith("["):
                section = line
            elif section == "[Service]" and "=" in line and not line.startswith("#"):
                name, value = line.split("=", 1)
                found.setdefault(name, []).append(value)
    unknown = {name for name in found if name.startswith(("Restrict", "SystemCall"))} - KNOWN
    if unknown:
        sys.exit(f"sandbox.py: settings that it cannot apply: {', '.join(sorted(unknown))}")
    return found


def call(name, *arguments):
    """A C library function that tells errors by errno."""
    if getattr(LIBC, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")


def bind(path, read_only):
    """Make a directory a mount of its own, read-only or not."""
    call("mount", path.encode(), path.encode(), None, MS_BIND | MS_REC, None)
    if read_only:
        call("mount", b"none", path.encode(), None, MS_REMOUNT | MS_BIND | MS_RDONLY, None)


def protect_files(unit, writable):
    """All mounts read-only but those of the service."""
    call("unshare", CLONE_NEWNS)
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    own = [f"/run/{name}" for name in unit.get("RuntimeDirectory", [])]
    own += [f"/var/lib/{name}" for name in unit.get("StateDirectory", [])] + writable
    for path in own:
        os.makedirs(path, exist_ok=True)
    own += [path.lstrip("-") for path in unit.get("ReadWritePaths", []) if os.path.isdir(path.lstrip("-"))]
    for path in own:
        bind(path, read_only=False)
    for mode in unit.get("ProtectProc", []):
        call("mount", b"proc", b"/proc", b"proc", 0, f"hidepid={mode}".encode())
    if unit.get("ProtectHome") == ["tmpfs"]:
        call("mount", b"tmpfs", b"/root", b"tmpfs", 0, None)
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        mounts = [re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), line.split()[4]) for line in f]
    for path in mounts:
        if path not in own and not path.startswith(("/dev", "/proc")):
            try:
                call("mount", b"none", path.encode(), None, MS_REMOUNT | MS_BIND | MS_RDONLY, None)
            except OSError:
                pass  # hidden by a later mount, or locked
    if unit.get("ProtectKernelTunables") == ["yes"]:
        bind("/proc/sys", read_only=True)


def system_calls(names):
    """The numbers of system calls and of systemd's sets of them, all levels."""
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True,
                          check=True).stdout
    groups, name = {}, ""
    for line in text.splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = []
        elif line.strip() and not line.strip().startswith("#") and line.startswith(" "):
            groups[name].append(line.strip())
    numbers = {}
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", encoding="ascii") as f:
        numbers = {match[1]: int(match[2]) for match in re.finditer(r"^#define __NR_(\w+) (\d+)$", f.read(), re.MULTILINE)}

    def expand(item):
        return set().union(*(expand(part) for part in groups[item])) if item in groups else {item}

    return {numbers[item] for name in names for item in expand(name) if item in numbers}


def instruction(code, k, yes=0, no=0):
    """One of a classic BPF program."""
    return struct.pack("HBBI", code, yes, no, k)


def make_filter(unit):
    """What SystemCallFilter and RestrictAddressFamilies say, as a BPF program."""
    allowed = set()
    for value in unit["SystemCallFilter"]:
        if value.startswith("~"):
            allowed -= system_calls(value[1:].split())
        else:
            allowed |= system_calls(value.split())
    allowed |= system_calls(["@default", "execve"])
    import socket  # pylint: disable=import-outside-toplevel
    families = [int(getattr(socket, name)) for name in " ".join(unit["RestrictAddressFamilies"]).split()]
    program = [instruction(LOAD, 4), instruction(JEQ, AUDIT_ARCH_X86_64, 1, 0), instruction(RETURN, REFUSE),
               instruction(LOAD, 0), instruction(JEQ, SYS_SOCKET, 0, len(families) * 2 + 2), instruction(LOAD, 16)]
    for family in families:
        program += [instruction(JEQ, family, 0, 1), instruction(RETURN, ALLOW)]
    program.append(instruction(RETURN, REFUSE))
    for number in sorted(allowed - {SYS_SOCKET}):
        program += [instruction(JEQ, number, 0, 1), instruction(RETURN, ALLOW)]
    program.append(instruction(RETURN, REFUSE))
    return b"".join(program), len(program)


class Program(ctypes.Structure):
    """struct sock_fprog."""
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def drop_capabilities(unit):
    """Keep what the bounding set has."""
    keep = {CAPABILITIES[name] for name in " ".join(unit["CapabilityBoundingSet"]).split()}
    for number in range(LAST_CAPABILITY + 1):
        if number not in keep:
            LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)


def main():
    """See above."""
    arguments, writable = sys.argv[1:], []
    if "--" not in arguments or platform.machine() != "x86_64":
        sys.exit("usage: sandbox.py UNIT [--writable DIRECTORY]... -- PROGRAM [ARGUMENT...], on x86-64")
    options, command = arguments[1:arguments.index("--")], arguments[arguments.index("--") + 1:]
    while options[:1] == ["--writable"]:
        writable.append(options[1])
        options = options[2:]
    unit = settings(arguments[0])
    code, length = make_filter(unit)
    protect_files(unit, writable)
    for group in unit.get("Group", []):
        try:
            os.setresgid(*[grp.getgrnam(group).gr_gid] * 3)
        except KeyError:
            pass  # not made here
    os.setgroups([])
    os.umask(int(unit.get("UMask", ["0022"])[0], 8))
    drop_capabilities(unit)
    if unit.get("NoNewPrivileges") == ["yes"]:
        call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if unit.get("MemoryDenyWriteExecute") == ["yes"]:
        LIBC.prctl(PR_SET_MDWE, 1, 0, 0, 0)  # since Linux 6.3
    program = Program(length, code)
    call("prctl", PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
