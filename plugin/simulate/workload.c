/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/workload.h"

#include <math.h>

const char *mt_sim_law_name(enum mt_sim_law law)
{
        static const char *const names[MT_SIM_LAWS] = { "uniform", "normal", "exponential", "exponential-clamped" };

        return (unsigned)law < MT_SIM_LAWS ? names[law] : "?";
}

void mt_sim_stream_begin(struct mt_sim_stream *stream, const struct mt_sim_workload *workload, unsigned n_datacenters,
                         uint64_t seed)
{
        *stream = (struct mt_sim_stream){ .workload = workload, .n_datacenters = n_datacenters };
        mt_random_seed(&stream->arrivals, seed, 0);
        mt_random_seed(&stream->places, seed, 1);
        mt_random_seed(&stream->memory, seed, 2);
        mt_random_seed(&stream->dirty, seed, 3);
        mt_random_seed(&stream->limits, seed, 4);
}

static double dirty_rate(struct mt_random *random, const struct mt_sim_workload *workload)
{
        const double low = workload->dirty_mbps.low, high = workload->dirty_mbps.high;

        switch (workload->law) {
        case MT_SIM_UNIFORM:
                break;
        case MT_SIM_NORMAL:
                return mt_random_normal_within(random, workload->dirty_sd_mbps, low, high);
        case MT_SIM_EXPONENTIAL:
                return mt_random_exponential_within(random, 0.5 * (low + high), low, high);
        case MT_SIM_EXPONENTIAL_CLAMPED:
                return fmin(fmax(mt_random_exponential(random, 0.5 * (low + high)), low), high);
        }
        return mt_random_uniform(random, low, high);
}

void mt_sim_stream_next(struct mt_sim_stream *stream, struct mt_sim_request *ret)
{
        const struct mt_sim_workload *workload = stream->workload;

        stream->now_s += mt_random_exponential(&stream->arrivals, 1.0 / workload->arrivals_s);
        ret->arrival_s = stream->now_s;
        ret->from = mt_random_below(&stream->places, stream->n_datacenters);
        ret->to = mt_random_below(&stream->places, stream->n_datacenters - 1);
        ret->to += ret->to >= ret->from ? 1 : 0; /* any but `from`, each as often */
        ret->memory_mbit = mt_random_uniform(&stream->memory, workload->memory_mbit.low, workload->memory_mbit.high);
        ret->dirty_mbps = dirty_rate(&stream->dirty, workload);
        ret->limit_s = mt_random_uniform(&stream->limits, workload->limit_s.low, workload->limit_s.high);
}
