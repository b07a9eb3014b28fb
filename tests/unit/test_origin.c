/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where values of an intent come from, and how they are written. */
#include "origin.h"
#include "cleanup.h"
#include "config.h"
#include "record/json.h"
#include "scratch.h"
#include "table.h"
#include "wishes.h"

#include <string.h>

static const char conf[] = "mode = \"enforce\";\n" /* 1: as built in */
                           "migration = {\n"
                           "  urgency = \"low\";\n"        /* 3 */
                           "  max_downtime = \"200ms\";\n" /* 4 */
                           "  deadline = \"30s\";\n"       /* 5 */
                           "};\n"
                           "rules = (\n"
                           "  { match = { name = \"web\"; }; set = { urgency = \"high\"; }; },\n"
                           "  { match = { name = \"db\"; };\n"
                           "    set = {\n"
                           "      max_downtime = \"100ms\";\n"      /* 11 */
                           "      deadline = { low = \"90s\"; };\n" /* 12 */
                           "      urgency = \"medium\"; }; }\n"     /* 13: as built in, but against line 3 */
                           ");\n";
static const char more[] = "\nsla = { upper = \"50Mbit\"; };\n"
                           "rules = ( { match = { name = \"mail\"; };\n set = { sla_upper = \"70Mbit\"; }; } );\n";

static struct scratch scratch;
static struct mt_config config;

