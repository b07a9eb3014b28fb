/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "command/check.h"
#include "log.h"
#include "scratch.h"
#include "table.h"

#include <string.h>

static char printed[2][8192]; /* standard output, standard error */

static void capture(void *ctx, int32_t stream, const char *text)
{
        char *to = printed[stream - 1];

        (void)ctx;
        (void)snprintf(to + strlen(to), sizeof(printed[0]) - strlen(to), "%s", text);
}

static int run(int argc, const char *const *argv, const char *config_file)
{
        printed[0][0] = printed[1][0] = '\0';
        mt_log_init(NULL, capture, NULL);
        return mt_command_check(argc, argv, config_file);
}

static const struct warning_case {
        const char *name;
        const char *text;
        const char *want; /* on standard error after "FILE: warning: "; NULL: nothing */
} warning_cases[] = {
        { "both ways to learn of the destination",
          "destination = { uri = \"qemu+tcp://%a/system\"; share_dir = \"/srv/migtune\"; };", NULL },
        { "metrics.textfile", "metrics = { textfile = \"/var/lib/x.prom\"; };", NULL },
        { "metrics.textfile that nobody reads", "metrics = { textfile = \"/var/lib/x.prom/metrics\"; };",
          "metrics.textfile: the node exporter reads only files whose names end in .prom" },
        { "nothing to warn of", "mode = \"enforce\";", NULL },
        { "off", "mode = \"off\";", "mode = \"off\": nothing is tuned" },
        { "no history", "history = { file = \"\"; };", "history.file = \"\":" },
        { "parent with ingress", "link = { device = \"eth0\"; }; tc = { parent = \"1:10\"; };",
          "tc.parent is for outgoing traffic" },
        { "parent without ingress", "link = { device = \"eth0\"; }; tc = { parent = \"1:10\"; ingress = false; };", NULL },
        { "parent without tc", "link = { device = \"eth0\"; }; tc = { parent = \"1:10\"; enable = false; };",
          "tc.parent has no effect" },
        { "parent without device", "tc = { parent = \"1:10\"; ingress = false; };", "tc.parent without link.device" },
        { "link beyond tc", "link = { rate = \"40Gbit\"; };", "link.rate is above tc.max_link" },
        { "link below the floor", "link = { rate = \"20Mbit\"; };", "migration.min_bandwidth is above link.rate" },
        { "sla takes the link", "link = { rate = \"1Gbit\"; }; sla = { lower = \"1Gbit\"; };", "sla.lower leaves nothing" },
        { "technique that is forbidden", "migration = { technique = \"hybrid\"; post_copy = \"never\"; };",
          "defaults: technique = \"hybrid\" has no effect" },
        { "technique that a rule forbids",
          "migration = { technique = \"hybrid\"; }; rules = ( { match = { name = \"a\"; }; set = { post_copy = \"never\"; "
          "}; } );",
          "m.conf:1: technique = \"hybrid\" has no effect" },
        { "long downtime", "migration = { max_downtime = \"2min\"; };", "defaults: max_downtime is above a minute" },
        { "rule that sets nothing", "rules = ( { match = { name = \"a\"; }; set = { }; } );",
          "rule:1 (m.conf:1) sets nothing" },
        { "rule after one for all",
          "rules = ( { match = { name = \"*\"; }; set = { urgency = \"low\"; }; },\n"
          " { match = { flavor = \"x\"; }; set = { urgency = \"high\"; }; } );",
          "rule:2 (m.conf:2) never applies: rule:1 (m.conf:1) matches all its VMs first" },
        { "rule after a glob that has it",
          "rules = ( { match = { name = \"db-*\"; }; set = { urgency = \"low\"; }; },\n"
          " { match = { name = \"db-1\"; flavor = \"x\"; }; set = { urgency = \"high\"; }; } );",
          "rule:2 (m.conf:2) never applies" },
        { "rule after a narrower one",
          "rules = ( { match = { name = \"db-*\"; flavor = \"x\"; }; set = { urgency = \"low\"; }; },\n"
          " { match = { name = \"db-1\"; }; set = { urgency = \"high\"; }; } );",
          NULL },
        { "rule after one for the same metadata",
          "rules = ( { match = { metadata = { namespace = \"u\"; element = \"e\"; }; }; set = { urgency = \"low\"; }; },\n"
          " { match = { metadata = { namespace = \"u\"; element = \"e\"; value = \"x\"; }; name = \"a\"; };"
          " set = { urgency = \"high\"; }; } );",
          "rule:2 (m.conf:2) never applies" },
        { "rule after one for other metadata",
          "rules = ( { match = { metadata = { namespace = \"u\"; element = \"e\"; }; }; set = { urgency = \"low\"; }; },\n"
          " { match = { metadata = { namespace = \"v\"; element = \"e\"; }; }; set = { urgency = \"high\"; }; } );",
          NULL },
        { "rule after one for a title",
          "rules = ( { match = { title = \"a*\"; }; set = { urgency = \"low\"; }; },\n"
          " { match = { name = \"ab\"; }; set = { urgency = \"high\"; }; } );",
          NULL },
        { "globs are not compared",
          "rules = ( { match = { name = \"db-*\"; }; set = { urgency = \"low\"; }; },\n"
          " { match = { name = \"d*\"; }; set = { urgency = \"high\"; }; } );",
          NULL },
};

