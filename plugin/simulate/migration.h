/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one request becomes under a strategy: the WAN paper's four by model/wan.h, and two more round by round. */
#ifndef MT_SIMULATE_MIGRATION_H
#define MT_SIMULATE_MIGRATION_H

#include "intent.h"
#include "model/wan.h"
#include "simulate/workload.h"

/* What the strategies are given. Rates Mbit/s, times s. */
struct mt_sim_policy {
        double tau;                /* delay between iterations, >= 0 */
        double tg;                 /* reconfiguration, part of the downtime, >= 0 */
        unsigned max_iterations;   /* >= 1 */
        struct mt_wan_range range; /* of lambda-range */
        double max_mbps;           /* max-bandwidth's; no other strategy but lambda-range goes beyond it */
        double min_addition_mbps;  /* delta of min-bandwidth */
        double step_mbps;          /* Delta of delta-increment, > 0 */
        double step_gain;          /* epsilon of delta-increment */
        double clark_first_mbps;   /* bandwidth of the first round, > 0, <= max_mbps */
        double clark_addition_mbps;
        double clark_max_mbps;  /* <= max_mbps */
        double cost_scale_mbps; /* C of F = e^(-Bs/C), cost-aware's, > 0 */
};

struct mt_sim_migration {
        double mbps;          /* its bandwidth; W/T where it changes from round to round */
        unsigned iterations;  /* pre-copy rounds, n */
        double duration_s;    /* T: rounds and downtime */
        double downtime_s;    /* tg included */
        double reserved_mbit; /* W: bandwidth times time, all of it */
        double sent_mbit;
        bool met; /* the downtime limit; where not, the rounds ended all the same, and the rest was stopped and copied */
};

void mt_sim_migrate(enum mt_strategy strategy, const struct mt_sim_policy *policy, const struct mt_sim_request *request,
                    struct mt_sim_migration *ret);

/* The two that change their bandwidth from round to round (rounds.c). */
void mt_sim_clark(const struct mt_sim_policy *policy, const struct mt_sim_request *request, struct mt_sim_migration *ret);
void mt_sim_cost_aware(const struct mt_sim_policy *policy, const struct mt_sim_request *request,
                       struct mt_sim_migration *ret);

#endif
