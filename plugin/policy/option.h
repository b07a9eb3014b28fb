/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One way of migrating, worked out: its bandwidth, when it stops or switches, and what it will cost. */
#ifndef MT_POLICY_OPTION_H
#define MT_POLICY_OPTION_H

#include "facts.h"
#include "intent.h"
#include "policy/bandwidth.h"
#include "policy/hot.h"
#include "policy/inputs.h"
#include "policy/stop.h"

struct mt_option {
        struct mt_bandwidth bandwidth;
        struct mt_stop stop;
        struct mt_hot_choice hot;
        struct mt_prediction prediction;
        unsigned switch_after; /* rounds of pre-copy, where the technique switches */
};

/* With the bandwidth that the strategy asks for, within all bounds. in is made from facts and intent. why may be NULL. */
struct mt_option mt_option_by_strategy(const struct mt_way *way, const struct mt_facts *facts,
                                       const struct mt_intent *intent, const struct mt_inputs *in, struct mt_reasons *why);

/* With R Mbit/s on the wire from beginning to end, whatever the bounds and the strategy say. */
struct mt_option mt_option_at(double R, enum mt_technique technique, const struct mt_facts *facts,
                              const struct mt_intent *intent, const struct mt_inputs *in);

#endif
