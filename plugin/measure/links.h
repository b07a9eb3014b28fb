/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The network namespace's devices and how they stack: one RTM_GETLINK dump, and the bridges' and neighbours' tables.
 */
#ifndef MT_MEASURE_LINKS_H
#define MT_MEASURE_LINKS_H

#include "err.h"
#include "netlink.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct mt_link_info {
        int ifindex;
        char name[IFNAMSIZ];
        char kind[16]; /* "bridge", "vlan", "tun", "veth", ...; "" for hardware */
        int master;    /* ifindex of the bridge or bond it is a port of; 0: none */
        int parent;    /* the device below, in this namespace; 0: none */
        unsigned tx_queues;
};

struct mt_links {
        size_t n, room;
        struct mt_link_info *link; /* owned */
};

/* For MT_CLEANUP. */
void mt_links_done(struct mt_links *links);

/* 0 or -errno. ret must be empty ({ 0 }) and is the caller's to release. */
int mt_links_read(struct mt_nl *nl, struct mt_links *ret, struct mt_err *err);

const struct mt_link_info *mt_links_by_index(const struct mt_links *links, int ifindex);
const struct mt_link_info *mt_links_by_name(const struct mt_links *links, const char *name);

/* The port behind which the bridge has learnt the neighbour with this address: its ifindex; 0: not known. */
int mt_links_learnt_port(struct mt_nl *nl, int bridge, const struct sockaddr_storage *neighbour);

#endif
