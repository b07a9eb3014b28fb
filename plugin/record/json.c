/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/json.h"
#include "cleanup.h"
#include "config_keys.h"
#include "model/hot.h"
#include "origin.h"
#include "record/json_call.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void mt_json_add(json_object *object, const char *key, json_object *value)
{
        if (object == NULL || json_object_object_add(object, key, value) != 0) /* json-c asserts on NULL */
                json_object_put(value);
}

void mt_json_append(json_object *array, json_object *value)
{
        if (array == NULL || json_object_array_add(array, value) != 0)
                json_object_put(value);
}

json_object *mt_json_number(double value, unsigned decimals)
{
        static const double scales[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
        char text[48];
        uint64_t scaled, scale;
        int n;

        if (!isfinite(value))
                return NULL;
        if (decimals >= MT_ARRAY_SIZE(scales))
                decimals = MT_ARRAY_SIZE(scales) - 1;
        if (fabs(value) >= 1e12)
                decimals = 0;
        if (fabs(value) >= 1e18)
                return json_object_new_double(value);
        /* not "%f": the host's locale may have a decimal comma */
        scale = (uint64_t)scales[decimals];
        scaled = (uint64_t)(fabs(value) * scales[decimals] + 0.5);
        n = snprintf(text, sizeof(text), "%s%" PRIu64 ".%0*" PRIu64, value < 0 && scaled > 0 ? "-" : "", scaled / scale,
                     decimals > 0 ? (int)decimals : 1, scaled % scale);
        while (n > 2 && text[n - 1] == '0' && text[n - 2] != '.')
                text[--n] = '\0';
        return json_object_new_double_s(value, text);
}

json_object *mt_json_mbps(uint64_t bytes_s)
{
        return bytes_s == MT_AUTO ? NULL : mt_json_number(mt_mbps(bytes_s), 3);
}

json_object *mt_json_count(uint64_t value)
{
        if (value == UINT64_MAX)
                return NULL;
        return json_object_new_int64(value <= INT64_MAX ? (int64_t)value : INT64_MAX);
}

/* Length of the UTF-8 character at text, or 0 if there is none. */
static size_t character(const unsigned char *text)
{
        size_t length;

        if (text[0] < 0x80)
                return 1;
        if (text[0] >= 0xc2 && text[0] <= 0xdf)
                length = 2;
        else if (text[0] >= 0xe0 && text[0] <= 0xef)
                length = 3;
        else if (text[0] >= 0xf0 && text[0] <= 0xf4)
                length = 4;
        else
                return 0;
        for (size_t i = 1; i < length; i++)
                if ((text[i] & 0xc0) != 0x80)
                        return 0;
        if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) || /* overlong, surrogates */
            (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
                return 0;
        return length;
}

json_object *mt_json_string(const char *text)
{
        size_t size = strlen(text), at = 0;
        MT_CLEANUP(mt_freep) char *clean = malloc(size + 1);

        if (clean == NULL)
                return NULL;
        (void)memcpy(clean, text, size + 1);
        while (at < size) {
                size_t length = character((const unsigned char *)clean + at);

                if (length == 0)
                        clean[at] = '?';
                at += length > 0 ? length : 1;
        }
        return json_object_new_string_len(clean, (int)size);
}

const char *mt_json_text(json_object *object)
{
        return json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static json_object *traffic_json(const struct mt_traffic_fact *traffic, const char *class_name)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "in_mbps", mt_json_mbps(traffic->in_bytes_s));
        mt_json_add(o, "out_mbps", mt_json_mbps(traffic->out_bytes_s));
        if (class_name != NULL)
                mt_json_add(o, "class", mt_json_string(class_name));
        mt_json_add(o, "known", json_object_new_boolean(traffic->known));
        mt_json_add(o, "age_ms", traffic->known ? mt_json_count(traffic->age_ms) : NULL);
        return o;
}

