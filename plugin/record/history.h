/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The history: one outcome record a line (JSON), oldest first, in one file.
 *
 * Readers skip lines that are no JSON objects (a crash may leave half a line) and count them.
 */
#ifndef MT_RECORD_HISTORY_H
#define MT_RECORD_HISTORY_H

#include "err.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the watcher reads at its start, and `migtune calibrate` likewise: the file's end, some ten thousand migrations. */
#define MT_HISTORY_RECENT_BYTES ((size_t)64 << 20)

/*
 * Appends one record, without newline, in one write. The file (mode 0640) and its directory (0750) are made when missing.
 * When there are a good tenth more than keep records, the file is replaced by one with the newest keep. 0 or -errno.
 */
int mt_history_append(const char *file, const char *record, unsigned keep, struct mt_err *err);

/* Is given one record; it stays the reader's. Returns false to stop. */
typedef bool (*mt_history_fn)(void *ctx, json_object *record);

/*
 * Calls fn for each record of the last max_bytes of the file (0: all of it), newest first. Lines without the text
 * `containing` are passed over unread when it is not NULL. *ret_broken, if not NULL, counts lines that could not be read.
 * 0 (a missing file has no records), or -errno.
 */
int mt_history_newest(const char *file, size_t max_bytes, const char *containing, mt_history_fn fn, void *ctx,
                      unsigned *ret_broken);

#endif
