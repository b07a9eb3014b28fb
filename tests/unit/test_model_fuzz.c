/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every model of the registry with arguments drawn at random, most of them extreme. Whatever is asked, the answer is one
 * line: a whole JSON value without NaN (status 0), or a refusal (status 2). A call that hangs meets the test's time limit.
 *
 * MIGTUNE_FUZZ_SEED and MIGTUNE_FUZZ_CALLS (for each model) widen the search; a failure prints the call that failed.
 */
#include "capture.h"
#include "cleanup.h"
#include "command/model/registry.h"

#include <json-c/json.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* after what it needs */
#include <cmocka.h>

#define DEFAULT_SEED 20130901
#define DEFAULT_CALLS 400
#define TEXT 128

/* xorshift64*: the same sequence everywhere. */
static uint64_t state;

static uint64_t draw(uint64_t below)
{
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return below > 0 ? (state * UINT64_C(2685821657736338717) >> 11) % below : 0;
}

static double uniform(void)
{
        return (double)draw(UINT64_C(1) << 52) / (double)(UINT64_C(1) << 52);
}

static const char *one_of(const char *const *texts, size_t n)
{
        return texts[draw(n)];
}

/* What no number should be, or hardly. */
static const char *const strange[] = { "",     "nan", "-nan", "inf",  "-inf", "1e999", "-1e999", "0x1p3", "1,5",    " 1",
                                       "None", "-1",  "-0.0", "true", "++1",  "1e",    ".",      "1e400", "-5e-324" };
/* What is a number, but an uncomfortable one; a few are beyond what is computed with. */
static const char *const extreme[] = { "0",      "1",     "1e100",  "1e-100", "9.99e99", "1.01e-100", "1e50",  "1e-50",
                                       "5e-324", "1e308", "1e-308", "1e-17",  "1e-9",    "1e9",       "1e15",  "1e17",
                                       "0.5",    "0.1",   "10000",  "999999", "1000",    "0.999",     "1e-20", "20" };
static const char *const near_one[] = { "0.9999999999999999", "1.0000000000000002" };
static const char *const counts[] = {
        "0", "1", "2", "3", "29", "1000", "10000", "100000", "1000000000", "4294967296", "1e9"
};

/* A number between the range's bounds, spread over all magnitudes. */
static void draw_inside(const struct mt_model_range *range, char *text)
{
        const double low = isinf(range->min) ? -1e3 : range->min, high = isinf(range->max) ? 1e6 : range->max;

        if (draw(2) == 0)
                (void)snprintf(text, TEXT, "%.17g", low + (high - low) * uniform());
        else
                (void)snprintf(text, TEXT, "%.17g", low + (high - low) * pow(10.0, -20.0 * uniform()));
}

static void draw_whole(const struct mt_model_range *range, char *text)
{
        if (draw(3) > 0)
                (void)snprintf(text, TEXT, "%.0f", range->min + floor(pow(10.0, 4.0 * uniform())));
        else
                (void)snprintf(text, TEXT, "%s", one_of(counts, MT_ARRAY_SIZE(counts)));
}

/* One choice, or a list of some. */
static void draw_choice(const struct mt_model_arg *arg, char *text)
{
        const size_t items = arg->kind == MT_MODEL_CHOICE ? 1 : 1 + draw(8);
        size_t known = 0, used = 0;

        while (arg->choices[known] != NULL)
                known++;
        for (size_t i = 0; i < items; i++)
                used += (size_t)snprintf(text + used, TEXT - used, "%s%s", i > 0 ? "," : "", arg->choices[draw(known)]);
}

/* A value for arg: mostly one that it takes by itself, so that the models are reached. */
static void draw_value(const struct mt_model_arg *arg, char *text)
{
        const uint64_t die = draw(40);

        if (die == 0)
                (void)snprintf(text, TEXT, "%s", one_of(strange, MT_ARRAY_SIZE(strange)));
        else if (arg->kind == MT_MODEL_CHOICE || arg->kind == MT_MODEL_CHOICES)
                draw_choice(arg, text);
        else if (arg->kind == MT_MODEL_BOOL)
                (void)snprintf(text, TEXT, "%s", draw(2) == 0 ? "true" : "false");
        else if (arg->kind == MT_MODEL_WHOLE)
                draw_whole(arg->range, text);
        else if (die == 1)
                (void)snprintf(text, TEXT, "%s", one_of(near_one, MT_ARRAY_SIZE(near_one)));
        else if (die < 20)
                (void)snprintf(text, TEXT, "%s", one_of(extreme, MT_ARRAY_SIZE(extreme)));
        else
                draw_inside(arg->range, text);
}

