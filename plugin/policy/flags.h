/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What to change in the migration call itself: the flags and parameters that can only be given at the start. */
#ifndef MT_POLICY_FLAGS_H
#define MT_POLICY_FLAGS_H

#include "policy/inputs.h"
#include "versions.h"

#define MT_FLAGS_BY_RDMA "memory goes by RDMA"

/* Whether the versions that the call goes through have it. */
bool mt_flags_able(enum mt_ability ability, const struct mt_call_fact *call);

/*
 * Whether the migration may switch to post-copy: the caller set the flag, or, where the call is known, the intent lets it be
 * added; and neither the intent nor the guest forbids it. Otherwise *ret_obstacle, which may not be NULL, says why not;
 * MT_CALLER_UNKNOWN where nobody sees the call.
 */
enum mt_caller_permits mt_flags_post_copy(const struct mt_facts *facts, const struct mt_intent *intent,
                                          const char **ret_obstacle);

/*
 * What QEMU is given as its own limit for post-copy at this R. Mbit/s of payload, without the caller's limit. After the
 * switch a page that the guest waits for queues behind all that was sent in the background before it. Measured through a
 * queue shared with other traffic, the stream at full speed: 3.7 s without an answer from the guest.
 */
double mt_flags_pace(double R, const struct mt_inputs *in);

/* What a caller set and "never" takes away, where flags can be changed. */
uint64_t mt_flags_forbidden(const struct mt_facts *facts, const struct mt_intent *intent);

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
