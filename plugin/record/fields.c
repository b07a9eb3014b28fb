/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/fields.h"
#include "cleanup.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>

static void add(struct mt_record_fields *fields, const char *name, const char *value)
{
        if (value[0] == '\0' || fields->n == MT_RECORD_FIELDS)
                return;
        (void)snprintf(fields->text[fields->n], sizeof(fields->text[0]), "MIGTUNE_%s=%s", name, value);
        fields->list[fields->n] = fields->text[fields->n];
        fields->n++;
}

/* UINT64_MAX: not known, or without end. */
static void add_count(struct mt_record_fields *fields, const char *name, uint64_t value)
{
        char text[32];

        (void)snprintf(text, sizeof(text), "%" PRIu64, value);
        if (value != UINT64_MAX)
                add(fields, name, text);
}

/* Whole Mbit/s: a field of a log is to be compared, and the record has the decimals. */
static void add_mbps(struct mt_record_fields *fields, const char *name, uint64_t bytes_s)
{
        if (bytes_s != MT_AUTO)
                add_count(fields, name, (uint64_t)(mt_mbps(bytes_s) + 0.5));
}

const char *const *mt_record_fields(const struct mt_outcome *outcome, struct mt_record_fields *ret)
{
        const struct mt_plan *plan = &outcome->plan;

        *ret = (struct mt_record_fields){ .n = 0 };
        add(ret, "ID", outcome->id);
        add(ret, "DOMAIN", outcome->domain.name);
        add(ret, "DOMAIN_UUID", outcome->domain.uuid);
        add(ret, "RESULT", mt_result_name(outcome->result));
        add(ret, "MODE", mt_mode_name(outcome->intent.mode));
        add(ret, "ATTACH", mt_attach_name(outcome->attach));
        add(ret, "SOURCE", outcome->source);
        add(ret, "DESTINATION", outcome->destination);
        add(ret, "TECHNIQUE", mt_technique_name(outcome->actual.technique));
        add(ret, "STRATEGY", mt_strategy_name(plan->strategy));
        add_mbps(ret, "BANDWIDTH_MBPS", plan->bandwidth_bytes_s);
        add_count(ret, "TOTAL_MS", outcome->actual.total_ms);
        add_count(ret, "DOWNTIME_MS", outcome->actual.downtime_ms);
        add_count(ret, "BYTES", outcome->actual.bytes);
        add_count(ret, "ITERATIONS", outcome->actual.iterations);
        add_count(ret, "MEMORY_BYTES", outcome->facts.memory_bytes);
        add_count(ret, "PREDICTED_TOTAL_MS", plan->prediction.total_ms);
        add_count(ret, "PREDICTED_DOWNTIME_MS", plan->prediction.downtime_ms);
        add_count(ret, "MAX_DOWNTIME_MS", outcome->intent.max_downtime_ms);
        add(ret, "LIMIT_MET", plan->limit_met ? "yes" : "no");
        add(ret, "ERROR", outcome->error);
        return ret->list;
}
