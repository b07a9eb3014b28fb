/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/report/point.h"
#include "array.h"
#include "command/history/accuracy.h"
#include "command/member.h"
#include "record/outcome.h"
#include "record/timestamp.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *mt_report_result_name(enum mt_report_result result)
{
        return result < MT_REPORT_OTHER ? mt_result_name((enum mt_result)result) : "other";
}

static enum mt_report_result result_of(json_object *record)
{
        const char *name = mt_member_text(record, "result");
        unsigned i = 0;

        while (i < MT_REPORT_OTHER && strcmp(name, mt_report_result_name((enum mt_report_result)i)) != 0)
                i++;
        return (enum mt_report_result)i;
}

static uint8_t technique_of(const char *name)
{
        enum mt_technique technique;

        return mt_technique_parse(name, &technique) == 0 ? (uint8_t)technique : MT_TECHNIQUES;
}

/* Mean of a sample's member over time, each sample standing for the time until the next one. NAN: not known. */
static double mean_of_samples(json_object *record, const char *name)
{
        json_object *samples = mt_member(record, "actual/samples");
        const size_t n = mt_member_count(record, "actual/samples");
        double sum = 0.0, ms = 0.0;

        for (size_t i = 0; i + 1 < n; i++) {
                json_object *sample = json_object_array_get_idx(samples, i);
                const double value = mt_member_number(sample, name);
                const double lasted = mt_member_number(json_object_array_get_idx(samples, i + 1), "t_ms") -
                                      mt_member_number(sample, "t_ms");

                if (!isnan(value) && lasted > 0.0) {
                        sum += value * lasted;
                        ms += lasted;
                }
        }
        return ms > 0.0 ? sum / ms : (double)NAN;
}

const char *mt_report_way_name(unsigned way)
{
        static const char *const names[] = { "as planned", "what is free", "whole link", "floor" };

        return way < MT_ARRAY_SIZE(names) ? names[way] : mt_strategy_name((enum mt_strategy)(way - MT_ARRAY_SIZE(names)));
}

/* The way of an alternative's name, "post-copy, whole link"; MT_REPORT_WAYS: of another version. */
static unsigned way_of(const char *name)
{
        const char *comma = strstr(name, ", ");
        unsigned way = comma != NULL ? 0 : MT_REPORT_WAYS;

        while (way < MT_REPORT_WAYS && strcmp(comma + 2, mt_report_way_name(way)) != 0)
                way++;
        return way;
}

static void take_alternatives(struct mt_report_point *point, json_object *record)
{
        const size_t n = mt_member_count(record, "plan/alternatives");

        for (size_t i = 0; i < n && point->n_alternatives < MT_MAX_ALTERNATIVES; i++) {
                json_object *o = json_object_array_get_idx(mt_member(record, "plan/alternatives"), i);
                const uint8_t technique = technique_of(mt_member_text(o, "technique"));
                const unsigned way = way_of(mt_member_text(o, "name"));

                if (technique == MT_TECHNIQUES || way == MT_REPORT_WAYS)
                        continue;
                point->alternative[point->n_alternatives++] = (struct mt_report_alternative){
                        .technique = technique,
                        .way = (uint8_t)way,
                        .total_ms = (float)mt_member_predicted(o, "prediction/total_ms"),
                        .bytes = mt_member_predicted(o, "prediction/bytes"),
                        .taken_bytes = mt_member_predicted(o, "tenants/bytes"),
                };
        }
}

struct mt_report_point mt_report_point(json_object *record)
{
        struct mt_accuracy_left_out ignored = { 0 };
        struct mt_report_point point = {
                .result = result_of(record),
                .observed = strcmp(mt_member_text(record, "mode"), "observe") == 0,
                .counts = mt_accuracy_counts(&ignored, record),
                .technique = technique_of(mt_member_text(record, "actual/technique")),
                .predicted_ms = (float)mt_member_predicted(record, "plan/prediction/total_ms"),
                .total_ms = (float)mt_member_number(record, "actual/total_ms"),
                .predicted_downtime_ms = (float)mt_member_predicted(record, "plan/prediction/downtime_ms"),
                .downtime_ms = (float)mt_member_number(record, "actual/downtime_ms"),
                .limit_ms = (float)mt_member_number(record, "intent/max_downtime_ms"),
                .predicted_bytes = mt_member_predicted(record, "plan/prediction/bytes"),
                .bytes = mt_member_number(record, "actual/bytes"),
                .taken_bytes = mt_member_predicted(record, "plan/tenants/bytes"),
                .memory_bytes = mt_member_number(record, "domain/memory_bytes"),
                .others_before_mbps = mt_member_is_true(record, "facts/src/known")
                                              ? (float)mt_member_number(record, "facts/src/out_mbps")
                                              : (float)NAN,
                .others_during_mbps = (float)mean_of_samples(record, "others_mbps"),
        };

        (void)mt_timestamp_parse(mt_member_text(record, "started"), &point.started_ms);
        (void)snprintf(point.source, sizeof(point.source), "%s", mt_member_text(record, "source"));
        take_alternatives(&point, record);
        return point;
}

bool mt_report_limit_known(const struct mt_report_point *point)
{
        return point->result == MT_REPORT_COMPLETED && !isnan(point->downtime_ms) && point->limit_ms > 0.0f;
}

bool mt_report_held(const struct mt_report_point *point)
{
        return point->downtime_ms <= point->limit_ms;
}
