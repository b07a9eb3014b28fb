/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The history from its beginning, record by record, in memory that its length does not change. */
#ifndef MT_COMMAND_HISTORY_READER_H
#define MT_COMMAND_HISTORY_READER_H

#include "err.h"

#include <migtune/plugin.h>

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line longer than this is no record (those have at most some 200 KiB) and counts as unreadable. */
#define MT_HISTORY_LINE_BYTES ((size_t)8 << 20)

/* What there was. */
struct mt_history_counts {
        uint64_t records;    /* told of */
        uint64_t unreadable; /* lines that are no JSON objects, or tell of no migration */
};

/* Is given one record and its line (NUL-terminated, without newline); both stay the reader's. */
typedef void (*mt_history_record_fn)(void *ctx, json_object *record, const char *line);

/* What to read. */
struct mt_history_source {
        const char *file;
        const char *containing; /* lines that cannot have this text in a string are passed over, uncounted; NULL: none */
        const struct mt_host_ops *bar; /* whose terminal gets a progress bar if the file is long; NULL: none */
};

/*
 * Calls fn for each record of the file, oldest first. Empty lines are nothing; a last line without newline counts as one.
 * 0 (a missing file has no records), or -errno with a message that names the file; *ret_counts is filled in either case.
 */
int mt_history_read(const struct mt_history_source *source, mt_history_record_fn fn, void *ctx,
                    struct mt_history_counts *ret_counts, struct mt_err *err);

/*
 * The file to read: `named` if not NULL, which must be there and be no directory, else history.file of the configuration,
 * which may be still to come. The configuration's is copied into buffer. -EINVAL: bad input; else -errno.
 */
int mt_history_find(const struct mt_host_ops *host, const char *named, char *buffer, size_t size, const char **ret_file,
                    struct mt_err *err);

/*
 * The end of a command that reads the history: complains of what *err says where r < 0, and of unreadable lines of the file.
 * Returns the exit status for r: 0, 2 of -EINVAL, else 1.
 */
int mt_history_end(const char *command, const char *file, int r, const struct mt_history_counts *counts,
                   const struct mt_err *err);

#endif
