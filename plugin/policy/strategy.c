/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A strategy says how much bandwidth a migration asks for. Four of them say it once (the WAN paper's). Two follow the
 * copy, round by round:
 *
 * clark (Clark et al., as the CALM slides tell it): the first round at a bandwidth of the operator's, each further one at
 * the rate at which the last one saw memory dirtied, plus a constant. It would stop when less than 256 KB are left or when
 * that rule exceeds a maximum; here max_downtime says when to stop, and the maximum is the most it may take.
 *
 * cost-aware (CALM): service and migration share the link; F(Bs) is the probability that the service misses its SLA when
 * Bs is left to it. Each step takes the bandwidth that costs least; as more is clean, more is dirtied again, so the
 * bandwidth rises. It stops where another clean page costs more than it saves, unless max_downtime wants less to remain.
 */
#include "policy/strategy.h"
#include "array.h"
#include "model/calm.h"
#include "model/wan.h"
#include "reason.h"

#include <math.h>

#define DELTA_STEP_MBPS 25.0
#define DELTA_EPS 0.1
#define MIN_ADDITION_MBPS 50.0
#define STEP_TOLERANCE 1e-3 /* of the link: finer than what tc is changed for */

static double lambda_range(const struct mt_inputs *in, const struct mt_round *round, struct mt_reasons *why)
{
        const struct mt_wan_range range = { .DL = in->DL, .DH = in->DH, .lL = in->lL, .lH = in->lH };
        double lambda = mt_wan_lambda(in->D, &range, true);
        double R = in->D / lambda;

        (void)round;
        mt_reason(why, "lambda-range: lambda(%.1f) = %.4f on [%.4g, %.4g] -> [%.2g, %.2g]; R = D/lambda = %.1f Mbit/s",
                  in->D, lambda, in->DL, in->DH, in->lL, in->lH, R);
        return R;
}

static double delta_increment(const struct mt_inputs *in, const struct mt_round *round, struct mt_reasons *why)
{
        const struct mt_wan_vm vm = { .vm_mb = in->resident, .R = 0.0, .D = in->D, .tau = in->tau, .tg = in->tg };
        double R = mt_wan_delta_increment(&vm, in->limit, DELTA_STEP_MBPS, DELTA_EPS, in->max_iterations, 0, in->link);

        (void)round;
        mt_reason(
                why,
                "delta-increment: the first R above D = %.1f in steps of %.0f whose next step gains too little: %.1f Mbit/s",
                in->D, DELTA_STEP_MBPS, R);
        return R;
}

static double min_bandwidth(const struct mt_inputs *in, const struct mt_round *round, struct mt_reasons *why)
{
        double R = mt_wan_min_bandwidth(in->D, MIN_ADDITION_MBPS);

        (void)round;
        mt_reason(why, "min-bandwidth: R = D + %.0f = %.1f Mbit/s", MIN_ADDITION_MBPS, R);
        return R;
}

static double max_bandwidth(const struct mt_inputs *in, const struct mt_round *round, struct mt_reasons *why)
{
        double R = mt_wan_max_bandwidth(in->D, in->link);

        (void)round;
        mt_reason(why, "max-bandwidth: R = the link = %.1f Mbit/s", R);
        return R;
}

static double clark(const struct mt_inputs *in, const struct mt_round *round, struct mt_reasons *why)
{
        double R = round->i <= 1 ? in->clark_initial : round->last_rate + in->clark_addition;

        if (round->i <= 1)
                mt_reason(why, "clark: the first round at %.1f Mbit/s", R);
        else
                mt_reason(why, "clark: round %u at the last one's dirty rate %.1f + %.1f = %.1f Mbit/s", round->i,
                          round->last_rate, in->clark_addition, R);
        if (R > in->clark_maximum)
                mt_reason(why, "clark: at most %.1f Mbit/s (clark.maximum)", in->clark_maximum);
        return fmin(R, in->clark_maximum);
}

static double cost_aware(const struct mt_inputs *in, const struct mt_round *round, struct mt_reasons *why)
{
        const char *function = mt_calm_cost_function_name(in->cost.F);
        double R;

        if (in->cost_fixed) {
                R = mt_calm_search_fixed(&in->cost, in->resident).Bm;
                mt_reason(why, "cost-aware, fixed: %.1f Mbit/s cost least (F %s, C %.1f, p %.4f/s)", R, function, in->cost.C,
                          in->cost.p);
        } else {
                R = mt_calm_best_step(&in->cost, round->clean, STEP_TOLERANCE);
                mt_reason(why, "cost-aware, round %u, %.0f %% clean: %.1f Mbit/s cost least (F %s, C %.1f, p %.4f/s)",
                          round->i, 100.0 * round->clean / in->resident, R, function, in->cost.C, in->cost.p);
        }
        return R;
}

static const struct row {
        double (*demand)(const struct mt_inputs *in, const struct mt_round *round, struct mt_reasons *why);
        enum mt_demand_follows follows;
        bool keeps_lambda, stops_by_cost;
} rows[] = {
        [MT_LAMBDA_RANGE] = { lambda_range, .keeps_lambda = true },
        [MT_DELTA_INCREMENT] = { delta_increment },
        [MT_MIN_BANDWIDTH] = { min_bandwidth },
        [MT_MAX_BANDWIDTH] = { max_bandwidth },
        [MT_CLARK] = { clark, .follows = MT_FOLLOWS_ROUNDS },
        [MT_COST_AWARE] = { cost_aware, .follows = MT_FOLLOWS_CLEAN, .stops_by_cost = true },
};

static const struct row *row_of(enum mt_strategy strategy)
{
        return &rows[(size_t)strategy < MT_ARRAY_SIZE(rows) ? (size_t)strategy : MT_LAMBDA_RANGE];
}

double mt_strategy_demand(enum mt_strategy strategy, const struct mt_inputs *in, const struct mt_round *round,
                          struct mt_reasons *why)
{
        return row_of(strategy)->demand(in, round, why);
}

enum mt_demand_follows mt_strategy_follows(enum mt_strategy strategy, const struct mt_inputs *in)
{
        return strategy == MT_COST_AWARE && in->cost_fixed ? MT_FOLLOWS_NOTHING : row_of(strategy)->follows;
}

bool mt_strategy_keeps_lambda(enum mt_strategy strategy)
{
        return row_of(strategy)->keeps_lambda;
}

/* Clean Mbit at which CALM stops: of a fixed bandwidth, or step by step. */
static double stop_point(const struct mt_inputs *in)
{
        return in->cost_fixed ? mt_calm_search_fixed(&in->cost, in->resident).N
                              : mt_calm_stop_point(&in->cost, in->resident);
}

double mt_strategy_stop(enum mt_strategy strategy, const struct mt_inputs *in, double allowed, double least,
                        struct mt_reasons *why)
{
        double own;

        if (!row_of(strategy)->stops_by_cost)
                return allowed;
        own = fmax((in->resident - stop_point(in)) / in->memory, least);
        if (own >= allowed)
                return allowed;
        mt_reason(why, "cost-aware: copying on pays until %.1f Mbit remain, less than max_downtime allows",
                  own * in->memory);
        return own;
}