/* null: not known. Known, and no hot pages: 0. */
static void add_hot_pages(json_object *o, const struct mt_facts *facts)
{
        const struct mt_hot_pages pages = { .hot = mt_mbit(facts->hot_bytes) };
        bool known = facts->hot_source != MT_HOT_NONE;

        mt_json_add(o, "hot_bytes", known ? mt_json_count(facts->hot_bytes) : NULL);
        mt_json_add(o, "hot_share", known ? mt_json_number(mt_hot_beta(&pages, mt_mbit(facts->memory_bytes)), 6) : NULL);
        mt_json_add(o, "hot_rate_mbps", known ? mt_json_mbps(facts->hot_rate_bytes_s) : NULL);
        mt_json_add(o, "cold_rate_mbps", known ? mt_json_mbps(facts->cold_rate_bytes_s) : NULL);
        mt_json_add(o, "hot_source", mt_json_string(mt_hot_source_name(facts->hot_source)));
}

json_object *mt_facts_json(const struct mt_facts *facts, const struct mt_plan *plan)
{
        static const char *const permits[] = { "unknown", "no", "yes" };
        unsigned post_copy = (unsigned)facts->post_copy;
        json_object *o = json_object_new_object();
        json_object *dst = traffic_json(&facts->dst, plan != NULL ? mt_traffic_class_name(plan->dst_class) : NULL);

        mt_json_add(o, "dirty_rate_mbps", mt_json_mbps(facts->dirty_rate_bytes_s));
        if (facts->dirty_spread_bytes_s > 0)
                mt_json_add(o, "dirty_rate_spread_mbps", mt_json_mbps(facts->dirty_spread_bytes_s));
        mt_json_add(o, "dirty_rate_source", mt_json_string(mt_dirty_source_name(facts->dirty_source)));
        mt_json_add(o, "link_mbps", facts->link_bytes_s != 0 ? mt_json_mbps(facts->link_bytes_s) : NULL);
        mt_json_add(o, "link_source", mt_json_string(mt_value_source_name(facts->link_source)));
        mt_json_add(o, "device", mt_json_string(facts->device));
        mt_json_add(o, "src", traffic_json(&facts->src, plan != NULL ? mt_traffic_class_name(plan->src_class) : NULL));
        mt_json_add(dst, "source", mt_json_string(mt_traffic_source_name(facts->dst.source)));
        if (facts->dst_migrations > 0) {
                mt_json_add(dst, "migrations", mt_json_count(facts->dst_migrations));
                mt_json_add(dst, "migrations_mbps", mt_json_mbps(facts->dst_migrations_bytes_s));
        }
        mt_json_add(o, "dst", dst);
        mt_json_add(o, "vm", traffic_json(&facts->vm, plan != NULL ? mt_traffic_class_name(plan->vm_class) : NULL));
        mt_json_add(o, "tau_ms", mt_json_count(facts->tau_ms));
        mt_json_add(o, "tau_source", mt_json_string(mt_value_source_name(facts->tau_source)));
        mt_json_add(o, "tg_ms", mt_json_count(facts->tg_ms));
        mt_json_add(o, "tg_source", mt_json_string(mt_value_source_name(facts->tg_source)));
        mt_json_add(o, "memory_bytes", mt_json_count(facts->memory_bytes));
        mt_json_add(o, "resident_bytes", mt_json_count(facts->resident_bytes));
        if (facts->process_bytes > 0) {
                mt_json_add(o, "process_bytes", mt_json_count(facts->process_bytes));
                mt_json_add(o, "overhead_bytes", mt_json_count(facts->overhead_bytes));
        }
        if (facts->setup_ms > 0)
                mt_json_add(o, "setup_ms", mt_json_count(facts->setup_ms));
        mt_json_add(o, "memory_source", mt_json_string(mt_value_source_name(facts->memory_source)));
        mt_json_add(o, "dirty_rate_age_ms", mt_json_count(facts->dirty_age_ms));
        add_hot_pages(o, facts);
        mt_json_add(o, "taken_mbps", mt_json_mbps(facts->taken_bytes_s));
        mt_json_add(o, "path_mbps", facts->path_bytes_s != 0 ? mt_json_mbps(facts->path_bytes_s) : NULL);
        mt_json_add(o, "rtt_us", facts->rtt_us != 0 ? mt_json_count(facts->rtt_us) : NULL);
        mt_json_add(o, "dirty_low_mbps", mt_json_mbps(facts->dirty_low_bytes_s));
        mt_json_add(o, "dirty_high_mbps", mt_json_mbps(facts->dirty_high_bytes_s));
        mt_json_add(o, "dirty_range_source", mt_json_string(mt_value_source_name(facts->dirty_range_source)));
        mt_json_add(o, "post_copy_permitted", mt_json_string(post_copy < MT_ARRAY_SIZE(permits) ? permits[post_copy] : "?"));
        mt_json_add(o, "switchover_bandwidth", json_object_new_boolean(facts->switchover_bandwidth));
        mt_json_add(o, "call", mt_call_json(&facts->call));
        mt_json_add(o, "headroom", mt_headroom_json(&facts->headroom));
        return o;
}

