/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/past_rates.h"
#include "record/history.h"
#include "record/timestamp.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So much of the history's end is read: some thousand migrations. */
#define LOAD_BYTES ((size_t)8 << 20)

static struct mt_past_rate *find(const struct mt_past_rates *rates, const char *uuid)
{
        for (size_t i = 0; i < rates->n; i++)
                if (strcmp(rates->rate[i].uuid, uuid) == 0)
                        return &rates->rate[i];
        return NULL;
}

static struct mt_past_rate *find_or_add(struct mt_past_rates *rates, const char *uuid)
{
        struct mt_past_rate *rate = find(rates, uuid);

        if (rate != NULL)
                return rate;
        if (rates->n == rates->allocated) {
                size_t more = rates->allocated > 0 ? rates->allocated * 2 : 32;
                struct mt_past_rate *grown = realloc(rates->rate, more * sizeof(*grown));

                if (grown == NULL)
                        return NULL;
                rates->rate = grown;
                rates->allocated = more;
        }
        rate = &rates->rate[rates->n++];
        *rate = (struct mt_past_rate){ .bytes_s = 0 };
        (void)snprintf(rate->uuid, sizeof(rate->uuid), "%s", uuid);
        return rate;
}

void mt_past_rates_learn(struct mt_past_rates *rates, const char *uuid, uint64_t bytes_s, uint64_t wall_ms)
{
        struct mt_past_rate *rate = find_or_add(rates, uuid);

        if (rate != NULL && wall_ms >= rate->wall_ms) {
                rate->bytes_s = bytes_s;
                rate->wall_ms = wall_ms;
        }
        if (rates->seen == 0 || bytes_s < rates->low_bytes_s)
                rates->low_bytes_s = bytes_s;
        if (rates->seen == 0 || bytes_s > rates->high_bytes_s)
                rates->high_bytes_s = bytes_s;
        rates->seen++;
}

bool mt_past_rates_get(const struct mt_past_rates *rates, const char *uuid, uint64_t now_wall_ms, uint64_t *ret_bytes_s,
                       uint64_t *ret_age_ms)
{
        const struct mt_past_rate *rate = find(rates, uuid);

        if (rate == NULL || rate->wall_ms == 0)
                return false;
        *ret_bytes_s = rate->bytes_s;
        *ret_age_ms = now_wall_ms > rate->wall_ms ? now_wall_ms - rate->wall_ms : 0;
        return true;
}

bool mt_past_rates_range(const struct mt_past_rates *rates, uint64_t *ret_low_bytes_s, uint64_t *ret_high_bytes_s)
{
        if (rates->seen < MT_PAST_RATES_FOR_RANGE || rates->low_bytes_s >= rates->high_bytes_s)
                return false;
        *ret_low_bytes_s = rates->low_bytes_s;
        *ret_high_bytes_s = rates->high_bytes_s;
        return true;
}

static json_object *member(json_object *object, const char *key)
{
        return json_object_is_type(object, json_type_object) ? json_object_object_get(object, key) : NULL;
}

static bool load_record(void *ctx, json_object *record)
{
        json_object *uuid = member(member(record, "domain"), "uuid");
        json_object *mbps = member(member(record, "actual"), "dirty_rate_mbps");
        json_object *started = member(record, "started");
        uint64_t wall_ms = 0;

        if (json_object_is_type(uuid, json_type_string) && json_object_is_type(mbps, json_type_double) &&
            json_object_is_type(started, json_type_string) &&
            mt_timestamp_parse(json_object_get_string(started), &wall_ms) == 0)
                mt_past_rates_learn(ctx, json_object_get_string(uuid), mt_bytes_s(json_object_get_double(mbps)), wall_ms);
        return true;
}

int mt_past_rates_load(struct mt_past_rates *rates, const char *history_file, struct mt_err *err)
{
        int r = mt_history_newest(history_file, LOAD_BYTES, NULL, load_record, rates, NULL);

        return r < 0 ? mt_fail(err, -r, "read the history '%s': %s", history_file, strerror(-r)) : 0;
}

void mt_past_rates_done(struct mt_past_rates *rates)
{
        free(rates->rate);
        *rates = (struct mt_past_rates){ .n = 0 };
}
