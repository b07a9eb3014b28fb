/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The destinations: what they are called, how much memory they have, and which of them a domain goes to. */
#ifndef MT_MIGRATE_TARGETS_H
#define MT_MIGRATE_TARGETS_H

#include "command/migrate/run.h"

/* Names them, and connects to them, read-only; one that cannot be reached has no memory that is known, as a note says. */
void mt_targets_open(struct mt_run *run);

/*
 * What each has free now. promised: see struct mt_place; by the moves that are on their way, but for `except` (an index, or
 * MT_PLACE_NONE). Asks the destinations. Takes the lock.
 */
void mt_targets_look(struct mt_run *run, size_t except, struct mt_place places[MT_PLACES_MOST]);

/* Why none of these has room for the move: "no destination has 4.0 GiB free (the most: b, 2.0 GiB)". */
void mt_targets_explain(const struct mt_run *run, const struct mt_place *places, uint64_t needed_bytes, char *text,
                        size_t size);

#endif
