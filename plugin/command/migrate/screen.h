/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Progress on standard error: on a terminal a picture of a few lines that is drawn again and again; elsewhere the same lines
 * every ten seconds. Used by one thread.
 */
#ifndef MT_MIGRATE_SCREEN_H
#define MT_MIGRATE_SCREEN_H

#include "err.h"

#include <migtune/plugin.h>
#include <stdbool.h>
#include <stdint.h>

struct mt_screen {
        bool is_terminal;
        unsigned columns;  /* of a terminal; elsewhere 0 */
        unsigned lines;    /* of the picture that stands there */
        uint64_t drawn_ms; /* CLOCK_MONOTONIC; the beginning counts as such */
};

void mt_screen_begin(struct mt_screen *screen, const struct mt_host_ops *host);

/* True when it is time for the next picture. */
bool mt_screen_is_due(const struct mt_screen *screen);

/* The picture: lines that end with a newline each, none longer than the terminal is wide. */
void mt_screen_draw(struct mt_screen *screen, const char *text);

/* A line that stays, above the picture; made harmless. */
void mt_screen_note(struct mt_screen *screen, const char *format, ...) MT_PRINTF(2, 3);

/* Removes the picture. */
void mt_screen_end(struct mt_screen *screen);

#endif
