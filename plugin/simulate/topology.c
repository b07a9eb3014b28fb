/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The networks that are built in. What the WAN paper's own figure shows is an image; its text names these two. */
#include "simulate/network.h"

#include <errno.h>
#include <string.h>

/* One node's links to nodes not listed before it, "FROM TO TO ..."; NULL ends the rows. */
struct topology {
        const char *name, *source;
        const char *const *links;
        const char *const *datacenters;
};

/*
 * USNET, the 24-node, 43-link backbone of the United States on which the optical-networking literature tests routing; also
 * in the SDON simulator's data/raw/us_network.txt (github.com/SDNNetSim/SDON_simulator), nodes counted from 0 there. The paper
 * does not say where its 11 datacenters are: here at the 11 nodes with four or more links.
 */
static const char *const usnet_links[] = {
        "1 2 6",       "2 3 6",    "3 4 5 7",     "4 5 7",    "5 8",      "6 7 9 11", "7 8 9",    "8 10",
        "9 10 11 12",  "10 13 14", "11 12 15 19", "12 13 16", "13 14 17", "14 18",    "15 16 20", "16 17 21 22",
        "17 18 22 23", "18 24",    "19 20",       "20 21",    "21 22",    "22 23",    "23 24",    NULL,
};
static const char *const usnet_datacenters[] = { "3", "6", "7", "9", "10", "11", "12", "13", "16", "17", "22", NULL };

/*
 * NSFNET's T1 backbone of 1991, 14 nodes and 21 links, as in Mukherjee, Banerjee, Ramamurthy and Mukherjee, "Some principles
 * for designing a wide-area WDM optical network", IEEE/ACM Transactions on Networking 4(5), 1996. The paper does not say
 * where its 8 datacenters are: here spread over the country.
 */
static const char *const nsfnet_links[] = {
        "WA CA1 CA2 IL", "CA1 CA2 UT",  "CA2 TX",   "UT CO MI", "CO TX NE", "TX GA MD", "NE IL",
        "IL PA",         "PA GA NY NJ", "MI NY NJ", "NY MD",    "NJ MD",    NULL,
};
static const char *const nsfnet_datacenters[] = { "WA", "CA1", "CO", "TX", "IL", "GA", "MI", "NJ", NULL };

static const struct topology topologies[] = {
        { "usnet", "USNET, 24-node, 43-link US backbone of the optical-networking literature; 11 datacenters", usnet_links,
          usnet_datacenters },
        { "nsfnet", "NSFNET T1, 14 nodes, 21 links (Mukherjee et al., IEEE/ACM ToN 4(5), 1996); 8 datacenters", nsfnet_links,
          nsfnet_datacenters },
        { NULL, NULL, NULL, NULL },
};

const char *mt_sim_network_name(unsigned i)
{
        return topologies[i].name;
}

const char *mt_sim_network_source(unsigned i)
{
        return topologies[i].source;
}

/* Takes the next word of *text. False: there is none. */
static bool next_word(const char **text, char *word)
{
        size_t length;

        *text += strspn(*text, " ");
        length = strcspn(*text, " ");
        if (length == 0 || length >= MT_SIM_NAME)
                return false;
        (void)memcpy(word, *text, length);
        word[length] = '\0';
        *text += length;
        return true;
}

static int add_links(const char *row, uint64_t capacity_bps, struct mt_sim_network *network, struct mt_err *err)
{
        char from[MT_SIM_NAME] = "", to[MT_SIM_NAME];
        int r = 0;

        (void)next_word(&row, from);
        while (r == 0 && next_word(&row, to))
                r = mt_sim_network_link(network, from, to, capacity_bps, err);
        return r;
}

int mt_sim_network_builtin(unsigned i, uint64_t capacity_bps, struct mt_sim_network *ret, struct mt_err *err)
{
        struct mt_sim_network network = { .n_nodes = 0 };
        int r = 0;

        (void)memcpy(network.name, topologies[i].name, strlen(topologies[i].name));
        for (const char *const *row = topologies[i].links; *row != NULL && r == 0; row++)
                r = add_links(*row, capacity_bps, &network, err);
        for (const char *const *node = topologies[i].datacenters; *node != NULL && r == 0; node++)
                r = mt_sim_network_datacenter(&network, *node, err);
        if (r == 0)
                r = mt_sim_network_route(&network, err);
        if (r == 0)
                *ret = network;
        else
                mt_sim_network_done(&network);
        return r;
}
