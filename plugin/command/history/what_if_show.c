/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/history/what_if.h"
#include "command/quantity.h"
#include "command/terminal.h"
#include "log.h"
#include "record/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIRST 20 /* columns of the time or the domain */

static const char *cost_text(char *text, enum mt_what_if_cost cost, double value)
{
        return cost == MT_WHAT_IF_TIME || cost == MT_WHAT_IF_BLACKOUT ? mt_quantity_time(text, MT_QUANTITY_SIZE, value)
                                                                      : mt_quantity_bytes(text, MT_QUANTITY_SIZE, value);
}

/* "2026-11-20 06:15:00 actual      8.2 s    387 ms ..." limit_ms NAN: no such column's text. */
static void print_line(const char *first, const char *side, const double *costs, double limit_ms)
{
        char text[MT_WHAT_IF_COSTS][MT_QUANTITY_SIZE], limit[MT_QUANTITY_SIZE] = "", name[64];
        struct mt_line line = { .used = 0 };

        for (unsigned i = 0; i < MT_WHAT_IF_COSTS; i++)
                (void)cost_text(text[i], (enum mt_what_if_cost)i, costs[i]);
        if (!isnan(limit_ms))
                (void)mt_quantity_time(limit, sizeof(limit), limit_ms);
        (void)snprintf(name, sizeof(name), "%.60s", first);
        mt_terminal_clip(name, FIRST - 1);
        mt_line_cell(&line, name, FIRST, true, "");
        mt_line_cell(&line, side, 7, true, "");
        mt_line_cell(&line, text[MT_WHAT_IF_TIME], 10, false, "");
        mt_line_cell(&line, text[MT_WHAT_IF_BLACKOUT], 10, false, "");
        mt_line_cell(&line, limit, 10, false, "");
        mt_line_cell(&line, text[MT_WHAT_IF_BYTES], 11, false, "");
        mt_line_cell(&line, text[MT_WHAT_IF_OTHERS], 11, false, "");
        mt_line_print(&line);
}

static void print_rows(const struct mt_what_if *what_if)
{
        mt_print("\n%-*s%-7s%10s%10s%10s%11s%11s\n", FIRST, "STARTED, DOMAIN", "", "TIME", "BLACKOUT", "LIMIT", "SENT",
                 "OTHERS'");
        for (size_t i = 0; i < what_if->rows.n; i++) {
                const struct mt_what_if_row *row = mt_ring_at(&what_if->rows, i);

                print_line(row->started, "actual", row->actual, row->limit_ms);
                print_line(row->domain, row->observed ? "planned" : "planned*", row->planned, (double)NAN);
        }
        if (what_if->rows.n > 1) {
                print_line("all together", "actual", what_if->sum.actual, (double)NAN);
                print_line("", "planned", what_if->sum.planned, (double)NAN);
        }
}

/* "8.2 s less" */
static void print_gain(const struct mt_what_if_sum *sum, enum mt_what_if_cost cost, const char *what, size_t rows)
{
        const double less = sum->actual[cost] - sum->planned[cost];
        char text[MT_QUANTITY_SIZE];

        if (sum->n[cost] == 0)
                return;
        mt_print("  %-28s %s %s", what, cost_text(text, cost, fabs(less)), less >= 0.0 ? "less" : "MORE");
        if (sum->n[cost] < rows)
                mt_print(", of %zu of them", sum->n[cost]);
        mt_print("\n");
}

static void print_sum(const struct mt_what_if *what_if)
{
        const struct mt_what_if_sum *sum = &what_if->sum;

        mt_print("\nBy their plans they would have taken, as predicted:\n");
        print_gain(sum, MT_WHAT_IF_TIME, "time", what_if->rows.n);
        print_gain(sum, MT_WHAT_IF_BLACKOUT, "blackout", what_if->rows.n);
        print_gain(sum, MT_WHAT_IF_BYTES, "bytes sent", what_if->rows.n);
        print_gain(sum, MT_WHAT_IF_OTHERS, "from others on the uplink", what_if->rows.n);
        if (sum->with_limit > 0)
                mt_print("Blackouts above max_downtime: %zu of %zu as it was, %zu as planned.\n", sum->actual_over,
                         sum->with_limit, sum->planned_over);
        if (sum->never > 0)
                mt_print("Predicted never to end as planned, and in none of the sums: %zu.\n", sum->never);
}

static void print_share(const char *what, double share)
{
        if (!isnan(share))
                mt_print("%s%.1f %%", what, fmin(share, 9.999) * 100.0);
}

/* How far the numbers can be trusted. */
static void print_known(const struct mt_accuracy_group *known)
{
        if (known->n == 0) {
                mt_print("These are predictions; no steered migration in this history tells how good they are here.\n");
                return;
        }
        mt_print("These are predictions. Of the %zu steered migration%s in this history half were predicted within\n",
                 known->n, known->n == 1 ? "" : "s");
        print_share("", known->total.median);
        mt_print(" of their time");
        print_share(", ", known->downtime.median);
        mt_print(" of their blackout");
        print_share(", ", known->bytes.median);
        mt_print(" of what they sent (see --accuracy).\n");
}

