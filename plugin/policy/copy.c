/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/copy.h"
#include "policy/strategy.h"

#include <math.h>

#define STEPS 8 /* of a round whose bandwidth moves */

double mt_copy_dirtied(const struct mt_inputs *in, double t)
{
        return in->hot.hot > 0.0 ? mt_hot_dirtied(&in->hot, in->resident, t) : fmin(in->D * t, in->resident);
}

/* Mbit/s of payload that the strategy would get in a round. */
static double rate(const struct mt_round *round, const struct mt_way *way, const struct mt_inputs *in)
{
        double demand = mt_strategy_demand(way->strategy, in, round, NULL);

        return mt_bandwidth_bound(demand, way, in, NULL).expected * MT_PAYLOAD;
}

/* A round of one bandwidth. Returns its duration. */
static double even_round(struct mt_copy *copy, double R, const struct mt_inputs *in)
{
        double seconds = copy->to_send / R + in->tau;

        copy->to_send = mt_copy_dirtied(in, seconds);
        return seconds;
}

/* A round whose bandwidth follows what is clean. */
static double stepped_round(struct mt_copy *copy, const struct mt_way *way, const struct mt_inputs *in)
{
        double p = in->D / in->resident, chunk = copy->to_send / STEPS, seconds = in->tau;
        struct mt_round round = { .i = copy->rounds + 1, .clean = in->resident - copy->to_send, .last_rate = in->D };

        for (unsigned k = 0; k < STEPS; k++) {
                double t = chunk / rate(&round, way, in);

                round.clean = fmax((round.clean + chunk) - p * (round.clean + 0.5 * chunk) * t, 0.0);
                seconds += t;
        }
        copy->to_send = in->resident - round.clean * fmax(1.0 - p * in->tau, 0.0);
        return seconds;
}

struct mt_copy mt_copy_until(double enough, unsigned most_rounds, const struct mt_way *way, const struct mt_inputs *in,
                             const struct mt_bandwidth *bandwidth)
{
        enum mt_demand_follows follows = mt_strategy_follows(way->strategy, in);
        struct mt_copy copy = { .to_send = in->resident };
        double R = bandwidth->expected * MT_PAYLOAD;
        double last_rate = in->D;

        do {
                double seconds;

                copy.sent += copy.to_send;
                if (follows == MT_FOLLOWS_ROUNDS)
                        R = rate(&(struct mt_round){ .i = copy.rounds + 1, .last_rate = last_rate }, way, in);
                seconds = follows == MT_FOLLOWS_CLEAN ? stepped_round(&copy, way, in) : even_round(&copy, R, in);
                last_rate = copy.to_send / seconds;
                copy.seconds += seconds;
                copy.rounds++;
        } while (copy.to_send > enough && copy.rounds < most_rounds);
        return copy;
}
