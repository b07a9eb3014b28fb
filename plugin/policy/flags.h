/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What to change in the migration call itself: the flags and parameters that can only be given at the start. */
#ifndef MT_POLICY_FLAGS_H
#define MT_POLICY_FLAGS_H

#include "policy/inputs.h"

/*
 * Whether the migration has the post-copy flag: the caller set it, or, where the call is known, the intent lets it be added
 * and nothing forbids it. Otherwise *ret_obstacle, which may not be NULL, says why not; MT_CALLER_UNKNOWN where nobody sees
 * the call.
 */
enum mt_caller_permits mt_flags_post_copy(const struct mt_facts *facts, const struct mt_intent *intent,
                                          const char **ret_obstacle);

/* Whether QEMU is, or will be, told at which rate the last copy goes. */
bool mt_flags_switchover(const struct mt_facts *facts);

/*
 * Fills plan->call from the rest of the plan, which must be complete but for its alternatives, and adds reasons. All zero
 * where the call is not known or made already, where it moves no memory, and in mode "off"; in mode "observe" it says what
 * would be done.
 */
void mt_flags_choose(const struct mt_facts *facts, const struct mt_intent *intent, const struct mt_inputs *in,
                     struct mt_plan *plan);

#endif
