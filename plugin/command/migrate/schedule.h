/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In which order domains leave a host, and when each of them is expected to begin and to end. Pure: numbers in, numbers out.
 *
 * The order is algorithm 3's (thesis 2025; steer/queue.h has how it is read): high urgency before medium before low, within
 * one urgency those with outbound traffic and the idle ones first, then mixed, inbound last, each as they were given.
 * Whether two go at the same time is the watcher's to say when it comes to that; the forecast asks the same rule, with the numbers
 * of the plans that were made before anything moved.
 */
#ifndef MT_MIGRATE_SCHEDULE_H
#define MT_MIGRATE_SCHEDULE_H

#include "model/traffic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MT_SCHEDULE_MOST 4096u /* domains */
#define MT_SCHEDULE_SLOTS 64u  /* at most so many are announced or run at a time */

enum mt_schedule_state { MT_SCHEDULE_PENDING, MT_SCHEDULE_RUNNING, MT_SCHEDULE_ENDED };

/* One domain. Mbit/s and ms. */
struct mt_schedule_item {
        enum mt_urgency urgency;
        enum mt_traffic_class traffic; /* of its VM */
        double bandwidth;              /* R, as planned for it alone */
        double share;                  /* what the queue counts it for; >= 0 */
        uint64_t total_ms;             /* predicted for it alone; UINT64_MAX: not known, or never */
        enum mt_schedule_state state;
        uint64_t left_ms; /* of one that runs; UINT64_MAX: not known */
};

/* What they share. Mbit/s. */
struct mt_schedule_link {
        double available, left, least; /* see struct mt_queue; left without any of the items */
        unsigned slots;                /* 1 to MT_SCHEDULE_SLOTS */
        bool arbitrated;               /* a watcher lets them go; else as many run as there are slots */
};

/* From now on, ms; begin of one that runs: 0. Of one that ended: both 0. UINT64_MAX: not known. */
struct mt_schedule_times {
        uint64_t begin_ms, end_ms;
};

/* n <= MT_SCHEDULE_MOST. ret_order: their indices, as they go. */
void mt_schedule_order(const struct mt_schedule_item *items, size_t n, size_t *ret_order);

/*
 * When all have ended, from now on; UINT64_MAX: that is not known, because one's time is not. order: of mt_schedule_order.
 * ret_times: by the items' indices. What follows one whose time is not known is forecast as if that took no time.
 */
uint64_t mt_schedule_forecast(const struct mt_schedule_item *items, const size_t *order, size_t n,
                              const struct mt_schedule_link *link, struct mt_schedule_times *ret_times);

/*
 * What a migration still takes: what is left of the predicted time, and no less than its remaining bytes take at the rate
 * that they go at. predicted_ms UINT64_MAX: not known; rate 0 likewise. UINT64_MAX: neither is known.
 */
uint64_t mt_schedule_left(uint64_t predicted_ms, uint64_t elapsed_ms, uint64_t remaining_bytes, uint64_t rate_bytes_s);

#endif
