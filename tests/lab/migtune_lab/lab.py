# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole lab as one object: two hosts, a client, guests and traffic between them."""
import os
import shutil

from . import host as host_module
from . import watcher
from .client import Client
from .guest import Guest
from .host import Host
from .migrate import Migration
from .network import LINK_RATE, Network
from .process import LabError
from .standstill import Standstills
from .traffic import Traffic


class Lab:
    """Use it in a with statement, inside tests/lab/enter:

        with Lab() as lab:
            guest = lab.guest()
            result = lab.migrate(guest, lab.b)

    rate: of the cables of a and b, in tc's notation. hook: True to install migtune's libvirt hook on both hosts, or a
    path. libvirtd_env: added to both libvirtd's environment. libvirt: "9.0" where the hosts are to have that one, see
    older.py. third: a host c beside a and b, another source for one destination. When the lab ends with an exception, the
    hosts' logs are copied to the directory that MIGTUNE_LAB_LOGS names, if it is set.
    """

    def __init__(self, rate=LINK_RATE, client_rate=None, hook=None, libvirtd_env=None, listen="::", libvirt=None,
                 third=False):
        if not os.environ.get("MIGTUNE_LAB"):
            raise LabError("the lab wants namespaces of its own: run this program with tests/lab/enter")
        self.network = Network(rate, client_rate, third)
        self.a, self.b = Host(self.network, "a", libvirt), Host(self.network, "b", libvirt)
        self.c = Host(self.network, "c", libvirt) if third else None
        self.client = Client(self.network)
        self.standstills = Standstills()
        self.guests = []
        self._traffic = []
        self._hook = watcher.hook_file() if hook is True else hook
        self._libvirtd_env = libvirtd_env
        self._listen = listen

    def __enter__(self):
        try:
            self.standstills.start()
            self.network.up()
            for host in self._all_hosts():
                host.start(hook=self._hook, libvirtd_env=self._libvirtd_env, listen=self._listen, wait=False)
            for host in self._all_hosts():
                host.wait_libvirtd()
            self.client.start()
        except BaseException:
            self.close(failed=True)
            raise
        return self

    def __exit__(self, kind, _value, _traceback):
        self.close(failed=kind is not None)

    @property
    def hosts(self):
        """Both hypervisor hosts."""
        return (self.a, self.b)

    def _all_hosts(self):
        return self.hosts + ((self.c,) if self.c else ())

    def other(self, host):
        """The host that is not this one."""
        return self.b if host is self.a else self.a

    def guest(self, host=None, name=None, **options):
        """A new running guest, on host a unless told; options as in guest.Guest.

        persistent: defined, not only created. wait=False: the guest may still boot (guest.wait_running() waits for it).
        """
        how = {name: options.pop(name) for name in ("persistent", "wait") if name in options}
        number = len(self.guests) + 1
        guest = Guest(self.client, name or (f"guest{number}" if self.guests else "guest"), number, **options)
        self.guests.append(guest)
        return guest.start(host or self.a, **how)

    def traffic(self, sender, receiver, mbit_per_s):
        """Start background traffic between two of lab.a, lab.b, lab.client."""
        traffic = Traffic(sender.station, receiver.station, mbit_per_s)
        self._traffic.append(traffic)
        return traffic.start()

    def migration(self, guest, target=None, **options):
        """A migration to be started by hand, see migrate.Migration."""
        return Migration(self, guest, target or self.other(guest.host), **options)

    def migrate(self, guest, target=None, **options):
        """Migrate a guest (to the other host, unless told) and return what was seen, see migrate.Migration, Result."""
        return self.migration(guest, target, **options).run()

    def close(self, failed=False):
        """Stop everything; the namespaces' end removes the rest."""
        if failed:
            self._keep_logs()
        for traffic in self._traffic:
            traffic.stop()
        self.client.stop()
        for guest in self.guests:
            if guest.host:
                guest.destroy()
        for host in self._all_hosts():
            host.stop()
        self.standstills.stop()

    def _keep_logs(self):
        directory = os.environ.get("MIGTUNE_LAB_LOGS")
        if not directory:
            return
        for host in self.hosts:
            source = host_module.STATE / host.name / "var" / "log"
            if source.is_dir():
                shutil.copytree(source, os.path.join(directory, host.name), dirs_exist_ok=True)
