/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "command/model/registry.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct mt_model_range mt_model_any = { -INFINITY, INFINITY, false, false, "a number" };
const struct mt_model_range mt_model_positive = { 0.0, INFINITY, true, false, "a number > 0" };
const struct mt_model_range mt_model_not_negative = { 0.0, INFINITY, false, false, "a number >= 0" };
const struct mt_model_range mt_model_open_share = { 0.0, 1.0, true, true, "a number > 0 and < 1" };
const struct mt_model_range mt_model_share = { 0.0, 1.0, false, true, "a number >= 0 and < 1" };
const struct mt_model_range mt_model_fitted = { 0.0, 1000.0, false, false,
                                                "a number from 0 to 1000 (the models were fitted there)" };
const struct mt_model_range mt_model_count = { 1.0, 1e9, false, false, "a whole number from 1 to 1000000000" };
const struct mt_model_range mt_model_index = { 0.0, 1e9, false, false, "a whole number from 0 to 1000000000" };
const struct mt_model_range mt_model_list_count = { 1.0, 1e4, false, false, "a whole number from 1 to 10000" };
const struct mt_model_range mt_model_steps = { 1.0, 1e6, false, false, "a whole number from 1 to 1000000" };

const struct mt_model_value *mt_model_get(const struct mt_model_call *call, const char *name)
{
        static const struct mt_model_value unknown = { .none = true, .real = NAN };
        const struct mt_model_arg *args = call->model->args;

        for (size_t i = 0; args[i].name != NULL; i++) {
                if (strcmp(args[i].name, name) == 0)
                        return &call->values[i];
        }
        return &unknown;
}

double mt_model_real(const struct mt_model_call *call, const char *name)
{
        return mt_model_get(call, name)->real;
}

unsigned mt_model_whole(const struct mt_model_call *call, const char *name)
{
        return mt_model_get(call, name)->whole;
}

/* "a, b or c". */
static void join_choices(const char *const *choices, char *text, size_t size)
{
        size_t used = 0;

        text[0] = '\0';
        for (size_t i = 0; choices[i] != NULL && used < size; i++) {
                const char *between = i == 0 ? "" : choices[i + 1] == NULL ? " or " : ", ";
                const int n = snprintf(text + used, size - used, "%s%s", between, choices[i]);

                used += n > 0 ? (size_t)n : 0;
        }
}

const char *mt_model_expects(const struct mt_model_arg *arg, char *text, size_t size)
{
        char names[128];

        switch (arg->kind) {
        case MT_MODEL_REAL:
        case MT_MODEL_WHOLE:
                (void)snprintf(text, size, "%s", arg->range->text);
                break;
        case MT_MODEL_BOOL:
                (void)snprintf(text, size, "true or false");
                break;
        case MT_MODEL_CHOICE:
                join_choices(arg->choices, text, size);
                break;
        case MT_MODEL_CHOICES:
                join_choices(arg->choices, names, sizeof(names));
                (void)snprintf(text, size, "a comma-separated list of %s", names);
                break;
        }
        return text;
}

static void free_localep(locale_t *locale)
{
        if (*locale != (locale_t)0)
                freelocale(*locale);
}

/*
 * Magnitudes that are computed with: products and quotients of a few such numbers stay within what a double holds, so that
 * no model meets 0 * infinity. No quantity of the papers comes near.
 */
#define LEAST 1e-100
#define GREATEST 1e100

/*
 * A decimal number, all of text, whatever the process's locale; no hexadecimal, "inf" or "nan". -EINVAL, -ENOMEM; -EDOM: its
 * magnitude is neither 0 nor from LEAST to GREATEST.
 */
static int parse_number(const char *text, double *ret)
{
        MT_CLEANUP(free_localep) locale_t locale = (locale_t)0;
        double number;
        char *end;

        if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0')
                return -EINVAL;
        locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
        if (locale == (locale_t)0)
                return -ENOMEM;
        errno = 0; /* ERANGE tells what was rounded to 0 from what is 0 */
        number = strtod_l(text, &end, locale);
        if (end == text || *end != '\0')
                return -EINVAL;
        if (errno == ERANGE || fabs(number) > GREATEST || (number != 0.0 && fabs(number) < LEAST))
                return -EDOM;
        *ret = number;
        return 0;
}

static bool in_range(const struct mt_model_range *range, double number)
{
        return (range->above_min ? number > range->min : number >= range->min) &&
               (range->below_max ? number < range->max : number <= range->max);
}

