/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "config.h"
#include "config_keys.h"
#include "scratch.h"
#include "table.h"

#include <errno.h>
#include <string.h>

#define GOLDEN MT_SOURCE_ROOT "/tests/golden/config/"

/* tests/golden/config/NAME.conf is refused at this line, with a message that begins so after "FILE:LINE: ". */
static const struct bad_case {
        const char *name;
        unsigned line;
        const char *want;
} bad_cases[] = {
        { "unknown-key", 3,
          "migration.urgancy: unknown key, expected one of strategy, technique, urgency, max_downtime, "
          "max_iterations, deadline, min_bandwidth, post_copy," },
        { "unknown-group", 2,
          "migrations: unknown key, expected one of mode, lambda, migration, alpha, sla, traffic, clark, cost, link, "
          "tc, measure, " },
        { "unknown-deadline", 1, "migration.deadline.urgent: unknown key, expected one of high, medium, low" },
        { "syntax", 2, "syntax error" },
        { "duplicate", 2, "duplicate setting name" },
        { "wrong-type-string", 2, "tc.enable: expected true or false, found the string \"true\"" },
        { "wrong-type-group", 1, "mode: expected \"enforce\", \"observe\" or \"off\", found a group" },
        { "wrong-type-list", 1,
          "migration.max_downtime: expected a time such as \"300ms\", \"5s\" or \"2min\", from 1 ms to 33.3 "
          "min, found a list" },
        { "not-a-group", 2, "migration: expected a group { ... }" },
        { "count-as-string", 1,
          "migration.max_iterations: expected a whole number from 1 to 1000, found the string \"20\"" },
        { "count-as-float", 1, "migration.max_iterations: expected a whole number from 1 to 1000, found 2.5" },
        { "count-range", 1, "migration.max_iterations: expected a whole number from 1 to 1000, found the bare number 0" },
        { "no-unit", 2,
          "link.rate: expected a rate such as \"250Mbit\" or \"30MiB/s\", from 1.0 Mbit/s to 10000.0 Gbit/s, "
          "or \"auto\", found the bare number" },
        { "no-unit-string", 2,
          "migration.max_downtime: expected a time such as \"300ms\", \"5s\" or \"2min\", from 1 ms to 33.3 "
          "min, found \"300\"" },
        { "zero-without-unit", 1,
          "sla.lower: expected a rate such as \"250Mbit\" or \"30MiB/s\", from 0 bit/s to 10000.0 Gbit/s, "
          "found the bare number 0" },
        { "not-auto", 1,
          "migration.max_downtime: expected a time such as \"300ms\", \"5s\" or \"2min\", from 1 ms to 33.3 "
          "min, found \"auto\"" },
        { "time-range", 3,
          "migration.max_downtime: expected a time such as \"300ms\", \"5s\" or \"2min\", from 1 ms to 33.3 "
          "min, found \"60min\"" },
        { "rate-range", 1,
          "migration.min_bandwidth: expected a rate such as \"250Mbit\" or \"30MiB/s\", from 1.0 Mbit/s to "
          "10000.0 Gbit/s, found \"1kbit\"" },
        { "unknown-word", 2,
          "migration.technique: expected \"traffic-aware\", \"predicted\", \"pre-copy\", \"post-copy\" or "
          "\"hybrid\", found \"precopy\"" },
        { "unknown-strategy", 1,
          "migration.strategy: expected \"lambda-range\", \"delta-increment\", \"min-bandwidth\", \"max-bandwidth\", "
          "\"clark\" or \"cost-aware\", found \"clerk\"" },
        { "clark-order", 1, "clark.initial: expected not more than clark.maximum" },
        { "cost-function", 2, "cost.function: expected points in cost.table" },
        { "cost-table-order", 1, "cost.table: expected up to 8 points of service bandwidth and violation probability" },
        { "cost-table-rises", 1, "cost.table: expected up to 8 points" },
        { "cost-table-many", 1, "cost.table: expected up to 8 points" },
        { "cost-table-number", 1, "cost.table: expected up to 8 points" },
        { "word-not-here", 1, "shim.caller_limits: expected \"respect\" or \"override\", found \"permitted\"" },
        { "unknown-models", 2, "traffic.models: expected \"built-in\" or \"auto\", found \"thesis\"" },
        { "unknown-traffic", 1, "traffic.model: unknown key, expected one of idle_below, direction_factor, models" },
        { "float-range", 1, "lambda.high: expected a number from 0.001 to 0.999, found 1.0" },
        { "float-as-string", 1, "lambda.low: expected a number from 0.001 to 0.999, found the string \"0.1\"" },
        { "float-negative", 1, "alpha.floor: expected a number from 0.0 to 0.5, found a negative number" },
        { "path-relative", 1,
          "history.file: expected an absolute path of at most 255 characters, or \"\" for none, found \"history.jsonl\"" },
        { "device", 1,
          "link.device: expected the name of a network interface, at most 15 characters, or \"auto\", found "
          "\"this-is-too-long0\"" },
        { "tc-parent", 1, "tc.parent: expected a class of your own HTB such as \"1:10\", or \"\" for none, found \"10\"" },
        { "tc-parent-ours", 1,
          "tc.parent: expected a class of your own HTB such as \"1:10\", or \"\" for none, found \"4d54:2\"" },
        { "uri", 1,
          "destination.uri: expected a libvirt URI such as \"qemu+tcp://%a/system\", at most 255 characters, "
          "or \"\" for none, found \"host2\"" },
        { "lambda-order", 3, "lambda.low: expected less than lambda.high" },
        { "lambda-order-default", 2, "lambda.low: expected less than lambda.high" },
        { "dirty-order", 2, "lambda.dirty_low: expected less than lambda.dirty_high" },
        { "sla-order", 2, "sla.lower: expected not more than sla.upper" },
        { "exceed-order", 3, "migration.max_downtime: expected less than migration.exceed_downtime" },
        { "rules-no-list", 1, "rules: expected a list ( { match = ...; set = ...; }, ... )" },
        { "rules-no-group", 1, "rules: expected groups { match = ...; set = ...; }" },
        { "rule-without-match", 2, "rule:1: expected { match = { name = \"...\"; }; set = { ... }; }" },
        { "rule-empty-match", 2, "rule:1: expected { match = { name = \"...\"; }; set = { ... }; }" },
        { "rule-without-set", 2, "rule:1: expected { match" },
        { "rule-extra", 1, "rule:1: expected { match" },
        { "rule-match-key", 4,
          "rule:2.match.host: unknown key, expected one of name, uuid, title, flavor, project, metadata" },
        { "rule-match-type", 1, "rule:1.match.name: expected text of 1 to 127 characters" },
        { "rule-match-empty", 1, "rule:1.match.name: expected text of 1 to 127 characters" },
        { "rule-match-uuid", 1, "rule:1.match.uuid: expected a uuid such as" },
        { "rule-set-key", 3, "rule:1.set.keep: unknown key, expected one of mode, lambda_low, lambda_high," },
        { "rule-set-value", 4, "rule:1.set.deadline.low: expected a time such as" },
        { "rule-set-file-key", 1, "rule:1.set.migration: unknown key" },
        { "rule-order", 3, "rule:1.set.lambda_low: expected less than lambda.high" },
        { "include-missing", 2, "@include: " },
        { "include-directory", 5, "@include: " },
        { "include-bad", 2, "lambda.low: expected a number" },
};

