/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What migrations and announced calls on one uplink mean for each other: who takes part, and whose turn it is.
 *
 * Turns (algorithm 3, see steer/queue.h): a call that a shim stands in waits before it is made, and has its turn when it
 * begins. Of the others, which nobody can hold, those that would have to wait trickle at 1 MiB/s until it is their turn.
 */
#ifndef MT_STEER_TURN_H
#define MT_STEER_TURN_H

#include "steer/call.h"
#include "steer/queue.h"

#include <stddef.h>

/* An outgoing migration that shares the uplink. */
struct mt_part {
        struct mt_job *job;              /* NULL: a call that was let go, or one that is only thought of */
        const struct mt_announced *call; /* NULL: a job, or one that is only thought of */
        const struct mt_facts *facts;
        const struct mt_intent *intent;
        const struct mt_plan *plan;
        const struct sockaddr_storage *peer; /* NULL, or family AF_UNSPEC: not known */
};

/*
 * The next one on the device after *part, or the first after a zeroed one: the jobs that run there, the newest first, then
 * the calls that were let go and begin at any moment; each domain once. except_uuid: a domain that is left out; "": none.
 * False: there is no other.
 */
bool mt_part_next(const struct mt_host *host, const char *device, const char *except_uuid, struct mt_part *part);

/*
 * What the others on facts->device have planned, how many they are, and the VMs' traffic with theirs: facts->taken_bytes_s,
 * parallel, vms_*. uuid: of the domain whose facts these are, which does not count beside itself; "": of none.
 */
void mt_turn_share(const struct mt_host *host, const char *uuid, struct mt_facts *facts);

/* Whether a call that has a plan may be made now; and its place among those that wait. */
struct mt_turn mt_turn_of(const struct mt_host *host, const struct mt_announced *asking);

/*
 * Gives turns to the jobs among the n that share a device, in mt_part_next's order: has_turn and facts.waits_turn, which
 * their next plans heed.
 */
void mt_turn_give(const struct mt_part *part, size_t n);

#endif
