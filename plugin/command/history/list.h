/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `migtune history` without --accuracy: the records, as a table or as they are. */
#ifndef MT_COMMAND_HISTORY_LIST_H
#define MT_COMMAND_HISTORY_LIST_H

#include "command/history/options.h"
#include "command/history/reader.h"

/*
 * Prints what the options ask for of the file. Without --last the table on a terminal has the last MT_HISTORY_SHOWN, and a
 * line says how many more there are. 0 or -errno with a message; *ret_counts is filled in either case.
 */
#define MT_HISTORY_SHOWN 20
int mt_history_list(const struct mt_host_ops *host, const struct mt_history_options *options, const char *file,
                    struct mt_history_counts *ret_counts, struct mt_err *err);

#endif