static void test_bad(void **state)
{
        const struct bad_case *c = *state;
        char file[256], want[768];
        struct mt_config config;
        struct mt_err err = { 0 };

        (void)memset(&config, 0xa5, sizeof(config));
        (void)snprintf(file, sizeof(file), GOLDEN "%s.conf", c->name);
        if (strcmp(c->name, "include-bad") == 0)
                (void)snprintf(want, sizeof(want), GOLDEN "included/bad.conf:%u: %s", c->line, c->want);
        else
                (void)snprintf(want, sizeof(want), "%s:%u: %s", file, c->line, c->want);
        assert_int_equal(mt_config_load(file, &config, &err), -EINVAL);
        assert_int_equal(err.code, EINVAL);
        err.msg[strlen(want) < sizeof(err.msg) ? strlen(want) : 0] = '\0'; /* the message may say more */
        assert_string_equal(err.msg, want);
        for (size_t i = 0; i < sizeof(config); i++) /* a ret_ parameter changes only on success */
                assert_int_equal(((const unsigned char *)&config)[i], 0xa5);
}

/* One line of configuration, and the field that it sets. */
static const struct good_case {
        const char *name;
        const char *text;
        const char *key; /* row of the table whose field is looked at */
        double want;
} good_cases[] = {
        { "whole number for a float", "traffic = { direction_factor = 2; };", "traffic.direction_factor", 2.0 },
        { "L for a float", "traffic = { direction_factor = 3L; };", "traffic.direction_factor", 3.0 },
        { "rate in bits", "link = { rate = \"10Gbit\"; };", "link.rate", 1.25e9 },
        { "rate in bytes", "migration = { min_bandwidth = \"2MiB/s\"; };", "migration.min_bandwidth", 2097152 },
        { "time in minutes", "measure = { dirty_rate_every = \"2min\"; };", "measure.dirty_rate_every", 120000 },
        { "zero time", "measure = { before_start = \"0ms\"; };", "measure.before_start", 0 },
        { "auto", "migration = { deadline = { low = \"auto\"; }; };", "migration.deadline.low", 18446744073709551615.0 },
        { "one deadline for all", "migration = { deadline = \"90s\"; };", "migration.deadline.high", 90000 },
        { "last of the words", "migration = { on_no_convergence = \"abort\"; };", "migration.on_no_convergence", MT_ABORT },
        { "switch", "tc = { enable = false; };", "tc.enable", 0 },
        { "least", "migration = { max_downtime = \"1ms\"; };", "migration.max_downtime", 1 },
        { "most", "migration = { max_downtime = \"2000s\"; };", "migration.max_downtime", 2000000 },
        { "count", "history = { keep = 10000000; };", "history.keep", 10000000 },
        { "models by default", "traffic = { idle_below = \"1Mbit\"; };", "traffic.models", MT_MODELS_BUILT_IN },
        { "models of the host's own", "traffic = { models = \"auto\"; };", "traffic.models", MT_MODELS_AUTO },
        { "auto-converge may be added", "migration = { auto_converge = \"add\"; };", "migration.auto_converge", MT_ADD },
        { "multifd by default", "migration = { compression = \"add\"; };", "migration.parallel", MT_PERMITTED },
        { "compression", "migration = { compression = \"never\"; };", "migration.compression", MT_NEVER },
        { "no call waits", "shim = { max_wait = \"0ms\"; };", "shim.max_wait", 0 },
        { "a shim's patience by default", "shim = { max_wait = \"1s\"; };", "shim.timeout", 2000 },
        { "resumed whatever the version", "destination = { resume = \"always\"; };", "destination.resume",
          MT_RESUME_ALWAYS },
        { "never resumed", "destination = { resume = \"never\"; };", "destination.resume", MT_RESUME_NEVER },
        { "callers overridden", "shim = { caller_limits = \"override\"; };", "shim.caller_limits", MT_LIMITS_OVERRIDE },
        { "colons for equals", "mode : \"off\"", "mode", MT_MODE_OFF },
};

