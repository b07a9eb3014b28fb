/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: widths do not depend on what is in the rows, so rows can be printed as they come. There are two
 * layouts: one line a record, which wants WIDE columns; and below that two lines, for a terminal of 80. What is left over
 * goes to the two names.
 */
#include "command/history/table.h"
#include "array.h"
#include "command/member.h"
#include "command/quantity.h"
#include "command/terminal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME_ALONE 24 /* columns of a name where there is no terminal to fit */

enum column {
        STARTED,
        DOMAIN,
        DESTINATION,
        RESULT,
        TECHNIQUE,
        STRATEGY,
        PREDICTED,
        TOTAL,
        PREDICTED_DOWNTIME,
        DOWNTIME,
        LIMIT,
        HELD,
        BYTES,
        ROUNDS,
};

enum kind { TEXT, TIME, SIZE, COUNT, VERDICT };

static const struct {
        const char *head, *second; /* in the wide layout */
        const char *narrow;        /* in the other */
        unsigned width, narrow_width;
        enum kind kind;
        size_t offset; /* in struct mt_history_row: of a text, or of a double */
} columns[] = {
#define AT(field) offsetof(struct mt_history_row, field)
        [STARTED] = { "STARTED", "UTC", "STARTED (UTC)", 19, 15, TEXT, AT(started) },
        [DOMAIN] = { "DOMAIN", "", "DOMAIN", 18, 17, TEXT, AT(domain) },
        [DESTINATION] = { "DESTINATION", "", "DESTINATION", 16, 17, TEXT, AT(destination) },
        [RESULT] = { "RESULT", "", "RESULT", 9, 9, TEXT, AT(result) },
        [TECHNIQUE] = { "TECHNIQUE", "", "TECHNIQUE", 9, 9, TEXT, AT(technique) },
        [STRATEGY] = { "STRATEGY", "", "STRATEGY", 15, 15, TEXT, AT(strategy) },
        [PREDICTED] = { "TIME", "predicted", "TIME PRED", 9, 9, TIME, AT(predicted_ms) },
        [TOTAL] = { "TIME", "actual", "ACTUAL", 8, 8, TIME, AT(total_ms) },
        [PREDICTED_DOWNTIME] = { "BLACKOUT", "predicted", "BLACKOUT", 9, 9, TIME, AT(predicted_downtime_ms) },
        [DOWNTIME] = { "BLACKOUT", "actual", "ACTUAL", 8, 8, TIME, AT(downtime_ms) },
        [LIMIT] = { "BLACKOUT", "limit", "LIMIT", 8, 9, TIME, AT(limit_ms) },
        [HELD] = { "LIMIT", "held", "HELD", 5, 6, VERDICT, 0 },
        [BYTES] = { "SENT", "", "SENT", 9, 9, SIZE, AT(bytes) },
        [ROUNDS] = { "ROUNDS", "", "ROUNDS", 6, 6, COUNT, AT(rounds) },
#undef AT
};

static const enum column narrow_lines[2][7] = {
        { STARTED, DOMAIN, RESULT, PREDICTED, TOTAL, BYTES, ROUNDS },
        { STRATEGY, DESTINATION, TECHNIQUE, PREDICTED_DOWNTIME, DOWNTIME, LIMIT, HELD },
};

/* All widths, a space between two, and one column that stays free. */
static size_t wide_columns(void)
{
        size_t sum = 0;

        for (size_t i = 0; i < MT_ARRAY_SIZE(columns); i++)
                sum += columns[i].width + 1;
        return sum;
}

static size_t narrow_columns(void)
{
        size_t sum = 0;

        for (size_t i = 0; i < MT_ARRAY_SIZE(narrow_lines[0]); i++)
                sum += columns[narrow_lines[0][i]].narrow_width + 1;
        return sum;
}

static void copy_clean(char *to, size_t size, const char *text)
{
        (void)snprintf(to, size, "%s", text[0] != '\0' ? text : "-");
        mt_terminal_clean(to);
}

/* "2026-11-20T06:15:00.123Z" as "2026-11-20 06:15:00". */
static void copy_started(char *to, size_t size, const char *text)
{
        copy_clean(to, size, text);
        if (strlen(text) < strlen("2026-11-20T06:15:00"))
                return;
        to[strlen("2026-11-20T06:15:00")] = '\0';
        if (to[strlen("2026-11-20")] == 'T')
                to[strlen("2026-11-20")] = ' ';
}

struct mt_history_row mt_history_row(json_object *record)
{
        const char *technique = mt_member_text(record, "actual/technique");
        struct mt_history_row row = {
                .predicted_ms = mt_member_predicted(record, "plan/prediction/total_ms"),
                .total_ms = mt_member_number(record, "actual/total_ms"),
                .predicted_downtime_ms = mt_member_predicted(record, "plan/prediction/downtime_ms"),
                .downtime_ms = mt_member_number(record, "actual/downtime_ms"),
                .limit_ms = mt_member_number(record, "intent/max_downtime_ms"),
                .bytes = mt_member_number(record, "actual/bytes"),
                .rounds = mt_member_number(record, "actual/iterations"),
        };

