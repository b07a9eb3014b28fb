/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the watcher learns from its host's migrations: from the history at its start, from each one that ends. */
#ifndef MT_STEER_LEARN_H
#define MT_STEER_LEARN_H

#include "record/outcome.h"
#include "steer/host.h"

/*
 * Begins to read the history in a thread, forgetting what was learnt when it is through (not before). Waits wait_ms at most
 * for a short one. A reading that is still going on is given up. A history that cannot be read is logged.
 */
void mt_learn_begin(struct mt_host *host, unsigned wait_ms);

/* Takes over what the thread has read, if it is through. For the watcher's tick. */
void mt_learn_tick(struct mt_host *host);

/* One migration has ended. */
void mt_learn_outcome(struct mt_host *host, const struct mt_outcome *outcome);

/*
 * Puts what was learnt into facts: DL and DH, setup_ms and overhead_bytes; and, with traffic.models = "auto", the models,
 * and tau and t_g where the intent leaves them open.
 */
void mt_learn_facts(const struct mt_host *host, const struct mt_intent *intent, struct mt_facts *facts);

/* Ends the thread and forgets everything. */
void mt_learn_end(struct mt_host *host);

#endif
