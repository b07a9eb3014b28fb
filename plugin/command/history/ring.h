/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last so many of what comes by. */
#ifndef MT_COMMAND_HISTORY_RING_H
#define MT_COMMAND_HISTORY_RING_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed but for limit: empty. */
struct mt_ring {
        uint64_t limit; /* the most that are kept, from 1 on */
        void **item;    /* owned, and so are the items, which come from malloc() */
        size_t n, allocated;
        size_t oldest; /* index; 0 until it is full */
};

/* Keeps the item, which is the ring's from now on, and frees the oldest where it is full. -ENOMEM: the item was freed. */
int mt_ring_add(struct mt_ring *ring, void *item);

/* The i-th oldest, i < n. */
void *mt_ring_at(const struct mt_ring *ring, size_t i);

/* Frees the items; for MT_CLEANUP. */
void mt_ring_done(struct mt_ring *ring);

#endif