/* [[Mbit/s, probability], ...] */
static json_object *table_json(const struct mt_calm_table *table)
{
        json_object *array = json_object_new_array();

        for (unsigned i = 0; i < table->n; i++) {
                json_object *point = json_object_new_array();

                mt_json_append(point, mt_json_number(table->Bs[i], 4));
                mt_json_append(point, mt_json_number(table->F[i], 6));
                mt_json_append(array, point);
        }
        return array;
}

/* Adds one field of an intent under its name and unit. */
static void add_field(json_object *o, const struct mt_key *key, const struct mt_intent *intent)
{
        const char *field = (const char *)intent + key->offset;
        char name[48];
        uint64_t quantity;
        unsigned number;
        double decimal;

        switch (key->kind) {
        case MT_KEY_RATE:
        case MT_KEY_TIME:
                (void)memcpy(&quantity, field, sizeof(quantity));
                (void)snprintf(name, sizeof(name), "%s%s", key->intent, key->kind == MT_KEY_RATE ? "_mbps" : "_ms");
                mt_json_add(o, name, key->kind == MT_KEY_RATE ? mt_json_mbps(quantity) : mt_json_count(quantity));
                break;
        case MT_KEY_FLOAT:
                (void)memcpy(&decimal, field, sizeof(decimal));
                mt_json_add(o, key->intent, mt_json_number(decimal, 6));
                break;
        case MT_KEY_WORD:
                (void)memcpy(&number, field, sizeof(number));
                mt_json_add(o, key->intent, mt_json_string(key->word(number)));
                break;
        case MT_KEY_COUNT:
                (void)memcpy(&number, field, sizeof(number));
                mt_json_add(o, key->intent, mt_json_count(number));
                break;
        case MT_KEY_TABLE:
                mt_json_add(o, key->intent, table_json(&intent->cost_table));
                break;
        default: /* an intent has no other kinds; test_outcome looks for every key */
                break;
        }
}

/* What is not as built in, and where it comes from: {"max_downtime": "rule 2 (migtune.conf:41)"}. */
static json_object *origins_json(const struct mt_intent *intent)
{
        json_object *o = json_object_new_object();

        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                const struct mt_key *key = mt_key_at(i);
                char text[MT_ORIGIN_SIZE];

                if (mt_origin_tells(intent, key))
                        mt_json_add(o, key->intent, mt_json_string(mt_origin_text(intent, key, text, sizeof(text))));
        }
        return o;
}

json_object *mt_intent_json(const struct mt_intent *intent)
{
        json_object *o = json_object_new_object();

        for (unsigned i = 0; i < mt_key_count(); i++) {
                const struct mt_key *key = mt_key_at(i);

                if (key->intent != NULL && !mt_key_is_group(key))
                        add_field(o, key, intent);
        }
        mt_json_add(o, "from", mt_json_string(intent->from));
        mt_json_add(o, "origins", origins_json(intent));
        return o;
}
