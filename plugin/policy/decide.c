/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * One pass, in the order of DESIGN section 3: resolve inputs, classify the traffic, choose the technique, take the
 * strategy's demand, bound it, derive the stop rule from the bandwidth, predict, see what the call must say for it.
 * Alternatives are evaluated by the same functions with another technique or strategy and their reasons thrown away, so
 * that what is compared is what would have been done. `technique = "predicted"` takes the alternative with the shortest predicted time among those that hold
 * the downtime limit.
 */
#include "policy/decide.h"
#include "array.h"
#include "policy/bandwidth.h"
#include "policy/flags.h"
#include "policy/hot.h"
#include "policy/inputs.h"
#include "policy/predict.h"
#include "policy/stop.h"
#include "policy/strategy.h"
#include "policy/technique.h"
#include "reason.h"

/* Below this a post-copy at once has moved everything before faults can queue up behind the stream. */
#define IMMEDIATE_SWITCH_S 1.0

/* One way of migrating, worked out. */
struct option {
        struct mt_bandwidth bandwidth;
        struct mt_stop stop;
        struct mt_hot_choice hot;
        struct mt_prediction prediction;
        unsigned switch_after; /* rounds of pre-copy, where the technique switches */
};

/*
 * post-copy at once, or after how many rounds? (Measured: at once through a full queue a client saw 3.7 s, after a pass 0.4
 * s.) With hot pages: when the cold ones are clean.
 */
static unsigned rounds_before_switch(enum mt_technique technique, const struct mt_intent *intent, const struct mt_inputs *in,
                                     const struct option *option)
{
        switch (intent->post_copy_switch) {
        case MT_SWITCH_IMMEDIATE:
                return 0;
        case MT_SWITCH_FIRST_PASS:
                return 1;
        case MT_SWITCH_AUTO:
                break;
        }
        if (option->hot.way == MT_HOT_LEAVE_STOP || option->hot.way == MT_HOT_LEAVE_SWITCH)
                return option->hot.rounds;
        return technique == MT_HYBRID || in->resident / (option->bandwidth.R * MT_PAYLOAD) > IMMEDIATE_SWITCH_S ? 1 : 0;
}

/* Post-copy for hot pages' sake: only where the technique is ours to choose; who cannot be asked may be tried. */
static bool may_switch(const struct mt_facts *facts, const struct mt_intent *intent)
{
        const char *ignored;

        return mt_technique_is_ours(intent) && mt_flags_post_copy(facts, intent, &ignored) != MT_CALLER_NO;
}

static struct option work_out(enum mt_technique technique, enum mt_strategy strategy, const struct mt_facts *facts,
                              const struct mt_intent *intent, const struct mt_inputs *in, struct mt_reasons *why)
{
        const struct mt_way way = { technique, strategy };
        struct option option;

        option.bandwidth = mt_bandwidth_bound(mt_strategy_demand(strategy, in, &in->now, why), &way, in, why);
        option.stop = mt_stop_rule(&way, in, intent, &option.bandwidth, mt_flags_switchover(facts), why);
        option.hot = mt_hot_choose(in, &option.bandwidth, &option.stop,
                                   technique != MT_PRE_COPY || may_switch(facts, intent), why);
        option.switch_after = rounds_before_switch(technique, intent, in, &option);
        option.prediction = mt_predict(&way, option.switch_after, in, intent, &option.bandwidth, &option.stop);
        return option;
}

static void add_alternative(struct mt_plan *plan, enum mt_technique technique, enum mt_strategy strategy,
                            const struct option *option)
{
        struct mt_alternative *alternative;

        if (plan->n_alternatives == MT_MAX_ALTERNATIVES)
                return;
        alternative = &plan->alternatives[plan->n_alternatives++];
        mt_alternative_name(alternative, technique, strategy);
        alternative->technique = technique;
        alternative->bandwidth_bytes_s = mt_bytes_s(option->bandwidth.R);
        alternative->prediction = option->prediction;
}