static double field(const struct mt_key *key, const struct mt_config *config)
{
        const char *at = (key->intent != NULL ? (const char *)&config->defaults : (const char *)config) + key->offset;
        uint64_t quantity;
        unsigned number;
        double decimal;
        bool set;

        switch (key->kind) {
        case MT_KEY_RATE:
        case MT_KEY_TIME:
                (void)memcpy(&quantity, at, sizeof(quantity));
                return (double)quantity;
        case MT_KEY_FLOAT:
                (void)memcpy(&decimal, at, sizeof(decimal));
                return decimal;
        case MT_KEY_SWITCH:
                (void)memcpy(&set, at, sizeof(set));
                return set ? 1 : 0;
        default:
                (void)memcpy(&number, at, sizeof(number));
                return (double)number;
        }
}

static void test_good(void **state)
{
        const struct good_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        MT_CLEANUP(mt_config_done) struct mt_config config = { .n_rules = 0 };
        const struct mt_key *key = mt_key_by_path(c->key);
        struct mt_err err = { 0 };

        assert_non_null(key);
        if (mt_config_load(scratch_write(&scratch, "m.conf", c->text, strlen(c->text)), &config, &err) < 0)
                fail_msg("%s", err.msg);
        assert_true(field(key, &config) == c->want);
}

/* The keys that conf/migtune.conf sets, read with nothing but its layout: NAME = { opens a group, }; closes it. */
static void mentioned_keys(const char *text, bool *seen)
{
        MT_CLEANUP(mt_freep) char *copy = strdup(text);
        char *save = NULL, group[64] = "";

        for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
                char name[40], path[128], inner[192];
                const struct mt_key *key;
                const char *brace;

                if (line[0] == '}') {
                        group[0] = '\0';
                        continue;
                }
                if (sscanf(line, " %39[a-z_] =", name) != 1 || strstr(line, " = ") == NULL)
                        continue;
                if (strcmp(name, "rules") == 0)
                        break;
                brace = strchr(line, '{');
                (void)snprintf(path, sizeof(path), "%s%s", group, name);
                if (brace != NULL && brace[1] == '\0') {
                        (void)snprintf(group, sizeof(group), "%s.", name);
                        continue;
                }
                for (; brace != NULL; brace = strchr(brace + 1, ';')) {
                        if (sscanf(brace + 1, " %39[a-z_] =", name) != 1)
                                continue;
                        (void)snprintf(inner, sizeof(inner), "%s.%s", path, name);
                        key = mt_key_by_path(inner);
                        if (key == NULL)
                                fail_msg("conf/migtune.conf: %s is not in the table", inner);
                        seen[mt_key_index(key)] = true;
                }
                key = mt_key_by_path(path);
                if (key == NULL)
                        fail_msg("conf/migtune.conf: %s is not in the table", path);
                seen[mt_key_index(key)] = true;
        }
}

