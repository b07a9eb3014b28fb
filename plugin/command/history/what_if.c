/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/history/what_if.h"
#include "cleanup.h"
#include "command/member.h"
#include "command/terminal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_ROWS UINT64_C(10000000) /* history.keep's own bound */

/* Was nothing of it set, neither in QEMU nor in the kernel? */
static bool is_unmanaged(json_object *record)
{
        return mt_member(record, "applied") != NULL && mt_member_number(record, "applied/changes") == 0.0 &&
               !(mt_member_number(record, "applied/downtime_limit_ms") > 0.0) && mt_member_count(record, "tc") == 0;
}

/* Bytes that others sent less than before, while it ran. */
static double taken_from_others(json_object *record)
{
        const double before =
                mt_member_is_true(record, "facts/src/known") ? mt_member_number(record, "facts/src/out_mbps") : (double)NAN;
        const size_t n = mt_member_count(record, "actual/samples");
        double bytes = 0.0, last_ms = 0.0;
        bool known = false;

        for (size_t i = 0; i < n; i++) {
                json_object *sample = json_object_array_get_idx(mt_member(record, "actual/samples"), i);
                const double t_ms = mt_member_number(sample, "t_ms"), others = mt_member_number(sample, "others_mbps");

                if (isnan(t_ms) || isnan(others) || t_ms < last_ms)
                        continue;
                bytes += fmax(before - others, 0.0) * 1e6 / 8.0 * (t_ms - last_ms) / 1000.0;
                last_ms = t_ms;
                known = true;
        }
        return known && !isnan(before) ? bytes : (double)NAN;
}

static bool counts(json_object *record, struct mt_what_if_left_out *left_out)
{
        const bool observed = strcmp(mt_member_text(record, "mode"), "observe") == 0;

        if (strcmp(mt_member_text(record, "result"), "completed") != 0)
                left_out->not_completed++;
        else if (mt_member_is_true(record, "adopted"))
                left_out->adopted++;
        else if (!(mt_member_number(record, "actual/bytes") > 0.0))
                left_out->unseen++;
        else if (!observed && !is_unmanaged(record))
                left_out->steered++;
        else
                return true;
        return false;
}

bool mt_what_if_row(json_object *record, struct mt_what_if_left_out *left_out, struct mt_what_if_row *ret)
{
        struct mt_what_if_row row = {
                .observed = strcmp(mt_member_text(record, "mode"), "observe") == 0,
                .limit_ms = mt_member_number(record, "intent/max_downtime_ms"),
                .actual = { mt_member_number(record, "actual/total_ms"), mt_member_number(record, "actual/downtime_ms"),
                            mt_member_number(record, "actual/bytes"), taken_from_others(record) },
                .planned = { mt_member_predicted(record, "plan/prediction/total_ms"),
                             mt_member_predicted(record, "plan/prediction/downtime_ms"),
                             mt_member_predicted(record, "plan/prediction/bytes"),
                             mt_member(record, "plan/tenants") != NULL ? mt_member_predicted(record, "plan/tenants/bytes")
                                                                       : (double)NAN },
        };

        if (!counts(record, left_out))
                return false;
        (void)snprintf(row.id, sizeof(row.id), "%s", mt_member_text(record, "id"));
        (void)snprintf(row.domain, sizeof(row.domain), "%s", mt_member_text(record, "domain/name"));
        (void)snprintf(row.started, sizeof(row.started), "%.19s", mt_member_text(record, "started"));
        if (strlen(row.started) > 10 && row.started[10] == 'T')
                row.started[10] = ' ';
        mt_terminal_clean(row.id);
        mt_terminal_clean(row.domain);
        mt_terminal_clean(row.started);
        *ret = row;
        return true;
}

void mt_what_if_add(struct mt_what_if_sum *sum, const struct mt_what_if_row *row)
{
        const double away = row->actual[MT_WHAT_IF_BLACKOUT], planned = row->planned[MT_WHAT_IF_BLACKOUT];

        sum->never += isinf(row->planned[MT_WHAT_IF_TIME]) ? 1 : 0;
        for (unsigned i = 0; i < MT_WHAT_IF_COSTS; i++) {
                if (!isfinite(row->actual[i]) || !isfinite(row->planned[i]))
                        continue;
                sum->n[i]++;
                sum->actual[i] += row->actual[i];
                sum->planned[i] += row->planned[i];
        }
        if (isnan(row->limit_ms) || isnan(away) || isnan(planned))
                return;
        sum->with_limit++;
        sum->actual_over += away > row->limit_ms ? 1 : 0;
        sum->planned_over += planned > row->limit_ms ? 1 : 0;
}

struct taking {
        const struct mt_history_options *options;
        struct mt_what_if what_if;
        struct mt_accuracy accuracy;
        int error;
};

static void take(void *ctx, json_object *record, const char *line)
{
        struct taking *taking = ctx;
        struct mt_what_if_row row, *copy;

        (void)line;
        if (mt_accuracy_take(&taking->accuracy, record) < 0) /* of all: how good predictions are is no matter of filters */
                taking->error = -ENOMEM;
        if (!mt_history_wanted(taking->options, record) || !mt_what_if_row(record, &taking->what_if.left_out, &row))
                return;
        copy = malloc(sizeof(*copy));
        if (copy != NULL)
                *copy = row;
        if (copy == NULL || mt_ring_add(&taking->what_if.rows, copy) < 0)
                taking->error = -ENOMEM;
}

/* What is left to be known when all is read. */
static int finish(struct taking *taking, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) struct mt_accuracy_group *groups = calloc(MT_ACCURACY_GROUPS, sizeof(*groups));
        size_t n = 0;

        if (groups == NULL || taking->error < 0 || mt_accuracy_groups(&taking->accuracy, groups, &n) < 0)
                return mt_fail(err, ENOMEM, "out of memory for %zu migrations", taking->what_if.rows.n);
        taking->what_if.known = groups[0];
        for (size_t i = 0; i < taking->what_if.rows.n; i++)
                mt_what_if_add(&taking->what_if.sum, mt_ring_at(&taking->what_if.rows, i));
        return 0;
}

int mt_history_what_if(const struct mt_host_ops *host, const struct mt_history_options *options, const char *file,
                       struct mt_history_counts *ret_counts, struct mt_err *err)
{
        const struct mt_history_source source = { .file = file, .bar = host };
        struct taking taking = { .options = options, .what_if.rows.limit = options->last > 0 ? options->last : MOST_ROWS };
        int r = mt_history_read(&source, take, &taking, ret_counts, err);

        if (r == 0)
                r = finish(&taking, err);
        if (r == 0 && options->json)
                mt_what_if_print_json(&taking.what_if, file, ret_counts);
        else if (r == 0)
                mt_what_if_print_table(&taking.what_if, file);
        mt_ring_done(&taking.what_if.rows);
        mt_accuracy_done(&taking.accuracy);
        return r;
}
