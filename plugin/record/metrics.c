/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/metrics.h"
#include "record/metrics_bounds.h"

#include <math.h>

const struct mt_metrics_bounds mt_metrics_duration_bounds = {
        3, 12, { 1000, 2000, 5000, 10000, 20000, 30000, 60000, 120000, 300000, 600000, 1200000, 3600000 }
};
/* Finest around 300 ms, the limit that holds where nobody sets another. */
const struct mt_metrics_bounds mt_metrics_blackout_bounds = {
        3, 13, { 25, 50, 100, 150, 200, 250, 300, 400, 500, 1000, 2000, 5000, 30000 }
};
const struct mt_metrics_bounds mt_metrics_predicted_bounds = {
        3, 12, { 250, 500, 670, 800, 900, 950, 1000, 1050, 1100, 1250, 1500, 2000 }
};
const struct mt_metrics_bounds mt_metrics_plan_bounds = {
        9, 9, { 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000, 10000000 }
};

static void observe(struct mt_metrics_histogram *histogram, const struct mt_metrics_bounds *bounds, uint64_t value)
{
        unsigned i = 0;

        while (i < bounds->n && value > bounds->bound[i])
                i++;
        histogram->in[i]++;
        histogram->sum += value;
}

/* Neither 0 nor "never" can be compared with. */
static void compare(struct mt_metrics *metrics, enum mt_predicted what, uint64_t predicted, uint64_t actual)
{
        double thousandths;

        if (predicted == 0 || predicted == UINT64_MAX || actual == UINT64_MAX)
                return;
        thousandths = 1000.0 * (double)actual / (double)predicted;
        observe(&metrics->predicted[what], &mt_metrics_predicted_bounds, (uint64_t)(fmin(thousandths, 1e9) + 0.5));
}

/* Only where what was planned was also done, from the beginning on, did a prediction get its chance. */
static bool was_steered(const struct mt_outcome *outcome)
{
        return outcome->intent.mode == MT_MODE_ENFORCE && !outcome->adopted && outcome->actual.bytes > 0;
}

static void completed(struct mt_metrics *metrics, const struct mt_outcome *outcome)
{
        const struct mt_prediction *prediction = &outcome->plan.prediction;
        uint64_t downtime = outcome->actual.downtime_ms;

        if (outcome->actual.bytes == 0) /* the watcher saw nothing of it */
                return;
        observe(&metrics->duration_ms, &mt_metrics_duration_bounds, outcome->actual.total_ms);
        if (downtime != UINT64_MAX) {
                observe(&metrics->blackout_ms, &mt_metrics_blackout_bounds, downtime);
                metrics->over_limit += downtime > outcome->intent.max_downtime_ms ? 1 : 0;
        }
        if (!was_steered(outcome))
                return;
        compare(metrics, MT_PREDICTED_DURATION, prediction->total_ms, outcome->actual.total_ms);
        compare(metrics, MT_PREDICTED_BLACKOUT, prediction->downtime_ms, downtime);
        compare(metrics, MT_PREDICTED_BYTES, prediction->bytes, outcome->actual.bytes);
}

void mt_metrics_outcome(struct mt_metrics *metrics, const struct mt_outcome *outcome)
{
        unsigned result = (unsigned)outcome->result, technique = (unsigned)outcome->actual.technique;

        if (result >= MT_METRICS_RESULTS || technique >= MT_TECHNIQUES)
                return;
        metrics->migrations[result][technique][outcome->intent.mode == MT_MODE_ENFORCE ? 0 : 1]++;
        metrics->sent_bytes[result] += outcome->actual.bytes;
        metrics->memory_bytes[result] += outcome->facts.memory_bytes;
        metrics->iterations[result] += outcome->actual.iterations;
        metrics->limit_unmet += outcome->plan.limit_met ? 0 : 1;
        metrics->breaks += outcome->recovery.breaks;
        metrics->resume_attempts += outcome->recovery.attempts;
        metrics->broken_ms += outcome->recovery.lost_ms;
        metrics->overruled[0] += outcome->arbitrated.downtimes;
        metrics->overruled[1] += outcome->arbitrated.speeds;
        if (outcome->result == MT_COMPLETED)
                completed(metrics, outcome);
}

void mt_metrics_plan(struct mt_metrics *metrics, uint64_t ns)
{
        observe(&metrics->plan_ns, &mt_metrics_plan_bounds, ns);
}