/* The techniques not chosen, then pre-copy with the other strategies, until the list is full. */
static void alternatives(const struct mt_facts *facts, const struct mt_intent *intent, const struct mt_inputs *in,
                         struct mt_plan *plan)
{
        static const enum mt_technique techniques[] = { MT_PRE_COPY, MT_POST_COPY, MT_HYBRID };
        static const enum mt_strategy strategies[] = { MT_LAMBDA_RANGE, MT_MAX_BANDWIDTH, MT_MIN_BANDWIDTH,
                                                       MT_DELTA_INCREMENT };
        struct mt_reasons ignored = { 0 };

        for (size_t i = 0; i < MT_ARRAY_SIZE(techniques); i++) {
                struct option option;

                if (techniques[i] == plan->technique)
                        continue;
                option = work_out(techniques[i], plan->strategy, facts, intent, in, &ignored);
                add_alternative(plan, techniques[i], plan->strategy, &option);
        }
        for (size_t i = 0; i < MT_ARRAY_SIZE(strategies); i++) {
                struct option option;

                if (strategies[i] == plan->strategy)
                        continue;
                ignored.n = 0;
                option = work_out(MT_PRE_COPY, strategies[i], facts, intent, in, &ignored);
                add_alternative(plan, MT_PRE_COPY, strategies[i], &option);
        }
}

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
        struct mt_reasons ignored = { 0 };
        enum mt_technique best = MT_PRE_COPY;
        struct option best_option = work_out(MT_PRE_COPY, intent->strategy, facts, intent, in, &ignored);

        if (!mt_technique_may_post_copy(facts, intent, &plan->reasons))
                return MT_PRE_COPY;
        for (size_t i = 0; i < MT_ARRAY_SIZE(techniques); i++) {
                struct option option;

                ignored.n = 0;
                option = work_out(techniques[i], intent->strategy, facts, intent, in, &ignored);
                if (better(&option.prediction, &best_option.prediction, intent->max_downtime_ms)) {
                        best = techniques[i];
                        best_option = option;
                }
        }
        mt_reason(&plan->reasons, "technique %s: the best predicted", mt_technique_name(best));
        return best;
}

/* Hot pages that pre-copy cannot bring over within the limit: post-copy, where it may be had. */
static struct option consider_switch(const struct option *option, const struct mt_facts *facts,
                                     const struct mt_intent *intent, const struct mt_inputs *in, struct mt_plan *plan)
{
        struct mt_reasons ignored = { 0 };

        if (plan->technique != MT_PRE_COPY || option->hot.way != MT_HOT_LEAVE_SWITCH)
                return *option;
        plan->technique = MT_HYBRID;
        mt_reason(&plan->reasons, "technique hybrid instead of pre-copy: post-copy after %u rounds, for the hot pages%s",
                  option->hot.rounds,
                  !facts->call.known && facts->post_copy == MT_CALLER_UNKNOWN
                          ? " (whether the caller allowed it shows when it is asked for)"
                          : "");
        return work_out(MT_HYBRID, plan->strategy, facts, intent, in, &ignored);
}

void mt_decide(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_plan *ret_plan)
{
        struct mt_plan *plan = ret_plan;
        struct mt_inputs in;
        struct option option;

        plan->reasons.n = 0;
        plan->n_alternatives = 0;
        plan->strategy = intent->strategy;
        mt_reason(&plan->reasons, "intent from %s: %s urgency, max_downtime %.0f ms", intent->from,
                  mt_urgency_name(intent->urgency), (double)intent->max_downtime_ms);
        mt_inputs_make(facts, intent, &in, &plan->reasons);
        mt_technique_classify(&in, intent, plan);
        plan->technique = intent->technique == MT_CHOOSE_PREDICTED ? predicted_technique(facts, intent, &in, plan)
                                                                   : mt_technique_choose(facts, intent, plan);
        option = work_out(plan->technique, plan->strategy, facts, intent, &in, &plan->reasons);
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
        alternatives(facts, intent, &in, plan);
}
