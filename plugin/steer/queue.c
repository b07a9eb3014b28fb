/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/queue.h"

#include <stdio.h>

void mt_queue_order(const struct mt_waiter *waiter, size_t n, size_t *ret_order)
{
        static const enum mt_urgency urgencies[] = { MT_URGENCY_HIGH, MT_URGENCY_MEDIUM, MT_URGENCY_LOW };
        enum mt_traffic_class classes[MT_MAX_CALLS];
        size_t member[MT_MAX_CALLS], order[MT_MAX_CALLS];
        size_t placed = 0;

        for (size_t u = 0; u < sizeof(urgencies) / sizeof(urgencies[0]); u++) {
                size_t members = 0;

                for (size_t i = 0; i < n; i++) {
                        if (waiter[i].urgency != urgencies[u])
                                continue;
                        classes[members] = waiter[i].traffic;
                        member[members++] = i;
                }
                mt_traffic_serial_order(classes, members, order);
                for (size_t i = 0; i < members; i++)
                        ret_order[placed++] = member[order[i]];
        }
}

static size_t position_of(const struct mt_queue *queue)
{
        size_t order[MT_MAX_CALLS];
        size_t position = 0;

        mt_queue_order(queue->waiter, queue->n, order);
        while (position < queue->n && order[position] != queue->asking)
                position++;
        return position + 1;
}

struct mt_turn mt_queue_turn(const struct mt_queue *queue)
{
        const enum mt_urgency urgency = queue->waiter[queue->asking].urgency;
        const double needed = queue->running_share + queue->share;
        const bool parallel = mt_traffic_parallel(urgency, queue->available >= needed);
        const bool full = queue->running > 0 && queue->left < queue->least;
        struct mt_turn turn = { .position = position_of(queue) };

        turn.go = parallel ? !full : queue->running == 0 && turn.position == 1;
        if (turn.go)
                return turn;
        if (parallel)
                (void)snprintf(
                        turn.reason, sizeof(turn.reason),
                        "what the %u running ones need leaves %.0f Mbit/s of the link, %.0f are needed to move at all",
                        queue->running, queue->left, queue->least);
        else if (queue->running == 0)
                (void)snprintf(turn.reason, sizeof(turn.reason), "%zu that wait go first", turn.position - 1);
        else if (urgency == MT_URGENCY_LOW)
                (void)snprintf(turn.reason, sizeof(turn.reason),
                               "low urgency goes one after another, and %u run; place %zu of %zu", queue->running,
                               turn.position, queue->n);
        else
                (void)snprintf(turn.reason, sizeof(turn.reason),
                               "%.0f Mbit/s available do not suffice for %u that run and this one (%.0f); place %zu of %zu",
                               queue->available, queue->running, needed, turn.position, queue->n);
        return turn;
}
