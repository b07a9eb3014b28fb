/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The strategies for the demand R, one row each. */
#ifndef MT_POLICY_STRATEGY_H
#define MT_POLICY_STRATEGY_H

#include "policy/inputs.h"

/*
 * The bandwidth in Mbit/s that the strategy wants for in->D in this round, before any bound; 0 where it wants none (D = 0).
 * One reason says how it came about; why may be NULL.
 */
double mt_strategy_demand(enum mt_strategy strategy, const struct mt_inputs *in, const struct mt_round *round,
                          struct mt_reasons *why);

/* How a strategy's demand moves while it is copied. */
enum mt_demand_follows {
        MT_FOLLOWS_NOTHING, /* D alone */
        MT_FOLLOWS_ROUNDS,  /* each round has one of its own (clark) */
        MT_FOLLOWS_CLEAN,   /* within rounds, too, as more gets clean (cost-aware with stepwise bandwidth) */
};
enum mt_demand_follows mt_strategy_follows(enum mt_strategy strategy, const struct mt_inputs *in);

/*
 * Whether lambda = D/R is to be kept at or below lambda.high: lambda-range's own promise. The other strategies have rules
 * of their own for how far R lies above D.
 */
bool mt_strategy_keeps_lambda(enum mt_strategy strategy);

/*
 * The part of memory at which the strategy itself would stop, if that is less than what the downtime limit allows
 * (cost-aware: where another clean page costs more than it saves); else `allowed`. why may be NULL.
 */
double mt_strategy_stop(enum mt_strategy strategy, const struct mt_inputs *in, double allowed, double least,
                        struct mt_reasons *why);

#endif
