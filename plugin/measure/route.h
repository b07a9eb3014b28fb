/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a destination address to the uplink: the port where the VMs' traffic and the migration meet.
 *
 * The route names a device; a bridge is followed to its one port that is no tap (with several such ports: the one through
 * which the bridge has learnt the next hop's MAC, else the one that is no veth either, else an error), a VLAN or macvlan
 * device to its parent, a bond is kept (its qdisc sees all), an Open vSwitch internal port is kept.
 */
#ifndef MT_MEASURE_ROUTE_H
#define MT_MEASURE_ROUTE_H

#include "err.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct mt_uplink {
        char device[IFNAMSIZ];
        int ifindex;
        unsigned tx_queues;
        uint64_t link_bytes_s; /* from /sys/class/net/DEV/speed; 0: not told (or -1) */
};

/* The uplink towards address. -errno with a message that names the address and, where known, the device. */
int mt_route_uplink(const struct sockaddr_storage *address, struct mt_uplink *ret, struct mt_err *err);

/* The same for a device named by the configuration. */
int mt_route_device(const char *device, struct mt_uplink *ret, struct mt_err *err);

/* True if address is one of this machine's own (a migration to oneself never leaves the host). */
bool mt_route_is_local(const struct sockaddr_storage *address);

#endif
