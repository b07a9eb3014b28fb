/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments of `migtune report`. */
#ifndef MT_COMMAND_REPORT_OPTIONS_H
#define MT_COMMAND_REPORT_OPTIONS_H

#include "command/history/options.h"

#include <stdint.h>

#define MT_REPORT_TIMELINES 50 /* unless --timelines says otherwise */
#define MT_REPORT_MOST_TIMELINES 1000

struct mt_report_options {
        struct mt_history_options history; /* what is asked for, and of which file */
        const char *output;                /* "-": standard output */
        uint64_t timelines;                /* of the newest so many */
};

/* Fills *ret; strings stay argv's. 0, or 2 after a message. */
int mt_report_options(int argc, const char *const *argv, struct mt_report_options *ret);

#endif
