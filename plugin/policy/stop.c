/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/stop.h"
#include "model/alpha.h"
#include "policy/strategy.h"
#include "reason.h"

#include <math.h>

/* Part of the limit that the copy gets at least, where t_g alone would eat it. */
#define LEAST_COPY_SHARE 0.2

/* The alpha model's optimum under a utilisation limit (alpha paper, section on optimisation); never above alpha. */
static double limit_utilisation(double alpha, const struct mt_inputs *in, const struct mt_intent *intent, double R,
                                struct mt_reasons *why)
{
        double rho = in->D / R;
        const struct mt_alpha_vm vm = { .Ps = 1.0, .D = rho, .S = 1.0, .B = 1.0 }; /* only rho = D*S/B matters here */
        double best = alpha;

        if (intent->max_network_utilisation >= 1.0 || rho <= 0.0 || rho >= 1.0)
                return alpha;
        if (rho >= intent->max_network_utilisation) { /* the infimum of eq (16) is rho: no alpha can do better */
                mt_reason(why, "max_network_utilisation %.2f cannot be held at D/R = %.2f", intent->max_network_utilisation,
                          rho);
                return alpha;
        }
        for (double candidate = rho; candidate >= intent->alpha_floor; candidate *= rho)
                if (candidate <= alpha &&
                    mt_alpha_evaluate(MT_ALPHA_UNIFORM, &vm, candidate, false).Unet <= intent->max_network_utilisation) {
                        best = candidate;
                        break;
                }
        if (best < alpha)
                mt_reason(why, "alpha %.4f instead of %.4f: network utilisation at most %.2f", best, alpha,
                          intent->max_network_utilisation);
        return best;
}

/* Mbit that may remain, whatever the strategy and the utilisation want, for the limit's sake. */
static double allowed_by_limit(const struct mt_inputs *in, double Rs, bool *ret_room, struct mt_reasons *why)
{
        double copy = in->limit - in->tg;

        *ret_room = copy >= LEAST_COPY_SHARE * in->limit;
        if (!*ret_room) {
                mt_reason(why, "max_downtime %.0f ms leaves too little beside the reconfiguration time of %.0f ms",
                          in->limit * 1e3, in->tg * 1e3);
                copy = LEAST_COPY_SHARE * in->limit;
        }
        return fmin(copy * Rs, in->memory);
}

struct mt_stop mt_stop_rule(const struct mt_way *way, const struct mt_inputs *in, const struct mt_intent *intent,
                            const struct mt_bandwidth *bandwidth, bool switchover_known, struct mt_reasons *why)
{
        double R = bandwidth->expected * MT_PAYLOAD;
        double Rs = bandwidth->switchover * MT_PAYLOAD;
        struct mt_stop stop;
        bool room;

        stop.allowed = allowed_by_limit(in, Rs, &room, why);
        stop.alpha = limit_utilisation(stop.allowed / in->memory, in, intent, R, why);
        stop.alpha = mt_strategy_stop(way->strategy, in, stop.alpha, intent->alpha_floor, why);
        stop.remaining = stop.alpha * in->memory;
        stop.copy = mt_copy_until(stop.remaining, in->max_iterations, way, in, bandwidth);
        stop.n = stop.copy.rounds;
        stop.met = stop.copy.to_send <= stop.allowed && room;
        stop.qemu_limit = stop.remaining / (switchover_known ? Rs : R);
        mt_reason(why, "alpha = %.4f: %.1f MiB may remain (%.0f ms - t_g %.0f ms at %.0f Mbit/s); n = %u rounds", stop.alpha,
                  stop.remaining * 1e6 / 8.0 / (double)MT_MIB, in->limit * 1e3, in->tg * 1e3, Rs, stop.n);
        if (!stop.met && room)
                mt_reason(why, "limit not met: after %u rounds at lambda %.2f about %.1f MiB remain", stop.n, in->D / R,
                          stop.copy.to_send * 1e6 / 8.0 / (double)MT_MIB);
        return stop;
}