static int setup(void **state)
{
        struct mt_err err = { 0 };
        const char *path;

        (void)state;
        scratch = scratch_new();
        path = scratch_write(&scratch, "migtune.conf", conf, strlen(conf));
        assert_int_equal(mkdir(scratch_path(&scratch, "conf.d"), 0755), 0);
        (void)scratch_write(&scratch, "conf.d/10-site.conf", more, strlen(more));
        if (mt_config_load(path, &config, &err) < 0)
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

static const struct origin_case {
        const char *name, *vm, *key, *value, *origin;
        bool tells;
} origin_cases[] = {
        { "built-in", "x", "strategy", "lambda-range", "built-in", false },
        { "a file's that is as built in", "x", "mode", "enforce", "migtune.conf:1", false },
        { "a file's", "x", "max_downtime", "200ms", "migtune.conf:4", true },
        { "a file's for several", "x", "deadline_high", "30s", "migtune.conf:5", true },
        { "a later file's", "x", "sla_upper", "50Mbit", "conf.d/10-site.conf:2", true },
        { "a rule's", "db", "max_downtime", "100ms", "rule 2 (migtune.conf:11)", true },
        { "a rule's, of a group", "db", "deadline_low", "90s", "rule 2 (migtune.conf:12)", true },
        { "not the rule's, of the same group", "db", "deadline_high", "30s", "migtune.conf:5", true },
        { "a rule's that is as built in", "db", "urgency", "medium", "rule 2 (migtune.conf:13)", true },
        { "a later file's rule", "mail", "sla_upper", "70Mbit", "rule 3 (conf.d/10-site.conf:4)", true },
        { "beside it, a file's", "mail", "urgency", "low", "migtune.conf:3", true },
};

static void test_origin(void **state)
{
        const struct origin_case *c = *state;
        const struct mt_key *key = mt_key_by_intent(c->key);
        struct mt_identity who = { .name = "" };
        struct mt_intent intent;
        char text[MT_ORIGIN_SIZE];

        (void)strcpy(who.name, c->vm);
        assert_int_equal(mt_config_intent(&config, &who, NULL, &intent, NULL), 0);
        assert_string_equal(mt_origin_text(&intent, key, text, sizeof(text)), c->origin);
        assert_int_equal(mt_origin_tells(&intent, key), c->tells);
        assert_string_equal(mt_key_text(key, &intent, text, sizeof(text)), c->value);
}

/* metadata < command line, and what metadata is refused for leaves no origin behind. */
static void test_precedence(void **state)
{
        const struct mt_metadata good = { 2, { { "max-downtime", "50ms" }, { "mode", "observe" } } };
        const struct mt_metadata bad = { 2, { { "max-downtime", "50ms" }, { "mode", "later" } } };
        const struct mt_identity who = { .name = "db" };
        const struct mt_key *key = mt_key_by_intent("max_downtime");
        struct mt_wishes wishes = { .max_downtime_ms = 3000 };
        struct mt_intent intent;
        char text[MT_ORIGIN_SIZE];

        (void)state;
        assert_int_equal(mt_config_intent(&config, &who, &good, &intent, NULL), 0);
        assert_string_equal(mt_origin_text(&intent, key, text, sizeof(text)), "the VM's metadata");
        assert_string_equal(mt_origin_text(&intent, mt_key_by_intent("mode"), text, sizeof(text)), "the VM's metadata");
        assert_string_equal(mt_origin_text(&intent, mt_key_by_intent("deadline_low"), text, sizeof(text)),
                            "rule 2 (migtune.conf:12)");
        mt_wishes_apply(&wishes, &intent);
        assert_string_equal(mt_origin_text(&intent, key, text, sizeof(text)), "the command line");
        assert_string_equal(mt_origin_text(&intent, mt_key_by_intent("exceed_downtime"), text, sizeof(text)),
                            "the command line"); /* it had to follow */
        assert_true(mt_config_intent(&config, &who, &bad, &intent, NULL) < 0);
        assert_string_equal(mt_origin_text(&intent, key, text, sizeof(text)), "rule 2 (migtune.conf:11)");
}

static void test_reasons(void **state)
{
        const struct mt_metadata metadata = { 1, { { "post-copy", "never" } } };
        const struct mt_identity who = { .name = "db" };
        struct mt_reasons reasons = { .n = 0 };
        struct mt_intent intent;
        char all[MT_MAX_REASONS * MT_REASON_SIZE] = "";

        (void)state;
        assert_int_equal(mt_config_intent(&config, &who, &metadata, &intent, NULL), 0);
        mt_origin_reasons(&intent, &reasons);
        for (unsigned i = 0; i < reasons.n; i++) {
                assert_int_equal(strncmp(reasons.text[i], "intent: ", 8), 0);
                (void)strcat(strcat(all, reasons.text[i] + 8), "; ");
        }
        assert_string_equal(all, "urgency medium from rule 2 (migtune.conf:13); max_downtime 100ms from rule 2 "
                                 "(migtune.conf:11); deadline_high 30s from migtune.conf:5; deadline_medium 30s from "
                                 "migtune.conf:5; deadline_low 90s from rule 2 (migtune.conf:12); post_copy never from the "
                                 "VM's metadata; sla_upper 50Mbit from conf.d/10-site.conf:2; ");
        reasons.n = 0;
        mt_intent_defaults(&intent);
        mt_origin_reasons(&intent, &reasons);
        assert_int_equal(reasons.n, 0);
}

/* All keys at once do not drown the rest of a plan's reasons, and none is passed over in silence. */
static void test_many_reasons(void **state)
{
        struct mt_reasons reasons = { .n = 0 };
        struct mt_intent intent;
        unsigned told = 0, left = 0, all = 0;

        (void)state;
        mt_intent_defaults(&intent);
        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                mt_origin_set(&intent, mt_key_at(i), MT_ORIGIN_METADATA);
                all += mt_key_is_group(mt_key_at(i)) ? 0 : 1;
        }
        mt_origin_reasons(&intent, &reasons);
        assert_in_range(reasons.n, 2, 6);
        for (unsigned i = 0; i + 1 < reasons.n; i++)
                for (const char *at = reasons.text[i]; (at = strstr(at, " from the VM's metadata")) != NULL; at++)
                        told++;
        assert_int_equal(sscanf(reasons.text[reasons.n - 1], "intent: %u more keys", &left), 1);
        assert_int_equal(told + left, all);
}

/* More files than there is room for: their values keep an origin, without the name. */
static void test_many_files(void **state)
{
        const struct mt_key *key = mt_key_by_intent("urgency");
        struct mt_intent intent;
        char name[81], text[MT_ORIGIN_SIZE];

        (void)state;
        mt_intent_defaults(&intent);
        for (unsigned i = 0; i < 12; i++) {
                (void)snprintf(name, sizeof(name), "conf.d/%073u", i);
                mt_origin_set_place(&intent, key, 0, &(struct mt_place){ name, 7 });
                (void)mt_origin_text(&intent, key, text, sizeof(text));
                if (i < 4)
                        assert_int_equal(strncmp(text, name, strlen(name)), 0);
                else if (i > 4)
                        assert_string_equal(text, "a further file:7");
        }
        mt_origin_set_place(&intent, key, 3, &(struct mt_place){ "migtune.conf", 9 });
        assert_string_equal(mt_origin_text(&intent, key, text, sizeof(text)), "rule 3 (migtune.conf:9)"); /* it still fits */
}

