/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What callers do about a domain that migrates, told by who stands in their calls. */
#ifndef MT_STEER_ARBITRATE_H
#define MT_STEER_ARBITRATE_H

#include "steer/host.h"

#include <migtune/plugin.h>

/*
 * Takes a report of the user uid. 1: leave the real call out, since the plan's limit stands (MT_REPORT_MAX_DOWNTIME,
 * MT_REPORT_MAX_SPEED about a domain that is steered in mode "enforce"), or since the migration had begun
 * (MT_REPORT_RETRIED); 0: let it through.
 *
 * A caller's speed is still an upper bound of the plan's, as the one that it gave with its call is, unless
 * shim.caller_limits = "override". The first of each kind is logged and an event in the record, the others are counted.
 * A caller that acts (post-copy, abort, suspend) is an event; after an abort the migration's end is its cancellation. What
 * is told of a domain that nobody knows of is ignored.
 *
 * Only root, or the user who announced the call, changes anything by it: of what others tell there is no bound, no event and
 * no count, but the plan's limit stands against them as well.
 */
int32_t mt_arbitrate(struct mt_host *host, const struct mt_report *report, uid_t uid);

#endif
