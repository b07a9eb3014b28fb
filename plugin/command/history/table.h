/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of `migtune history`: a row for each migration. */
#ifndef MT_COMMAND_HISTORY_TABLE_H
#define MT_COMMAND_HISTORY_TABLE_H

#include <migtune/plugin.h>

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* What a row shows. Text is harmless on a terminal; numbers as member.h has them. */
struct mt_history_row {
        char started[24]; /* "2026-11-20 06:15:00" */
        char domain[192], destination[192];
        char result[16], technique[16], strategy[24];
        double predicted_ms, total_ms;
        double predicted_downtime_ms, downtime_ms, limit_ms;
        double bytes, rounds;
};

/* How rows are laid out. */
struct mt_history_table {
        bool narrow; /* two lines for each */
        bool colour;
        size_t name;   /* columns of a domain's name, */
        size_t target; /* and of a destination's; */
        bool cut;      /* what is longer is cut; else it pushes the rest of its line to the right */
};

struct mt_history_row mt_history_row(json_object *record);

/* The layout for standard output: as wide as the terminal; one line a record where there is none. */
struct mt_history_table mt_history_table(const struct mt_host_ops *host);

void mt_history_table_head(const struct mt_history_table *table);
void mt_history_table_row(const struct mt_history_table *table, const struct mt_history_row *row);

#endif
