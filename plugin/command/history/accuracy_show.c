/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/history/accuracy.h"
#include "command/terminal.h"
#include "log.h"
#include "record/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME 17 /* columns of a group's name */

/* A number in five columns: "4.3" "123" ">9999" "inf" "-". */
static const char *number(char *text, size_t size, double value)
{
        if (isnan(value))
                (void)snprintf(text, size, "-");
        else if (isinf(value))
                (void)snprintf(text, size, "inf");
        else if (value >= 9999.5)
                (void)snprintf(text, size, ">9999");
        else
                (void)snprintf(text, size, "%.*f", value < 99.95 ? 1 : 0, value);
        return text;
}

static void print_number(double value)
{
        char text[32];

        mt_print(" %6s", number(text, sizeof(text), value));
}

/* A group's name and number; before the first of its kind a line that names the kind. */
static void print_name(const struct mt_accuracy_group *group, const struct mt_accuracy_group *before)
{
        const bool whole = strcmp(group->by, "all") == 0;

        if (!whole && strcmp(group->by, before->by) != 0)
                mt_print("%s\n", strcmp(group->by, "dirty_rate_source") == 0 ? "dirty rate from" : group->by);
        mt_print("%s%-*s %6zu", whole ? "" : "  ", whole ? NAME : NAME - 2, group->name, group->n);
}

static void print_errors(const struct mt_accuracy_group *groups, size_t n)
{
        mt_print("\n%*s          TIME off by, %%         SENT off by, %%\n", NAME, "");
        mt_print("%*s      N     q1 median     q3      q1 median     q3\n", NAME, "");
        for (size_t i = 0; i < n; i++) {
                const struct mt_accuracy_group *g = &groups[i];

                print_name(g, &groups[i > 0 ? i - 1 : 0]);
                print_number(g->total.q1 * 100.0);
                print_number(g->total.median * 100.0);
                print_number(g->total.q3 * 100.0);
                mt_print(" ");
                print_number(g->bytes.q1 * 100.0);
                print_number(g->bytes.median * 100.0);
                print_number(g->bytes.q3 * 100.0);
                mt_print("\n");
        }
}

static void print_blackouts(const struct mt_accuracy_group *groups, size_t n)
{
        mt_print("\n%*s        BLACKOUT, %%   BLACKOUT, ms  LIMIT SAID    NOT SAID\n", NAME, "");
        mt_print("%*s      N median    p90 median    p90   held   not   held   not\n", NAME, "");
        for (size_t i = 0; i < n; i++) {
                const struct mt_accuracy_group *g = &groups[i];

                print_name(g, &groups[i > 0 ? i - 1 : 0]);
                print_number(g->downtime.median * 100.0);
                print_number(g->downtime.p90 * 100.0);
                print_number(g->downtime_ms.median);
                print_number(g->downtime_ms.p90);
                mt_print(" %6" PRIu64 " %5" PRIu64 " %6" PRIu64 " %5" PRIu64 "\n", g->said_held, g->said_broken, g->held,
                         g->broken);
        }
}

/* "up to 50 %", "50 to 80 %", "over 200 %" */
static void margin_name(char *text, size_t size, unsigned i)
{
        const double until = mt_accuracy_margins[i] * 100.0, from = i > 0 ? mt_accuracy_margins[i - 1] * 100.0 : 0.0;

        if (i == 0)
                (void)snprintf(text, size, "up to %.0f %%", until);
        else if (isinf(until))
                (void)snprintf(text, size, "over %.0f %%", from);
        else
                (void)snprintf(text, size, "%.0f to %.0f %%", from, until);
}

static void print_margins(const struct mt_accuracy_group *all)
{
        mt_print("\n%-24s LIMIT SAID   NOT SAID\n", "blackout, of its limit");
        for (unsigned i = 0; i < MT_ACCURACY_MARGINS; i++) {
                char name[32];

                margin_name(name, sizeof(name), i);
                mt_print("  %-22s %10" PRIu64 " %10" PRIu64 "\n", name, all->said_within[i], all->within[i]);
        }
}