void mt_what_if_print_table(const struct mt_what_if *what_if, const char *file)
{
        const struct mt_what_if_left_out *out = &what_if->left_out;
        size_t unmanaged = 0;
        char shown[256];

        (void)snprintf(shown, sizeof(shown), "%s", file);
        mt_terminal_clean(shown);
        for (size_t i = 0; i < what_if->rows.n; i++)
                unmanaged += ((const struct mt_what_if_row *)mt_ring_at(&what_if->rows, i))->observed ? 0 : 1;
        mt_print("%zu migration%s that migtune did not steer in %s\n", what_if->rows.n, what_if->rows.n == 1 ? "" : "s",
                 shown);
        if (out->not_completed + out->steered + out->adopted + out->unseen > 0)
                mt_print("left out: %" PRIu64 " steered, %" PRIu64 " not completed, %" PRIu64
                         " not seen from the beginning\n",
                         out->steered, out->not_completed, out->adopted + out->unseen);
        if (what_if->rows.n == 0)
                return;
        print_rows(what_if);
        if (unmanaged > 0)
                mt_print("*: mode enforce, but nothing of it could be set\n");
        print_sum(what_if);
        print_known(&what_if->known);
}

static const char *const cost_names[MT_WHAT_IF_COSTS] = { "total_ms", "downtime_ms", "bytes", "others_bytes" };

static json_object *costs_json(const double *costs)
{
        json_object *o = json_object_new_object();

        for (unsigned i = 0; i < MT_WHAT_IF_COSTS; i++)
                mt_json_add(o, cost_names[i], mt_json_number(costs[i], 0)); /* not known, or never: null */
        return o;
}

static json_object *row_json(const struct mt_what_if_row *row)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "id", mt_json_string(row->id));
        mt_json_add(o, "started", mt_json_string(row->started));
        mt_json_add(o, "domain", mt_json_string(row->domain));
        mt_json_add(o, "mode", mt_json_string(row->observed ? "observe" : "enforce"));
        mt_json_add(o, "max_downtime_ms", mt_json_number(row->limit_ms, 0));
        mt_json_add(o, "actual", costs_json(row->actual));
        mt_json_add(o, "planned", costs_json(row->planned));
        mt_json_add(o, "planned_never_ends", json_object_new_boolean(isinf(row->planned[MT_WHAT_IF_TIME])));
        return o;
}

static json_object *sum_json(const struct mt_what_if_sum *sum)
{
        json_object *o = json_object_new_object(), *n = json_object_new_object();

        for (unsigned i = 0; i < MT_WHAT_IF_COSTS; i++)
                mt_json_add(n, cost_names[i], mt_json_count(sum->n[i]));
        mt_json_add(o, "migrations", n);
        mt_json_add(o, "actual", costs_json(sum->actual));
        mt_json_add(o, "planned", costs_json(sum->planned));
        mt_json_add(o, "planned_never_ends", mt_json_count(sum->never));
        mt_json_add(o, "with_limit", mt_json_count(sum->with_limit));
        mt_json_add(o, "actual_over_limit", mt_json_count(sum->actual_over));
        mt_json_add(o, "planned_over_limit", mt_json_count(sum->planned_over));
        return o;
}

static json_object *known_json(const struct mt_accuracy_group *known)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "predictions", mt_json_count(known->n));
        mt_json_add(o, "total_time_error", mt_json_number(known->n > 0 ? known->total.median : (double)NAN, 6));
        mt_json_add(o, "downtime_error", mt_json_number(known->n > 0 ? known->downtime.median : (double)NAN, 6));
        mt_json_add(o, "downtime_error_ms", mt_json_number(known->n > 0 ? known->downtime_ms.median : (double)NAN, 6));
        mt_json_add(o, "bytes_error", mt_json_number(known->n > 0 ? known->bytes.median : (double)NAN, 6));
        return o;
}

void mt_what_if_print_json(const struct mt_what_if *what_if, const char *file, const struct mt_history_counts *counts)
{
        const struct mt_what_if_left_out *out = &what_if->left_out;
        json_object *o = json_object_new_object(), *left_out = json_object_new_object(), *rows = json_object_new_array();

        for (size_t i = 0; i < what_if->rows.n; i++)
                mt_json_append(rows, row_json(mt_ring_at(&what_if->rows, i)));
        mt_json_add(left_out, "steered", mt_json_count(out->steered));
        mt_json_add(left_out, "not_completed", mt_json_count(out->not_completed));
        mt_json_add(left_out, "adopted", mt_json_count(out->adopted));
        mt_json_add(left_out, "unseen", mt_json_count(out->unseen));
        mt_json_add(o, "history", mt_json_string(file));
        mt_json_add(o, "migrations", rows);
        mt_json_add(o, "sum", sum_json(&what_if->sum));
        mt_json_add(o, "median_accuracy", known_json(&what_if->known));
        mt_json_add(o, "left_out", left_out);
        mt_json_add(o, "unreadable_lines", mt_json_count(counts->unreadable));
        if (mt_json_text(o) != NULL)
                mt_terminal_json(mt_json_text(o));
        (void)json_object_put(o);
}
