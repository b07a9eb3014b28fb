/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * In the alpha paper's terms a page is one Mbit here, Ps all that was ever touched, B the payload rate, and its rates, which
 * are weighted by page share, are Dnh = cold/(1 - beta) and Dh = hot/beta. Its rounds are counted from 0: n + 1 rounds.
 *
 * Hot I copies hot pages in every round: rho_eff = (cold + hot)/R. That converges only where R exceeds what the hot pages are
 * written at. Hot II copies cold pages alone, rho_nh, and leaves the share beta for the end. QEMU cannot leave pages out of a
 * round, but it comes to the same: whatever rounds do, about the hot set is dirty again after each of them, so the end comes
 * when the cold pages are clean. If the hot set can be copied within max_downtime the guest is stopped then; if not, only
 * post-copy brings it over.
 */
#include "policy/hot.h"
#include "model/alpha.h"
#include "reason.h"

#include <math.h>

#define LEAST_ALPHA 1e-6

struct candidate {
        bool possible;
        unsigned rounds;
        double seconds; /* in all */
};

static struct candidate evaluate(enum mt_alpha_case which, const struct mt_alpha_vm *vm, double alpha, unsigned max_rounds)
{
        struct candidate candidate = { .possible = false, .seconds = INFINITY };
        struct mt_alpha_result result;

        if (mt_alpha_rho(which, vm) >= 1.0 || alpha < LEAST_ALPHA)
                return candidate;
        result = mt_alpha_evaluate(which, vm, fmin(alpha, 1.0), false);
        if (result.n >= max_rounds)
                return candidate;
        return (struct candidate){ .possible = true, .rounds = result.n + 1, .seconds = result.Ttotal };
}

static void tell(const char *what, const struct candidate *candidate, const char *why_not, struct mt_reasons *why)
{
        if (candidate->possible)
                mt_reason(why, "%s: %u rounds, %.1f s", what, candidate->rounds, candidate->seconds);
        else
                mt_reason(why, "%s: %s", what, why_not);
}

static const char *way_name(enum mt_hot_way way)
{
        switch (way) {
        case MT_HOT_COPY:
                return "Hot I: they are copied";
        case MT_HOT_LEAVE_STOP:
                return "Hot II: stop when the cold ones are clean";
        case MT_HOT_LEAVE_SWITCH:
                return "Hot II: post-copy when the cold ones are clean";
        case MT_HOT_NO_WAY:
                break;
        }
        return "neither holds max_downtime";
}

struct mt_hot_choice mt_hot_choose(const struct mt_inputs *in, const struct mt_bandwidth *bandwidth,
                                   const struct mt_stop *stop, bool may_switch, struct mt_reasons *why)
{
        double beta = mt_hot_beta(&in->hot, in->resident);
        double alpha = stop->allowed / in->resident;
        struct mt_alpha_vm vm = { .Ps = in->resident, .S = 1.0, .B = bandwidth->expected * MT_PAYLOAD, .beta = beta };
        struct mt_hot_choice choice = { .way = MT_HOT_NO_WAY };
        struct candidate copy, leave, change;

        if (in->hot.hot <= 0.0 || beta >= 1.0)
                return choice;
        vm.Dnh = in->hot.cold_rate / (1.0 - beta);
        vm.Dh = in->hot.hot_rate / beta;
        copy = evaluate(MT_ALPHA_HOT1, &vm, alpha, in->max_iterations);
        leave = evaluate(MT_ALPHA_HOT2, &vm, (alpha - beta) / (1.0 - beta), in->max_iterations);
        change = evaluate(MT_ALPHA_HOT2, &vm, alpha, in->max_iterations);
        tell("Hot I, hot pages copied in each round", &copy, "never ends", why);
        tell("Hot II, hot pages left to the end", &leave, beta >= alpha ? "more than the last copy may bring" : "never ends",
             why);
        if (leave.possible && leave.seconds <= copy.seconds)
                choice = (struct mt_hot_choice){ MT_HOT_LEAVE_STOP, leave.rounds };
        else if (copy.possible)
                choice = (struct mt_hot_choice){ MT_HOT_COPY, copy.rounds };
        else if (change.possible && may_switch)
                choice = (struct mt_hot_choice){ MT_HOT_LEAVE_SWITCH, change.rounds };
        mt_reason(why, "hot pages: %s", way_name(choice.way));
        return choice;
}
