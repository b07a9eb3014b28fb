/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MT_COMMAND_SIMULATE_NETWORK_H
#define MT_COMMAND_SIMULATE_NETWORK_H

#include "simulate/network.h"

/*
 * Reads a network from a libconfig file, and routes it:
 *
 *     links = ( ( "a", "b" ), ( "b", "c", "40Gbit" ) );   nodes are those that links name; the capacity may be left out
 *     datacenters = ( "a", "c" );                         left out: every node has one
 *
 * capacity_bps: of the links that do not say theirs. -EINVAL or -errno with "FILE:LINE: ..." in *err. *ret is released by
 * mt_sim_network_done.
 */
int mt_simulate_network_read(const char *path, uint64_t capacity_bps, struct mt_sim_network *ret, struct mt_err *err);

#endif