/* Is a null in this model's answer one of its values? */
static bool may_be_null(const char *model, const char *key)
{
        static const struct {
                const char *model, *key;
        } rows[] = { { "alpha.optimise", "result" }, { "calm.xen_stop", "result" },        { "calm.calm", "B_first" },
                     { "calm.calm", "B_last" },      { "wan.delta_increment", "fixed_n" }, { "survey.v", "t_prev" } };

        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++)
                if (strcmp(rows[i].model, model) == 0 && strcmp(rows[i].key, key) == 0)
                        return true;
        return false;
}

/* No NaN, and null only where it says something. */
static bool is_whole(const char *model, const char *key, struct json_object *value)
{
        bool good = true;

        if (value == NULL)
                return may_be_null(model, key);
        if (json_object_is_type(value, json_type_double))
                return isfinite(json_object_get_double(value)) != 0;
        if (json_object_is_type(value, json_type_array)) {
                for (size_t i = 0; i < json_object_array_length(value); i++)
                        good = good && is_whole(model, key, json_object_array_get_idx(value, i));
        } else if (json_object_is_type(value, json_type_object)) {
                json_object_object_foreach(value, name, member)
                {
                        good = good && is_whole(model, name, member);
                }
        }
        return good;
}

static bool is_one_line(const char *text)
{
        const char *end = strchr(text, '\n');

        return end != NULL && end[1] == '\0' && end > text;
}

/* What is wrong with an answer; NULL: nothing. */
static const char *fault(const char *model, const struct capture *got)
{
        struct json_object *line;
        const char *found = NULL;

        if (got->status == 2)
                return got->out[0] == '\0' && is_one_line(got->err) ? NULL : "a refusal is one line on standard error";
        if (got->status != 0 || got->err[0] != '\0')
                return "status 0 with nothing on standard error, or 2";
        if (strlen(got->out) >= CAPTURE_SIZE - 1) /* too long a list to be kept: its beginning tells enough */
                return strstr(got->out, "NaN") == NULL && strstr(got->out, "null") == NULL ? NULL : "not a number";
        line = json_tokener_parse(got->out);
        if (line == NULL || !is_one_line(got->out))
                found = "not one line of JSON";
        else if (!is_whole(model, "", line))
                found = "not a number";
        (void)json_object_put(line);
        return found;
}

static uint64_t from_environment(const char *name, uint64_t fallback)
{
        const char *text = getenv(name);

        return text != NULL ? strtoull(text, NULL, 10) : fallback;
}

/* One call of the model with arguments from the current state. */
static void try_once(const struct mt_model *model, bool *ret_answered)
{
        static char texts[MT_MODEL_ARGS][TEXT + 32];
        const char *argv[MT_MODEL_ARGS + 3] = { "model", model->name };
        const struct capture *got;
        const char *bad;
        int argc = 2;

        for (const struct mt_model_arg *arg = model->args; arg->name != NULL; arg++) {
                char value[TEXT];

                if (arg->fallback != NULL && draw(2) == 0)
                        continue;
                draw_value(arg, value);
                (void)snprintf(texts[argc - 2], sizeof(texts[0]), "%s=%s", arg->name, value);
                argv[argc] = texts[argc - 2];
                argc++;
        }
        got = capture_model(argc, argv);
        *ret_answered = got->status == 0;
        bad = fault(model->name, got);
        if (bad == NULL)
                return;
        print_error("migtune");
        for (int i = 0; i < argc; i++)
                print_error(" %s", argv[i]);
        print_error("\n");
        fail_msg("expected %s; status %d: %.300s%.300s", bad, got->status, got->out, got->err);
}

static void test_model(void **row)
{
        const struct mt_model *model = *row;
        const uint64_t calls = from_environment("MIGTUNE_FUZZ_CALLS", DEFAULT_CALLS);
        uint64_t answered = 0;

        state = from_environment("MIGTUNE_FUZZ_SEED", DEFAULT_SEED);
        for (const char *c = model->name; *c != '\0'; c++)
                state = state * 31 + (unsigned char)*c;
        for (uint64_t i = 0; i < calls; i++) {
                bool answer;

                try_once(model, &answer);
                answered += answer;
        }
        assert_true(answered > 0); /* or the model was never reached */
}

int main(void)
{
        static const struct mt_model *const families[] = { mt_models_wan, mt_models_alpha, mt_models_calm, mt_models_survey,
                                                           mt_models_traffic };
        struct CMUnitTest tests[128];
        size_t n = 0;

        for (size_t i = 0; i < MT_ARRAY_SIZE(families); i++)
                for (const struct mt_model *model = families[i]; model->name != NULL; model++)
                        tests[n++] = (struct CMUnitTest){ .name = model->name,
                                                          .test_func = test_model,
                                                          .initial_state = (void *)(uintptr_t)model };
        return _cmocka_run_group_tests("model fuzz", tests, n, NULL, NULL);
}
