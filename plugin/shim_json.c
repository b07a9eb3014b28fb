/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim_json.h"
#include "array.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum kind {
        TEXT,  /* const char *, or NULL */
        CHARS, /* char[] */
        U32,
        U64,
        I32,
        WORD, /* uint32_t, an index of words; always there */
        BIT,  /* one bit of a uint32_t, as true or false */
};

struct field {
        const char *key;
        enum kind kind;
        size_t offset, size;
        const char *const *words; /* of WORD; NULL: no such value */
        size_t n_words;
        uint32_t bit; /* of BIT */
};

static const char *const attach_words[] = { NULL, "client", "daemon" };
static const char *const action_words[] = { "leave", "tune", "wait" };
static const char *const what_words[] = { NULL,        "ended",     "retried", "max-downtime",
                                          "max-speed", "post-copy", "abort",   "suspend" };

_Static_assert(MT_CALL_BY_CLIENT == 1 && MT_CALL_BY_DAEMON == 2, "attach_words is in their order");
_Static_assert(MT_ADVICE_LEAVE == 0 && MT_ADVICE_TUNE == 1 && MT_ADVICE_WAIT == 2, "so is action_words");
_Static_assert(MT_REPORT_ENDED == 1 && MT_REPORT_RETRIED == 2 && MT_REPORT_MAX_DOWNTIME == 3 && MT_REPORT_MAX_SPEED == 4 &&
                       MT_REPORT_POST_COPY == 5 && MT_REPORT_ABORT == 6 && MT_REPORT_SUSPEND == 7,
               "and what_words");

#define AT(type, member) .offset = offsetof(struct type, member), .size = sizeof(((struct type *)NULL)->member)
#define WORDS(list) .kind = WORD, .words = (list), .n_words = MT_ARRAY_SIZE(list)

static const struct field call_fields[] = {
        { "attach", WORDS(attach_words), AT(mt_call, attach) },
        { "paused", BIT, AT(mt_call, state), .bit = MT_CALL_PAUSED },
        { "fixed_flags", BIT, AT(mt_call, state), .bit = MT_CALL_FIXED_FLAGS },
        { "domain", TEXT, AT(mt_call, domain) },
        { "uuid", TEXT, AT(mt_call, uuid) },
        { "uri", TEXT, AT(mt_call, uri) },
        { "migrate_uri", TEXT, AT(mt_call, migrate_uri) },
        { "ticket", TEXT, AT(mt_call, ticket) },
        { "flags", U64, AT(mt_call, flags) },
        { "bandwidth_mib_s", U64, AT(mt_call, bandwidth_mib_s) },
        { "bandwidth_postcopy_mib_s", U64, AT(mt_call, bandwidth_postcopy_mib_s) },
        { "bandwidth_switchover_mib_s", U64, AT(mt_call, bandwidth_switchover_mib_s) },
        { "libvirt_version", U64, AT(mt_call, libvirt_version) },
        { "timeout_ms", U32, AT(mt_call, timeout_ms) },
};

static const struct field advice_fields[] = {
        { "action", WORDS(action_words), AT(mt_advice, action) },
        { "wait_ms", U32, AT(mt_advice, wait_ms) },
        { "connections", U32, AT(mt_advice, connections) },
        { "flags_add", U64, AT(mt_advice, flags_add) },
        { "flags_drop", U64, AT(mt_advice, flags_drop) },
        { "bandwidth_mib_s", U64, AT(mt_advice, bandwidth_mib_s) },
        { "bandwidth_postcopy_mib_s", U64, AT(mt_advice, bandwidth_postcopy_mib_s) },
        { "bandwidth_switchover_mib_s", U64, AT(mt_advice, bandwidth_switchover_mib_s) },
        { "xbzrle_cache_bytes", U64, AT(mt_advice, xbzrle_cache_bytes) },
        { "compression", CHARS, AT(mt_advice, compression) },
        { "ticket", CHARS, AT(mt_advice, ticket) },
        { "reason", CHARS, AT(mt_advice, reason) },
};

