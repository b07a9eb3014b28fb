/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a migration will cost. */
#ifndef MT_POLICY_PREDICT_H
#define MT_POLICY_PREDICT_H

#include "policy/bandwidth.h"
#include "policy/inputs.h"
#include "policy/stop.h"

/* Time, downtime, bytes and iterations of one way of migrating. first_pass: post-copy after a full pass (the hybrid). */
struct mt_prediction mt_predict(enum mt_technique technique, bool first_pass, const struct mt_inputs *in,
                                const struct mt_intent *intent, const struct mt_bandwidth *bandwidth,
                                const struct mt_stop *stop);

#endif
