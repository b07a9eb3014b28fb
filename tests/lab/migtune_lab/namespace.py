# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network namespaces seen from Python: sockets and byte counters inside them, without a process each."""
import contextlib
import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def _set_network_namespace(descriptor):
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


@contextlib.contextmanager
def inside(name):
    """Put the calling thread (no other) into a named network namespace for the length of a with block."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    target = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _set_network_namespace(target)
        try:
            yield
        finally:
            _set_network_namespace(before)
    finally:
        os.close(target)
        os.close(before)


class Counters:
    """The byte counters of all devices of one namespace."""

    def __init__(self, namespace):
        # The open file stays bound to the namespace it was opened in.
        with inside(namespace):
            self._file = open("/proc/thread-self/net/dev", encoding="ascii")

    def read(self):
        """Bytes so far as {device: (received, sent)}."""
        self._file.seek(0)
        counters = {}
        for line in self._file.readlines()[2:]:
            device, _, numbers = line.partition(":")
            fields = numbers.split()
            counters[device.strip()] = (int(fields[0]), int(fields[8]))
        return counters

    def close(self):
        """Release the open file."""
        self._file.close()
