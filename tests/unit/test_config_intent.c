/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "config.h"
#include "config_keys.h"
#include "scratch.h"
#include "table.h"

#include <errno.h>
#include <string.h>

static const char rules[] =
        "migration = { urgency = \"medium\"; on_no_convergence = \"exceed\"; exceed_downtime = \"1s\"; };\n"
        "rules = (\n"
        "  { match = { name = \"db-[0-9]*\"; project = \"0000-pay\"; }; set = { urgency = \"high\"; max_downtime = "
        "\"50ms\"; }; },\n"
        "  { match = { name = \"db-*\"; }; set = { max_downtime = \"100ms\"; post_copy = \"never\"; }; },\n"
        "  { match = { uuid = \"8A4FD9A2-3d5c-4f5e-9b1a-0c6f2f1d7e90\"; }; set = { mode = \"off\"; }; },\n"
        "  { match = { flavor = \"batch\"; }; set = { deadline = { low = \"10min\"; }; sla_upper = \"1Gbit\"; lambda_high = "
        "0.5; }; },\n"
        "  { match = { project = \"payments\"; }; set = { deadline = \"30s\"; }; },\n"
        "  { match = { name = \"*\"; }; set = { urgency = \"low\"; }; }\n"
        ");\n";

static struct scratch scratch;
static struct mt_config config;

static int setup(void **state)
{
        struct mt_err err = { 0 };

        (void)state;
        scratch = scratch_new();
        if (mt_config_load(scratch_write(&scratch, "r.conf", rules, strlen(rules)), &config, &err) < 0)
                fail_msg("%s", err.msg);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        mt_config_done(&config);
        scratch_done(&scratch);
        return 0;
}

static const struct match_case {
        const char *name;
        struct mt_identity who;
        unsigned rule; /* number of the rule that must win */
        const char *from;
} match_cases[] = {
        { "both patterns of a rule", { .name = "db-1", .nova_project = "0000-pay" }, 1, "rule:1 (r.conf:3)" },
        { "one pattern of two is not enough", { .name = "db-1", .nova_project = "other" }, 2, "rule:2 (r.conf:4)" },
        { "glob class", { .name = "db-x", .nova_project = "0000-pay" }, 2, "rule:2 (r.conf:4)" },
        { "uuid in any case", { .name = "a", .uuid = "8a4fd9a2-3D5C-4f5e-9b1a-0c6f2f1d7e90" }, 3, "rule:3 (r.conf:5)" },
        { "flavor", { .name = "a", .nova_flavor = "batch" }, 4, "rule:4 (r.conf:6)" },
        { "flavor is no glob", { .name = "a", .nova_flavor = "batch2" }, 6, "rule:6 (r.conf:8)" },
        { "project by name",
          { .name = "a", .nova_project = "1234", .nova_project_name = "payments" },
          5,
          "rule:5 (r.conf:7)" },
        { "project by uuid", { .name = "a", .nova_project = "payments" }, 5, "rule:5 (r.conf:7)" },
        { "the first that matches wins", { .name = "db-9", .nova_flavor = "batch" }, 2, "rule:2 (r.conf:4)" },
        { "none but the last", { .name = "web" }, 6, "rule:6 (r.conf:8)" },
};

static void test_match(void **state)
{
        const struct match_case *c = *state;
        struct mt_intent want = config.defaults, got;

        switch (c->rule) {
        case 1:
                want.urgency = MT_URGENCY_HIGH;
                want.max_downtime_ms = 50;
                break;
        case 2:
                want.max_downtime_ms = 100;
                want.post_copy = MT_NEVER;
                break;
        case 3:
                want.mode = MT_MODE_OFF;
                break;
        case 4:
                want.deadline_ms_per_gib[MT_URGENCY_LOW] = 600000;
                want.sla_upper_bytes_s = 125000000;
                want.lambda_high = 0.5;
                break;
        case 5:
                for (unsigned i = 0; i < MT_URGENCIES; i++)
                        want.deadline_ms_per_gib[i] = 30000;
                break;
        default:
                want.urgency = MT_URGENCY_LOW;
                break;
        }
        assert_int_equal(mt_config_intent(&config, &c->who, NULL, &got, NULL), 0);
        assert_string_equal(got.from, c->from);
        (void)memcpy(got.from, want.from, sizeof(got.from));
        got.origins = want.origins;                    /* see test_origin.c */
        assert_memory_equal(&got, &want, sizeof(got)); /* nothing else moved */
}

static void test_default(void **state)
{
        struct mt_config plain;
        struct mt_intent got;

        (void)state;
        mt_config_defaults(&plain);
        assert_int_equal(mt_config_intent(&plain, &(struct mt_identity){ .name = "web" }, NULL, &got, NULL), 0);
        assert_string_equal(got.from, "default");
        assert_memory_equal(&got, &plain.defaults, sizeof(got));
}

