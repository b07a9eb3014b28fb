/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts and intent in, plan out. */
#ifndef MT_POLICY_DECIDE_H
#define MT_POLICY_DECIDE_H

#include "facts.h"
#include "intent.h"
#include "plan.h"

/*
 * Decides how one migration is to run: classes -> technique -> ideal bandwidth -> demand R by the strategy ->
 * bounds -> reservation -> alpha and n -> prediction and reasons. Always gives a plan: what cannot be met is in limit_met
 * and the reasons. Pure; allocates nothing; *ret_plan is overwritten, with no alternatives (mt_alternatives adds them).
 */
void mt_decide(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_plan *ret_plan);

#endif
