/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How blackouts lie against their limits: counts by share of max_downtime. Pure. */
#ifndef MT_COMMAND_REPORT_HISTOGRAM_H
#define MT_COMMAND_REPORT_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* Bins of a tenth of the limit each, (lower, upper]; 0 belongs to the first one, and the last has all that is more. */
#define MT_HISTOGRAM_BINS 21
#define MT_HISTOGRAM_WIDTH 0.1
#define MT_HISTOGRAM_LIMIT 10 /* bins below this are within the limit */

/* Zeroed: empty. */
struct mt_histogram {
        uint64_t count[MT_HISTOGRAM_BINS];
        uint64_t n;
};

/* Which bin a share >= 0 of the limit falls into: exactly the limit is within it. */
size_t mt_histogram_bin(double share);

/* Counts a share; what is no number >= 0 is left out. */
void mt_histogram_add(struct mt_histogram *histogram, double share);

/* Those in bins from..until - 1. */
uint64_t mt_histogram_sum(const struct mt_histogram *histogram, size_t from, size_t until);

#endif
