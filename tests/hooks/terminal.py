# SPDX-License-Identifier: LGPL-2.1-or-later
"""A terminal for the program under test."""
import fcntl
import os
import pty
import struct
import subprocess
import termios


def resize(terminal, columns, rows):
    """As if a window was resized; 0: of unknown size, as a fresh one is."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read(master):
    """What came since; b"" at the end, when the last one who had the terminal open is gone."""
    try:
        return os.read(master, 65536)
    except OSError:  # EIO
        return b""


def run(arguments, columns=0, **options):
    """Runs a program with a terminal for those of its three streams that options do not name.

    Returns (status, what came there).
    """
    master, slave = pty.openpty()
    resize(slave, columns, 24 if columns else 0)
    with subprocess.Popen(arguments, **{"stdin": slave, "stdout": slave, "stderr": slave, **options}) as process:
        os.close(slave)
        seen = b"".join(iter(lambda: read(master), b""))
    os.close(master)
    return process.returncode, seen.decode()
