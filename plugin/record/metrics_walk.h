/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Going through series of Prometheus's text format: either writing them, or looking for them in a text written before, so
 * that what is written is what is read.
 *
 * Values are 64-bit integers, `decimals` of whose digits are behind the point; there are no floating-point numbers here,
 * and so neither a locale's decimal comma nor sums that drift.
 */
#ifndef MT_RECORD_METRICS_WALK_H
#define MT_RECORD_METRICS_WALK_H

#include "record/metrics.h"
#include "record/metrics_bounds.h"

#include <stdio.h>

struct mt_metrics_walk {
        FILE *out;          /* NULL: read from text */
        const char *text;   /* only lines after its first newline are seen */
        const char *family; /* the name of the one that is gone through */
};

/*
 * One series' line: written; or read into *value, which stays as it is where the text has none, or one that is damaged
 * (false). labels: "a=\"b\",c=\"d\"", escaped, or "".
 */
bool mt_metrics_series(const struct mt_metrics_walk *walk, const char *suffix, const char *labels, unsigned decimals,
                       uint64_t *value);

/* A counter: written, or what is read added to it. */
void mt_metrics_counter(const struct mt_metrics_walk *walk, const char *labels, unsigned decimals, uint64_t *value);

/* The same of a histogram. Nothing is added where a part of it is missing, or its buckets do not rise. */
void mt_metrics_buckets(const struct mt_metrics_walk *walk, const char *labels, const struct mt_metrics_bounds *bounds,
                        struct mt_metrics_histogram *histogram);

/* A label's value as the format wants it; what is no printable ASCII (a device's name may have any bytes) as \xHH. */
const char *mt_metrics_escape(char *ret, size_t size, const char *value);

#endif
