/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * One pass, in the order of DESIGN section 3: resolve inputs, classify the traffic, choose the technique, take the
 * strategy's demand, bound it, derive the stop rule from the bandwidth, predict, see what the call must say for it.
 * `technique = "predicted"` takes the technique with the shortest predicted time among those that hold the downtime limit.
 * What other ways would have cost is worked out apart (alternatives.c): nobody reads it of a plan that is made each second.
 */
#include "policy/decide.h"
#include "array.h"
#include "origin.h"
#include "policy/alternatives.h"
#include "policy/flags.h"
#include "policy/inputs.h"
#include "policy/option.h"
#include "policy/technique.h"
#include "reason.h"

static bool better(const struct mt_prediction *a, const struct mt_prediction *b, uint64_t limit_ms)
{
        bool a_holds = a->downtime_ms <= limit_ms;
        bool b_holds = b->downtime_ms <= limit_ms;

        return a_holds != b_holds ? a_holds : a->total_ms < b->total_ms;
}

static enum mt_technique predicted_technique(const struct mt_facts *facts, const struct mt_intent *intent,
                                             const struct mt_inputs *in, struct mt_plan *plan)
{
        static const enum mt_technique techniques[] = { MT_POST_COPY, MT_HYBRID };
        struct mt_way way = { MT_PRE_COPY, intent->strategy };
        enum mt_technique best = MT_PRE_COPY;
        struct mt_option best_option = mt_option_by_strategy(&way, facts, intent, in, /* why= */ NULL);

        if (!mt_technique_may_post_copy(facts, intent, &plan->reasons))
                return MT_PRE_COPY;
        for (size_t i = 0; i < MT_ARRAY_SIZE(techniques); i++) {
                struct mt_option option;

                way.technique = techniques[i];
                option = mt_option_by_strategy(&way, facts, intent, in, /* why= */ NULL);
                if (better(&option.prediction, &best_option.prediction, intent->max_downtime_ms)) {
                        best = techniques[i];
                        best_option = option;
                }
        }
        mt_reason(&plan->reasons, "technique %s: the best predicted", mt_technique_name(best));
        return best;
}

/* Hot pages that pre-copy cannot bring over within the limit: post-copy, where it may be had. */
static struct mt_option consider_switch(const struct mt_option *option, const struct mt_facts *facts,
                                        const struct mt_intent *intent, const struct mt_inputs *in, struct mt_plan *plan)
{
        const struct mt_way hybrid = { MT_HYBRID, plan->strategy };

        if (plan->technique == MT_PRE_COPY && option->hot.way == MT_HOT_NO_WAY && in->hot.hot > 0.0)
                (void)mt_technique_may_post_copy(facts, intent, &plan->reasons); /* what would have helped */
        if (plan->technique != MT_PRE_COPY || option->hot.way != MT_HOT_LEAVE_SWITCH)
                return *option;
        plan->technique = MT_HYBRID;
        mt_reason(&plan->reasons, "technique hybrid instead of pre-copy: post-copy after %u rounds, for the hot pages%s",
                  option->hot.rounds,
                  !facts->call.known && facts->post_copy == MT_CALLER_UNKNOWN
                          ? " (whether the caller allowed it shows when it is asked for)"
                          : "");
        return mt_option_by_strategy(&hybrid, facts, intent, in, /* why= */ NULL);
}

void mt_decide(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_plan *ret_plan)
{
        struct mt_plan *plan = ret_plan;
        struct mt_inputs in;
        struct mt_option option;

        plan->reasons.n = 0;
        mt_alternatives_none(plan);
        plan->strategy = intent->strategy;
        mt_reason(&plan->reasons, "intent from %s: %s urgency, max_downtime %.0f ms", intent->from,
                  mt_urgency_name(intent->urgency), (double)intent->max_downtime_ms);
        mt_origin_reasons(intent, &plan->reasons);
        mt_inputs_make(facts, intent, &in, &plan->reasons);
        mt_technique_classify(&in, intent, plan);
        plan->technique = intent->technique == MT_CHOOSE_PREDICTED ? predicted_technique(facts, intent, &in, plan)
                                                                   : mt_technique_choose(facts, intent, plan);
        option = mt_option_by_strategy(&(struct mt_way){ plan->technique, plan->strategy }, facts, intent, &in,
                                       &plan->reasons);
        option = consider_switch(&option, facts, intent, &in, plan);
        plan->switch_iteration = plan->technique == MT_PRE_COPY ? 0 : option.switch_after + 1;
        plan->lambda = in.D / option.bandwidth.R;
        plan->wanted_bytes_s = mt_bytes_s(option.bandwidth.wanted);
        plan->need_bytes_s = mt_bytes_s(option.bandwidth.need);
        plan->bandwidth_bytes_s = mt_bytes_s(option.bandwidth.R);
        plan->reserve_bytes_s = mt_bytes_s(option.bandwidth.reserve);
        plan->switchover_bytes_s = mt_bytes_s(option.bandwidth.switchover);
        plan->low_priority = option.bandwidth.low_priority;
        plan->alpha = option.stop.alpha;
        plan->iterations = option.stop.n;
        plan->downtime_limit_ms = mt_ms(option.stop.qemu_limit);
        if (in.waits_turn) /* QEMU's first estimate is from before the trickle: with any other limit it might stop at once */
                plan->downtime_limit_ms = 1;
        plan->prediction = option.prediction;
        plan->limit_met =
                plan->technique == MT_PRE_COPY ? option.stop.met : option.prediction.downtime_ms <= intent->max_downtime_ms;
        mt_flags_choose(facts, intent, &in, plan);
}
