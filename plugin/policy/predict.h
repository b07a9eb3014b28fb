/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a migration will cost. */
#ifndef MT_POLICY_PREDICT_H
#define MT_POLICY_PREDICT_H

#include "policy/bandwidth.h"
#include "policy/inputs.h"
#include "policy/stop.h"

/*
 * Time, downtime, bytes and iterations of one way of migrating. switch_after: rounds of pre-copy before post-copy (0: at once),
 * for techniques that switch.
 */
struct mt_prediction mt_predict(const struct mt_way *way, unsigned switch_after, const struct mt_inputs *in,
                                const struct mt_intent *intent, const struct mt_bandwidth *bandwidth,
                                const struct mt_stop *stop);

/* What that way takes from the traffic that the link has now; prediction: its own. Whether that is known, the facts tell. */
struct mt_tenants mt_predict_tenants(const struct mt_way *way, unsigned switch_after, const struct mt_inputs *in,
                                     const struct mt_bandwidth *bandwidth, const struct mt_prediction *prediction);

#endif