static const struct field report_fields[] = {
        { "what", WORDS(what_words), AT(mt_report, what) },
        { "result", I32, AT(mt_report, result) },
        { "uuid", TEXT, AT(mt_report, uuid) },
        { "ticket", TEXT, AT(mt_report, ticket) },
        { "text", TEXT, AT(mt_report, text) },
        { "value", U64, AT(mt_report, value) },
        { "timeout_ms", U32, AT(mt_report, timeout_ms) },
};

static uint32_t u32_at(const void *at)
{
        uint32_t value;

        (void)memcpy(&value, at, sizeof(value));
        return value;
}

/* The member as JSON; NULL with *ret_absent: it is left out, without: out of memory (or no such word). */
static json_object *value_of(const struct field *field, const void *at, bool *ret_absent)
{
        const char *text = at;
        uint64_t u64;
        int32_t i32;

        *ret_absent = false;
        switch (field->kind) {
        case TEXT:
                (void)memcpy(&text, at, sizeof(text));
                *ret_absent = text == NULL;
                return text != NULL ? json_object_new_string(text) : NULL;
        case CHARS:
                *ret_absent = text[0] == '\0';
                return *ret_absent ? NULL : json_object_new_string_len(text, (int)strnlen(text, field->size));
        case U32:
                *ret_absent = u32_at(at) == 0;
                return *ret_absent ? NULL : json_object_new_int64(u32_at(at));
        case I32:
                (void)memcpy(&i32, at, sizeof(i32));
                *ret_absent = i32 == 0;
                return *ret_absent ? NULL : json_object_new_int(i32);
        case WORD:
                if (u32_at(at) >= field->n_words || field->words[u32_at(at)] == NULL)
                        return NULL;
                return json_object_new_string(field->words[u32_at(at)]);
        case BIT:
                *ret_absent = (u32_at(at) & field->bit) == 0;
                return *ret_absent ? NULL : json_object_new_boolean(1);
        case U64:
                break;
        }
        (void)memcpy(&u64, at, sizeof(u64));
        *ret_absent = u64 == 0;
        return *ret_absent ? NULL : json_object_new_int64(u64 <= INT64_MAX ? (int64_t)u64 : INT64_MAX);
}

/* Takes value over. False: it or its place was not to be had. */
static bool add(json_object *object, const char *key, json_object *value)
{
        if (object != NULL && value != NULL && json_object_object_add(object, key, value) == 0)
                return true;
        (void)json_object_put(value);
        return false;
}

static json_object *write_fields(const char *request, const struct field *fields, size_t n, const void *base)
{
        json_object *object = json_object_new_object();
        bool good = request == NULL || add(object, "request", json_object_new_string(request));

        for (size_t i = 0; good && i < n; i++) {
                bool absent;
                json_object *value = value_of(&fields[i], (const char *)base + fields[i].offset, &absent);

                good = absent || add(object, fields[i].key, value);
        }
        if (good)
                return object;
        (void)json_object_put(object);
        return NULL;
}

static int read_number(const struct field *field, json_object *value, int64_t least, int64_t most, int64_t *ret,
                       struct mt_err *err)
{
        int64_t number = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;

        if (!json_object_is_type(value, json_type_int) || number < least || number > most)
                return mt_fail(err, EINVAL, "%s: expected a whole number from %lld to %lld", field->key, (long long)least,
                               (long long)most);
        *ret = number;
        return 0;
}

static int read_word(const struct field *field, json_object *value, uint32_t *ret, struct mt_err *err)
{
        const char *word = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";

        for (uint32_t i = 0; i < field->n_words; i++)
                if (field->words[i] != NULL && strcmp(field->words[i], word) == 0) {
                        *ret = i;
                        return 0;
                }
        return mt_fail(err, EINVAL, "%s: expected a word such as \"%s\"", field->key, field->words[field->n_words - 1]);
}

