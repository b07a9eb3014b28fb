/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The histograms' bounds, for the files of record/ that count and that show them. */
#ifndef MT_RECORD_METRICS_BOUNDS_H
#define MT_RECORD_METRICS_BOUNDS_H

#include "record/metrics.h"

/* Values are integers; `decimals` of their digits are behind the point of Prometheus's base unit. */
struct mt_metrics_bounds {
        unsigned decimals, n;
        uint64_t bound[MT_METRICS_BOUNDS]; /* inclusive, rising */
};

extern const struct mt_metrics_bounds mt_metrics_duration_bounds, mt_metrics_blackout_bounds, mt_metrics_predicted_bounds,
        mt_metrics_plan_bounds;

#endif
