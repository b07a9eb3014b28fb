/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/history/accuracy.h"
#include "array_room.h"
#include "cleanup.h"
#include "command/member.h"
#include "record/quantile.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const double mt_accuracy_margins[MT_ACCURACY_MARGINS] = { 0.5, 0.8, 1.0, 1.2, 2.0, (double)INFINITY };

bool mt_accuracy_counts(struct mt_accuracy_left_out *left_out, json_object *record)
{
        uint64_t *why = NULL;

        if (strcmp(mt_member_text(record, "result"), "completed") != 0)
                why = &left_out->not_completed;
        else if (strcmp(mt_member_text(record, "mode"), "enforce") != 0)
                why = &left_out->not_enforced;
        else if (mt_member_is_true(record, "adopted"))
                why = &left_out->adopted;
        else if (!(mt_member_number(record, "actual/bytes") > 0.0)) /* a call that had no job, see steer/call.c */
                why = &left_out->unseen;
        if (why != NULL)
                (*why)++;
        return why == NULL;
}

/* |predicted - actual| / unit. NAN where one is not known, or unit is 0. */
static float off_by(double predicted, double actual, double unit)
{
        return unit > 0.0 ? (float)(fabs(predicted - actual) / unit) : (float)NAN;
}

static uint8_t source_of(const char *name)
{
        uint8_t source = 0;

        while (source < MT_ACCURACY_SOURCES && strcmp(mt_dirty_source_name((enum mt_dirty_source)source), name) != 0)
                source++;
        return source;
}

static struct mt_accuracy_point point_of(json_object *record)
{
        const double total = mt_member_number(record, "actual/total_ms"), bytes = mt_member_number(record, "actual/bytes");
        const double downtime = mt_member_number(record, "actual/downtime_ms");
        const double predicted = mt_member_predicted(record, "plan/prediction/downtime_ms");
        const double limit = mt_member_number(record, "intent/max_downtime_ms");
        enum mt_technique technique;
        enum mt_strategy strategy;

        return (struct mt_accuracy_point){
                .total = off_by(mt_member_predicted(record, "plan/prediction/total_ms"), total, total),
                .bytes = off_by(mt_member_predicted(record, "plan/prediction/bytes"), bytes, bytes),
                .downtime = off_by(predicted, downtime, downtime),
                .downtime_ms = off_by(predicted, downtime, 1.0),
                .of_limit = limit > 0.0 ? (float)(downtime / limit) : (float)NAN,
                .strategy = mt_strategy_parse(mt_member_text(record, "plan/strategy"), &strategy) == 0 ? (uint8_t)strategy
                                                                                                       : MT_STRATEGIES,
                .technique = mt_technique_parse(mt_member_text(record, "plan/technique"), &technique) == 0
                                     ? (uint8_t)technique
                                     : MT_TECHNIQUES,
                .source = source_of(mt_member_text(record, "facts/dirty_rate_source")),
                .said_known = mt_member(record, "plan/limit_met") != NULL,
                .said = mt_member_is_true(record, "plan/limit_met"),
        };
}

int mt_accuracy_take(struct mt_accuracy *accuracy, json_object *record)
{
        struct mt_accuracy_point *array;

        if (!mt_accuracy_counts(&accuracy->left_out, record))
                return 0;
        array = mt_array_room(accuracy->point, accuracy->n, &accuracy->allocated, sizeof(*array));
        if (array == NULL)
                return -ENOMEM;
        accuracy->point = array;
        accuracy->point[accuracy->n++] = point_of(record);
        return 0;
}

void mt_accuracy_keep(struct mt_accuracy *accuracy, uint64_t n)
{
        if (accuracy->n <= n)
                return;
        (void)memmove(accuracy->point, accuracy->point + (accuracy->n - n), n * sizeof(*accuracy->point));
        accuracy->n = n;
}

void mt_accuracy_done(struct mt_accuracy *accuracy)
{
        free(accuracy->point);
        *accuracy = (struct mt_accuracy){ .n = 0 };
}

enum by { BY_ALL, BY_STRATEGY, BY_TECHNIQUE, BY_SOURCE };

static bool is_in(const struct mt_accuracy_point *point, enum by by, unsigned value)
{
        return by == BY_ALL || (by == BY_STRATEGY    ? point->strategy
                                : by == BY_TECHNIQUE ? point->technique
                                                     : point->source) == value;
}

/* The known values of one field of the group's points, sorted, into values, which has room for all. Returns how many. */
static size_t gather(const struct mt_accuracy *accuracy, enum by by, unsigned value, size_t field, double *values)
{
        size_t n = 0;

        for (size_t i = 0; i < accuracy->n; i++) {
                float one;

                (void)memcpy(&one, (const char *)&accuracy->point[i] + field, sizeof(one));
                if (is_in(&accuracy->point[i], by, value) && !isnan(one))
                        values[n++] = (double)one;
        }
        mt_quantile_sort(values, n);
        return n;
}

