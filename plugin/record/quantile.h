/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Quantiles of a handful of values, or of many. */
#ifndef MT_RECORD_QUANTILE_H
#define MT_RECORD_QUANTILE_H

#include <stddef.h>

/* Sorts, least first; INFINITY last. No NAN. */
void mt_quantile_sort(double *values, size_t n);

/*
 * The share q (0 to 1) of the sorted values lies at or below this: linear between neighbours, so q 0.5 of two values is
 * their mean. NAN: no values. INFINITY where it falls beyond the finite ones.
 */
double mt_quantile(const double *sorted, size_t n, double q);

#endif
