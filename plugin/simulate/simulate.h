/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One strategy over many requests in a network (the WAN paper, section V). */
#ifndef MT_SIMULATE_SIMULATE_H
#define MT_SIMULATE_SIMULATE_H

#include "simulate/migration.h"
#include "simulate/network.h"
#include "simulate/workload.h"

/*
 * What comes out. Those of the requests are averages over all of them, also those that found a link full: what a strategy
 * wants of a request does not depend on the network, and leaving out the blocked ones, which are the long and the broad
 * ones, would flatter a strategy that blocks many.
 */
enum mt_sim_metric {
        MT_SIM_BANDWIDTH,     /* Mbit/s: R */
        MT_SIM_ITERATIONS,    /* n */
        MT_SIM_DURATION,      /* s: T */
        MT_SIM_DOWNTIME,      /* s */
        MT_SIM_RESERVED,      /* Mbit: W, on one hop */
        MT_SIM_RESERVED_HOPS, /* Mbit: W times the hops of the path */
        MT_SIM_SENT,          /* Mbit */
        MT_SIM_UNMET,         /* share of the requests whose downtime limit is not met, 0 to 1 */
        MT_SIM_BLOCKED,       /* share of the requests that found a link on their path full */
        MT_SIM_PEAK_LOAD,     /* the highest load of any link at any time, as a share of its capacity */
        MT_SIM_MEAN_LOAD,     /* reserved in all links together, averaged over time until the last arrival, likewise */
        MT_SIM_METRICS,
};

struct mt_sim_result {
        double metric[MT_SIM_METRICS];
        uint64_t most_running; /* migrations at once */
        uint64_t left_bps;     /* still reserved when all have ended: 0 */
};

struct mt_sim_setup {
        const struct mt_sim_network *network; /* routed */
        const struct mt_sim_workload *workload;
        const struct mt_sim_policy *policy;
        uint64_t requests; /* > 0 */
        uint64_t seed;     /* the same seed: the same requests, and the same results */
        /* Told from time to time which share of the requests is done. NULL: nobody wants to know. */
        void (*progress)(void *ctx, double share);
        void *ctx;
};

/* Memory grows with the migrations that run at once, not with the requests. -ENOMEM. */
int mt_sim_run(const struct mt_sim_setup *setup, enum mt_strategy strategy, struct mt_sim_result *ret, struct mt_err *err);

#endif
