/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/migrate/table.h"
#include "command/migrate/places.h"
#include "record/json.h"

#include <stdio.h>
#include <string.h>

static const char *destination_of(const struct mt_table *table, const struct mt_move *move)
{
        return move->destination != MT_PLACE_NONE ? table->destinations[move->destination] : "-";
}

/* "6.2 s"; UINT64_MAX: what it means. */
static const char *seconds(char *text, size_t size, uint64_t ms, const char *unknown)
{
        if (ms == UINT64_MAX)
                (void)snprintf(text, size, "%s", unknown);
        else
                (void)snprintf(text, size, "%.1f s", (double)ms / 1000.0);
        return text;
}

static const char *milliseconds(char *text, size_t size, uint64_t ms, const char *unknown)
{
        if (ms == UINT64_MAX)
                (void)snprintf(text, size, "%s", unknown);
        else
                (void)snprintf(text, size, "%llu ms", (unsigned long long)ms);
        return text;
}

/* Domains that are shut off. */
static void tell_left(FILE *f, const struct mt_table *table)
{
        if (table->n_left == 0)
                return;
        (void)fprintf(f, "left, shut off:");
        for (size_t i = 0; i < table->n_left; i++)
                (void)fprintf(f, "%s %s", i > 0 ? "," : "", table->left[i]);
        (void)fprintf(f, "\n");
}

void mt_table_schedule(FILE *f, const struct mt_table *table)
{
        char begin[24], total[24], away[24], end[24];

        if (table->n > 0)
                (void)fprintf(f, "%3s  %-20s %-8s %-9s %-20s %-10s %9s %9s %9s %9s %9s\n", "", "DOMAIN", "URGENCY",
                              "TRAFFIC", "DESTINATION", "TECHNIQUE", "R Mbit/s", "BEGINS", "TIME", "BLACKOUT", "ENDS");
        for (size_t i = 0; i < table->n; i++) {
                const struct mt_move *move = &table->moves[table->order[i]];
                const struct mt_schedule_times *times = &table->times[table->order[i]];

                if (move->technique[0] == '\0') {
                        (void)fprintf(f, "%3zu  %-20.20s no plan: %s\n", i + 1, move->name, move->reason);
                        continue;
                }
                (void)fprintf(f, "%3zu  %-20.20s %-8s %-9s %-20.20s %-10s %9.1f %9s %9s %9s %9s\n", i + 1, move->name,
                              mt_urgency_name(move->item.urgency), mt_traffic_class_name(move->item.traffic),
                              destination_of(table, move), move->technique, move->item.bandwidth,
                              seconds(begin, sizeof(begin), times->begin_ms, "?"),
                              seconds(total, sizeof(total), move->predicted.total_ms, "never"),
                              milliseconds(away, sizeof(away), move->predicted.downtime_ms, "never"),
                              seconds(end, sizeof(end), times->end_ms, "?"));
        }
        if (table->n == 0)
                (void)fprintf(f, "no domain runs here\n");
        else
                (void)fprintf(f, "%zu domain%s, ", table->n, table->n == 1 ? "" : "s");
        if (table->n == 0) {
                /* nothing to predict */
        } else if (table->ends_ms == UINT64_MAX)
                (void)fprintf(f, "when all have moved cannot be predicted\n");
        else
                (void)fprintf(f, "predicted to have moved after %.1f s\n", (double)table->ends_ms / 1000.0);
        tell_left(f, table);
}

void mt_table_summary(FILE *f, const struct mt_table *table)
{
        char total[24], away[24], predicted_total[24], predicted_away[24];

        if (table->n == 0)
                (void)fprintf(f, "no domain runs here\n");
        else
                (void)fprintf(f, "%-20s %-20s %-12s %9s %9s %9s %9s  %s\n", "DOMAIN", "DESTINATION", "RESULT", "TIME",
                              "PREDICT.", "BLACKOUT", "PREDICT.", "ERROR");
        for (size_t i = 0; i < table->n; i++) {
                const struct mt_move *move = &table->moves[table->order[i]];

                (void)fprintf(f, "%-20.20s %-20.20s %-12s %9s %9s %9s %9s  %s\n", move->name, destination_of(table, move),
                              mt_move_result_name(move->result), seconds(total, sizeof(total), move->actual.total_ms, "-"),
                              seconds(predicted_total, sizeof(predicted_total), move->predicted.total_ms, "-"),
                              milliseconds(away, sizeof(away), move->actual.downtime_ms, "-"),
                              milliseconds(predicted_away, sizeof(predicted_away), move->predicted.downtime_ms, "-"),
                              move->error[0] != '\0' ? move->error : "-");
        }
        tell_left(f, table);
}

