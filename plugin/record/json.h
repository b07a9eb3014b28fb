/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The JSON of facts, intents and plans: one form for `plan --json`, the watcher's replies and the outcome record.
 *
 * Every function returns a new object that the caller puts, or NULL when memory is short. Rates are Mbit/s (_mbps), times
 * ms (_ms), sizes bytes (_bytes). null stands for unknown, "auto" or never ending. All text is valid UTF-8.
 */
#ifndef MT_RECORD_JSON_H
#define MT_RECORD_JSON_H

#include "facts.h"
#include "intent.h"
#include "plan.h"

#include <json-c/json.h>

/* The traffic classes are the plan's; with plan NULL they are left out. */
json_object *mt_facts_json(const struct mt_facts *facts, const struct mt_plan *plan);

/* Every key of the configuration's table that an intent has, with its unit ("max_downtime_ms"), "from" and "origins". */
json_object *mt_intent_json(const struct mt_intent *intent);

/* Without the reasons, which stand beside the plan. */
json_object *mt_plan_json(const struct mt_plan *plan);

/* The same of a plan that was made again in flight, with the alternatives of the one that the migration began with. */
json_object *mt_plan_begun_json(const struct mt_plan *plan, const struct mt_plan *begun);
json_object *mt_reasons_json(const struct mt_reasons *reasons);

/* Building blocks. mt_json_add puts value (NULL: null) under key and takes it over; object NULL only puts value. */
void mt_json_add(json_object *object, const char *key, json_object *value);
void mt_json_append(json_object *array, json_object *value);  /* the same for an array */
json_object *mt_json_number(double value, unsigned decimals); /* at most 6 decimals; not finite: null */
json_object *mt_json_mbps(uint64_t bytes_s);                  /* MT_AUTO: null */
json_object *mt_json_count(uint64_t value);                   /* UINT64_MAX: null */
json_object *mt_json_string(const char *text);                /* bytes that are no UTF-8 become '?' */

/* One line without spaces; belongs to object. NULL when memory is short. */
const char *mt_json_text(json_object *object);

#endif
