/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/past_rates.h"
#include "array_room.h"
#include "record/member.h"
#include "record/timestamp.h"
#include "units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Share of the domains that lies outside the range, at either end. */
#define TAIL 0.05

static struct mt_past_rate *find(const struct mt_past_rates *rates, const char *uuid)
{
        for (size_t i = 0; i < rates->n; i++)
                if (strcmp(rates->rate[i].uuid, uuid) == 0)
                        return &rates->rate[i];
        return NULL;
}

static struct mt_past_rate *find_or_add(struct mt_past_rates *rates, const char *uuid)
{
        struct mt_past_rate *rate = find(rates, uuid), *array;

        if (rate != NULL)
                return rate;
        array = mt_array_room(rates->rate, rates->n, &rates->allocated, sizeof(*array));
        if (array == NULL)
                return NULL;
        rates->rate = array;
        rate = &rates->rate[rates->n++];
        *rate = (struct mt_past_rate){ .bytes_s = 0 };
        (void)snprintf(rate->uuid, sizeof(rate->uuid), "%s", uuid);
        return rate;
}

/* Takes the oldest out of the full window. False: all of it is newer than wall_ms. */
static bool make_room(struct mt_past_rates *rates, uint64_t wall_ms)
{
        size_t oldest = 0;

        for (size_t i = 1; i < rates->n_seen; i++)
                if (rates->seen[i].wall_ms < rates->seen[oldest].wall_ms)
                        oldest = i;
        if (rates->seen[oldest].wall_ms > wall_ms)
                return false;
        rates->rate[rates->seen[oldest].domain].in_window--;
        rates->n_seen--;
        (void)memmove(&rates->seen[oldest], &rates->seen[oldest + 1], (rates->n_seen - oldest) * sizeof(*rates->seen));
        return true;
}

static bool grow_window(struct mt_past_rates *rates)
{
        struct mt_seen_rate *array = mt_array_room(rates->seen, rates->n_seen, &rates->seen_allocated, sizeof(*array));

        if (array == NULL)
                return false;
        rates->seen = array;
        return true;
}

static void add_to_window(struct mt_past_rates *rates, size_t domain, uint64_t bytes_s, uint64_t wall_ms)
{
        size_t low = 0, high;

        if (rates->n_seen == MT_PAST_RATES_WINDOW ? !make_room(rates, wall_ms) : !grow_window(rates))
                return;
        high = rates->n_seen;
        while (low < high) {
                size_t middle = (low + high) / 2;

                if (rates->seen[middle].bytes_s < bytes_s)
                        low = middle + 1;
                else
                        high = middle;
        }
        (void)memmove(&rates->seen[low + 1], &rates->seen[low], (rates->n_seen - low) * sizeof(*rates->seen));
        rates->seen[low] = (struct mt_seen_rate){ .bytes_s = bytes_s, .wall_ms = wall_ms, .domain = domain };
        rates->n_seen++;
        rates->rate[domain].in_window++;
}

void mt_past_rates_learn(struct mt_past_rates *rates, const char *uuid, uint64_t bytes_s, uint64_t wall_ms)
{
        struct mt_past_rate *rate = find_or_add(rates, uuid);

        if (rate == NULL || (rate->in_window > 0 && rate->wall_ms == wall_ms))
                return;
        if (wall_ms >= rate->wall_ms) {
                rate->bytes_s = bytes_s;
                rate->wall_ms = wall_ms;
        }
        add_to_window(rates, (size_t)(rate - rates->rate), bytes_s, wall_ms);
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

unsigned mt_past_rates_domains(const struct mt_past_rates *rates)
{
        unsigned n = 0;

        for (size_t i = 0; i < rates->n; i++)
                n += rates->rate[i].in_window > 0 ? 1 : 0;
        return n;
}

/* The rate that TAIL of the domains lie up to, from the least upwards or from the greatest downwards. */
static uint64_t percentile(const struct mt_past_rates *rates, unsigned domains, bool from_top)
{
        double left = TAIL * domains - 1e-9;

        for (size_t i = 0; i < rates->n_seen; i++) {
                const struct mt_seen_rate *seen = &rates->seen[from_top ? rates->n_seen - 1 - i : i];

                left -= 1.0 / rates->rate[seen->domain].in_window;
                if (left <= 0.0)
                        return seen->bytes_s;
        }
        return 0;
}

bool mt_past_rates_range(const struct mt_past_rates *rates, uint64_t *ret_low_bytes_s, uint64_t *ret_high_bytes_s)
{
        unsigned domains = mt_past_rates_domains(rates);
        uint64_t low, high;

        if (rates->n_seen < MT_PAST_RATES_FOR_RANGE)
                return false;
        low = percentile(rates, domains, false);
        high = percentile(rates, domains, true);
        if (low >= high)
                return false;
        *ret_low_bytes_s = low;
        *ret_high_bytes_s = high;
        return true;
}

void mt_past_rates_learn_record(struct mt_past_rates *rates, json_object *record)
{
        const char *uuid = mt_member_text(record, "domain/uuid");
        const double mbps = mt_member_number(record, "actual/dirty_rate_mbps");
        uint64_t wall_ms = 0;

        if (uuid[0] != '\0' && !isnan(mbps) && mt_timestamp_parse(mt_member_text(record, "started"), &wall_ms) == 0)
                mt_past_rates_learn(rates, uuid, mt_bytes_s(mbps), wall_ms);
}

void mt_past_rates_done(struct mt_past_rates *rates)
{
        free(rates->rate);
        free(rates->seen);
        *rates = (struct mt_past_rates){ .n = 0 };
}
