/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which technique, from the traffic's direction and from what is permitted. */
#ifndef MT_POLICY_TECHNIQUE_H
#define MT_POLICY_TECHNIQUE_H

#include "policy/inputs.h"

/* Fills the plan's classes. */
void mt_technique_classify(const struct mt_inputs *in, const struct mt_intent *intent, struct mt_plan *plan);

/* Whether the technique is ours to choose, by traffic or by prediction; else it is configured by name. */
bool mt_technique_is_ours(const struct mt_intent *intent);

/* True if this migration may switch to post-copy; else one reason says why not. why may be NULL. */
bool mt_technique_may_post_copy(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_reasons *why);

/* Chooses by rule or by name ("predicted" is decided by the caller, who has the predictions: gives pre-copy here). */
enum mt_technique mt_technique_choose(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_plan *plan);

#endif
