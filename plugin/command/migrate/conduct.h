/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command's own thread: from the arguments to the last migration's end. */
#ifndef MT_MIGRATE_CONDUCT_H
#define MT_MIGRATE_CONDUCT_H

#include "command/migrate/run.h"
#include "command/migrate/table.h"

/*
 * Prepares and, unless it is a dry run, migrates: starts those whose turn it is, shows progress, obeys signals. 0: it is
 * over, and the run's moves (or planned) say how it went. -EINVAL: bad input, nothing was started; -EINTR: interrupted before
 * anything was started; other errors likewise.
 */
int mt_conduct(struct mt_run *run, struct mt_err *err);

/* The run as its tables have it. times: run->n, filled here; labels and uris: MT_PLACES_MOST. All are the caller's. */
struct mt_table mt_conduct_table(struct mt_run *run, struct mt_schedule_times *times, const char **labels,
                                 const char **uris);

#endif
