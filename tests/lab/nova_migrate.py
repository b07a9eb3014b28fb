#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Live migration by nova's own code, as nova-compute runs it: nova.virt.libvirt.driver and all that is below it.

Started on a lab host by migtune_lab.clients.NovaMigration, never by hand. The one argument is JSON:

    call           "driver": LibvirtDriver.live_migration, which starts _live_migration_operation in a thread of its own and
                   runs _live_migration_monitor beside it; "guest": Guest.migrate alone
    name, uuid, memory_mib    of the guest
    destination    host name of the destination, as nova knows it
    options        {name: value} for nova.conf's group [libvirt]
    log            where nova's own log goes
    paused         true: nova believes that the instance is paused

Commands come on standard input, one a line, and are what the compute manager calls when an operator asks for it: "abort"
and "force-complete". Standard output has one JSON object a line: {"time": seconds since the epoch, "event": ...}, with
"started", "command", then "post" (nova's success: its post method was called) or "recover" (with nova's migration status),
or "raised" (with the exception), at last "end". Exit status 0 after "post", else 1, with the reason on standard error.

What is nova's own: everything between the compute manager and libvirt. The connection in eventlet's native threads
(tpool), event threads, the flags that it takes from nova.conf, the updated guest XML, the thread of the operation, the
monitor's polls, downtime steps, time-outs, force-complete and abort, LibvirtDriver.__init__ and init_host. Nothing there is
replaced, and no function of nova is patched.

What stands in for the rest of a cloud, and why that does not matter for what is tested:
  Conductor     the database behind nova's objects. nova-compute has none either: its objects send each save() through
                NovaObject.indirection_api to nova-conductor. This one says yes to every save, has no instances to list, and
                knows no compute service. Statistics and progress that the monitor saves go no further.
  instance      an Instance with the fields that the driver reads, filled as a query would have filled them: uuid, flavor
                (memory_mb, no extra specs), vm_state, no NUMA topology, resources or migration context.
  migration     a Migration with status "running", whose status the monitor reads and sets.
  migrate_data  a LibvirtLiveMigrateData as the destination's check and pre_live_migration return it for a guest without
                disks, graphics and neutron ports: no block migration, no volumes, no VIF to plug anew. The lab's own bridge
                is on both hosts.
  manager       post and recover methods that only tell; the compute manager's would talk to neutron, cinder, placement.
  nova.conf     virt_type = qemu and live_migration_scheme = tcp, as the lab's libvirtds are; the message bus is
                oslo.messaging's own fake:// driver, and nothing is sent on it.
"""
import json
import os
import sys
import time

# Before any other import of nova or of what it patches: eventlet takes over threads, sleep and sockets, as in nova-compute.
import nova.cmd  # noqa: F401 pylint: disable=unused-import
import eventlet
from eventlet import greenio
import libvirt
from oslo_log import log as logging

import nova.conf
import nova.db.main.api
from nova import config, context, exception, objects
from nova.compute import vm_states
from nova.objects import base as objects_base
from nova.virt.libvirt import driver

CONFIGURATION = """\
[DEFAULT]
transport_url = fake://
host = {host}
my_ip = 127.0.0.1
state_path = /var/lib/nova
debug = true
log_file = {log}
use_stderr = false
[libvirt]
connection_uri = qemu:///system
virt_type = qemu
live_migration_scheme = tcp
{options}
"""
CONFIGURATION_FILE = "/run/nova.conf"
NONE_OF_THESE = ("numa_topology", "resources", "migration_context", "pci_devices", "pci_requests", "vcpu_model",
                 "trusted_certs", "info_cache")


def tell(event, **more):
    """One line on standard output."""
    print(json.dumps({"time": time.time(), "event": event, **more}), flush=True)


class Conductor:
    """What nova-conductor answers to the few questions that the driver's objects ask."""

    def object_action(self, _context, _instance, method, _args, _kwargs):
        """Methods of objects: they are saved."""
        if method not in ("save", "refresh"):
            raise NotImplementedError(method)
        return {}, None

    def object_class_action_versions(self, ctxt, name, method, _versions, args, _kwargs):
        """Queries: this host's list of instances is empty, and it is no registered compute service."""
        if (name, method) == ("InstanceList", "get_by_host"):
            return objects.InstanceList(ctxt, objects=[])
        if (name, method) == ("Service", "get_by_compute_host"):
            raise exception.ComputeHostNotFound(host=args[0])
        raise NotImplementedError(f"{name}.{method}")


