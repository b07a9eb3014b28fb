/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Clark's rule and CALM choose a bandwidth anew for each round. CALM's notions (model/calm.h) with a page of one Mbit and a
 * second as the unit of time: M pages is the memory, p = D/M the rate at which a page is updated, B the highest bandwidth
 * there is, N the clean pages.
 *
 * A round sends what is dirty, M - N, at the bandwidth b chosen for it, and lasts t = (M - N)/b + tau, the WAN model's delay
 * between rounds included. All pages are clean when it begins, for what it sends is no longer counted; so it leaves N = M *
 * e^(-p*t) of them clean. (The continuous form: p is a rate here and may exceed 1.)
 *
 * Rounds go on while what remains cannot be sent within the downtime limit at B, Clark's "few"; or until the strategy's own
 * rule ends them: Clark's, when the next bandwidth would exceed its maximum; CALM's, when a clean page costs no less than to
 * leave it for the stop; and at max_iterations. Then the guest stops and the rest is copied at B. The bandwidth is reserved
 * through tau and tg as well, as in the WAN paper's Eq (4).
 */
#include "model/calm.h"
#include "simulate/migration.h"

struct rounds {
        const struct mt_sim_policy *policy;
        struct mt_calm calm;
        double memory, clean; /* Mbit: M, N */
        double limit_s;
        struct mt_sim_migration *result;
};

static void begin(struct rounds *rounds, const struct mt_sim_policy *policy, const struct mt_sim_request *request,
                  struct mt_sim_migration *result)
{
        *result = (struct mt_sim_migration){ .met = false };
        *rounds = (struct rounds){
                .policy = policy,
                .calm = { .B = policy->max_mbps,
                          .p = request->dirty_mbps / request->memory_mbit,
                          .F = MT_CALM_EXP,
                          .C = policy->cost_scale_mbps },
                .memory = request->memory_mbit,
                .limit_s = request->limit_s,
                .result = result,
        };
}

static double downtime(const struct rounds *rounds)
{
        return (rounds->memory - rounds->clean) / rounds->policy->max_mbps + rounds->policy->tg;
}

/* One round at b Mbit/s. Returns how long it took. */
static double round_at(struct rounds *rounds, double b)
{
        struct mt_sim_migration *result = rounds->result;
        const double dirty = rounds->memory - rounds->clean;
        const double t = dirty / b + rounds->policy->tau;

        result->iterations++;
        result->duration_s += t;
        result->reserved_mbit += b * t;
        result->sent_mbit += dirty;
        rounds->clean = mt_calm_clean_after_cont(rounds->memory, t, 0.0, rounds->calm.p);
        return t;
}

/* Are the rounds over, whatever the strategy's own rule? */
static bool is_over(const struct rounds *rounds)
{
        return downtime(rounds) <= rounds->limit_s || rounds->clean >= rounds->memory ||
               rounds->result->iterations >= rounds->policy->max_iterations;
}

static void stop_and_copy(struct rounds *rounds)
{
        struct mt_sim_migration *result = rounds->result;

        result->downtime_s = downtime(rounds);
        result->met = result->downtime_s <= rounds->limit_s;
        result->duration_s += result->downtime_s;
        result->reserved_mbit += result->downtime_s * rounds->policy->max_mbps;
        result->sent_mbit += rounds->memory - rounds->clean;
        result->mbps = result->reserved_mbit / result->duration_s;
}

void mt_sim_clark(const struct mt_sim_policy *policy, const struct mt_sim_request *request, struct mt_sim_migration *ret)
{
        double b = policy->clark_first_mbps;
        struct rounds rounds;

        begin(&rounds, policy, request, ret);
        do {
                const double t = round_at(&rounds, b);

                b = (rounds.memory - rounds.clean) / t + policy->clark_addition_mbps;
        } while (!is_over(&rounds) && b <= policy->clark_max_mbps);
        stop_and_copy(&rounds);
}

void mt_sim_cost_aware(const struct mt_sim_policy *policy, const struct mt_sim_request *request,
                       struct mt_sim_migration *ret)
{
        struct rounds rounds;
        double stop_cost;

        begin(&rounds, policy, request, ret);
        stop_cost = mt_calm_violation(&rounds.calm, 0.0) / rounds.calm.B;
        do {
                const double b = mt_calm_best_step_closed(&rounds.calm, rounds.clean);

                if (!(mt_calm_step_cost(&rounds.calm, rounds.clean, b) < stop_cost))
                        break;
                (void)round_at(&rounds, b);
        } while (!is_over(&rounds));
        stop_and_copy(&rounds);
}
