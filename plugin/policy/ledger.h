/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ledger: how migrations that run at the same time share what they have in common: this host's uplink, the
 * destination's, and what the SLA leaves to an urgency. Pure: who needs what in, who gets what out.
 *
 * Theory of operation
 *
 * Each budget is a rate and the set of those who draw on it; once it is used up it stops the wishes of some of them, and the
 * needs of some of those: what nobody else uses is drawn on by every migration, but stops only the wishes of low urgency; what
 * the SLA leaves stops everybody's wishes, and all needs but those of high urgency. Whose wishes it spares has a higher urgency
 * than those whom it stops.
 *   1. Everyone has at least `floor`, whatever the budgets: a migration that runs must move.
 *   2. Then, urgency by urgency from the highest, what each needs (`need`: to converge, and in time), in proportion to what
 *      is missing where a budget does not suffice for all of one urgency.
 *   3. What is left goes to all together, up to what each wants, in proportion to its urgency (1, 0.75, 0.5: thesis,
 *      algorithm 2) times what it wants; first reckoned with those budgets that spare nobody (`fair`), then given as far
 *      as all budgets allow, and what that leaves to whom it still stands open, all this from the highest urgency on.
 * All steps are progressive filling: one level rises for all, each gets level * weight until it has enough or a budget stops
 * it. The result is weighted max-min fair (Bertsekas and Gallager, Data Networks, 2nd ed., section 6.5.2), and does not
 * depend on the order of the entries.
 */
#ifndef MT_POLICY_LEDGER_H
#define MT_POLICY_LEDGER_H

#include "model/traffic.h"

#include <stddef.h>
#include <stdint.h>

#define MT_LEDGER_BUDGETS 64u

struct mt_ledger_budget {
        double rate; /* Mbit/s on the wire, >= 0 */
};

/* One migration. Rates in Mbit/s on the wire; 0 <= floor <= need <= wanted. */
struct mt_ledger_entry {
        double floor;  /* moves at all */
        double need;   /* converges, and meets its deadline */
        double wanted; /* what its own plan would take if it were alone */
        enum mt_urgency urgency;
        uint64_t draws_on;        /* bit i: budget i */
        uint64_t stopped_by;      /* of those, stop what it wants */
        uint64_t need_stopped_by; /* of these, stop even what it needs */
        double fair;              /* its share, were it not for budgets that spare others */
        double granted;           /* the result */
};

/* Fills in entry[].granted. n_budgets <= MT_LEDGER_BUDGETS. */
void mt_ledger_share(struct mt_ledger_entry *entry, size_t n, const struct mt_ledger_budget *budget, size_t n_budgets);

#endif
