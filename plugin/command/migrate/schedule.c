/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The forecast plays the evacuation through: slots are filled in order, each domain that holds one asks whether it may go
 * (steer/queue.h), time jumps to the next end, and so on. One that goes beside others gets what their plans leave of the
 * link, and takes longer by as much; nobody becomes faster when another ends, so that the forecast errs towards late.
 */
#include "command/migrate/schedule.h"
#include "steer/queue.h"

#include <math.h>

/* One that waits or runs; the item's index. */
struct slot {
        size_t item;
        bool runs;
        double bandwidth; /* that it got */
        uint64_t end_ms;
};

struct play {
        const struct mt_schedule_item *items;
        const struct mt_schedule_link *link;
        struct mt_schedule_times *times;
        struct slot slot[MT_SCHEDULE_SLOTS];
        unsigned n;
        uint64_t now_ms;
        bool unknown; /* one's end is not known */
};

void mt_schedule_order(const struct mt_schedule_item *items, size_t n, size_t *ret_order)
{
        static const enum mt_urgency urgencies[] = { MT_URGENCY_HIGH, MT_URGENCY_MEDIUM, MT_URGENCY_LOW };
        enum mt_traffic_class classes[MT_SCHEDULE_MOST];
        size_t by_traffic[MT_SCHEDULE_MOST];
        size_t placed = 0;

        for (size_t i = 0; i < n; i++)
                classes[i] = items[i].traffic;
        mt_traffic_serial_order(classes, n, by_traffic);
        for (size_t u = 0; u < sizeof(urgencies) / sizeof(urgencies[0]); u++)
                for (size_t i = 0; i < n; i++)
                        if (items[by_traffic[i]].urgency == urgencies[u])
                                ret_order[placed++] = by_traffic[i];
}

static uint64_t plus(uint64_t a, uint64_t b)
{
        return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The end of one that takes so long from now on, noted where it is not known. */
static uint64_t end_of(struct play *play, size_t item, uint64_t takes_ms)
{
        uint64_t end_ms = plus(play->now_ms, takes_ms);

        play->times[item].end_ms = end_ms;
        if (end_ms != UINT64_MAX)
                return end_ms;
        play->unknown = true;
        return play->now_ms;
}

static double taken(const struct play *play)
{
        double sum = 0.0;

        for (unsigned i = 0; i < play->n; i++)
                sum += play->slot[i].runs ? play->slot[i].bandwidth : 0.0;
        return sum;
}

/* Whether the one in this slot may go now, by the watcher's rule. */
static bool may_go(const struct play *play, unsigned asking)
{
        struct mt_waiter waiter[MT_SCHEDULE_SLOTS];
        struct mt_queue queue = { .waiter = waiter,
                                  .share = play->items[play->slot[asking].item].share,
                                  .available = play->link->available,
                                  .left = play->link->left - taken(play),
                                  .least = play->link->least };

        for (unsigned i = 0; i < play->n; i++) {
                const struct mt_schedule_item *item = &play->items[play->slot[i].item];

                if (play->slot[i].runs) {
                        queue.running++;
                        queue.running_share += item->share;
                        continue;
                }
                if (i == asking)
                        queue.asking = queue.n;
                waiter[queue.n++] = (struct mt_waiter){ .urgency = item->urgency, .traffic = item->traffic };
        }
        return mt_queue_turn(&queue).go;
}

static void go(struct play *play, struct slot *slot)
{
        const struct mt_schedule_item *item = &play->items[slot->item];
        double room = fmax(play->link->left - taken(play), play->link->least);
        uint64_t takes_ms = item->total_ms;

        slot->bandwidth = item->bandwidth;
        if (play->link->arbitrated && room > 0.0 && room < item->bandwidth) {
                slot->bandwidth = room;
                if (takes_ms != UINT64_MAX)
                        takes_ms = (uint64_t)((double)takes_ms * item->bandwidth / room);
        }
        slot->runs = true;
        play->times[slot->item].begin_ms = play->now_ms;
        slot->end_ms = end_of(play, slot->item, takes_ms);
}

/* Lets go who may go, the first ones first. */
static void let_go(struct play *play)
{
        for (bool changed = true; changed;) {
                changed = false;
                for (unsigned i = 0; i < play->n; i++)
                        if (!play->slot[i].runs && (!play->link->arbitrated || may_go(play, i))) {
                                go(play, &play->slot[i]);
                                changed = true;
                        }
        }
}

/* Time jumps to the next end, and those that end there leave. False: nobody runs. */
static bool jump(struct play *play)
{
        uint64_t next_ms = UINT64_MAX;
        unsigned kept = 0;

        for (unsigned i = 0; i < play->n; i++)
                if (play->slot[i].runs && play->slot[i].end_ms < next_ms)
                        next_ms = play->slot[i].end_ms;
        if (next_ms == UINT64_MAX)
                return false;
        play->now_ms = next_ms;
        for (unsigned i = 0; i < play->n; i++)
                if (!play->slot[i].runs || play->slot[i].end_ms > next_ms)
                        play->slot[kept++] = play->slot[i];
        play->n = kept;
        return true;
}

/* Those that run at the beginning. */
static void take_running(struct play *play, const size_t *order, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const struct mt_schedule_item *item = &play->items[order[i]];
                struct slot *slot = &play->slot[play->n];

                play->times[order[i]] = (struct mt_schedule_times){ .begin_ms = 0 };
                if (item->state != MT_SCHEDULE_RUNNING || play->n == MT_SCHEDULE_SLOTS)
                        continue;
                *slot = (struct slot){ .item = order[i], .runs = true, .bandwidth = item->bandwidth };
                slot->end_ms = end_of(play, order[i], item->left_ms);
                play->n++;
        }
}

uint64_t mt_schedule_forecast(const struct mt_schedule_item *items, const size_t *order, size_t n,
                              const struct mt_schedule_link *link, struct mt_schedule_times *ret_times)
{
        struct play play = { .items = items, .link = link, .times = ret_times };
        size_t next = 0;

        take_running(&play, order, n);
        for (;;) {
                for (; next < n && play.n < link->slots; next++)
                        if (items[order[next]].state == MT_SCHEDULE_PENDING)
                                play.slot[play.n++] = (struct slot){ .item = order[next] };
                let_go(&play);
                if (jump(&play))
                        continue;
                if (play.n == 0)
                        break;
                go(&play,
                   &play.slot[0]); /* the rule lets the first one go where nobody runs: this is for one that does not */
        }
        return play.unknown ? UINT64_MAX : play.now_ms;
}

uint64_t mt_schedule_left(uint64_t predicted_ms, uint64_t elapsed_ms, uint64_t remaining_bytes, uint64_t rate_bytes_s)
{
        uint64_t by_time = predicted_ms > elapsed_ms ? predicted_ms - elapsed_ms : 0;
        uint64_t by_bytes = rate_bytes_s > 0 ? (uint64_t)((double)remaining_bytes * 1000.0 / (double)rate_bytes_s) : 0;

        if (predicted_ms == UINT64_MAX)
                return rate_bytes_s > 0 ? by_bytes : UINT64_MAX;
        return by_time > by_bytes ? by_time : by_bytes;
}
