/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replays tests/golden/vectors.json, one named test a vector, through the command line and so through the models.
 * A vector whose model `--list` does not show is left out; those are named first and counted at the end.
 */
#include "capture.h"

#include <json-c/json.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* after what it needs */
#include <cmocka.h>

#define VECTORS MT_SOURCE_ROOT "/tests/golden/vectors.json"
#define MAX_ARGS 16
#define TOLERANCE 1e-5

struct vector {
        char name[64];
        struct json_object *json;
};

/* A value as it would be typed. */
static void type_value(struct json_object *value, char *text, size_t size)
{
        size_t used = 0;

        text[0] = '\0';
        if (value == NULL) {
                (void)snprintf(text, size, "None");
        } else if (json_object_is_type(value, json_type_array)) {
                for (size_t i = 0; i < json_object_array_length(value); i++) {
                        const int n = snprintf(text + used, size - used, "%s%s", i > 0 ? "," : "",
                                               json_object_get_string(json_object_array_get_idx(value, i)));

                        assert_true(n > 0 && (size_t)n < size - used);
                        used += (size_t)n;
                }
        } else {
                (void)snprintf(text, size, "%s", json_object_get_string(value));
        }
}

static bool is_number(struct json_object *value)
{
        return json_object_is_type(value, json_type_double) || json_object_is_type(value, json_type_int);
}

static bool equal(struct json_object *want, struct json_object *got)
{
        if (is_number(want) && is_number(got)) {
                const double a = json_object_get_double(want), b = json_object_get_double(got);

                return fabs(a - b) <= TOLERANCE * fmax(fabs(a), fabs(b));
        }
        if (json_object_get_type(want) != json_object_get_type(got))
                return false;
        if (json_object_is_type(want, json_type_array)) {
                const size_t n = json_object_array_length(want);
                bool same = n == json_object_array_length(got);

                for (size_t i = 0; i < n && same; i++)
                        same = equal(json_object_array_get_idx(want, i), json_object_array_get_idx(got, i));
                return same;
        }
        if (json_object_is_type(want, json_type_object)) {
                bool same = json_object_object_length(want) == json_object_object_length(got);

                json_object_object_foreach(want, key, value)
                {
                        struct json_object *other = NULL;

                        same = same && json_object_object_get_ex(got, key, &other) && equal(value, other);
                }
                return same;
        }
        return json_object_equal(want, got) != 0;
}

static void test_vector(void **state)
{
        const struct vector *vector = *state;
        struct json_object *line, *got = NULL;
        char texts[MAX_ARGS][256];
        const char *argv[MAX_ARGS + 2] = { "model" };
        const struct capture *run;
        int argc = 2;

        argv[1] = json_object_get_string(json_object_object_get(vector->json, "model"));
        json_object_object_foreach(json_object_object_get(vector->json, "inputs"), key, value)
        {
                char typed[192];

                assert_true(argc < MAX_ARGS + 2);
                type_value(value, typed, sizeof(typed));
                (void)snprintf(texts[argc - 2], sizeof(texts[0]), "%s=%s", key, typed);
                argv[argc] = texts[argc - 2];
                argc++;
        }
        run = capture_model(argc, argv);
        if (run->status != 0)
                fail_msg("exit status %d: %s", run->status, run->err);
        line = json_tokener_parse(run->out);
        assert_true(json_object_object_get_ex(line, "result", &got));
        if (!equal(json_object_object_get(vector->json, "expected"), got))
                fail_msg("expected %s, got %s", json_object_to_json_string(json_object_object_get(vector->json, "expected")),
                         json_object_to_json_string(got));
        assert_string_equal(json_object_get_string(json_object_object_get(line, "model")), argv[1]);
        (void)json_object_put(line);
}

/* Does `model --list --json` show name? */
static bool is_listed(struct json_object *list, const char *name)
{
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                struct json_object *row = json_object_array_get_idx(list, i);

                if (strcmp(json_object_get_string(json_object_object_get(row, "model")), name) == 0)
                        return true;
        }
        return false;
}

int main(void)
{
        const char *const list_argv[] = { "model", "--list", "--json", NULL };
        struct json_object *vectors = json_object_from_file(VECTORS);
        struct json_object *list = json_tokener_parse(capture_model(3, list_argv)->out);
        const size_t n = vectors != NULL ? json_object_array_length(vectors) : 0;
        struct vector *cases = calloc(n + 1, sizeof(*cases));
        struct CMUnitTest *tests = calloc(n + 1, sizeof(*tests));
        size_t skipped = 0;
        int failed;

        if (n == 0 || list == NULL || cases == NULL || tests == NULL) {
                (void)fprintf(stderr, "no vectors in %s, or no list of models\n", VECTORS);
                return 1;
        }
        for (size_t i = 0; i < n; i++) {
                const char *model;

                cases[i].json = json_object_array_get_idx(vectors, i);
                model = json_object_get_string(json_object_object_get(cases[i].json, "model"));
                if (!is_listed(list, model)) {
                        (void)printf("# vector %zu: no model %s\n", i + 1, model);
                        skipped++;
                        continue;
                }
                (void)snprintf(cases[i].name, sizeof(cases[i].name), "%s, vector %zu", model, i + 1);
                tests[i - skipped] =
                        (struct CMUnitTest){ .name = cases[i].name, .test_func = test_vector, .initial_state = &cases[i] };
        }
        failed = _cmocka_run_group_tests("vectors", tests, n - skipped, NULL, NULL);
        (void)printf("# %zu vectors, %zu left out because their model is not there\n", n, skipped);
        (void)json_object_put(vectors);
        (void)json_object_put(list);
        free(cases);
        free(tests);
        return failed;
}
