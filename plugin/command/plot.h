/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures, drawn by gnuplot. */
#ifndef MT_COMMAND_PLOT_H
#define MT_COMMAND_PLOT_H

#include "err.h"

#include <migtune/plugin.h>

#include <stdbool.h>
#include <stddef.h>

/* One picture: gnuplot commands are written to `script`; begin, write, finish. Zeroed, it is none. */
struct mt_plot {
        const struct mt_host_ops *host;
        const char *file; /* the caller's */
        char *text;       /* the script so far; owned by script */
        size_t size;
        void *script; /* FILE *: where the caller writes gnuplot commands to */
        bool in_memory;
        int fd; /* in_memory: gnuplot's output; owned */
};

/*
 * Begins a picture of width x height points that goes to file, whose name must end in ".svg". Terminal, fonts, a grid and line
 * styles 1 to 8 (colours that the colour-blind tell apart, and different dashes and points) are set; data go in as "$name << EOD".
 * -EINVAL: not such a name; else -errno: there can be no such file (its directory is not there, not writable, ...).
 * host and file are the caller's until the end.
 */
int mt_plot_begin(struct mt_plot *plot, const struct mt_host_ops *host, const char *file, unsigned width, unsigned height,
                  struct mt_err *err);

/* Writes to the script. */
void mt_plot(struct mt_plot *plot, const char *format, ...) MT_PRINTF(2, 3);

/*
 * The same for a picture that is to stand in a page (command/report/svg.h): only the terminal, without background, is set. 0
 * or -errno with a message.
 */
int mt_plot_begin_inline(struct mt_plot *plot, const struct mt_host_ops *host, unsigned width, unsigned height,
                         struct mt_err *err);

/* Draws, and gives back what gnuplot wrote: SVG, to be freed. Errors are those of mt_plot_finish. */
int mt_plot_finish_inline(struct mt_plot *plot, char **ret_svg, size_t *ret_size, struct mt_err *err);

/* Draws. The file appears whole or not at all. -ENOENT: gnuplot is not installed; -EIO: it failed (it said why on stderr). */
int mt_plot_finish(struct mt_plot *plot, struct mt_err *err);

/* Forgets a picture that was begun; for MT_CLEANUP. Does nothing after mt_plot_finish and mt_plot_finish_inline. */
void mt_plot_done(struct mt_plot *plot);

#endif
