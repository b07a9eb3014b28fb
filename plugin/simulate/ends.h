/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The running migrations by when they end: a binary heap, as large as the most that ran at once. */
#ifndef MT_SIMULATE_ENDS_H
#define MT_SIMULATE_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mt_sim_end {
        double at_s;
        uint64_t bps;      /* what it releases, bit/s */
        uint16_t from, to; /* datacenters, by index: on each arc of that path */
};

/* Zeroed, it is empty. */
struct mt_sim_ends {
        struct mt_sim_end *heap;
        size_t n, room;
};

void mt_sim_ends_done(struct mt_sim_ends *ends);

/* -ENOMEM. */
int mt_sim_ends_add(struct mt_sim_ends *ends, const struct mt_sim_end *end);

/* Takes out the first that ends at until_s or before. False: none does. */
bool mt_sim_ends_take(struct mt_sim_ends *ends, double until_s, struct mt_sim_end *ret);

#endif
