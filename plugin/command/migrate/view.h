/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How running migrations look on a line. Pure: text from data. */
#ifndef MT_MIGRATE_VIEW_H
#define MT_MIGRATE_VIEW_H

#include "command/migrate/move.h"

#include <stddef.h>

#define MT_VIEW_LINE 512 /* room for any line */

/*
 * One migration: "db1 [####....]  52 %  iteration 2, 240.0 MiB left, 248.0 Mbit/s, 4 s left", cut at columns - 1 (the cursor
 * needs one); columns 0: a line of a log, which has no bar and is not cut. Returns text.
 */
const char *mt_view_move(const struct mt_move *move, uint64_t now_ms, unsigned columns, char text[MT_VIEW_LINE]);

/*
 * All of them: "3 of 8 moved, 2 run, 1 waits [####....]  45 %  ends in about 25 s". ends_ms: from now on, UINT64_MAX: not
 * known.
 */
const char *mt_view_all(const struct mt_move *moves, size_t n, uint64_t ends_ms, unsigned columns, char text[MT_VIEW_LINE]);

/* "4 s", "3 min", "2.5 hours"; "?" for UINT64_MAX. */
const char *mt_view_time(char *text, size_t size, uint64_t ms);

#endif
