/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/option.h"
#include "policy/flags.h"
#include "policy/predict.h"
#include "policy/strategy.h"
#include "policy/technique.h"

/* Below this a post-copy at once has moved everything before faults can queue up behind the stream. */
#define IMMEDIATE_SWITCH_S 1.0

/*
 * post-copy at once, or after how many rounds? (Measured: at once through a full queue a client saw 3.7 s, after a pass 0.4
 * s.) With hot pages: when the cold ones are clean.
 */
static unsigned rounds_before_switch(enum mt_technique technique, const struct mt_intent *intent, const struct mt_inputs *in,
                                     const struct mt_option *option)
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

/* All that follows from the bandwidth. */
static void work_out(struct mt_option *option, const struct mt_way *way, const struct mt_facts *facts,
                     const struct mt_intent *intent, const struct mt_inputs *in, struct mt_reasons *why)
{
        option->stop = mt_stop_rule(way, in, intent, &option->bandwidth, mt_flags_switchover(facts), why);
        option->hot = mt_hot_choose(in, &option->bandwidth, &option->stop,
                                    way->technique != MT_PRE_COPY || may_switch(facts, intent), why);
        option->switch_after = rounds_before_switch(way->technique, intent, in, option);
        option->prediction = mt_predict(way, option->switch_after, in, intent, &option->bandwidth, &option->stop);
}

struct mt_option mt_option_by_strategy(const struct mt_way *way, const struct mt_facts *facts,
                                       const struct mt_intent *intent, const struct mt_inputs *in, struct mt_reasons *why)
{
        struct mt_option option;

        option.bandwidth = mt_bandwidth_bound(mt_strategy_demand(way->strategy, in, &in->now, why), way, in, why);
        work_out(&option, way, facts, intent, in, why);
        return option;
}

struct mt_option mt_option_at(double R, enum mt_technique technique, const struct mt_facts *facts,
                              const struct mt_intent *intent, const struct mt_inputs *in)
{
        const struct mt_way way = { technique, MT_MAX_BANDWIDTH }; /* one bandwidth for all rounds, and no stop of its own */
        struct mt_option option;

        option.bandwidth = mt_bandwidth_fixed(R, in);
        work_out(&option, &way, facts, intent, in, /* why= */ NULL);
        return option;
}
