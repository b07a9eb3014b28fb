/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/overheads.h"
#include "record/member.h"
#include "record/quantile.h"
#include "record/timestamp.h"

#include <math.h>
#include <string.h>

#define MOST_SETUP_MS 10000.0 /* a longer one waited for something else */

void mt_recent_add(struct mt_recent *recent, uint64_t wall_ms, double value)
{
        unsigned oldest = 0;

        if (!isfinite(value))
                return;
        for (unsigned i = 0; i < recent->n; i++) {
                if (recent->entry[i].wall_ms == wall_ms)
                        return;
                if (recent->entry[i].wall_ms < recent->entry[oldest].wall_ms)
                        oldest = i;
        }
        if (recent->n < MT_OVERHEADS_RECENT)
                oldest = recent->n++;
        else if (recent->entry[oldest].wall_ms > wall_ms)
                return;
        recent->entry[oldest].wall_ms = wall_ms;
        recent->entry[oldest].value = value;
}

bool mt_recent_quantile(const struct mt_recent *recent, double q, double *ret)
{
        double values[MT_OVERHEADS_RECENT];

        if (recent->n < MT_OVERHEADS_LEAST)
                return false;
        for (unsigned i = 0; i < recent->n; i++)
                values[i] = recent->entry[i].value;
        mt_quantile_sort(values, recent->n);
        *ret = mt_quantile(values, recent->n, q);
        return true;
}

void mt_overheads_learn(struct mt_overheads *overheads, json_object *record)
{
        uint64_t wall_ms;
        double setup_ms;

        if (strcmp(mt_member_text(record, "result"), "completed") != 0 || mt_member_is_true(record, "adopted") ||
            mt_timestamp_parse(mt_member_text(record, "started"), &wall_ms) < 0)
                return;
        setup_ms = mt_member_number(record, "actual/setup_ms");
        if (setup_ms <= MOST_SETUP_MS)
                mt_recent_add(&overheads->setup_ms, wall_ms, setup_ms);
        mt_recent_add(&overheads->process_bytes, wall_ms,
                      mt_member_number(record, "facts/process_bytes") - mt_member_number(record, "actual/touched_bytes"));
}
