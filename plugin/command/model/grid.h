/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text in aligned columns, for people. */
#ifndef MT_COMMAND_MODEL_GRID_H
#define MT_COMMAND_MODEL_GRID_H

#include "err.h"

#include <stdbool.h>

#define MT_GRID_ROWS 72
#define MT_GRID_COLUMNS 10
#define MT_GRID_TEXT 32

struct mt_grid {
        unsigned rows, columns; /* grow with what is put */
        bool left[MT_GRID_COLUMNS];
        char text[MT_GRID_ROWS][MT_GRID_COLUMNS][MT_GRID_TEXT];
};

/* Writes a cell; what is beyond the grid is dropped. */
void mt_grid_put(struct mt_grid *grid, unsigned row, unsigned column, const char *format, ...) MT_PRINTF(4, 5);
/* Prints all rows, each after `indent` spaces, without spaces at the end. */
void mt_grid_print(const struct mt_grid *grid, unsigned indent);

#endif
