/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The requests: VMs that are to migrate between datacenters, as a stream that is the same for every strategy. */
#ifndef MT_SIMULATE_WORKLOAD_H
#define MT_SIMULATE_WORKLOAD_H

#include "simulate/random.h"

/*
 * How dirty rates are distributed between their bounds DL and DH. The WAN paper says that all have the mean (DL + DH)/2; an
 * exponential one kept within the bounds cannot, so the mean is that of the exponential before it was bounded.
 */
enum mt_sim_law {
        MT_SIM_UNIFORM,
        MT_SIM_NORMAL,              /* drawn again while out of bounds */
        MT_SIM_EXPONENTIAL,         /* likewise */
        MT_SIM_EXPONENTIAL_CLAMPED, /* set to the bound instead */
};
#define MT_SIM_LAWS 4u

/* "uniform" "normal" "exponential" "exponential-clamped". */
const char *mt_sim_law_name(enum mt_sim_law law);

/* Uniform between low and high, low <= high. */
struct mt_sim_range {
        double low, high;
};

struct mt_sim_workload {
        enum mt_sim_law law;
        double arrivals_s;               /* mean number of requests a second, > 0; Poisson */
        struct mt_sim_range memory_mbit; /* > 0 */
        struct mt_sim_range dirty_mbps;  /* of the law, which need not be uniform; 0 < low < high */
        double dirty_sd_mbps;            /* of the normal law, > 0 */
        struct mt_sim_range limit_s;     /* longest downtime, >= 0 */
};

struct mt_sim_request {
        double arrival_s;  /* never before the one of the request before */
        unsigned from, to; /* two different datacenters, by index */
        double memory_mbit;
        double dirty_mbps;
        double limit_s;
};

/* Each quantity has a stream of its own, so that another law changes the dirty rates and nothing else. */
struct mt_sim_stream {
        const struct mt_sim_workload *workload; /* the caller's */
        unsigned n_datacenters;
        double now_s;
        struct mt_random arrivals, places, memory, dirty, limits;
};

/* Begins at time 0; n_datacenters >= 2. */
void mt_sim_stream_begin(struct mt_sim_stream *stream, const struct mt_sim_workload *workload, unsigned n_datacenters,
                         uint64_t seed);
void mt_sim_stream_next(struct mt_sim_stream *stream, struct mt_sim_request *ret);

#endif
