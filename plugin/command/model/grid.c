/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/model/grid.h"
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void mt_grid_put(struct mt_grid *grid, unsigned row, unsigned column, const char *format, ...)
{
        va_list args;

        if (row >= MT_GRID_ROWS || column >= MT_GRID_COLUMNS)
                return;
        if (row >= grid->rows)
                grid->rows = row + 1;
        if (column >= grid->columns)
                grid->columns = column + 1;
        va_start(args, format);
        (void)vsnprintf(grid->text[row][column], MT_GRID_TEXT, format, args);
        va_end(args);
}

static void print_row(const struct mt_grid *grid, unsigned row, unsigned indent, const int *widths)
{
        char line[MT_GRID_COLUMNS * (MT_GRID_TEXT + 2) + 1];
        size_t used = 0;

        for (unsigned column = 0; column < grid->columns; column++) {
                const int width = grid->left[column] ? -widths[column] : widths[column];
                const int n = snprintf(line + used, sizeof(line) - used, "%s%*s", column > 0 ? "  " : "", width,
                                       grid->text[row][column]);

                used += n > 0 ? (size_t)n : 0;
        }
        while (used > 0 && line[used - 1] == ' ')
                line[--used] = '\0';
        if (used > 0) /* a row of nothing, as above heads of one line, is left out */
                mt_print("%*s%s\n", (int)indent, "", line);
}

void mt_grid_print(const struct mt_grid *grid, unsigned indent)
{
        int widths[MT_GRID_COLUMNS] = { 0 };

        for (unsigned row = 0; row < grid->rows; row++)
                for (unsigned column = 0; column < grid->columns; column++)
                        if ((int)strlen(grid->text[row][column]) > widths[column])
                                widths[column] = (int)strlen(grid->text[row][column]);
        for (unsigned row = 0; row < grid->rows; row++)
                print_row(grid, row, indent, widths);
}