const char *mt_table_figures(const struct mt_move *move, char *text, size_t size)
{
        char total[24], away[24], predicted_total[24], predicted_away[24];

        (void)snprintf(text, size, "%s (predicted %s), blackout %s (predicted %s)",
                       seconds(total, sizeof(total), move->actual.total_ms, "?"),
                       seconds(predicted_total, sizeof(predicted_total), move->predicted.total_ms, "?"),
                       milliseconds(away, sizeof(away), move->actual.downtime_ms, "?"),
                       milliseconds(predicted_away, sizeof(predicted_away), move->predicted.downtime_ms, "?"));
        return text;
}

size_t mt_table_not_moved(const struct mt_table *table)
{
        size_t n = 0;

        for (size_t i = 0; i < table->n; i++)
                n += table->moves[i].result != MT_MOVE_MOVED;
        return n;
}

/* JSON. */

static void add_text(json_object *object, const char *key, const char *text)
{
        mt_json_add(object, key, text[0] != '\0' ? mt_json_string(text) : NULL);
}

static json_object *figures_json(const struct mt_move_figures *figures)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "total_ms", mt_json_count(figures->total_ms));
        mt_json_add(o, "downtime_ms", mt_json_count(figures->downtime_ms));
        return o;
}

static json_object *left_json(const struct mt_table *table)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < table->n_left; i++)
                (void)json_object_array_add(array, mt_json_string(table->left[i]));
        return array;
}

static const char *uri_of(const struct mt_table *table, const struct mt_move *move)
{
        return move->destination != MT_PLACE_NONE ? table->uris[move->destination] : "";
}

json_object *mt_table_move_json(const struct mt_move *move, const char *uri)
{
        json_object *o = json_object_new_object();

        add_text(o, "domain", move->name);
        add_text(o, "uuid", move->uuid);
        add_text(o, "destination", uri);
        add_text(o, "result", mt_move_result_name(move->result));
        mt_json_add(o, "predicted", figures_json(&move->predicted));
        mt_json_add(o, "actual", figures_json(&move->actual));
        add_text(o, "error", move->error);
        return o;
}

json_object *mt_table_summary_json(const struct mt_table *table)
{
        json_object *o = json_object_new_object(), *array = json_object_new_array();
        size_t not_moved = mt_table_not_moved(table);

        for (size_t i = 0; i < table->n; i++) {
                const struct mt_move *move = &table->moves[table->order[i]];

                (void)json_object_array_add(array, mt_table_move_json(move, uri_of(table, move)));
        }
        mt_json_add(o, "moved", mt_json_count(table->n - not_moved));
        mt_json_add(o, "not_moved", mt_json_count(not_moved));
        mt_json_add(o, "migrations", array);
        mt_json_add(o, "left", left_json(table));
        return o;
}

static json_object *scheduled_json(const struct mt_table *table, size_t i)
{
        const struct mt_move *move = &table->moves[table->order[i]];
        const struct mt_schedule_times *times = &table->times[table->order[i]];
        json_object *o = json_object_new_object();

        add_text(o, "domain", move->name);
        add_text(o, "uuid", move->uuid);
        add_text(o, "destination", uri_of(table, move));
        add_text(o, "urgency", mt_urgency_name(move->item.urgency));
        add_text(o, "traffic", mt_traffic_class_name(move->item.traffic));
        add_text(o, "technique", move->technique);
        mt_json_add(o, "bandwidth_mbps", mt_json_number(move->item.bandwidth, 3));
        mt_json_add(o, "begins_ms", mt_json_count(times->begin_ms));
        mt_json_add(o, "ends_ms", mt_json_count(times->end_ms));
        mt_json_add(o, "prediction", figures_json(&move->predicted));
        add_text(o, "error", move->reason);
        return o;
}

json_object *mt_table_schedule_json(const struct mt_table *table)
{
        json_object *o = json_object_new_object(), *array = json_object_new_array();

        for (size_t i = 0; i < table->n; i++)
                (void)json_object_array_add(array, scheduled_json(table, i));
        mt_json_add(o, "schedule", array);
        mt_json_add(o, "ends_ms", mt_json_count(table->ends_ms));
        mt_json_add(o, "left", left_json(table));
        return o;
}
