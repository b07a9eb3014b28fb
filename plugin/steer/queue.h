/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose turn it is (thesis 2025, algorithm 3): high urgency migrates in parallel; medium in parallel while the bandwidth
 * suffices for all, else one after another; low one after another. Pure: who runs and who waits in, one decision out.
 *
 * What the thesis leaves open is read so: the bandwidth suffices if min(source, destination) has 0.75 of the ideal for
 * each that runs and the one that asks; "one after another" is after every migration that runs on the link; among those
 * that wait, medium urgency goes before low, and within one urgency those with outbound traffic and the idle ones first,
 * then mixed, inbound last, each by their time. High urgency waits only while what the running ones need leaves less of the
 * link than a migration needs to move at all.
 */
#ifndef MT_STEER_QUEUE_H
#define MT_STEER_QUEUE_H

#include "model/traffic.h"

#include <stdbool.h>
#include <stddef.h>

#define MT_MAX_CALLS 256
/* Of the ideal bandwidth: what the sum is made of, whatever the urgency (medium's share in algorithm 2). */
#define MT_QUEUE_SHARE 0.75

/* One that waits, or asks just now. */
struct mt_waiter {
        enum mt_urgency urgency;
        enum mt_traffic_class traffic; /* of its VM, as of now */
};

/* What the one that asks shares the link with. Mbit/s. */
struct mt_queue {
        unsigned running;               /* migrations that run there, or were let go and begin at any moment */
        double running_share;           /* MT_QUEUE_SHARE of their ideal bandwidths, summed */
        double share;                   /* of its own */
        double available;               /* without migrations: min(source, destination) */
        double left;                    /* of the link, beside what the running ones need */
        double least;                   /* what a migration needs to move at all */
        size_t n;                       /* 1 to MT_MAX_CALLS */
        const struct mt_waiter *waiter; /* in the order in which they first asked, the one that asks among them */
        size_t asking;                  /* its place there */
};

struct mt_turn {
        bool go;
        size_t position; /* among those that wait: 1 is next */
        char reason[160];
};

/* The order in which the waiting ones go: indices. */
void mt_queue_order(const struct mt_waiter *waiter, size_t n, size_t *ret_order);

struct mt_turn mt_queue_turn(const struct mt_queue *queue);

#endif
