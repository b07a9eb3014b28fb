/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/overheads.h"
#include "record/timestamp.h"

#include <math.h>
#include <stdlib.h>
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

static int by_value(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

bool mt_recent_quantile(const struct mt_recent *recent, double q, double *ret)
{
        double values[MT_OVERHEADS_RECENT], place;
        unsigned n = recent->n, below;

        if (n < MT_OVERHEADS_LEAST)
                return false;
        for (unsigned i = 0; i < n; i++)
                values[i] = recent->entry[i].value;
        qsort(values, n, sizeof(values[0]), by_value);
        place = q * (n - 1);
        below = (unsigned)place;
        *ret = values[below] + (place - below) * (values[below + 1 < n ? below + 1 : below] - values[below]);
        return true;
}

static json_object *member(json_object *object, const char *key)
{
        return json_object_is_type(object, json_type_object) ? json_object_object_get(object, key) : NULL;
}

/* NAN where there is none, or it is negative. */
static double number(json_object *object, const char *key)
{
        json_object *value = member(object, key);
        double read = json_object_is_type(value, json_type_double) || json_object_is_type(value, json_type_int)
                              ? json_object_get_double(value)
                              : (double)NAN;

        return read >= 0.0 ? read : (double)NAN;
}

static const char *text(json_object *object, const char *key)
{
        json_object *value = member(object, key);

        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

void mt_overheads_learn(struct mt_overheads *overheads, json_object *record)
{
        json_object *actual = member(record, "actual"), *facts = member(record, "facts");
        uint64_t wall_ms;
        double setup_ms;

        if (strcmp(text(record, "result"), "completed") != 0 || json_object_get_boolean(member(record, "adopted")) ||
            mt_timestamp_parse(text(record, "started"), &wall_ms) < 0)
                return;
        setup_ms = number(actual, "setup_ms");
        if (setup_ms <= MOST_SETUP_MS)
                mt_recent_add(&overheads->setup_ms, wall_ms, setup_ms);
        mt_recent_add(&overheads->process_bytes, wall_ms, number(facts, "process_bytes") - number(actual, "touched_bytes"));
}