static const struct metadata_case {
        const char *name;
        struct mt_metadata metadata;
        int want;
        const char *message; /* when refused */
        enum mt_urgency urgency;
        uint64_t max_downtime_ms;
        const char *from;
} metadata_cases[] = {
        { "metadata beats the rule", { 1, { { "urgency", "low" } } }, 0, NULL, MT_URGENCY_LOW, 100, "metadata" },
        { "dashes for underscores", { 1, { { "max-downtime", "20ms" } } }, 0, NULL, MT_URGENCY_MEDIUM, 20, "metadata" },
        { "mode", { 1, { { "mode", "observe" } } }, 0, NULL, MT_URGENCY_MEDIUM, 100, "metadata" },
        { "numbers as text",
          { 2, { { "max-iterations", "5" }, { "lambda-low", "0.25" } } },
          0,
          NULL,
          MT_URGENCY_MEDIUM,
          100,
          "metadata" },
        { "no attribute", { 0, { { "", "" } } }, 0, NULL, MT_URGENCY_MEDIUM, 100, "rule:2 (r.conf:4)" },
        { "one wrong refuses all",
          { 2, { { "urgency", "low" }, { "max-downtime", "300" } } },
          -EINVAL,
          "metadata: max-downtime: expected a time such as",
          MT_URGENCY_MEDIUM,
          100,
          "rule:2 (r.conf:4)" },
        { "unknown attribute",
          { 1, { { "urgancy", "low" } } },
          -EINVAL,
          "metadata: urgancy: unknown key, expected",
          MT_URGENCY_MEDIUM,
          100,
          "rule:2 (r.conf:4)" },
        { "a key of the file only",
          { 1, { { "keep", "3" } } },
          -EINVAL,
          "metadata: keep: unknown key, expected",
          MT_URGENCY_MEDIUM,
          100,
          "rule:2 (r.conf:4)" },
        { "contradiction with the defaults",
          { 1, { { "max-downtime", "5s" } } },
          -EINVAL,
          "metadata: max_downtime: expected less than migration.exceed_downtime",
          MT_URGENCY_MEDIUM,
          100,
          "rule:2 (r.conf:4)" },
        { "decimals for a count",
          { 1, { { "max-iterations", "5.5" } } },
          -EINVAL,
          "metadata: max-iterations: expected a whole number from 1 to 1000, found \"5.5\"",
          MT_URGENCY_MEDIUM,
          100,
          "rule:2 (r.conf:4)" },
};

static void test_metadata(void **state)
{
        const struct metadata_case *c = *state;
        struct mt_err err = { 0 };
        struct mt_intent got;

        assert_int_equal(mt_config_intent(&config, &(struct mt_identity){ .name = "db-" }, &c->metadata, &got, &err),
                         c->want);
        assert_int_equal(got.urgency, c->urgency);
        assert_true(got.max_downtime_ms == c->max_downtime_ms);
        assert_int_equal(got.post_copy, MT_NEVER); /* the rule's, whatever the metadata says */
        assert_string_equal(got.from, c->from);
        if (c->message != NULL)
                assert_int_equal(strncmp(err.msg, c->message, strlen(c->message)), 0);
        /* the message is optional */
        assert_int_equal(mt_config_intent(&config, &(struct mt_identity){ .name = "db-" }, &c->metadata, &got, NULL),
                         c->want);
}

/* Every key of an intent can be set from text to something else than its default, and only its own field changes. */
static void test_every_key_can_be_set(void **state)
{
        (void)state;
        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                const struct mt_key *key = mt_key_at(i);
                struct mt_intent before, after;
                struct mt_err err = { 0 };
                const char *value = "";

                mt_intent_defaults(&before);
                after = before;
                switch (key->kind) {
                case MT_KEY_RATE:
                        value = "77Mbit";
                        break;
                case MT_KEY_TIME:
                        value = "7777ms";
                        break;
                case MT_KEY_FLOAT:
                        value = key->float_max > 1 ? "7.5" : "0.3125";
                        break;
                case MT_KEY_COUNT:
                        value = "77";
                        break;
                case MT_KEY_TABLE:
                        value = "100Mbit:0.5 300Mbit:0.05";
                        break;
                default:
                        value = key->word(0);
                        if (memcmp((char *)&before + key->offset, &(unsigned){ 0 }, sizeof(unsigned)) == 0)
                                value = key->word(1);
                        break;
                }
                if (mt_intent_set(&after, key->intent, value, &err) < 0)
                        fail_msg("%s", err.msg);
                assert_memory_not_equal((char *)&after + key->offset, (char *)&before + key->offset, key->size);
                mt_key_copy(key, &after, &before);
                assert_memory_equal(&after, &before, sizeof(after));
        }
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_default),
                cmocka_unit_test(test_every_key_can_be_set),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(match_cases) + MT_ARRAY_SIZE(metadata_cases) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, match_cases, test_match);
        ADD_ROWS(tests, n, metadata_cases, test_metadata);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("config_intent", tests, n, setup, teardown);
}
