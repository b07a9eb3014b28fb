/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the history goes by once. Of each record that is asked for the sums take their part; the newest are
 * kept for the table, without what is long in them, and the newest of these whole, for their timelines. With --last N what
 * the sums want of the last N is kept until the end; else the memory does not depend on how many there are.
 */
#ifndef MT_COMMAND_REPORT_SELECT_H
#define MT_COMMAND_REPORT_SELECT_H

#include "command/history/reader.h"
#include "command/history/ring.h"
#include "command/report/options.h"
#include "command/report/sums.h"

#define MT_REPORT_ROWS 200 /* of the table, at least; as many as timelines where those are more */

/* Zeroed: empty; mt_selection_done frees. */
struct mt_selection {
        const struct mt_report_options *options;
        struct mt_report_sums *sums; /* owned */
        struct mt_ring rows;         /* records as text, without samples, facts and alternatives */
        struct mt_ring timelines;    /* records as text, whole */
        struct mt_ring points;       /* struct mt_report_point; limit 0: not used */
        uint64_t selected;           /* in all; with --last more than are told of */
        int error;
};

/* Reads the file. 0 or -errno with a message; *ret_counts is filled in either case. */
int mt_select(const struct mt_host_ops *host, const struct mt_report_options *options, const char *file,
              struct mt_selection *ret, struct mt_history_counts *ret_counts, struct mt_err *err);

/* For MT_CLEANUP. */
void mt_selection_done(struct mt_selection *selection);

#endif
