/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What else could have been done with a migration, and what it would have cost. */
#ifndef MT_POLICY_ALTERNATIVES_H
#define MT_POLICY_ALTERNATIVES_H

#include "facts.h"
#include "intent.h"
#include "plan.h"

/*
 * Fills the plan's alternatives, tenants, bars and verdict. The plan must be mt_decide's of the same facts and intent. For a plan
 * that somebody is to read: `migtune plan`, and the one that a migration begins with. Pure; allocates nothing.
 */
void mt_alternatives(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_plan *plan);

/* Leaves none of all that in it. */
void mt_alternatives_none(struct mt_plan *plan);

#endif
