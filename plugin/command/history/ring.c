/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/history/ring.h"
#include "array_room.h"

#include <errno.h>
#include <stdlib.h>

int mt_ring_add(struct mt_ring *ring, void *item)
{
        void **array;

        if (ring->n == ring->limit) {
                free(ring->item[ring->oldest]);
                ring->item[ring->oldest] = item;
                ring->oldest = (ring->oldest + 1) % ring->n;
                return 0;
        }
        array = mt_array_room(ring->item, ring->n, &ring->allocated, sizeof(*array));
        if (array == NULL) {
                free(item);
                return -ENOMEM;
        }
        ring->item = array;
        ring->item[ring->n++] = item;
        return 0;
}

void *mt_ring_at(const struct mt_ring *ring, size_t i)
{
        return ring->item[(ring->oldest + i) % ring->n];
}

void mt_ring_done(struct mt_ring *ring)
{
        for (size_t i = 0; i < ring->n; i++)
                free(ring->item[i]);
        free(ring->item);
        *ring = (struct mt_ring){ .limit = ring->limit };
}