static void test_shipped_file_mentions_every_key(void **state)
{
        MT_CLEANUP(mt_freep) char *text = scratch_read(MT_SOURCE_ROOT "/conf/migtune.conf", NULL);
        bool seen[64] = { false };

        (void)state;
        mentioned_keys(text, seen);
        for (unsigned i = 0; i < mt_key_count(); i++)
                if (!seen[i])
                        fail_msg("conf/migtune.conf does not mention %s", mt_key_at(i)->path);
}

static void test_shipped_file_is_the_defaults(void **state)
{
        MT_CLEANUP(mt_config_done) struct mt_config config = { .n_rules = 0 };
        struct mt_config defaults;
        struct mt_err err = { 0 };

        (void)state;
        if (mt_config_load(MT_SOURCE_ROOT "/conf/migtune.conf", &config, &err) < 0)
                fail_msg("%s", err.msg);
        mt_config_defaults(&defaults);
        assert_int_equal(config.n_rules, 0);
        for (unsigned i = 0; i < mt_key_count(); i++) {
                const struct mt_key *key = mt_key_at(i);
                const char *a = key->intent != NULL ? (const char *)&config.defaults : (const char *)&config;
                const char *b = key->intent != NULL ? (const char *)&defaults.defaults : (const char *)&defaults;

                if (memcmp(a + key->offset, b + key->offset, key->size) != 0)
                        fail_msg("conf/migtune.conf: %s is not the built-in default", key->path);
        }
        config.defaults.origins = defaults.defaults.origins; /* which it has from its lines */
        assert_memory_equal(&config, &defaults, sizeof(config));
}

/* Every value that the comments of the shipped file call the default is inside its own range. */
static void test_defaults_are_valid(void **state)
{
        const struct mt_key *key, *other;
        struct mt_config defaults;

        (void)state;
        mt_config_defaults(&defaults);
        assert_int_equal(mt_intent_verify(&defaults.defaults, &key, &other, NULL), 0);
        for (unsigned i = 0; i < mt_key_count(); i++) {
                key = mt_key_at(i);
                if (key->kind == MT_KEY_RATE || key->kind == MT_KEY_TIME) {
                        double value = field(key, &defaults);

                        if (value < 18446744073709551615.0)
                                assert_true(value >= (double)key->min && value <= (double)key->max);
                        else
                                assert_true(key->may_be_auto);
                }
        }
}

static void test_examples_are_good(void **state)
{
        static const char *const names[] = { "drain-night", "nova-flavors", "wan" };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(names); i++) {
                MT_CLEANUP(mt_config_done) struct mt_config config = { .n_rules = 0 };
                struct mt_err err = { 0 };
                char file[256];

                (void)snprintf(file, sizeof(file), MT_SOURCE_ROOT "/conf/examples/%s.conf", names[i]);
                if (mt_config_load(file, &config, &err) < 0)
                        fail_msg("%s", err.msg);
        }
}

static void test_missing_file(void **state)
{
        struct mt_config config;
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(mt_config_load("/nonexistent/migtune.conf", &config, &err), -ENOENT);
        assert_string_equal(err.msg, "/nonexistent/migtune.conf: No such file or directory");
}

/* libconfig would end the process on this one. */
static void test_directory_is_refused(void **state)
{
        struct mt_config config;
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(mt_config_load("/tmp", &config, &err), -EINVAL);
        assert_string_equal(err.msg, "/tmp: expected a regular file");
}

static void test_nul_is_refused(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        static const char text[] = "mode = \"off\";\0\n";
        struct mt_config config;
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(mt_config_load(scratch_write(&scratch, "m.conf", text, sizeof(text) - 1), &config, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "expected text, found a NUL character"));
}

static void test_huge_file_is_refused(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *path = scratch_write(&scratch, "m.conf", "", 0);
        struct mt_config config;
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(truncate(path, 1024 * 1024 + 1), 0);
        assert_int_equal(mt_config_load(path, &config, &err), -EFBIG);
}