static void test_warning(void **state)
{
        const struct warning_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_write(&scratch, "m.conf", c->text, strlen(c->text));
        char want[512];

        assert_int_equal(run(1, (const char *const[]){ "check", NULL }, file), 0); /* a warning is no error */
        if (c->want == NULL) {
                assert_string_equal(printed[1], "");
                return;
        }
        (void)snprintf(want, sizeof(want), "%s: warning: %s", file, c->want);
        assert_non_null(strstr(printed[1], want));
        assert_ptr_equal(strchr(printed[1], '\n'), printed[1] + strlen(printed[1]) - 1); /* one line */
}

static void test_good_file(void **state)
{
        (void)state;
        assert_int_equal(
                run(2, (const char *const[]){ "check", MT_SOURCE_ROOT "/conf/examples/nova-flavors.conf", NULL }, "/none"),
                0);
        assert_string_equal(printed[0], MT_SOURCE_ROOT "/conf/examples/nova-flavors.conf: ok, 3 rules\n");
        assert_string_equal(printed[1], "");
}

static void test_the_installed_file_by_default(void **state)
{
        (void)state;
        assert_int_equal(run(1, (const char *const[]){ "check", NULL }, MT_SOURCE_ROOT "/conf/migtune.conf"), 0);
        assert_string_equal(printed[0], MT_SOURCE_ROOT "/conf/migtune.conf: ok, 0 rules\n");
}

static void test_refused_file(void **state)
{
        (void)state;
        assert_int_equal(
                run(2, (const char *const[]){ "check", MT_SOURCE_ROOT "/tests/golden/config/not-a-group.conf", NULL }, ""),
                2);
        assert_string_equal(printed[0], "");
        assert_string_equal(printed[1],
                            MT_SOURCE_ROOT "/tests/golden/config/not-a-group.conf:2: migration: expected a group { ... }\n");
}

static void test_bad_usage(void **state)
{
        (void)state;
        assert_int_equal(run(2, (const char *const[]){ "check", "--jsno", NULL }, ""), 2);
        assert_non_null(strstr(printed[1], "'--jsno': unexpected argument, see migtune check --help"));
        assert_int_equal(run(3, (const char *const[]){ "check", "a", "b", NULL }, ""), 2);
        assert_non_null(strstr(printed[1], "'b': unexpected argument"));
}

static void test_help(void **state)
{
        (void)state;
        assert_int_equal(run(2, (const char *const[]){ "check", "--help", NULL }, ""), 0);
        assert_int_equal(strncmp(printed[0], "usage: migtune check [FILE]\n", 28), 0);
        assert_string_equal(printed[1], "");
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_good_file),    cmocka_unit_test(test_the_installed_file_by_default),
                cmocka_unit_test(test_refused_file), cmocka_unit_test(test_bad_usage),
                cmocka_unit_test(test_help),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(warning_cases) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, warning_cases, test_warning);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("check", tests, n, NULL, NULL);
}
