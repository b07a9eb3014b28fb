/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/report/sums.h"
#include "record/quantile.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A number below `below`: Steele's and Vigna's splitmix64. */
static uint64_t draw(struct mt_report_sums *sums, uint64_t below)
{
        uint64_t z = sums->state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return (z ^ (z >> 31)) % below;
}

static void keep_pair(struct mt_report_sums *sums, const struct mt_report_point *point)
{
        const struct mt_report_pair pair = { .predicted_ms = point->predicted_ms,
                                             .total_ms = point->total_ms,
                                             .predicted_downtime_ms = point->predicted_downtime_ms,
                                             .downtime_ms = point->downtime_ms,
                                             .technique = point->technique };
        uint64_t place;

        sums->counted++;
        if (sums->drawn < MT_REPORT_DRAWN) {
                sums->pair[sums->drawn++] = pair;
                return;
        }
        place = draw(sums, sums->counted);
        if (place < MT_REPORT_DRAWN)
                sums->pair[place] = pair;
}

static void add_costs(struct mt_report_sums *sums, const struct mt_report_point *point)
{
        for (unsigned i = 0; i < point->n_alternatives; i++) {
                const struct mt_report_alternative *other = &point->alternative[i];
                struct mt_report_cost *cost = &sums->cost[other->technique][other->way];

                if (isinf(other->bytes) || isinf(other->total_ms)) {
                        cost->never++;
                } else if (!isnan(other->bytes) && !isnan(other->total_ms) && !isnan(point->total_ms) &&
                           isfinite(point->predicted_bytes)) {
                        cost->n++;
                        cost->bytes += other->bytes;
                        cost->actual_bytes += point->bytes;
                        cost->total_ms += (double)other->total_ms;
                        cost->actual_ms += (double)point->total_ms;
                        if (isfinite(other->taken_bytes) && isfinite(point->taken_bytes)) {
                                cost->n_taken++;
                                cost->taken_bytes += other->taken_bytes;
                                cost->plan_bytes += point->taken_bytes;
                        }
                }
        }
}

static void add_effects(struct mt_report_sums *sums, const struct mt_report_point *point)
{
        if (point->bytes > 0.0)
                sums->bytes += point->bytes;
        if (point->result == MT_REPORT_COMPLETED && point->bytes > 0.0 && point->memory_bytes > 0.0) {
                sums->copied_bytes += point->bytes;
                sums->memory_bytes += point->memory_bytes;
        }
        if (point->others_before_mbps >= MT_REPORT_TRAFFIC_MBPS && !isnan(point->others_during_mbps) && !point->observed) {
                sums->n_others++;
                sums->others_before_mbps += (double)point->others_before_mbps;
                sums->others_during_mbps += (double)point->others_during_mbps;
        }
}

void mt_report_add(struct mt_report_sums *sums, const struct mt_report_point *point)
{
        struct mt_report_limits *limits = &sums->limits[point->technique];

        sums->n++;
        sums->result[point->result]++;
        sums->observed += point->observed ? 1 : 0;
        if (point->started_ms > 0 && (sums->first_ms == 0 || point->started_ms < sums->first_ms))
                sums->first_ms = point->started_ms;
        if (point->started_ms > sums->last_ms)
                sums->last_ms = point->started_ms;
        if (sums->source[0] == '\0')
                (void)memcpy(sums->source, point->source, sizeof(sums->source));
        else if (point->source[0] != '\0' && strcmp(sums->source, point->source) != 0)
                sums->several = true;
        if (mt_report_limit_known(point)) {
                mt_histogram_add(&sums->shares, (double)point->downtime_ms / (double)point->limit_ms);
                *(mt_report_held(point) ? &sums->held : &sums->broken) += 1;
                *(mt_report_held(point) ? &limits->held : &limits->broken) += 1;
                limits->longest_ms = fmaxf(limits->longest_ms, point->downtime_ms);
        }
        add_effects(sums, point);
        if (point->counts) {
                keep_pair(sums, point);
                add_costs(sums, point);
        }
}

static double median(double *values, size_t n)
{
        mt_quantile_sort(values, n);
        return mt_quantile(values, n, 0.5);
}

double mt_report_median_time(const struct mt_report_sums *sums)
{
        double off[MT_REPORT_DRAWN];
        size_t n = 0;

        for (size_t i = 0; i < sums->drawn; i++) {
                const struct mt_report_pair *pair = &sums->pair[i];

                if (!isnan(pair->predicted_ms) && pair->total_ms > 0.0f)
                        off[n++] = fabs((double)pair->predicted_ms - (double)pair->total_ms) / (double)pair->total_ms;
        }
        return median(off, n);
}

double mt_report_median_downtime(const struct mt_report_sums *sums)
{
        double off[MT_REPORT_DRAWN];
        size_t n = 0;

        for (size_t i = 0; i < sums->drawn; i++) {
                const struct mt_report_pair *pair = &sums->pair[i];

                if (!isnan(pair->predicted_downtime_ms) && !isnan(pair->downtime_ms))
                        off[n++] = fabs((double)pair->predicted_downtime_ms - (double)pair->downtime_ms);
        }
        return median(off, n);
}
