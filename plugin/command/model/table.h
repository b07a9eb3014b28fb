/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of the papers from our own functions, what differs from print marked: `migtune model --table`. The tables are in
 * table_alpha.c and table_thesis.c, each with the printed values and where they stand; table.c prints.
 */
#ifndef MT_COMMAND_MODEL_TABLE_H
#define MT_COMMAND_MODEL_TABLE_H

#include "command/model/options.h"

#define MT_TABLE_ROWS 16
#define MT_TABLE_COLUMNS 10
#define MT_TABLE_MARKS 3

struct mt_table_column {
        const char *name; /* NULL ends an array */
        const char *unit; /* "" where it has none */
};

struct mt_table_cell {
        const char *text; /* a string that stays valid; NULL: the number counts */
        double number;    /* NAN: no value */
        int decimals;     /* places, for people */
        char mark;        /* '*': explained by the table's mark; '\0': none */
};

struct mt_table_rows {
        unsigned n;
        struct mt_table_cell cells[MT_TABLE_ROWS][MT_TABLE_COLUMNS];
        char summary[320]; /* one sentence about the marks, counted; "" if there is nothing to say */
};

struct mt_table {
        const char *name; /* "alpha.3" */
        const char *caption;
        const char *source;
        const struct mt_table_column *columns;
        struct {
                char mark;
                const char *text;
        } marks[MT_TABLE_MARKS + 1];                  /* ends with '\0' */
        const char *const *notes;                     /* ends with NULL; NULL: none */
        void (*fill)(struct mt_table_rows *ret_rows); /* given zeroed */
};

#define MT_ALPHA_TABLES 1
#define MT_THESIS_TABLES 3
extern const struct mt_table mt_alpha_tables[MT_ALPHA_TABLES], mt_thesis_tables[MT_THESIS_TABLES];

/* `migtune model --table`: prints what options name. Returns the exit status. */
int mt_model_table(const struct mt_model_options *options);

#endif