static int parse_real(const struct mt_model_arg *arg, const char *text, struct mt_model_value *ret)
{
        const int r = parse_number(text, &ret->real);

        if (r < 0)
                return r;
        if (!in_range(arg->range, ret->real))
                return -ERANGE;
        if (arg->kind == MT_MODEL_REAL)
                return 0;
        if (ret->real != floor(ret->real))
                return -ERANGE;
        ret->whole = (unsigned)ret->real;
        return 0;
}

static int parse_bool(const char *text, struct mt_model_value *ret)
{
        ret->whole = strcmp(text, "true") == 0 || strcmp(text, "True") == 0;
        return ret->whole || strcmp(text, "false") == 0 || strcmp(text, "False") == 0 ? 0 : -EINVAL;
}

/* Index in choices of the first `length` characters of text, or -EINVAL. */
static int find_choice(const char *const *choices, const char *text, size_t length)
{
        for (int i = 0; choices[i] != NULL; i++) {
                if (strlen(choices[i]) == length && strncmp(choices[i], text, length) == 0)
                        return i;
        }
        return -EINVAL;
}

/* No text at all is an empty list; empty items are errors. */
static int parse_choices(const struct mt_model_arg *arg, const char *text, struct mt_model_value *ret)
{
        ret->n = 0;
        if (text[0] == '\0')
                return 0;
        for (;;) {
                const size_t length = strcspn(text, ",");
                const int i = find_choice(arg->choices, text, length);

                if (i < 0 || ret->n == MT_MODEL_LIST)
                        return -EINVAL;
                ret->list[ret->n++] = (unsigned char)i;
                if (text[length] == '\0')
                        return 0;
                text += length + 1;
        }
}

static int parse_choice(const struct mt_model_arg *arg, const char *text, struct mt_model_value *ret)
{
        const int i = find_choice(arg->choices, text, strlen(text));

        if (i < 0)
                return i;
        ret->whole = (unsigned)i;
        return 0;
}

int mt_model_parse(const struct mt_model_arg *arg, const char *text, struct mt_model_value *ret_value, struct mt_err *err)
{
        char expects[192], got[64];
        int r = -EINVAL;

        ret_value->none = arg->fallback != NULL && strcmp(arg->fallback, "None") == 0 && strcmp(text, "None") == 0;
        if (ret_value->none)
                return 0;
        switch (arg->kind) {
        case MT_MODEL_REAL:
        case MT_MODEL_WHOLE:
                r = parse_real(arg, text, ret_value);
                break;
        case MT_MODEL_BOOL:
                r = parse_bool(text, ret_value);
                break;
        case MT_MODEL_CHOICE:
                r = parse_choice(arg, text, ret_value);
                break;
        case MT_MODEL_CHOICES:
                r = parse_choices(arg, text, ret_value);
                break;
        }
        if (r == 0)
                return 0;
        (void)snprintf(got, sizeof(got), "%s", text);
        return mt_fail(err, EINVAL, "%s: expected %s%s%s%s, got '%s'", arg->name,
                       mt_model_expects(arg, expects, sizeof(expects)), arg->unit[0] != '\0' ? ", in " : "", arg->unit,
                       r == -EDOM ? " and of a magnitude from 1e-100 to 1e100" : "", got);
}

struct json_object *mt_model_number_json(double number)
{
        if (isnan(number))
                return NULL;
        if (isinf(number))
                return json_object_new_string(number > 0.0 ? "inf" : "-inf");
        return json_object_new_double(number);
}

struct json_object *mt_model_pair_json(struct json_object *a, struct json_object *b)
{
        struct json_object *list = json_object_new_array();

        (void)json_object_array_add(list, a);
        (void)json_object_array_add(list, b);
        return list;
}

struct json_object *mt_model_value_json(const struct mt_model_arg *arg, const struct mt_model_value *value)
{
        struct json_object *list;

        if (value->none)
                return NULL;
        switch (arg->kind) {
        case MT_MODEL_REAL:
                return mt_model_number_json(value->real);
        case MT_MODEL_WHOLE:
                return json_object_new_int64(value->whole);
        case MT_MODEL_BOOL:
                return json_object_new_boolean(value->whole != 0);
        case MT_MODEL_CHOICE:
                return json_object_new_string(arg->choices[value->whole]);
        case MT_MODEL_CHOICES:
                break;
        }
        list = json_object_new_array();
        for (size_t i = 0; i < value->n; i++)
                (void)json_object_array_add(list, json_object_new_string(arg->choices[value->list[i]]));
        return list;
}
