/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When to stop copying: alpha, n and QEMU's downtime limit. */
#ifndef MT_POLICY_STOP_H
#define MT_POLICY_STOP_H

#include "policy/bandwidth.h"
#include "policy/copy.h"
#include "policy/inputs.h"

struct mt_stop {
        double alpha;        /* fraction of memory that may remain */
        double remaining;    /* the same in Mbit */
        double allowed;      /* Mbit that may remain for max_downtime's sake; >= remaining */
        unsigned n;          /* rounds until then; max_iterations where none does */
        struct mt_copy copy; /* those rounds */
        double qemu_limit;   /* s: QEMU stops when remaining < its rate estimate * this */
        bool met;            /* max_downtime holds after n rounds */
};

/*
 * alpha = (max_downtime - t_g) * switchover rate / memory: the largest remainder whose copy still holds the limit (or less,
 * where a utilisation limit or the strategy's own stop rule wants less). n: the least number of rounds whose remainder is at
 * most that (WAN paper, Eqs (1) and (3), with the last copy at the switchover rate instead of R).
 */
struct mt_stop mt_stop_rule(const struct mt_way *way, const struct mt_inputs *in, const struct mt_intent *intent,
                            const struct mt_bandwidth *bandwidth, bool switchover_known, struct mt_reasons *why);

#endif
