/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Backbone networks: nodes, links, datacenters at some of the nodes, and the shortest paths between these.
 *
 * A link carries its capacity in each direction (a pair of fibres), so it stands for two arcs: 2*l from links[l].a to
 * links[l].b, 2*l + 1 back. Rates are bit/s here, whole numbers, so that what was reserved and released adds up to nothing.
 */
#ifndef MT_SIMULATE_NETWORK_H
#define MT_SIMULATE_NETWORK_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

#define MT_SIM_NODES 1000u /* a network has at most as many, */
#define MT_SIM_LINKS 5000u /* and as many links */
#define MT_SIM_NAME 32u    /* length of a name, its NUL included */

struct mt_sim_node {
        char name[MT_SIM_NAME];
        bool is_datacenter;
};

struct mt_sim_link {
        uint16_t a, b;         /* nodes */
        uint64_t capacity_bps; /* bit/s in each direction, > 0 */
};

/* Zeroed, it is an empty network. Filled by the functions below; mt_sim_network_done releases what it holds. */
struct mt_sim_network {
        char name[MT_SIM_NAME];
        struct mt_sim_node *nodes;
        struct mt_sim_link *links;
        uint16_t *datacenters; /* nodes, in the order in which they were marked */
        uint32_t *arc_to;      /* [datacenter * n_nodes + node]: the last arc on the way there; of mt_sim_network_route */
        uint16_t *hops;        /* likewise: the number of arcs */
        unsigned n_nodes, n_links, n_datacenters;
};

void mt_sim_network_done(struct mt_sim_network *network);

/* What is built in, in this order; NULL after the last. */
const char *mt_sim_network_name(unsigned i);
/* What it is and where it comes from, in a few words. */
const char *mt_sim_network_source(unsigned i);
/* The i-th, routed, every link with this capacity. -ENOMEM. */
int mt_sim_network_builtin(unsigned i, uint64_t capacity_bps, struct mt_sim_network *ret, struct mt_err *err);

/* The node of this name, made if there is none; or -EINVAL (the name is empty or too long, or too many nodes), -ENOMEM. */
int mt_sim_network_node(struct mt_sim_network *network, const char *name, struct mt_err *err);
/* A link between two nodes. -EINVAL: it leads nowhere, is there already, has no capacity, or is one too many; -ENOMEM. */
int mt_sim_network_link(struct mt_sim_network *network, const char *a, const char *b, uint64_t capacity_bps,
                        struct mt_err *err);
/* A datacenter at a node that is there. -EINVAL: it is not, or has one. -ENOMEM. */
int mt_sim_network_datacenter(struct mt_sim_network *network, const char *node, struct mt_err *err);

/*
 * Finds the paths with the fewest hops from each datacenter, the first in the order of links among equals. No path may be
 * asked for before. -EINVAL: fewer than two datacenters, or one that another cannot reach; -ENOMEM.
 */
int mt_sim_network_route(struct mt_sim_network *network, struct mt_err *err);

/* Hops from the datacenter of index `from` (into datacenters) to the one of index `to`. */
unsigned mt_sim_network_hops(const struct mt_sim_network *network, unsigned from, unsigned to);
/* The arcs of that path, last one first, into arcs[0..hops). Returns their number. */
unsigned mt_sim_network_path(const struct mt_sim_network *network, unsigned from, unsigned to, uint32_t *arcs);

#endif
