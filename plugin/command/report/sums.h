/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: what a report tells of all migrations together, in memory that their number does not change. Counts
 * and sums are of all; the points of the scatter plots, and the medians, are of at most MT_REPORT_DRAWN, each migration as
 * likely among them as any other (reservoir sampling: Vitter, "Random sampling with a reservoir", ACM TOMS 11(1), 1985,
 * algorithm R), with a generator of fixed seed, so that the same history gives the same page.
 */
#ifndef MT_COMMAND_REPORT_SUMS_H
#define MT_COMMAND_REPORT_SUMS_H

#include "command/report/histogram.h"
#include "command/report/point.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MT_REPORT_DRAWN 2000

/* One migration of a scatter plot. */
struct mt_report_pair {
        float predicted_ms, total_ms;
        float predicted_downtime_ms, downtime_ms;
        uint8_t technique; /* enum mt_technique; MT_TECHNIQUES: not known */
};

/* What one alternative would have cost the migrations that it was predicted for. */
struct mt_report_cost {
        uint64_t n;                 /* of them, with an end */
        uint64_t never;             /* predicted never to end; in no sum */
        double bytes, actual_bytes; /* of the alternative; of what was done */
        double total_ms, actual_ms;
        uint64_t n_taken;               /* of those, with both of the next two known and an end */
        double taken_bytes, plan_bytes; /* from other traffic, as predicted: by the alternative, by the plan */
};

struct mt_report_sums {
        uint64_t n, result[MT_REPORT_RESULTS];
        uint64_t first_ms, last_ms; /* began; since 1970; 0: not known */
        uint64_t observed;
        char source[64];            /* the first host that is named; "": none was */
        bool several;               /* hosts are named */
        struct mt_histogram shares; /* of the limit */
        uint64_t held, broken;      /* limits; as compared in milliseconds */
        struct mt_report_limits {
                uint64_t held, broken;
                float longest_ms;          /* blackout */
        } limits[MT_TECHNIQUES + 1];       /* the same by technique; the last one: not known */
        double bytes;                      /* of all */
        double copied_bytes, memory_bytes; /* of the completed ones where both are known */
        uint64_t n_others; /* with the next two known, and traffic of MT_REPORT_TRAFFIC_MBPS or more before */
        double others_before_mbps, others_during_mbps;
        struct mt_report_cost cost[MT_TECHNIQUES][MT_REPORT_WAYS];
        uint64_t counted; /* whose predictions could come true */
        size_t drawn;     /* of them */
        uint64_t state;   /* of the generator */
        struct mt_report_pair pair[MT_REPORT_DRAWN];
};

#define MT_REPORT_TRAFFIC_MBPS 10.0f

/* Counts a migration. Zeroed sums: none yet. */
void mt_report_add(struct mt_report_sums *sums, const struct mt_report_point *point);

/*
 * The median of what predictions were off by: of the time, as share of the actual one; of the blackout, in ms. NAN: there is
 * none; INFINITY: most were predicted never to end.
 */
double mt_report_median_time(const struct mt_report_sums *sums);
double mt_report_median_downtime(const struct mt_report_sums *sums);

#endif
