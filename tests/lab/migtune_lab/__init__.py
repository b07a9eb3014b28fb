# SPDX-License-Identifier: LGPL-2.1-or-later
"""A two-host libvirt/QEMU lab on one machine, for tests of live migration. See README.md beside this package."""
from .guest import Guest, Workload
from .host import Host
from .lab import Lab
from .migrate import Migration, Result
from .process import LabError, run, wait_for
from .watcher import LINK_CONFIG

__all__ = ["Guest", "Host", "LINK_CONFIG", "Lab", "LabError", "Migration", "Result", "Workload", "run", "wait_for"]
