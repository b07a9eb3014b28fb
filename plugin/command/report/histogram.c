/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/report/histogram.h"

#include <math.h>

size_t mt_histogram_bin(double share)
{
        /* in hundredths of a percent: 0.3 / 0.1 is more than 3, and a blackout of 30 ms of 100 is within three tenths */
        const double hundredths = floor(share * 1e4 + 0.5);
        const double bin = share > 1.0 ? fmax(ceil(hundredths / 1e3), MT_HISTOGRAM_LIMIT + 1.0)
                                       : fmin(ceil(hundredths / 1e3), MT_HISTOGRAM_LIMIT);

        if (bin < 1.0)
                return 0;
        return bin > (double)MT_HISTOGRAM_BINS ? MT_HISTOGRAM_BINS - 1 : (size_t)bin - 1;
}

void mt_histogram_add(struct mt_histogram *histogram, double share)
{
        if (isnan(share) || share < 0.0)
                return;
        histogram->count[mt_histogram_bin(share)]++;
        histogram->n++;
}

uint64_t mt_histogram_sum(const struct mt_histogram *histogram, size_t from, size_t until)
{
        uint64_t sum = 0;

        for (size_t i = from; i < until && i < MT_HISTOGRAM_BINS; i++)
                sum += histogram->count[i];
        return sum;
}