static void write_text(struct scratch *scratch, const char *name, const char *text)
{
        (void)scratch_write(scratch, name, text, strlen(text));
}

/* Main file, then conf.d in order of names; values override, rules append; others' suffixes and hidden files are left. */
static void test_conf_d(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        MT_CLEANUP(mt_config_done) struct mt_config config = { .n_rules = 0 };
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(mkdir(scratch_path(&scratch, "conf.d"), 0755), 0);
        write_text(&scratch, "m.conf",
                   "migration = { urgency = \"low\"; max_iterations = 3; };\n"
                   "rules = ( { match = { name = \"a\"; }; set = { urgency = \"high\"; }; } );\n");
        write_text(&scratch, "conf.d/20.conf", "migration = { max_iterations = 7; };\n");
        write_text(&scratch, "conf.d/10.conf",
                   "\nmigration = { max_iterations = 5; urgency = \"high\"; };\n"
                   "rules = ( { match = { name = \"b\"; }; set = { }; } );\n");
        write_text(&scratch, "conf.d/30.conf.off", "broken");
        write_text(&scratch, "conf.d/.40.conf", "broken");
        if (mt_config_load(scratch_path(&scratch, "m.conf"), &config, &err) < 0)
                fail_msg("%s", err.msg);
        assert_int_equal(config.defaults.max_iterations, 7);
        assert_int_equal(config.defaults.urgency, MT_URGENCY_HIGH);
        assert_int_equal(config.n_rules, 2);
        assert_string_equal(config.rules[0].match.name, "a");
        assert_string_equal(config.rules[0].origin, "m.conf:2");
        assert_string_equal(config.rules[1].match.name, "b");
        assert_string_equal(config.rules[1].origin, "conf.d/10.conf:3");
}

/* A later file may make an earlier file's rule contradictory: the rule's own line is named. */
static void test_conf_d_contradicts_an_earlier_rule(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        struct mt_config config;
        struct mt_err err = { 0 };
        char want[256];

        (void)state;
        assert_int_equal(mkdir(scratch_path(&scratch, "conf.d"), 0755), 0);
        write_text(&scratch, "m.conf", "rules = (\n{ match = { name = \"a\"; }; set = { lambda_low = 0.3; }; } );\n");
        write_text(&scratch, "conf.d/10.conf", "lambda = { high = 0.2; };\n");
        assert_int_equal(mt_config_load(scratch_path(&scratch, "m.conf"), &config, &err), -EINVAL);
        (void)snprintf(want, sizeof(want), "%s/m.conf:2: rule:1.set.lambda_low: expected less than lambda.high",
                       scratch.dir);
        assert_string_equal(err.msg, want);
}

static void test_include(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        MT_CLEANUP(mt_config_done) struct mt_config config = { .n_rules = 0 };
        struct mt_err err = { 0 };

        (void)state;
        write_text(&scratch, "m.conf", "@include \"rules.inc\"\nmode = \"observe\";\n");
        write_text(&scratch, "rules.inc", "# rules\nrules = (\n{ match = { name = \"a\"; }; set = { }; } );\n");
        if (mt_config_load(scratch_path(&scratch, "m.conf"), &config, &err) < 0)
                fail_msg("%s", err.msg);
        assert_int_equal(config.defaults.mode, MT_MODE_OBSERVE);
        assert_string_equal(config.rules[0].origin, "rules.inc:3");
}

/* A file that includes itself twenty times over is refused at once. */
static void test_includes_end(void **state)
{
        struct mt_config config;
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(mt_config_load(GOLDEN "include-many.conf", &config, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "expected at most 100 included files"));
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_shipped_file_mentions_every_key),
                cmocka_unit_test(test_shipped_file_is_the_defaults),
                cmocka_unit_test(test_defaults_are_valid),
                cmocka_unit_test(test_examples_are_good),
                cmocka_unit_test(test_missing_file),
                cmocka_unit_test(test_directory_is_refused),
                cmocka_unit_test(test_nul_is_refused),
                cmocka_unit_test(test_huge_file_is_refused),
                cmocka_unit_test(test_conf_d),
                cmocka_unit_test(test_conf_d_contradicts_an_earlier_rule),
                cmocka_unit_test(test_include),
                cmocka_unit_test(test_includes_end),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(bad_cases) + MT_ARRAY_SIZE(good_cases) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, bad_cases, test_bad);
        ADD_ROWS(tests, n, good_cases, test_good);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("config", tests, n, NULL, NULL);
}
