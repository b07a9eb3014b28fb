/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One entry of the watcher's status ("migrations") as text: a migration that runs, or a call that waits for its turn. */
#ifndef MT_COMMAND_STATUS_BLOCK_H
#define MT_COMMAND_STATUS_BLOCK_H

#include <json-c/json.h>
#include <stddef.h>

#define MT_STATUS_LINES 4
#define MT_STATUS_LINE_SIZE 512

struct mt_status_block {
        unsigned n; /* lines */
        char line[MT_STATUS_LINES][MT_STATUS_LINE_SIZE];
};

/*
 * A block for a terminal of so many columns (0: as wide as it is): who goes where, a bar of what is across, rates, and when
 * it should end; of one that waits its place and what it waits for. job is harmless (mt_member_clean).
 */
void mt_status_block(json_object *job, size_t columns, struct mt_status_block *ret);

/*
 * The same as a row of a table, for a terminal of so many columns (79 are enough), where there is no room for blocks; and the
 * table's head.
 */
void mt_status_row(json_object *job, size_t columns, char *text, size_t size);
void mt_status_row_head(size_t columns, char *text, size_t size);

/* The same in one line, without anything that moves on while nothing happens (elapsed time). */
void mt_status_line(json_object *job, char *text, size_t size);

/* "host1: mode enforce, libvirt connected, 2 migrations", of the whole status. */
void mt_status_head(json_object *status, char *text, size_t size);

#endif