        copy_started(row.started, sizeof(row.started), mt_member_text(record, "started"));
        copy_clean(row.domain, sizeof(row.domain), mt_member_text(record, "domain/name"));
        copy_clean(row.destination, sizeof(row.destination), mt_member_text(record, "destination"));
        copy_clean(row.result, sizeof(row.result), mt_member_text(record, "result"));
        copy_clean(row.technique, sizeof(row.technique),
                   technique[0] != '\0' ? technique : mt_member_text(record, "plan/technique"));
        copy_clean(row.strategy, sizeof(row.strategy), mt_member_text(record, "plan/strategy"));
        return row;
}

struct mt_history_table mt_history_table(const struct mt_host_ops *host)
{
        const size_t terminal = host->columns;
        struct mt_history_table table = { .name = NAME_ALONE,
                                          .target = NAME_ALONE,
                                          .colour = (host->flags & MT_HOST_OUT_IS_TTY) != 0,
                                          .cut = terminal > 0 };

        if (terminal >= wide_columns()) {
                table.name = columns[DOMAIN].width + (terminal - wide_columns() + 1) / 2;
                table.target = columns[DESTINATION].width + (terminal - wide_columns()) / 2;
        } else if (terminal > 0) {
                table.narrow = true;
                table.name = columns[DOMAIN].narrow_width;
                table.name += terminal > narrow_columns() ? terminal - narrow_columns() : 0;
                table.target = table.name;
        }
        return table;
}

static size_t width_of(const struct mt_history_table *table, enum column column)
{
        if (column == DOMAIN || column == DESTINATION)
                return column == DOMAIN ? table->name : table->target;
        return table->narrow ? columns[column].narrow_width : columns[column].width;
}

static void add_cell(const struct mt_history_table *table, struct mt_line *line, enum column column, char *text,
                     const char *colour)
{
        const size_t width = width_of(table, column);

        if (table->cut)
                mt_terminal_cut(text, width);
        mt_line_cell(line, text, width, columns[column].kind == TEXT, table->colour ? colour : "");
        mt_line_add(line, " ");
}

static void print_heads(const struct mt_history_table *table, const enum column *which, size_t n, unsigned row)
{
        struct mt_line line = { .used = 0 };

        for (size_t i = 0; i < n; i++) {
                const enum column column = which != NULL ? which[i] : (enum column)i;
                char text[32];

                (void)snprintf(text, sizeof(text), "%s",
                               table->narrow ? columns[column].narrow
                               : row == 0    ? columns[column].head
                                             : columns[column].second);
                add_cell(table, &line, column, text, MT_BOLD);
        }
        mt_line_print(&line);
}

void mt_history_table_head(const struct mt_history_table *table)
{
        for (unsigned i = 0; i < 2; i++)
                if (table->narrow)
                        print_heads(table, narrow_lines[i], MT_ARRAY_SIZE(narrow_lines[i]), i);
                else
                        print_heads(table, NULL, MT_ARRAY_SIZE(columns), i);
}

/* "yes" or "NO"; where it is not known "-". */
static const char *held(const struct mt_history_row *row)
{
        return isnan(row->downtime_ms) || isnan(row->limit_ms) ? "-" : row->downtime_ms <= row->limit_ms ? "yes" : "NO";
}

static const char *colour_of(const struct mt_history_row *row, enum column column)
{
        if (column == RESULT)
                return strcmp(row->result, "failed") == 0 ? MT_RED : strcmp(row->result, "cancelled") == 0 ? MT_YELLOW : "";
        return column == HELD && strcmp(held(row), "NO") == 0 ? MT_RED : "";
}

static void cell_text(const struct mt_history_table *table, const struct mt_history_row *row, enum column column, char *text,
                      size_t size)
{
        const char *field = (const char *)row + columns[column].offset;
        double number = (double)NAN;

        if (columns[column].kind != TEXT && columns[column].kind != VERDICT)
                (void)memcpy(&number, field, sizeof(number));
        switch (columns[column].kind) {
        case TEXT: /* without its year where there is little room */
                (void)snprintf(text, size, "%s",
                               field + (column == STARTED && table->narrow && strlen(field) == 19 ? strlen("2026-") : 0));
                break;
        case TIME:
                (void)mt_quantity_time(text, size, number);
                break;
        case SIZE:
                (void)mt_quantity_bytes(text, size, number);
                break;
        case COUNT:
                (void)mt_quantity_count(text, size, number);
                break;
        case VERDICT:
                (void)snprintf(text, size, "%s", held(row));
                break;
        }
}

static void print_line(const struct mt_history_table *table, const struct mt_history_row *row, const enum column *which,
                       size_t n)
{
        struct mt_line line = { .used = 0 };

        for (size_t i = 0; i < n; i++) {
                const enum column column = which != NULL ? which[i] : (enum column)i;
                char text[sizeof(row->domain)];

                cell_text(table, row, column, text, sizeof(text));
                add_cell(table, &line, column, text, colour_of(row, column));
        }
        mt_line_print(&line);
}

void mt_history_table_row(const struct mt_history_table *table, const struct mt_history_row *row)
{
        if (!table->narrow) {
                print_line(table, row, NULL, MT_ARRAY_SIZE(columns));
                return;
        }
        for (unsigned i = 0; i < 2; i++)
                print_line(table, row, narrow_lines[i], MT_ARRAY_SIZE(narrow_lines[i]));
}
