/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the page goes: a file that is replaced when the page is whole, or standard output. */
#ifndef MT_COMMAND_REPORT_OUTPUT_H
#define MT_COMMAND_REPORT_OUTPUT_H

#include "err.h"

#include <limits.h>
#include <stdio.h>

/* Zeroed: none. */
struct mt_output {
        FILE *stream;                 /* to write to; owned */
        char file[PATH_MAX];          /* "": standard output */
        char temporary[PATH_MAX + 8]; /* what the stream writes; becomes the file */
};

/*
 * Begins. name: a file, whose directory must be there and which may be there itself (a symbolic link is followed), or "-".
 * -EINVAL: it is no regular file; else -errno; with a message.
 */
int mt_output_begin(struct mt_output *output, const char *name, struct mt_err *err);

/* Ends: the file has the page now, or what was there before stays. 0 or -errno with a message. */
int mt_output_finish(struct mt_output *output, struct mt_err *err);

/* Drops what was not finished; for MT_CLEANUP. */
void mt_output_done(struct mt_output *output);

#endif
