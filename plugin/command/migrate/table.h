/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `migtune migrate` and `migtune evacuate` say before and after: tables for people, JSON for programs. Pure. */
#ifndef MT_MIGRATE_TABLE_H
#define MT_MIGRATE_TABLE_H

#include "command/migrate/move.h"

#include <json-c/json.h>
#include <stdio.h>

/* A whole evacuation. */
struct mt_table {
        const struct mt_move *moves;
        const size_t *order; /* of the moves */
        size_t n;
        const char *const *destinations; /* by struct mt_move.destination: what people call them; MT_PLACE_NONE is "-" */
        const char *const *uris;         /* likewise, for programs */
        const struct mt_schedule_times *times; /* by the moves' indices; of a schedule */
        uint64_t ends_ms;
        const char *const *left; /* names of domains that are shut off, and stay */
        size_t n_left;
};

/* Who would go where, when, and how. */
void mt_table_schedule(FILE *f, const struct mt_table *table);
json_object *mt_table_schedule_json(const struct mt_table *table); /* a new object */

/* What became of each. */
void mt_table_summary(FILE *f, const struct mt_table *table);
json_object *mt_table_summary_json(const struct mt_table *table); /* a new object */

/* One migration's result as an object of its own: a new one. */
json_object *mt_table_move_json(const struct mt_move *move, const char *uri);

/* "6.2 s (predicted 6.0 s), blackout 143 ms (predicted 120 ms)" of one that moved. */
const char *mt_table_figures(const struct mt_move *move, char *text, size_t size);

/* How many have not moved. */
size_t mt_table_not_moved(const struct mt_table *table);

#endif