def configure(job):
    """nova.conf, nova's log, its objects: what nova.cmd.compute.main does before it makes the service."""
    options = "\n".join(f"{name} = {value}" for name, value in job["options"].items())
    with open(CONFIGURATION_FILE, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(host=os.uname().nodename, log=job["log"], options=options))
    config.parse_args(["nova-compute", "--config-file", CONFIGURATION_FILE])
    logging.setup(nova.conf.CONF, "nova")
    objects.register_all()
    nova.db.main.api.DISABLE_DB_ACCESS = True
    objects_base.NovaObject.indirection_api = Conductor()


def make_instance(ctxt, job):
    """The instance as the compute manager would hand it over."""
    flavor = objects.Flavor(ctxt, id=1, name="lab", memory_mb=job["memory_mib"], vcpus=1, root_gb=0, ephemeral_gb=0, swap=0,
                            extra_specs={}, flavorid="1")
    return objects.Instance(
        ctxt, id=1, uuid=job["uuid"], host=os.uname().nodename, node=os.uname().nodename, project_id="lab", user_id="lab",
        display_name=job["name"], hostname=job["name"], image_ref="", system_metadata={}, metadata={}, flavor=flavor,
        old_flavor=None, new_flavor=None, task_state="migrating", progress=0,
        vm_state=vm_states.PAUSED if job["paused"] else vm_states.ACTIVE, **dict.fromkeys(NONE_OF_THESE))


def make_migrate_data(ctxt, job, instance):
    """What the destination's checks would have answered."""
    migration = objects.Migration(
        ctxt, id=1, uuid=job["uuid"], instance_uuid=instance.uuid, source_compute=instance.host, status="running",
        dest_compute=job["destination"], migration_type="live-migration")
    return objects.LibvirtLiveMigrateData(
        migration=migration, block_migration=False, is_shared_block_storage=True, is_shared_instance_path=True, bdms=[],
        serial_listen_addr="", serial_listen_ports=[], supported_perf_events=[])


class Manager:
    """The compute manager's part: what it hands to the driver, and what the operator asks of it."""

    def __init__(self, job):
        self._job, self._context = job, context.get_admin_context()
        self._driver = driver.LibvirtDriver(None)
        self._driver.init_host(os.uname().nodename)
        self._instance = make_instance(self._context, job)
        self.outcome = "nova's driver returned without a word"

    def post(self, *_args, **_kwargs):
        """nova: the migration succeeded."""
        self.outcome = None
        tell("post")

    def recover(self, *_args, migration_status="failed", **_kwargs):
        """nova: it did not; the instance is to be rolled back."""
        self.outcome = f"nova rolls back: {migration_status}"
        tell("recover", status=migration_status)

    def listen(self):
        """The operator's commands, until standard input ends."""
        with greenio.GreenPipe(sys.stdin.fileno(), "r") as commands:
            for line in commands:
                tell("command", command=line.strip())
                try:
                    {"abort": self._driver.live_migration_abort,
                     "force-complete": self._driver.live_migration_force_complete}[line.strip()](self._instance)
                except (exception.NovaException, libvirt.libvirtError) as error:
                    tell("refused", command=line.strip(), error=str(error))

    def migrate(self):
        """The whole migration."""
        job = self._job
        tell("started")
        if job["call"] == "guest":
            guest = self._driver._host.get_guest(self._instance)
            guest.migrate(self._driver._live_migration_uri(job["destination"]), flags=self._driver._live_migration_flags,
                          bandwidth=nova.conf.CONF.libvirt.live_migration_bandwidth)
            self.post()
        else:
            data = make_migrate_data(self._context, job, self._instance)
            self._driver.live_migration(self._context, self._instance, job["destination"], self.post, self.recover, False,
                                        data)


def main():
    """One migration."""
    job = json.loads(sys.argv[1])
    configure(job)
    manager = Manager(job)
    eventlet.spawn(manager.listen)
    try:
        manager.migrate()
    except libvirt.libvirtError as error:
        tell("raised", kind="libvirtError", code=error.get_error_code(), domain=error.get_error_domain(), text=str(error))
        manager.outcome = str(error)
    except exception.NovaException as error:
        tell("raised", kind=type(error).__name__, text=str(error))
        manager.outcome = str(error)
    tell("end", outcome=manager.outcome)
    if manager.outcome:
        print(manager.outcome, file=sys.stderr, flush=True)
    os._exit(1 if manager.outcome else 0)  # nova's native event thread would keep the process


if __name__ == "__main__":
    main()