/* One member that is there. */
static int read_value(const struct field *field, json_object *value, void *at, struct mt_err *err)
{
        const bool is_text = field->kind == TEXT || field->kind == CHARS;
        const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
        uint32_t u32 = u32_at(at);
        int64_t number = 0;
        uint64_t u64;
        int32_t i32;
        int r = 0;

        if (is_text && text == NULL)
                return mt_fail(err, EINVAL, "%s: expected a string", field->key);
        switch (field->kind) {
        case TEXT:
                (void)memcpy(at, &text, sizeof(text));
                return 0;
        case CHARS:
                (void)snprintf(at, field->size, "%s", text);
                return 0;
        case WORD:
                r = read_word(field, value, &u32, err);
                break;
        case BIT:
                u32 |= json_object_get_boolean(value) ? field->bit : 0;
                break;
        case U32:
                r = read_number(field, value, 0, UINT32_MAX, &number, err);
                u32 = (uint32_t)number;
                break;
        case I32:
                r = read_number(field, value, INT32_MIN, INT32_MAX, &number, err);
                i32 = (int32_t)number;
                (void)memcpy(at, &i32, sizeof(i32));
                return r;
        case U64:
                r = read_number(field, value, 0, INT64_MAX, &number, err);
                u64 = (uint64_t)number;
                (void)memcpy(at, &u64, sizeof(u64));
                return r;
        }
        (void)memcpy(at, &u32, sizeof(u32));
        return r;
}

static int read_fields(json_object *object, const struct field *fields, size_t n, void *base, struct mt_err *err)
{
        if (!json_object_is_type(object, json_type_object))
                return mt_fail(err, EINVAL, "expected a JSON object");
        for (size_t i = 0; i < n; i++) {
                json_object *value = NULL;
                int r = 0;

                (void)json_object_object_get_ex(object, fields[i].key, &value);
                if (value != NULL || fields[i].kind == WORD)
                        r = read_value(&fields[i], value, (char *)base + fields[i].offset, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

json_object *mt_shim_call_json(const struct mt_call *call)
{
        return write_fields("advise", call_fields, MT_ARRAY_SIZE(call_fields), call);
}

json_object *mt_shim_advice_json(const struct mt_advice *advice)
{
        return write_fields(NULL, advice_fields, MT_ARRAY_SIZE(advice_fields), advice);
}

json_object *mt_shim_report_json(const struct mt_report *report)
{
        return write_fields("report", report_fields, MT_ARRAY_SIZE(report_fields), report);
}

json_object *mt_shim_answer_json(int32_t answer)
{
        json_object *object = json_object_new_object();

        if (add(object, "answer", json_object_new_int(answer)))
                return object;
        (void)json_object_put(object);
        return NULL;
}

int mt_shim_call_read(json_object *object, struct mt_call *ret, struct mt_err *err)
{
        struct mt_call call = { .struct_size = sizeof(call) };
        int r = read_fields(object, call_fields, MT_ARRAY_SIZE(call_fields), &call, err);

        if (r < 0)
                return r;
        if (call.uuid == NULL || call.domain == NULL)
                return mt_fail(err, EINVAL, "expected a domain and its uuid");
        *ret = call;
        return 0;
}

int mt_shim_advice_read(json_object *object, struct mt_advice *ret, struct mt_err *err)
{
        struct mt_advice advice = { .struct_size = sizeof(advice) };
        int r = read_fields(object, advice_fields, MT_ARRAY_SIZE(advice_fields), &advice, err);

        if (r == 0)
                *ret = advice;
        return r;
}

int mt_shim_report_read(json_object *object, struct mt_report *ret, struct mt_err *err)
{
        struct mt_report report = { .struct_size = sizeof(report) };
        int r = read_fields(object, report_fields, MT_ARRAY_SIZE(report_fields), &report, err);

        if (r < 0)
                return r;
        if (report.uuid == NULL)
                return mt_fail(err, EINVAL, "expected a uuid");
        *ret = report;
        return 0;
}

int mt_shim_answer_read(json_object *object, int32_t *ret, struct mt_err *err)
{
        json_object *value = NULL;
        int32_t answer;

        if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, "answer", &value) ||
            !json_object_is_type(value, json_type_int))
                return mt_fail(err, EINVAL, "expected {\"answer\":0} or {\"answer\":1}");
        answer = json_object_get_int(value);
        if (answer != 0 && answer != 1)
                return mt_fail(err, EINVAL, "answer: expected 0 or 1");
        *ret = answer;
        return 0;
}
