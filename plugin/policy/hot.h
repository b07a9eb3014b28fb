/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What to do with hot pages: copy them like the others, or leave them to the end. */
#ifndef MT_POLICY_HOT_H
#define MT_POLICY_HOT_H

#include "policy/bandwidth.h"
#include "policy/inputs.h"
#include "policy/stop.h"

enum mt_hot_way {
        MT_HOT_NO_WAY,       /* no hot pages are known, or no way ends within the limits */
        MT_HOT_COPY,         /* Hot I: every round copies them */
        MT_HOT_LEAVE_STOP,   /* Hot II: stop as soon as the cold pages are clean; the last copy brings the hot ones */
        MT_HOT_LEAVE_SWITCH, /* Hot II: go over to post-copy then */
};

struct mt_hot_choice {
        enum mt_hot_way way;
        unsigned rounds; /* of pre-copy, until it stops or switches */
};

/*
 * Evaluates the alpha paper's models Hot I (Eqs (17)-(23)) and Hot II (Eqs (24)-(31)) at this bandwidth, with the remainder
 * that the stop rule allows as alpha, and chooses: of those that hold max_downtime within max_iterations the one that takes
 * less time; where none does, the switch to post-copy, if it may be had. One reason says how they compare.
 */
struct mt_hot_choice mt_hot_choose(const struct mt_inputs *in, const struct mt_bandwidth *bandwidth,
                                   const struct mt_stop *stop, bool may_switch, struct mt_reasons *why);

#endif