static void test_json(void **state)
{
        const struct mt_identity who = { .name = "web" };
        struct mt_intent intent;
        json_object *o, *origins;

        (void)state;
        assert_int_equal(mt_config_intent(&config, &who, NULL, &intent, NULL), 0);
        o = mt_intent_json(&intent);
        origins = json_object_object_get(o, "origins");
        assert_string_equal(json_object_get_string(json_object_object_get(origins, "urgency")), "rule 1 (migtune.conf:8)");
        assert_string_equal(json_object_get_string(json_object_object_get(origins, "max_downtime")), "migtune.conf:4");
        assert_null(json_object_object_get(origins, "mode"));
        assert_null(json_object_object_get(origins, "deadline"));
        assert_int_equal(json_object_object_length(origins), 6); /* and three deadlines, sla_upper */
        (void)json_object_put(o);
}

static const struct text_case {
        const char *name, *key, *text, *want;
} text_cases[] = {
        { "whole Gbit", "sla_upper", "2000Mbit", "2Gbit" },
        { "whole Mbit", "sla_upper", "250Mbit", "250Mbit" },
        { "MiB/s", "sla_upper", "8MiB/s", "8MiB/s" },
        { "kbit", "sla_upper", "0.1Mbit", "100kbit" },
        { "bytes", "sla_upper", "1234567B/s", "1234567B/s" },
        { "no rate", "sla_upper", "0Gbit", "0Mbit" },
        { "auto", "dirty_low", "auto", "auto" },
        { "ms", "max_downtime", "1234ms", "1234ms" },
        { "seconds", "max_downtime", "2000ms", "2s" },
        { "some minutes", "deadline_low", "4min", "240s" },
        { "minutes", "deadline_low", "1800s", "30min" },
        { "a word", "technique", "predicted", "predicted" },
        { "a number", "lambda_low", "0.250", "0.25" },
        { "a whole number", "direction_factor", "3", "3.0" },
        { "a count", "max_iterations", "7", "7" },
        { "a table", "cost_table", "100Mbit:0.5 300Mbit:0.05", "100Mbit:0.5 300Mbit:0.05" },
        { "an empty table", "cost_table", "", "" },
};

static void test_text(void **state)
{
        const struct text_case *c = *state;
        const struct mt_key *key = mt_key_by_intent(c->key);
        struct mt_intent intent, again;
        struct mt_err err = { 0 };
        char text[512];

        mt_intent_defaults(&intent);
        again = intent;
        if (mt_key_set_text(key, &intent, c->text, &err) < 0)
                fail_msg("%s", err.msg);
        assert_string_equal(mt_key_text(key, &intent, text, sizeof(text)), c->want);
        assert_int_equal(mt_key_set_text(key, &again, text, &err), 0);
        assert_memory_equal(&again, &intent, sizeof(intent));
}

/* Every default can be written, and read again as the same. */
static void test_defaults_text(void **state)
{
        struct mt_intent intent, again;
        char text[512];

        (void)state;
        mt_intent_defaults(&intent);
        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                again = intent;
                (void)mt_key_text(mt_key_at(i), &intent, text, sizeof(text));
                if (mt_key_is_group(mt_key_at(i)))
                        continue;
                assert_int_equal(mt_key_set_text(mt_key_at(i), &again, text, NULL), 0);
                assert_memory_equal(&again, &intent, sizeof(intent));
        }
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_precedence), cmocka_unit_test(test_reasons), cmocka_unit_test(test_many_reasons),
                cmocka_unit_test(test_many_files), cmocka_unit_test(test_json),    cmocka_unit_test(test_defaults_text),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(origin_cases) + MT_ARRAY_SIZE(text_cases) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, origin_cases, test_origin);
        ADD_ROWS(tests, n, text_cases, test_text);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("origin", tests, n, setup, teardown);
}
