/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/converge.h"
#include "policy/copy.h"
#include "policy/flags.h"
#include "policy/technique.h"

#define MOST_ROUNDS 1000u /* the most that max_iterations can be */

struct mt_outlook mt_outlook(double remaining, double enough, double R, const struct mt_inputs *in)
{
        struct mt_outlook outlook = { .converges = remaining <= enough, .least = remaining };

        while (!outlook.converges && outlook.rounds < MOST_ROUNDS) {
                double seconds = outlook.least / R + in->tau;
                double next = mt_copy_dirtied(in, seconds);

                if (next > enough && next > MT_STALL_SHARE * outlook.least)
                        break;
                outlook.rounds++;
                outlook.seconds += seconds;
                outlook.least = next;
                outlook.converges = next <= enough;
        }
        return outlook;
}

const char *mt_remedy_name(enum mt_remedy remedy)
{
        static const char *const names[] = {
                [MT_REMEDY_POST_COPY] = "post-copy", [MT_REMEDY_THROTTLE] = "auto-converge", [MT_REMEDY_EXCEED] = "exceed",
                [MT_REMEDY_WAIT] = "exceed, later",  [MT_REMEDY_CONTINUE] = "continue",      [MT_REMEDY_ABORT] = "abort",
        };

        return names[remedy];
}

/* The technique is ours to choose, and nobody has said that post-copy is not to be had. */
static bool may_switch(const struct mt_facts *facts, const struct mt_intent *intent)
{
        const char *ignored;

        return mt_technique_is_ours(intent) && mt_flags_post_copy(facts, intent, &ignored) != MT_CALLER_NO;
}

enum mt_remedy mt_remedy_choose(const struct mt_facts *facts, const struct mt_intent *intent, const struct mt_stall *stall)
{
        if (may_switch(facts, intent))
                return MT_REMEDY_POST_COPY;
        if (stall->throttling)
                return MT_REMEDY_THROTTLE;
        switch (intent->on_no_convergence) {
        case MT_ABORT:
                return MT_REMEDY_ABORT;
        case MT_EXCEED:
                if (stall->needed_ms > (double)intent->exceed_downtime_ms)
                        return stall->late ? MT_REMEDY_ABORT : MT_REMEDY_WAIT;
                return stall->local_least ? MT_REMEDY_EXCEED : MT_REMEDY_WAIT;
        case MT_CONTINUE:
                break;
        }
        return MT_REMEDY_CONTINUE;
}
