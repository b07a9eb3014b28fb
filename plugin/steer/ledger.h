/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's ledger: what each outgoing migration may use of the uplink and of its destination's, where it is its turn
 * (steer/turn.h). policy/ledger.h shares; this knows what there is.
 *
 * Theory of operation
 *
 * Nothing is booked: the ledger is made anew from the running jobs and the calls that were let go, whenever one begins or
 * ends and whenever a job plans again (each second, and with each iteration), so that it cannot go wrong across errors and
 * restarts. All that happens on the event loop's thread: two that begin at the same instant come one after the other. When
 * one begins, the others give way before it takes its share.
 *
 * Budgets of a device: what the link carries (stops all), that less sla.lower (stops medium and low urgency), and what
 * nobody else uses now, less sla.upper (stops low urgency, but not what a deadline needs). The same of each destination,
 * whose link is taken to be as wide as this host's: nobody tells.
 */
#ifndef MT_STEER_LEDGER_H
#define MT_STEER_LEDGER_H

#include "facts.h"
#include "intent.h"
#include "plan.h"
#include "steer/host.h"

/*
 * A job on a device began, ended or planned anew: all jobs there have turns and shares made anew, and those that have to
 * give way or may have more (but for `except`, which may be NULL) plan and act by them at once.
 */
void mt_ledger_changed(struct mt_host *host, const char *device, const struct mt_job *except);

/*
 * The share of a migration that has not begun, from a plan without any: bytes/s, 0 where it would be alone. peer: where it
 * goes; AF_UNSPEC: not known. uuid: of its domain, which does not count beside itself.
 */
uint64_t mt_ledger_preview(const struct mt_host *host, const struct mt_facts *facts, const struct mt_intent *intent,
                           const struct mt_plan *plan, const struct sockaddr_storage *peer, const char *uuid);

#endif