static void count_limits(const struct mt_accuracy_point *point, struct mt_accuracy_group *group)
{
        const bool is_held = point->of_limit <= 1.0f;
        unsigned i = 0;

        if (isnan(point->of_limit) || !point->said_known)
                return;
        *(point->said ? is_held ? &group->said_held : &group->said_broken : is_held ? &group->held : &group->broken) += 1;
        while ((double)point->of_limit > mt_accuracy_margins[i])
                i++;
        (point->said ? group->said_within : group->within)[i]++;
}

static struct mt_accuracy_group make_group(const struct mt_accuracy *accuracy, enum by by, unsigned value, double *values)
{
        struct mt_accuracy_group group = { .n = 0 };
        size_t n;

        for (size_t i = 0; i < accuracy->n; i++)
                if (is_in(&accuracy->point[i], by, value)) {
                        group.n++;
                        count_limits(&accuracy->point[i], &group);
                }
        n = gather(accuracy, by, value, offsetof(struct mt_accuracy_point, total), values);
        group.total.q1 = mt_quantile(values, n, 0.25);
        group.total.median = mt_quantile(values, n, 0.5);
        group.total.q3 = mt_quantile(values, n, 0.75);
        n = gather(accuracy, by, value, offsetof(struct mt_accuracy_point, bytes), values);
        group.bytes.q1 = mt_quantile(values, n, 0.25);
        group.bytes.median = mt_quantile(values, n, 0.5);
        group.bytes.q3 = mt_quantile(values, n, 0.75);
        n = gather(accuracy, by, value, offsetof(struct mt_accuracy_point, downtime), values);
        group.downtime.median = mt_quantile(values, n, 0.5);
        group.downtime.p90 = mt_quantile(values, n, 0.9);
        n = gather(accuracy, by, value, offsetof(struct mt_accuracy_point, downtime_ms), values);
        group.downtime_ms.median = mt_quantile(values, n, 0.5);
        group.downtime_ms.p90 = mt_quantile(values, n, 0.9);
        return group;
}

static const char *name_of(enum by by, unsigned value)
{
        switch (by) {
        case BY_STRATEGY:
                return value < MT_STRATEGIES ? mt_strategy_name((enum mt_strategy)value) : "other";
        case BY_TECHNIQUE:
                return value < MT_TECHNIQUES ? mt_technique_name((enum mt_technique)value) : "other";
        case BY_SOURCE:
                return value < MT_ACCURACY_SOURCES ? mt_dirty_source_name((enum mt_dirty_source)value) : "other";
        case BY_ALL:
        default:
                return "all";
        }
}

int mt_accuracy_groups(const struct mt_accuracy *accuracy, struct mt_accuracy_group *ret, size_t *ret_n)
{
        static const struct {
                const char *name;
                unsigned values;
        } kinds[] = { [BY_ALL] = { "all", 1 },
                      [BY_STRATEGY] = { "strategy", MT_STRATEGIES + 1 },
                      [BY_TECHNIQUE] = { "technique", MT_TECHNIQUES + 1 },
                      [BY_SOURCE] = { "dirty_rate_source", MT_ACCURACY_SOURCES + 1 } };
        MT_CLEANUP(mt_freep) double *values = calloc(accuracy->n + 1, sizeof(*values));

        *ret_n = 0;
        if (values == NULL)
                return -ENOMEM;
        for (unsigned by = 0; by < MT_ARRAY_SIZE(kinds); by++)
                for (unsigned value = 0; value < kinds[by].values; value++) {
                        struct mt_accuracy_group group = make_group(accuracy, (enum by)by, value, values);

                        group.by = kinds[by].name;
                        group.name = name_of((enum by)by, value);
                        if (group.n > 0 || by == BY_ALL)
                                ret[(*ret_n)++] = group;
                }
        return 0;
}

struct taking {
        const struct mt_history_options *options;
        struct mt_accuracy accuracy;
        int error;
};

static void take(void *ctx, json_object *record, const char *line)
{
        struct taking *taking = ctx;

        (void)line;
        if (mt_history_wanted(taking->options, record) && mt_accuracy_take(&taking->accuracy, record) < 0)
                taking->error = -ENOMEM;
}

int mt_history_accuracy(const struct mt_host_ops *host, const struct mt_history_options *options, const char *file,
                        struct mt_history_counts *ret_counts, struct mt_err *err)
{
        const struct mt_history_source source = { .file = file, .bar = host };
        struct taking taking = { .options = options };
        MT_CLEANUP(mt_freep) struct mt_accuracy_group *groups = calloc(MT_ACCURACY_GROUPS, sizeof(*groups));
        size_t n = 0;
        int r = mt_history_read(&source, take, &taking, ret_counts, err);

        if (r == 0 && options->last > 0)
                mt_accuracy_keep(&taking.accuracy, options->last);
        if (r == 0 && (groups == NULL || taking.error < 0 || mt_accuracy_groups(&taking.accuracy, groups, &n) < 0))
                r = mt_fail(err, ENOMEM, "out of memory for %zu migrations", taking.accuracy.n);
        if (r == 0 && options->json)
                mt_accuracy_print_json(&taking.accuracy, groups, n, file, ret_counts);
        else if (r == 0)
                mt_accuracy_print_table(&taking.accuracy, groups, n, file);
        mt_accuracy_done(&taking.accuracy);
        return r;
}
