/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long one decision takes (decide, explain; no measuring): with the default strategy, and with the dearest one. "plan" is
 * what `migtune plan` and the beginning of a migration take, with the alternatives; "replan" what a running one takes each
 * second. One JSON line each, as bench_shape.c.
 */
#include "bench.h"
#include "policy/alternatives.h"
#include "policy/decide.h"

#define BATCH 50 /* decisions a sample, so that the clock's own cost does not count */

static void measure(const char *name, enum mt_strategy strategy, bool alternatives)
{
        static double us[2000];
        struct mt_facts facts = {
                .memory_bytes = 4 * MT_GIB,
                .resident_bytes = 3 * MT_GIB,
                .dirty_source = MT_DIRTY_MEASURED,
                .device = "eth0",
                .link_bytes_s = 1250000000,
                .src = { .known = true, .out_bytes_s = 25000000 },
                .tau_ms = 5,
                .tg_ms = 60,
                .dirty_low_bytes_s = MT_AUTO,
                .dirty_high_bytes_s = MT_AUTO,
                .post_copy = MT_CALLER_YES,
        };
        struct mt_intent intent;
        struct mt_plan plan;

        mt_intent_defaults(&intent);
        intent.strategy = strategy;
        for (size_t i = 0; i < BENCH_SIZE(us); i++) {
                double start = bench_now_us();

                for (unsigned k = 0; k < BATCH; k++) {
                        facts.dirty_rate_bytes_s = 1000000 + 50000 * (i % 1000) + k;
                        mt_decide(&facts, &intent, &plan);
                        if (alternatives)
                                mt_alternatives(&facts, &intent, &plan);
                }
                us[i] = (bench_now_us() - start) / BATCH;
        }
        bench_report(name, us, BENCH_SIZE(us));
}

int main(void)
{
        measure("plan", MT_LAMBDA_RANGE, true);
        measure("plan-cost-aware", MT_COST_AWARE, true);
        measure("replan", MT_LAMBDA_RANGE, false);
        measure("replan-cost-aware", MT_COST_AWARE, false);
        return 0;
}
