/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wishes.h"
#include "config_keys.h"
#include "origin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_any(const struct mt_wishes *wishes)
{
        return wishes->has_urgency || wishes->has_post_copy || wishes->max_downtime_ms != 0;
}

int mt_wishes_set(struct mt_wishes *wishes, const char *key, const char *text, struct mt_err *err)
{
        struct mt_intent intent;
        int r;

        mt_intent_defaults(&intent);
        r = mt_key_set_text(mt_key_by_intent(key), &intent, text, err);
        if (r < 0)
                return r;
        if (strcmp(key, "urgency") == 0) {
                wishes->has_urgency = true;
                wishes->urgency = intent.urgency;
        } else if (strcmp(key, "post_copy") == 0) {
                wishes->has_post_copy = true;
                wishes->post_copy = intent.post_copy;
        } else {
                wishes->max_downtime_ms = intent.max_downtime_ms;
        }
        return 0;
}

static void add(json_object *object, const char *key, json_object *value)
{
        if (object == NULL || value == NULL || json_object_object_add(object, key, value) != 0)
                (void)json_object_put(value);
}

static void write_words(const struct mt_wishes *wishes, json_object *object)
{
        if (wishes->has_urgency)
                add(object, "urgency", json_object_new_string(mt_urgency_name(wishes->urgency)));
        if (wishes->has_post_copy)
                add(object, "post_copy", json_object_new_string(mt_permission_name(wishes->post_copy)));
}

void mt_wishes_write(const struct mt_wishes *wishes, json_object *request)
{
        write_words(wishes, request);
        if (wishes->max_downtime_ms != 0)
                add(request, "max_downtime_ms", json_object_new_int64((int64_t)wishes->max_downtime_ms));
}

json_object *mt_wishes_intent_json(const struct mt_wishes *wishes)
{
        json_object *object = json_object_new_object();
        char text[32];

        write_words(wishes, object);
        (void)snprintf(text, sizeof(text), "%llums", (unsigned long long)wishes->max_downtime_ms);
        if (wishes->max_downtime_ms != 0)
                add(object, "max_downtime", json_object_new_string(text));
        return object;
}

/* Takes a text member over, if it is there. */
static int read_word(json_object *request, const char *key, struct mt_wishes *wishes, struct mt_err *err)
{
        json_object *value = NULL;

        if (!json_object_object_get_ex(request, key, &value) || value == NULL)
                return 0;
        if (!json_object_is_type(value, json_type_string))
                return mt_fail(err, EINVAL, "%s: expected a string", key);
        return mt_wishes_set(wishes, key, json_object_get_string(value), err) == 0 ? 0 : mt_wrap(err, "%s", key);
}

int mt_wishes_read(json_object *request, struct mt_wishes *ret, struct mt_err *err)
{
        const struct mt_key *key = mt_key_by_intent("max_downtime");
        struct mt_wishes wishes = { .max_downtime_ms = 0 };
        json_object *value = NULL;
        int r = read_word(request, "urgency", &wishes, err);

        if (r == 0)
                r = read_word(request, "post_copy", &wishes, err);
        if (r < 0)
                return r;
        if (json_object_object_get_ex(request, "max_downtime_ms", &value) && value != NULL) {
                int64_t ms = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;

                if (ms < 0 || (uint64_t)ms < key->min || (uint64_t)ms > key->max)
                        return mt_fail(err, EINVAL, "max_downtime_ms: expected a whole number from %llu to %llu",
                                       (unsigned long long)key->min, (unsigned long long)key->max);
                wishes.max_downtime_ms = (uint64_t)ms;
        }
        *ret = wishes;
        return 0;
}

static void set_origin(struct mt_intent *intent, const char *key)
{
        mt_origin_set(intent, mt_key_by_intent(key), MT_ORIGIN_COMMAND_LINE);
}

void mt_wishes_apply(const struct mt_wishes *wishes, struct mt_intent *intent)
{
        if (!is_any(wishes))
                return;
        if (wishes->has_urgency) {
                intent->urgency = wishes->urgency;
                set_origin(intent, "urgency");
        }
        if (wishes->has_post_copy) {
                intent->post_copy = wishes->post_copy;
                set_origin(intent, "post_copy");
        }
        if (wishes->max_downtime_ms != 0) {
                intent->max_downtime_ms = wishes->max_downtime_ms;
                set_origin(intent, "max_downtime");
        }
        if (intent->exceed_downtime_ms < intent->max_downtime_ms) {
                intent->exceed_downtime_ms = intent->max_downtime_ms;
                set_origin(intent, "exceed_downtime");
        }
        (void)snprintf(intent->from, sizeof(intent->from), "command line");
}
