/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/quantile.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

void mt_quantile_sort(double *values, size_t n)
{
        qsort(values, n, sizeof(*values), by_value);
}

double mt_quantile(const double *sorted, size_t n, double q)
{
        const double place = q * (double)(n > 0 ? n - 1 : 0);
        const size_t below = (size_t)place;
        const double share = place - (double)below;

        if (n == 0)
                return (double)NAN;
        if (share <= 0.0 || sorted[below] == sorted[below + 1]) /* infinity less infinity would be no number */
                return sorted[below];
        return sorted[below] + share * (sorted[below + 1] - sorted[below]);
}
