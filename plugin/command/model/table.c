/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/model/table.h"
#include "cleanup.h"
#include "log.h"
#include "command/model/grid.h"

#include <math.h>
#include <string.h>

#define TABLES (MT_ALPHA_TABLES + MT_THESIS_TABLES)

static const struct mt_table *table_at(size_t i)
{
        return i < MT_ALPHA_TABLES ? &mt_alpha_tables[i] : &mt_thesis_tables[i - MT_ALPHA_TABLES];
}

/* The cell with its mark; without one a space, so that numbers stay below each other. */
static void put_cell(struct mt_grid *grid, unsigned row, unsigned column, const struct mt_table_cell *cell)
{
        char number[MT_GRID_TEXT] = "-";
        const char *text = cell->text;

        if (text == NULL && !isnan(cell->number))
                (void)mt_model_fixed_text(cell->number, cell->decimals, number, sizeof(number));
        mt_grid_put(grid, row, column, "%s%c", text != NULL ? text : number, cell->mark != '\0' ? cell->mark : ' ');
}

/* A column's head on two lines: the last word, with the unit, on the lower one. */
static void put_head(struct mt_grid *grid, unsigned c, const struct mt_table_column *column)
{
        const char *space = strrchr(column->name, ' ');

        mt_grid_put(grid, 0, c, "%.*s ", space != NULL ? (int)(space - column->name) : 0, column->name);
        mt_grid_put(grid, 1, c, "%s%s%s ", space != NULL ? space + 1 : column->name, column->unit[0] != '\0' ? ", " : "",
                    column->unit);
}

static void print_text(const struct mt_table *table, const struct mt_table_rows *rows)
{
        struct mt_grid grid = { .rows = 0 };

        mt_print("Table %s: %s\nSource: %s\n\n", table->name, table->caption, table->source);
        for (unsigned c = 0; table->columns[c].name != NULL; c++) {
                grid.left[c] = rows->cells[0][c].text != NULL;
                put_head(&grid, c, &table->columns[c]);
                for (unsigned row = 0; row < rows->n; row++)
                        put_cell(&grid, row + 2, c, &rows->cells[row][c]);
        }
        mt_grid_print(&grid, 2);
        mt_print("\n");
        for (unsigned i = 0; table->marks[i].mark != '\0'; i++)
                mt_model_print_note(table->marks[i].mark, table->marks[i].text);
        if (rows->summary[0] != '\0')
                mt_model_print_note('-', rows->summary);
        for (size_t i = 0; table->notes != NULL && table->notes[i] != NULL; i++)
                mt_model_print_note('-', table->notes[i]);
}

/* {"COLUMN": value, ..., "marks": {"COLUMN": "*"}}. */
static struct json_object *row_json(const struct mt_table *table, const struct mt_table_cell *cells)
{
        struct json_object *object = json_object_new_object(), *marks = json_object_new_object();

        for (unsigned c = 0; table->columns[c].name != NULL; c++) {
                const char mark[] = { cells[c].mark, '\0' };

                if (cells[c].text != NULL)
                        mt_model_add_text(object, table->columns[c].name, cells[c].text);
                else
                        (void)json_object_object_add(object, table->columns[c].name, mt_model_number_json(cells[c].number));
                if (mark[0] != '\0')
                        mt_model_add_text(marks, table->columns[c].name, mark);
        }
        (void)json_object_object_add(object, "marks", marks);
        return object;
}

static void print_json(const struct mt_table *table, const struct mt_table_rows *rows)
{
        MT_CLEANUP(mt_model_put_json) struct json_object *object = json_object_new_object();
        struct json_object *columns = json_object_new_array(), *list = json_object_new_array();
        struct json_object *marks = json_object_new_object();

        for (unsigned c = 0; table->columns[c].name != NULL; c++) {
                struct json_object *column = json_object_new_object();

                mt_model_add_text(column, "name", table->columns[c].name);
                mt_model_add_text(column, "unit", table->columns[c].unit);
                (void)json_object_array_add(columns, column);
        }
        for (unsigned row = 0; row < rows->n; row++)
                (void)json_object_array_add(list, row_json(table, rows->cells[row]));
        for (unsigned i = 0; table->marks[i].mark != '\0'; i++)
                mt_model_add_text(marks, (const char[]){ table->marks[i].mark, '\0' }, table->marks[i].text);
        mt_model_add_text(object, "table", table->name);
        mt_model_add_text(object, "caption", table->caption);
        mt_model_add_text(object, "source", table->source);
        (void)json_object_object_add(object, "columns", columns);
        (void)json_object_object_add(object, "rows", list);
        (void)json_object_object_add(object, "marks", marks);
        mt_model_add_text(object, "summary", rows->summary[0] != '\0' ? rows->summary : NULL);
        (void)json_object_object_add(object, "notes", mt_model_texts_json(table->notes));
        mt_model_print_json(object);
}

static void list_tables(bool json)
{
        MT_CLEANUP(mt_model_put_json) struct json_object *list = json_object_new_array();

        for (size_t i = 0; i < TABLES; i++) {
                const struct mt_table *table = table_at(i);
                struct json_object *row = json_object_new_object();

                mt_model_add_text(row, "table", table->name);
                mt_model_add_text(row, "caption", table->caption);
                mt_model_add_text(row, "source", table->source);
                (void)json_object_array_add(list, row);
                if (!json)
                        mt_print("%-15s %s\n", table->name, table->caption);
        }
        if (json)
                mt_model_print_json(list);
}

int mt_model_table(const struct mt_model_options *options)
{
        struct mt_table_rows rows = { .n = 0 };
        const char *names[TABLES];
        struct mt_err err = { 0 };
        int found;

        if (options->list) {
                list_tables(options->json);
                return MT_MODEL_OK;
        }
        for (size_t i = 0; i < TABLES; i++)
                names[i] = table_at(i)->name;
        found = mt_model_pick("table", names, TABLES, options->table, &err);
        if (found < 0)
                return mt_model_refuse("--table", err.msg);
        table_at((size_t)found)->fill(&rows);
        if (options->json)
                print_json(table_at((size_t)found), &rows);
        else
                print_text(table_at((size_t)found), &rows);
        return MT_MODEL_OK;
}
