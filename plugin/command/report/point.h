/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a report's sums and distributions want of one migration: numbers, and no text but the host's name. */
#ifndef MT_COMMAND_REPORT_POINT_H
#define MT_COMMAND_REPORT_POINT_H

#include "intent.h"
#include "model/traffic.h"
#include "plan.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* enum mt_result, and what another version wrote. */
enum mt_report_result { MT_REPORT_COMPLETED, MT_REPORT_FAILED, MT_REPORT_CANCELLED, MT_REPORT_OTHER };
#define MT_REPORT_RESULTS (MT_REPORT_OTHER + 1)

/* Numbers as member.h has them: NAN is not known, INFINITY (of what was predicted) never. */
struct mt_report_point {
        uint64_t started_ms; /* since 1970; 0: not known */
        enum mt_report_result result;
        bool observed;     /* mode observe: predicted, and left alone */
        bool counts;       /* its prediction could come true: accuracy.h */
        uint8_t technique; /* what it came to, enum mt_technique; MT_TECHNIQUES: not known */
        float predicted_ms, total_ms;
        float predicted_downtime_ms, downtime_ms, limit_ms;
        double predicted_bytes, bytes;
        double taken_bytes;  /* from other traffic on the link, as planned */
        double memory_bytes; /* of the guest */
        float others_before_mbps,
                others_during_mbps; /* other traffic that left by the uplink: as planned with; mean of samples */
        unsigned n_alternatives;
        struct mt_report_alternative {
                uint8_t technique, way; /* enum mt_technique; index of mt_report_way_name */
                float total_ms;
                double bytes;
                double taken_bytes; /* from other traffic on the link */
        } alternative[MT_MAX_ALTERNATIVES];
        char source[64]; /* the host; "": not known */
};

/*
 * How an alternative would have got its bandwidth: the ways that alternatives are named by (policy/alternatives.c), after
 * them the strategies.
 */
#define MT_REPORT_WAYS (4 + MT_STRATEGIES)
const char *mt_report_way_name(unsigned way);

struct mt_report_point mt_report_point(json_object *record);

/* Did the blackout stay within its limit? Only where both are known (mt_report_limit_known). */
bool mt_report_limit_known(const struct mt_report_point *point);
bool mt_report_held(const struct mt_report_point *point);

/* "completed" and the like, as records have it; "other". */
const char *mt_report_result_name(enum mt_report_result result);

#endif
