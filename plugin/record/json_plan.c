/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reason.h"
#include "record/json.h"
#include "record/json_call.h"

static json_object *prediction_json(const struct mt_prediction *prediction)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "total_ms", mt_json_count(prediction->total_ms));
        mt_json_add(o, "downtime_ms", mt_json_count(prediction->downtime_ms));
        mt_json_add(o, "bytes", mt_json_count(prediction->bytes));
        mt_json_add(o, "iterations", mt_json_count(prediction->iterations));
        if (prediction->stall_ms > 0)
                mt_json_add(o, "stall_ms", mt_json_count(prediction->stall_ms));
        return o;
}

/* null: not known. */
static json_object *tenants_json(const struct mt_tenants *tenants)
{
        json_object *o;

        if (!tenants->known)
                return NULL;
        o = json_object_new_object();
        mt_json_add(o, "mbps", mt_json_mbps(tenants->bytes_s));
        mt_json_add(o, "peak_mbps", mt_json_mbps(tenants->peak_bytes_s));
        mt_json_add(o, "ms", mt_json_count(tenants->ms));
        mt_json_add(o, "bytes", mt_json_count(tenants->bytes));
        return o;
}

static json_object *alternative_json(const struct mt_alternative *alternative)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "name", mt_json_string(alternative->name));
        mt_json_add(o, "technique", mt_json_string(mt_technique_name(alternative->technique)));
        mt_json_add(o, "bandwidth_mbps", mt_json_mbps(alternative->bandwidth_bytes_s));
        mt_json_add(o, "prediction", prediction_json(&alternative->prediction));
        mt_json_add(o, "tenants", tenants_json(&alternative->tenants));
        mt_json_add(o, "barred_by", alternative->bar != MT_BAR_NONE ? mt_json_string(mt_bar_name(alternative->bar)) : NULL);
        return o;
}

/* {"urgency": "more than medium urgency's share of the ideal bandwidth"}: what "barred_by" means. */
static json_object *bars_json(const struct mt_plan *plan)
{
        json_object *o = json_object_new_object();

        for (unsigned bar = 0; bar < MT_BARS; bar++)
                if (plan->bars[bar][0] != '\0')
                        mt_json_add(o, mt_bar_name((enum mt_bar)bar), mt_json_string(plan->bars[bar]));
        return o;
}

/* What the plan costs others, what the others would have cost, and how they compare. */
static void add_comparison(json_object *o, const struct mt_plan *plan)
{
        json_object *array = json_object_new_array();

        for (unsigned i = 0; i < plan->n_alternatives && i < MT_MAX_ALTERNATIVES; i++)
                mt_json_append(array, alternative_json(&plan->alternatives[i]));
        mt_json_add(o, "tenants", tenants_json(&plan->tenants));
        mt_json_add(o, "alternatives", array);
        mt_json_add(o, "bars", bars_json(plan));
        mt_json_add(o, "verdict", plan->verdict[0] != '\0' ? mt_json_string(plan->verdict) : NULL);
}

json_object *mt_plan_begun_json(const struct mt_plan *plan, const struct mt_plan *begun)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "strategy", mt_json_string(mt_strategy_name(plan->strategy)));
        mt_json_add(o, "technique", mt_json_string(mt_technique_name(plan->technique)));
        mt_json_add(o, "switch_iteration", mt_json_count(plan->switch_iteration));
        mt_json_add(o, "lambda", mt_json_number(plan->lambda, 6));
        mt_json_add(o, "bandwidth_mbps", mt_json_mbps(plan->bandwidth_bytes_s));
        mt_json_add(o, "reserve_mbps", mt_json_mbps(plan->reserve_bytes_s));
        mt_json_add(o, "alpha", mt_json_number(plan->alpha, 6));
        mt_json_add(o, "iterations", mt_json_count(plan->iterations));
        mt_json_add(o, "downtime_limit_ms", mt_json_count(plan->downtime_limit_ms));
        mt_json_add(o, "limit_met", json_object_new_boolean(plan->limit_met));
        mt_json_add(o, "prediction", prediction_json(&plan->prediction));
        mt_json_add(o, "switchover_mbps", mt_json_mbps(plan->switchover_bytes_s));
        mt_json_add(o, "low_priority", json_object_new_boolean(plan->low_priority));
        mt_json_add(o, "call", mt_call_changes_json(&plan->call));
        add_comparison(o, begun);
        return o;
}

json_object *mt_plan_json(const struct mt_plan *plan)
{
        return mt_plan_begun_json(plan, plan);
}

json_object *mt_reasons_json(const struct mt_reasons *reasons)
{
        json_object *array = json_object_new_array();

        for (unsigned i = 0; i < reasons->n && i < MT_MAX_REASONS; i++)
                mt_json_append(array, mt_json_string(reasons->text[i]));
        return array;
}