void mt_accuracy_print_table(const struct mt_accuracy *accuracy, const struct mt_accuracy_group *groups, size_t n,
                             const char *file)
{
        const struct mt_accuracy_left_out *out = &accuracy->left_out;
        char shown[256];

        (void)snprintf(shown, sizeof(shown), "%s", file);
        mt_terminal_clean(shown);
        mt_print("%zu prediction%s in %s\n", accuracy->n, accuracy->n == 1 ? "" : "s", shown);
        if (out->not_completed + out->not_enforced + out->adopted + out->unseen > 0)
                mt_print("left out: %" PRIu64 " not completed, %" PRIu64 " not enforced, %" PRIu64
                         " not seen from the beginning\n",
                         out->not_completed, out->not_enforced, out->adopted + out->unseen);
        if (accuracy->n == 0)
                return;
        print_errors(groups, n);
        print_blackouts(groups, n);
        print_margins(&groups[0]);
}

static json_object *quartiles_json(double q1, double median, double q3)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "q1", mt_json_number(q1, 6));
        mt_json_add(o, "median", mt_json_number(median, 6));
        mt_json_add(o, "q3", mt_json_number(q3, 6));
        return o;
}

static json_object *tail_json(double median, double p90)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "median", mt_json_number(median, 6));
        mt_json_add(o, "p90", mt_json_number(p90, 6));
        return o;
}

static json_object *held_json(uint64_t held, uint64_t broken)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "held", mt_json_count(held));
        mt_json_add(o, "not_held", mt_json_count(broken));
        return o;
}

static json_object *group_json(const struct mt_accuracy_group *g)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "by", mt_json_string(g->by));
        mt_json_add(o, "name", mt_json_string(g->name));
        mt_json_add(o, "migrations", mt_json_count(g->n));
        mt_json_add(o, "total_time_error", quartiles_json(g->total.q1, g->total.median, g->total.q3));
        mt_json_add(o, "bytes_error", quartiles_json(g->bytes.q1, g->bytes.median, g->bytes.q3));
        mt_json_add(o, "downtime_error", tail_json(g->downtime.median, g->downtime.p90));
        mt_json_add(o, "downtime_error_ms", tail_json(g->downtime_ms.median, g->downtime_ms.p90));
        mt_json_add(o, "limit_said", held_json(g->said_held, g->said_broken));
        mt_json_add(o, "limit_not_said", held_json(g->held, g->broken));
        return o;
}

static json_object *margins_json(const struct mt_accuracy_group *all)
{
        json_object *array = json_object_new_array();

        for (unsigned i = 0; i < MT_ACCURACY_MARGINS; i++) {
                json_object *o = json_object_new_object();

                mt_json_add(o, "above", mt_json_number(i > 0 ? mt_accuracy_margins[i - 1] : 0.0, 3));
                mt_json_add(o, "until", mt_json_number(mt_accuracy_margins[i], 3)); /* the last: null */
                mt_json_add(o, "limit_said", mt_json_count(all->said_within[i]));
                mt_json_add(o, "limit_not_said", mt_json_count(all->within[i]));
                mt_json_append(array, o);
        }
        return array;
}

void mt_accuracy_print_json(const struct mt_accuracy *accuracy, const struct mt_accuracy_group *groups, size_t n,
                            const char *file, const struct mt_history_counts *counts)
{
        const struct mt_accuracy_left_out *out = &accuracy->left_out;
        json_object *o = json_object_new_object(), *left_out = json_object_new_object(), *array = json_object_new_array();

        mt_json_add(left_out, "not_completed", mt_json_count(out->not_completed));
        mt_json_add(left_out, "not_enforced", mt_json_count(out->not_enforced));
        mt_json_add(left_out, "adopted", mt_json_count(out->adopted));
        mt_json_add(left_out, "unseen", mt_json_count(out->unseen));
        for (size_t i = 0; i < n; i++)
                mt_json_append(array, group_json(&groups[i]));
        mt_json_add(o, "history", mt_json_string(file));
        mt_json_add(o, "predictions", mt_json_count(accuracy->n));
        mt_json_add(o, "left_out", left_out);
        mt_json_add(o, "unreadable_lines", mt_json_count(counts->unreadable));
        mt_json_add(o, "groups", array);
        mt_json_add(o, "blackout_of_limit", margins_json(&groups[0]));
        if (mt_json_text(o) != NULL)
                mt_terminal_json(mt_json_text(o));
        (void)json_object_put(o);
}
