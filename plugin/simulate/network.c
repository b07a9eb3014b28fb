/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_ARC UINT32_MAX

void mt_sim_network_done(struct mt_sim_network *network)
{
        free(network->nodes);
        free(network->links);
        free(network->datacenters);
        free(network->arc_to);
        free(network->hops);
        *network = (struct mt_sim_network){ .n_nodes = 0 };
}

/* Room for one more in an array that grows to 1, 2, 4, ... elements. NULL: there is no memory. */
static void *grown(void *array, unsigned n, size_t size)
{
        if ((n & (n - 1)) != 0)
                return array;
        return reallocarray(array, n == 0 ? 1 : 2 * (size_t)n, size);
}

static int find_node(const struct mt_sim_network *network, const char *name)
{
        for (unsigned i = 0; i < network->n_nodes; i++)
                if (strcmp(network->nodes[i].name, name) == 0)
                        return (int)i;
        return -ENOENT;
}

int mt_sim_network_node(struct mt_sim_network *network, const char *name, struct mt_err *err)
{
        const int found = find_node(network, name);
        const size_t length = strlen(name);
        struct mt_sim_node *nodes;

        if (found >= 0)
                return found;
        if (length == 0 || length >= MT_SIM_NAME)
                return mt_fail(err, EINVAL, "expected a node's name of 1 to %u characters, found '%.40s'", MT_SIM_NAME - 1,
                               name);
        if (network->n_nodes == MT_SIM_NODES)
                return mt_fail(err, EINVAL, "expected at most %u nodes", MT_SIM_NODES);
        nodes = grown(network->nodes, network->n_nodes, sizeof(*nodes));
        if (nodes == NULL)
                return mt_fail(err, ENOMEM, "out of memory");
        network->nodes = nodes;
        nodes[network->n_nodes] = (struct mt_sim_node){ .is_datacenter = false };
        (void)memcpy(nodes[network->n_nodes].name, name, length);
        return (int)network->n_nodes++;
}

int mt_sim_network_link(struct mt_sim_network *network, const char *a, const char *b, uint64_t capacity_bps,
                        struct mt_err *err)
{
        const int from = mt_sim_network_node(network, a, err), to = from < 0 ? from : mt_sim_network_node(network, b, err);
        struct mt_sim_link *links;

        if (to < 0)
                return to;
        if (from == to)
                return mt_fail(err, EINVAL, "expected a link between two nodes, found '%s' twice", a);
        if (capacity_bps == 0)
                return mt_fail(err, EINVAL, "expected a capacity above 0 for the link '%s' - '%s'", a, b);
        for (unsigned i = 0; i < network->n_links; i++)
                if ((network->links[i].a == from && network->links[i].b == to) ||
                    (network->links[i].a == to && network->links[i].b == from))
                        return mt_fail(err, EINVAL, "there is a link '%s' - '%s' already", a, b);
        if (network->n_links == MT_SIM_LINKS)
                return mt_fail(err, EINVAL, "expected at most %u links", MT_SIM_LINKS);
        links = grown(network->links, network->n_links, sizeof(*links));
        if (links == NULL)
                return mt_fail(err, ENOMEM, "out of memory");
        network->links = links;
        links[network->n_links++] =
                (struct mt_sim_link){ .a = (uint16_t)from, .b = (uint16_t)to, .capacity_bps = capacity_bps };
        return 0;
}

int mt_sim_network_datacenter(struct mt_sim_network *network, const char *node, struct mt_err *err)
{
        const int found = find_node(network, node);
        uint16_t *datacenters;

        if (found < 0)
                return mt_fail(err, EINVAL, "no link leads to the datacenter '%.40s'", node);
        if (network->nodes[found].is_datacenter)
                return mt_fail(err, EINVAL, "the datacenter '%s' is there already", node);
        datacenters = grown(network->datacenters, network->n_datacenters, sizeof(*datacenters));
        if (datacenters == NULL)
                return mt_fail(err, ENOMEM, "out of memory");
        network->datacenters = datacenters;
        datacenters[network->n_datacenters++] = (uint16_t)found;
        network->nodes[found].is_datacenter = true;
        return 0;
}

static unsigned tail(const struct mt_sim_network *network, uint32_t arc)
{
        return arc % 2 == 0 ? network->links[arc / 2].a : network->links[arc / 2].b;
}

static unsigned head(const struct mt_sim_network *network, uint32_t arc)
{
        return tail(network, arc ^ 1);
}

/* Fills one row of arc_to and hops: the nodes in rings around `start`, each ring found from the one before it. */
static void search(const struct mt_sim_network *network, unsigned start, uint32_t *arc_to, uint16_t *hops)
{
        bool grew = true;

        for (unsigned i = 0; i < network->n_nodes; i++)
                arc_to[i] = NO_ARC;
        hops[start] = 0;
        for (uint16_t ring = 0; grew; ring++) {
                grew = false;
                for (uint32_t arc = 0; arc < 2 * network->n_links; arc++) {
                        const unsigned from = tail(network, arc), to = head(network, arc);

                        if (to == start || arc_to[to] != NO_ARC || (from != start && arc_to[from] == NO_ARC) ||
                            hops[from] != ring)
                                continue;
                        arc_to[to] = arc;
                        hops[to] = ring + 1;
                        grew = true;
                }
        }
}

int mt_sim_network_route(struct mt_sim_network *network, struct mt_err *err)
{
        const size_t cells = (size_t)network->n_datacenters * network->n_nodes;

        if (network->n_datacenters < 2)
                return mt_fail(err, EINVAL, "expected at least two datacenters");
        free(network->arc_to);
        free(network->hops);
        network->arc_to = calloc(cells, sizeof(*network->arc_to));
        network->hops = calloc(cells, sizeof(*network->hops));
        if (network->arc_to == NULL || network->hops == NULL)
                return mt_fail(err, ENOMEM, "out of memory");
        for (unsigned i = 0; i < network->n_datacenters; i++) {
                uint32_t *arc_to = network->arc_to + (size_t)i * network->n_nodes;

                search(network, network->datacenters[i], arc_to, network->hops + (size_t)i * network->n_nodes);
                for (unsigned j = 0; j < network->n_datacenters; j++)
                        if (i != j && arc_to[network->datacenters[j]] == NO_ARC)
                                return mt_fail(err, EINVAL, "no path leads from the datacenter '%s' to '%s'",
                                               network->nodes[network->datacenters[i]].name,
                                               network->nodes[network->datacenters[j]].name);
        }
        return 0;
}

unsigned mt_sim_network_hops(const struct mt_sim_network *network, unsigned from, unsigned to)
{
        return network->hops[(size_t)from * network->n_nodes + network->datacenters[to]];
}

unsigned mt_sim_network_path(const struct mt_sim_network *network, unsigned from, unsigned to, uint32_t *arcs)
{
        const uint32_t *arc_to = network->arc_to + (size_t)from * network->n_nodes;
        unsigned n = 0;

        for (unsigned node = network->datacenters[to]; node != network->datacenters[from]; node = tail(network, arcs[n++]))
                arcs[n] = arc_to[node];
        return n;
}
