/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A progress bar on standard error, where that is a terminal; nothing elsewhere. */
#ifndef MT_COMMAND_PROGRESS_H
#define MT_COMMAND_PROGRESS_H

#include <migtune/plugin.h>

#include <stdbool.h>
#include <stdint.h>

/* Zeroed, it is one that is never seen. */
struct mt_progress {
        const char *what; /* the caller's, who may change it meanwhile: what is going on, "lambda-range" */
        bool visible;
        uint64_t began_ms, drawn_ms; /* drawn_ms 0: nothing stands on the terminal */
        unsigned columns;
};

/* Begins; draws nothing unless standard error is a terminal (host->flags). what stays the caller's. */
void mt_progress_begin(struct mt_progress *progress, const struct mt_host_ops *host, const char *what);

/*
 * Shows the share done (0 to 1), with the time that is left; may be called as often as one likes (it draws at most ten
 * times a second).
 */
void mt_progress_show(struct mt_progress *progress, double share);

/* Removes the bar, so that what follows begins on a clean line. */
void mt_progress_end(struct mt_progress *progress);

#endif
