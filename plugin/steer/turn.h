/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What migrations and announced calls on one uplink mean for each other: the ledger's sums, and whose turn it is. */
#ifndef MT_STEER_TURN_H
#define MT_STEER_TURN_H

#include "steer/call.h"
#include "steer/queue.h"

/*
 * What the other outgoing migrations on facts->device have planned, how many they are, and the VMs' traffic with theirs:
 * facts->taken_bytes_s, parallel, vms_*. Those that run, and the calls that were let go and begin at any moment, each domain
 * once. uuid: of the domain whose facts these are, which does not count beside itself; "": of none.
 */
void mt_turn_share(const struct mt_host *host, const char *uuid, struct mt_facts *facts);

/* Whether a call that has a plan may be made now; and its place among those that wait. */
struct mt_turn mt_turn_of(const struct mt_host *host, const struct mt_announced *asking);

#endif
