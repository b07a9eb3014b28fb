/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/ends.h"

#include <errno.h>
#include <stdlib.h>

void mt_sim_ends_done(struct mt_sim_ends *ends)
{
        free(ends->heap);
        *ends = (struct mt_sim_ends){ .n = 0 };
}

int mt_sim_ends_add(struct mt_sim_ends *ends, const struct mt_sim_end *end)
{
        size_t i;

        if (ends->n == ends->room) {
                const size_t room = ends->room > 0 ? 2 * ends->room : 256;
                struct mt_sim_end *heap = reallocarray(ends->heap, room, sizeof(*heap));

                if (heap == NULL)
                        return -ENOMEM;
                ends->heap = heap;
                ends->room = room;
        }
        for (i = ends->n++; i > 0 && ends->heap[(i - 1) / 2].at_s > end->at_s; i = (i - 1) / 2)
                ends->heap[i] = ends->heap[(i - 1) / 2];
        ends->heap[i] = *end;
        return 0;
}

bool mt_sim_ends_take(struct mt_sim_ends *ends, double until_s, struct mt_sim_end *ret)
{
        const struct mt_sim_end *last;
        size_t i = 0;

        if (ends->n == 0 || ends->heap[0].at_s > until_s)
                return false;
        *ret = ends->heap[0];
        last = &ends->heap[--ends->n];
        for (size_t child = 1; child < ends->n; child = 2 * i + 1) {
                if (child + 1 < ends->n && ends->heap[child + 1].at_s < ends->heap[child].at_s)
                        child++;
                if (ends->heap[child].at_s >= last->at_s)
                        break;
                ends->heap[i] = ends->heap[child];
                i = child;
        }
        ends->heap[i] = *last;
        return true;
}
