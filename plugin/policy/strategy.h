/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The strategies for the demand R, one row each. */
#ifndef MT_POLICY_STRATEGY_H
#define MT_POLICY_STRATEGY_H

#include "policy/inputs.h"

/*
 * The bandwidth in Mbit/s that the strategy wants for in->D, before any bound; 0 where it wants none (D = 0). One reason
 * says how it came about.
 */
double mt_strategy_demand(enum mt_strategy strategy, const struct mt_inputs *in, struct mt_reasons *why);

#endif
