/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dirty rates that earlier migrations saw in flight: each domain's last one, and the host's range (DL and DH of the lambda
 * mapping). Kept in memory, since the history file is too long to read when an event waits.
 */
#ifndef MT_RECORD_PAST_RATES_H
#define MT_RECORD_PAST_RATES_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Migrations needed before their range is trusted, and the newest that it is taken from. */
#define MT_PAST_RATES_FOR_RANGE 20
#define MT_PAST_RATES_WINDOW 2048

struct mt_past_rate {
        char uuid[37];
        uint64_t bytes_s;
        uint64_t wall_ms; /* since 1970 */
        unsigned in_window;
};

/* What one migration saw. */
struct mt_seen_rate {
        uint64_t bytes_s, wall_ms;
        size_t domain; /* index of its mt_past_rate */
};

/* Zeroed: empty. */
struct mt_past_rates {
        struct mt_past_rate *rate; /* owned; one a domain */
        size_t n, allocated;
        struct mt_seen_rate *seen; /* owned; sorted by bytes_s, at most MT_PAST_RATES_WINDOW */
        size_t n_seen, seen_allocated;
};

/*
 * Notes what one migration saw that began at wall_ms, in any order of time. The domain's newest one told again is not
 * counted again. Without memory for it, it is not noted.
 */
void mt_past_rates_learn(struct mt_past_rates *rates, const char *uuid, uint64_t bytes_s, uint64_t wall_ms);

/* The same from the migration's record; one without a rate tells nothing. */
void mt_past_rates_learn_record(struct mt_past_rates *rates, json_object *record);

/* The domain's last rate. False: none. */
bool mt_past_rates_get(const struct mt_past_rates *rates, const char *uuid, uint64_t now_wall_ms, uint64_t *ret_bytes_s,
                       uint64_t *ret_age_ms);

/*
 * The 5th and the 95th percentile of the rates seen, each domain counting as one however often it moved: so neither one
 * wild migration nor one busy traveller sets the range. (Nearest ranks from either end: what is cut off is less than 5 %.)
 * False, and nothing set: fewer than MT_PAST_RATES_FOR_RANGE migrations, or they all saw the same.
 */
bool mt_past_rates_range(const struct mt_past_rates *rates, uint64_t *ret_low_bytes_s, uint64_t *ret_high_bytes_s);

/* Domains that the range is taken from. */
unsigned mt_past_rates_domains(const struct mt_past_rates *rates);

/* Frees what it holds and zeroes it. */
void mt_past_rates_done(struct mt_past_rates *rates);

#endif
