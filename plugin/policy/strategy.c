/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/strategy.h"
#include "array.h"
#include "model/wan.h"
#include "reason.h"

#define DELTA_STEP_MBPS 25.0
#define DELTA_EPS 0.1
#define MIN_ADDITION_MBPS 50.0

static double lambda_range(const struct mt_inputs *in, struct mt_reasons *why)
{
        const struct mt_wan_range range = { .DL = in->DL, .DH = in->DH, .lL = in->lL, .lH = in->lH };
        double lambda = mt_wan_lambda(in->D, &range, true);
        double R = in->D / lambda;

        mt_reason(why, "lambda-range: lambda(%.1f) = %.4f on [%.4g, %.4g] -> [%.2g, %.2g]; R = D/lambda = %.1f Mbit/s",
                  in->D, lambda, in->DL, in->DH, in->lL, in->lH, R);
        return R;
}

static double delta_increment(const struct mt_inputs *in, struct mt_reasons *why)
{
        const struct mt_wan_vm vm = { .vm_mb = in->resident, .R = 0.0, .D = in->D, .tau = in->tau, .tg = in->tg };
        double R = mt_wan_delta_increment(&vm, in->limit, DELTA_STEP_MBPS, DELTA_EPS, in->max_iterations, 0, in->link);

        mt_reason(
                why,
                "delta-increment: the first R above D = %.1f in steps of %.0f whose next step gains too little: %.1f Mbit/s",
                in->D, DELTA_STEP_MBPS, R);
        return R;
}

static double min_bandwidth(const struct mt_inputs *in, struct mt_reasons *why)
{
        double R = mt_wan_min_bandwidth(in->D, MIN_ADDITION_MBPS);

        mt_reason(why, "min-bandwidth: R = D + %.0f = %.1f Mbit/s", MIN_ADDITION_MBPS, R);
        return R;
}

static double max_bandwidth(const struct mt_inputs *in, struct mt_reasons *why)
{
        double R = mt_wan_max_bandwidth(in->D, in->link);

        mt_reason(why, "max-bandwidth: R = the link = %.1f Mbit/s", R);
        return R;
}

static double (*const demand[])(const struct mt_inputs *in, struct mt_reasons *why) = {
        [MT_LAMBDA_RANGE] = lambda_range,
        [MT_DELTA_INCREMENT] = delta_increment,
        [MT_MIN_BANDWIDTH] = min_bandwidth,
        [MT_MAX_BANDWIDTH] = max_bandwidth,
};

double mt_strategy_demand(enum mt_strategy strategy, const struct mt_inputs *in, struct mt_reasons *why)
{
        return (size_t)strategy < MT_ARRAY_SIZE(demand) ? demand[strategy](in, why) : lambda_range(in, why);
}
