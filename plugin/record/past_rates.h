/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dirty rates that earlier migrations saw in flight: each domain's last one, and the host's range (DL and DH of the lambda
 * mapping). Kept in memory, since the history file is too long to read when an event waits; loaded from it once.
 */
#ifndef MT_RECORD_PAST_RATES_H
#define MT_RECORD_PAST_RATES_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Migrations needed before their range is trusted. */
#define MT_PAST_RATES_FOR_RANGE 20

struct mt_past_rate {
        char uuid[37];
        uint64_t bytes_s;
        uint64_t wall_ms; /* since 1970 */
};

/* Zeroed: empty. */
struct mt_past_rates {
        struct mt_past_rate *rate; /* owned; one a domain */
        size_t n, allocated;
        unsigned seen; /* migrations in all */
        uint64_t low_bytes_s, high_bytes_s;
};

/* Reads the history file; a missing one is empty. Damaged lines are passed over. */
int mt_past_rates_load(struct mt_past_rates *rates, const char *history_file, struct mt_err *err);
void mt_past_rates_done(struct mt_past_rates *rates);

/* Notes what one migration saw. Without memory for it, it is not noted. */
void mt_past_rates_learn(struct mt_past_rates *rates, const char *uuid, uint64_t bytes_s, uint64_t wall_ms);

/* The domain's last rate. False: none. */
bool mt_past_rates_get(const struct mt_past_rates *rates, const char *uuid, uint64_t now_wall_ms, uint64_t *ret_bytes_s,
                       uint64_t *ret_age_ms);

/* The range over all of them. False, and nothing set: fewer than MT_PAST_RATES_FOR_RANGE. */
bool mt_past_rates_range(const struct mt_past_rates *rates, uint64_t *ret_low_bytes_s, uint64_t *ret_high_bytes_s);

#endif
