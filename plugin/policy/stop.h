/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When to stop copying: alpha, n and QEMU's downtime limit. */
#ifndef MT_POLICY_STOP_H
#define MT_POLICY_STOP_H

#include "policy/bandwidth.h"
#include "policy/inputs.h"

struct mt_stop {
        double alpha;      /* fraction of memory that may remain */
        double remaining;  /* the same in Mbit */
        unsigned n;        /* rounds until then; max_iterations where none does */
        double qemu_limit; /* s: QEMU stops when remaining < its rate estimate * this */
        bool met;
};

/*
 * alpha = (max_downtime - t_g) * switchover rate / memory: the largest remainder whose copy still holds the limit. n: the
 * least number of rounds whose remainder D * T_n is at most that (WAN paper, eqs 1 and 3, with the last copy at the
 * switchover rate instead of R).
 */
struct mt_stop mt_stop_rule(const struct mt_inputs *in, const struct mt_intent *intent, const struct mt_bandwidth *bandwidth,
                            bool switchover_known, struct mt_reasons *why);

#endif
