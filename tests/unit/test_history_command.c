/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune history, through the command as a host runs it. */
#include "array.h"
#include "cleanup.h"
#include "command/history/options.h"
#include "command/history/reader.h"
#include "command/history/ring.h"
#include "command/terminal.h"
#include "record/timestamp.h"
#include "records.h"

#include <errno.h>
#include <json-c/json.h>

#define RUN(columns, ...)                                                                                                   \
        records_run(mt_command_history, "/nonexistent", (columns), (const char *const[]){ __VA_ARGS__, NULL })

/* Three: two of vm1, one of another that failed. */
static const struct record three[] = {
        { .id = "A", .started = "2026-11-18T10:00:00.000Z" },
        { .id = "B", .started = "2026-11-19T10:00:00.000Z", .domain = "db-7", .result = "failed", .actual = "700,null,0" },
        { .id = "C", .started = "2026-11-20T06:15:00.123Z", .actual = "12500,250,1250000", .predicted = "null,null,null" },
};

static void test_table(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, 3, "");

        (void)state;
        assert_int_equal(RUN(0, file), 0);
        assert_string_equal(records_err, "");
        assert_string_equal(records_out,
                            "STARTED             DOMAIN                   DESTINATION              RESULT    TECHNIQUE "
                            "STRATEGY             TIME     TIME  BLACKOUT BLACKOUT BLACKOUT LIMIT      SENT ROUNDS\n"
                            "UTC                                                                                       "
                            "                predicted   actual predicted   actual    limit  held\n"
                            "2026-11-18 10:00:00 vm1                      host-b                   completed pre-copy  "
                            "lambda-range       10.0 s   12.5 s    250 ms   310 ms   300 ms    NO   1.2 MiB      5\n"
                            "2026-11-19 10:00:00 db-7                     host-b                   failed    pre-copy  "
                            "lambda-range       10.0 s   700 ms    250 ms        -   300 ms     -       0 B      5\n"
                            "2026-11-20 06:15:00 vm1                      host-b                   completed pre-copy  "
                            "lambda-range        never   12.5 s     never   250 ms   300 ms   yes   1.2 MiB      5\n");
}

/* On a terminal: two lines a record, which fit; colour for what went wrong. */
static void test_narrow(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, 3, "");

        (void)state;
        assert_int_equal(RUN(80, file), 0);
        assert_int_equal(records_lines(records_out), 2 + 3 * 2);
        assert_non_null(strstr(records_out,
                               "\n11-18 10:00:00  vm1               completed    10.0 s   12.5 s   1.2 MiB      5\n"
                               "lambda-range    host-b            pre-copy     250 ms   310 ms    300 ms     " MT_RED
                               "NO" MT_PLAIN "\n"));
        assert_non_null(strstr(records_out, MT_RED "failed" MT_PLAIN));
        records_harmless(records_out);
}

/* However wide the terminal is from 80 on, no line is wider. */
static void test_widths(void **state)
{
        const struct record one = { .domain = "instance-0000001a-with-a-long-name", .actual = "1e300,1e300,1e300" };
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, &one, 1, "");

        (void)state;
        assert_int_equal(RUN(161, file), 0);
        assert_int_equal(records_lines(records_out), 4);
        assert_int_equal(RUN(162, file), 0); /* as --help says */
        assert_int_equal(records_lines(records_out), 3);
        for (unsigned columns = 80; columns < 260; columns++) {
                assert_int_equal(RUN(columns, file), 0);
                for (const char *line = records_out, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
                        size_t shown = 0;

                        for (const char *c = line; c < end; c++)
                                if (*c == '\033')
                                        c = strchr(c, 'm');
                                else
                                        shown++;
                        if (shown >= columns)
                                fail_msg("%u: %.*s", columns, (int)(end - line), line);
                }
        }
}

static void test_the_last_twenty(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        struct record many[45] = { 0 };
        char started[45][MT_TIMESTAMP_SIZE];
        const char *file;

        (void)state;
        for (unsigned i = 0; i < 45; i++)
                many[i].started = mt_timestamp(started[i], sizeof(started[i]), UINT64_C(1795155300000) + i * 60000u);
        file = records_write(&scratch, many, 45, "");
        assert_int_equal(RUN(200, file), 0);
        assert_int_equal(records_lines(records_out), 2 + 20 + 1);
        assert_non_null(strstr(records_out, "\n25 earlier ones are not shown: --last N shows more\n"));
        assert_non_null(strstr(records_out, "2026-11-20 06:40:00"));
        assert_null(strstr(records_out, "2026-11-20 06:39:00"));
        assert_int_equal(RUN(200, "--last", "44", file), 0);
        assert_int_equal(records_lines(records_out), 2 + 44); /* who asked for them knows */
        assert_int_equal(RUN(0, file), 0);                    /* a pipe gets all */
        assert_int_equal(records_lines(records_out), 2 + 45);
        assert_int_equal(RUN(0, "--last=3", file), 0);
        assert_int_equal(records_lines(records_out), 2 + 3);
        assert_int_equal(RUN(200, "--json", file), 0);
        assert_int_equal(records_lines(records_out), 45);
        assert_int_equal(RUN(0, "--json", "--last", "1000", file), 0);
        assert_int_equal(records_lines(records_out), 45);
        assert_true(strstr(records_out, "06:15:00") < strstr(records_out, "06:59:00")); /* oldest first */
}

static const struct filter_case {
        const char *name;
        const char *arguments[4];
        const char *want; /* ids */
} filters[] = {
        { "all", { NULL }, "ABC" },
        { "failed", { "--failed" }, "B" },
        { "domain", { "--domain", "vm1" }, "AC" },
        { "glob", { "--domain", "db-*" }, "B" },
        { "another glob", { "--domain=[vd]?1" }, "AC" },
        { "uuid", { "--domain", "8A4FD9A2-3d5c-4f5e-9b1a-0c6f2f1d7e90" }, "ABC" },
        { "no such domain", { "--domain", "vm" }, "" },
        { "since a day", { "--since", "2026-11-19" }, "BC" },
        { "since a time", { "--since=2026-11-20T07:15:00.123+01:00" }, "C" },
        { "since just after", { "--since", "2026-11-20T06:15:00.124Z" }, "" },
        { "since ages", { "--since", "999999d" }, "ABC" },
        { "last", { "--last", "2" }, "BC" },
        { "last of the filtered", { "--last", "1", "--domain", "db*" }, "B" },
        { "all filters", { "--failed", "--domain=db-7", "--since=2026-11-19" }, "B" },
};

static void test_filter(void **state)
{
        const struct filter_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, 3, "");
        const char *arguments[8] = { "--json", file };
        char ids[8] = "";

        for (unsigned i = 0; i < 4; i++)
                arguments[i + 2] = c->arguments[i];
        assert_int_equal(records_run(mt_command_history, "/nonexistent", 0, arguments), 0);
        for (const char *id = records_out; (id = strstr(id, "\"id\":\"")) != NULL; id++)
                (void)strncat(ids, id + strlen("\"id\":\""), 1);
        assert_string_equal(ids, c->want);
}

/* What cannot be read is skipped and counted, the rest is there. */
static const struct damage_case {
        const char *name, *end;
        unsigned unreadable, records; /* beside the three */
} damages[] = {
        { "none", "", 0, 0 },
        { "cut in the middle", "{\"event\":\"migration\",\"id\":\"D\",\"domain\":{\"na", 1, 0 },
        { "no newline at the end", "{\"event\":\"migration\",\"id\":\"D\"}", 0, 1 },
        { "carriage returns and blanks", "{\"event\":\"migration\",\"id\":\"D\"} \r\n\n  \n\r\n", 0, 1 },
        { "other JSON", "[1,2]\n7\nnull\n\"x\"\n{}\n", 5, 0 },
        { "two on a line", "{\"event\":\"migration\",\"id\":\"D\"}{\"event\":\"migration\",\"id\":\"E\"}\n", 1, 0 },
        { "another kind", "{\"event\":\"something\",\"id\":\"D\"}\n", 0, 0 },
        { "members that are missing", "{\"event\":\"migration\"}\n{\"id\":\"D\",\"result\":\"completed\"}\n", 0, 2 },
        { "members of another type",
          "{\"event\":\"migration\",\"id\":7,\"domain\":[],\"plan\":\"x\",\"actual\":{\"total_ms\":\"1\",\"samples\":{}},"
          "\"started\":{},\"reasons\":7,\"facts\":null}\n",
          0, 1 },
        { "numbers beyond all",
          "{\"event\":\"migration\",\"id\":\"D\",\"actual\":{\"total_ms\":18446744073709551615,\"bytes\":1e308,"
          "\"downtime_ms\":99999999999999999999999999,\"iterations\":1e99},\"intent\":{\"max_downtime_ms\":-3}}\n",
          0, 1 },
        { "not a number", "{\"event\":\"migration\",\"id\":\"D\",\"actual\":{\"total_ms\":NaN,\"bytes\":-Infinity}}\n", 0,
          1 },
        { "too deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n", 1, 0 },
        { "control characters",
          "{\"event\":\"migration\",\"id\":\"\\u001b[2J\",\"domain\":{\"name\":\"\\u001b]0;x\\u0007\302\233\\u009b\177\"},"
          "\"destination\":\"\\n\\r\\t\",\"result\":\"\\u001b\",\"started\":\"\\u001b[1m\",\"plan\":{\"strategy\":\"\\b\"}}"
          "\n",
          0, 1 },
};

static void test_damage(void **state)
{
        const struct damage_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, 3, c->end);
        char want[128] = "";

        if (c->unreadable > 0)
                (void)snprintf(want, sizeof(want), "migtune history: %s: %u unreadable line%s skipped\n", file,
                               c->unreadable, c->unreadable == 1 ? "" : "s");
        for (unsigned columns = 0; columns <= 200; columns += 100) { /* none, narrow, wide */
                assert_int_equal(RUN(columns, file), 0);
                assert_int_equal(records_lines(records_out), 2 + (3 + c->records) * (columns == 100 ? 2 : 1));
                assert_string_equal(records_err, want);
                assert_null(strstr(records_out, "nan"));
                records_harmless(records_out);
        }
        assert_int_equal(RUN(0, "--json", file), 0);
        assert_int_equal(records_lines(records_out), 3 + c->records);
        assert_string_equal(records_err, want);
        records_harmless(records_out);
        for (char *line = records_out, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
                json_object *o;

                *end = '\0';
                o = json_tokener_parse(line);
                assert_true(json_object_is_type(o, json_type_object));
                (void)json_object_put(o);
        }
        assert_int_equal(RUN(0, "--accuracy", file), 0);
        assert_null(strstr(records_out, "nan"));
        assert_int_equal(RUN(0, "--accuracy", "--json", file), 0);
        assert_int_equal(records_lines(records_out), 1);
        assert_null(strstr(records_out, "NaN"));
}

/* --json is the line itself, digit by digit. */
static void test_json_is_the_record(void **state)
{
        static const char line[] =
                "{\"event\":\"migration\",\"id\":\"D\",\"x\":18446744073709551616000,\"y\":0.10000,\"y\":1e5}\n";
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_write(&scratch, "h", line, strlen(line));

        (void)state;
        assert_int_equal(RUN(0, "--json", file), 0);
        assert_string_equal(records_out, line);
}

/* Longer than the buffer that is begun with, and longer than any record may be. */
static void test_long_lines(void **state)
{
        static const size_t sizes[] = { (size_t)1 << 20, MT_HISTORY_LINE_BYTES + ((size_t)3 << 20) };
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();

        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                const char *path = scratch_path(&scratch, "long");
                FILE *file = fopen(path, "we");

                assert_non_null(file);
                record_add(file, &three[0]);
                (void)fprintf(file, "{\"event\":\"migration\",\"id\":\"L\",\"x\":\"%0*d\"}\n", (int)sizes[i], 0);
                record_add(file, &three[2]);
                assert_int_equal(fclose(file), 0);
                assert_int_equal(RUN(0, path), 0);
                assert_int_equal(records_lines(records_out), 2 + (i == 0 ? 3 : 2));
                assert_int_equal(records_err[0] != '\0', i == 1);
        }
}

static void test_nothing_yet(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        static const char config[] = "history = { file = \"/nonexistent/h.jsonl\"; };\n";
        const char *empty = scratch_write(&scratch, "empty", "", 0);
        const char *conf = scratch_write(&scratch, "migtune.conf", config, strlen(config));

        (void)state;
        assert_int_equal(records_run(mt_command_history, conf, 0, (const char *const[]){ NULL }), 0);
        assert_string_equal(records_out, "no migrations in /nonexistent/h.jsonl\n");
        assert_int_equal(records_run(mt_command_history, conf, 0, (const char *const[]){ "--json", NULL }), 0);
        assert_string_equal(records_out, "");
        assert_int_equal(records_run(mt_command_history, conf, 0, (const char *const[]){ "--accuracy", NULL }), 0);
        assert_string_equal(records_out, "0 predictions in /nonexistent/h.jsonl\n");
        assert_int_equal(RUN(80, empty), 0);
        assert_non_null(strstr(records_out, "no migrations in /"));
        assert_int_equal(RUN(0, "--domain", "x", records_write(&scratch, three, 3, "")), 0);
        assert_non_null(strstr(records_out, "none of the 3 migrations in /"));
}

static const struct bad_case {
        const char *name;
        const char *argument[3];
        int status;
        const char *want;
} bad[] = {
        { "unknown option", { "--fast" }, 2, "'--fast': unknown option" },
        { "an option cut short", { "--js" }, 2, "'--js': unknown option" },
        { "two files", { "/dev/null", "/dev/zero" }, 2, "'/dev/zero': expected one FILE" },
        { "an empty name", { "" }, 2, "'': expected one FILE" },
        { "since without value", { "--since" }, 2, "'--since': its value is missing" },
        { "domain without value", { "--domain" }, 2, "'--domain': its value is missing" },
        { "an empty domain", { "--domain=" }, 2, "'': --domain: expected a name" },
        { "last of nothing", { "--last", "0" }, 2, "'0': --last: expected a whole number from 1" },
        { "last minus one", { "--last", "-1" }, 2, "'-1': --last: expected" },
        { "last and a half", { "--last=1.5" }, 2, "'1.5': --last: expected" },
        { "too many", { "--last", "99999999999999999999" }, 2, "--last: expected" },
        { "empty last", { "--last", "" }, 2, "'': --last: expected" },
        { "since yesterday", { "--since", "yesterday" }, 2, "'yesterday': --since: expected a time such as" },
        { "failed predictions", { "--accuracy", "--failed" }, 2, "'--failed': --accuracy and --what-if are about completed" },
        { "control characters", { "--\033[31m\n" }, 2, "'--?[31m ': unknown option" },
        { "no such file", { "/nonexistent/\033h" }, 1, "the history '/nonexistent/?h': No such file" },
        { "a directory", { "/tmp" }, 2, "the history '/tmp': expected a file" },
        { "no configuration", { NULL }, 1, "/nonexistent: No such file" },
};

static void test_bad(void **state)
{
        const struct bad_case *c = *state;

        assert_int_equal(records_run(mt_command_history, "/nonexistent", 0, c->argument), c->status);
        assert_string_equal(records_out, "");
        if (strncmp(records_err, "migtune history: ", 17) != 0 || strstr(records_err, c->want) == NULL)
                fail_msg("%s", records_err);
        assert_int_equal(records_lines(records_err), 1);
        records_harmless(records_err);
}

static void test_history_off(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        static const char config[] = "history = { file = \"\"; };\n", broken[] = "history = 7;\n";
        const char *conf = scratch_write(&scratch, "a.conf", config, strlen(config));

        (void)state;
        assert_int_equal(records_run(mt_command_history, conf, 0, (const char *const[]){ NULL }), 1);
        assert_non_null(strstr(records_err, "history.file = \"\": there is no history"));
        conf = scratch_write(&scratch, "b.conf", broken, strlen(broken));
        assert_int_equal(records_run(mt_command_history, conf, 0, (const char *const[]){ NULL }), 2);
        assert_int_equal(records_lines(records_err), 1);
}

static void test_help(void **state)
{
        (void)state;
        assert_int_equal(RUN(0, "--last", "--help"), 0);
        assert_true(strncmp(records_out, "usage: migtune history ", 23) == 0);
        assert_string_equal(records_err, "");
}

#define NOW UINT64_C(1795155300000) /* 2026-11-20T06:15:00Z */

static const struct since_case {
        const char *name;
        int want_r;
        uint64_t want;
} sinces[] = {
        { "0s", 0, NOW },
        { "300ms", 0, NOW - 300 },
        { "90min", 0, NOW - 5400000 },
        { "2h", 0, NOW - 7200000 },
        { "7d", 0, NOW - UINT64_C(604800000) },
        { "2w", 0, NOW - UINT64_C(1209600000) },
        { "999999999w", 0, 1 },
        { "2026-11-20", 0, UINT64_C(1795132800000) },
        { "1970-01-01", 0, 1 },
        { "2026-11-20T06:15:00Z", 0, NOW },
        { "2026-11-20t06:15:00z", 0, NOW },
        { "2026-11-20 06:15:00Z", 0, NOW },
        { "2026-11-20T06:15:00.5Z", 0, NOW + 500 },
        { "2026-11-20T06:15:00.123456789Z", 0, NOW + 123 },
        { "2026-11-20T07:15:00+01:00", 0, NOW },
        { "2026-11-20T00:45:00-05:30", 0, NOW },
        { "2024-02-29", 0, UINT64_C(1709164800000) },
        { "1970-01-01T00:00:00+10:00", 0, 1 },
        { "2026-02-30", -EINVAL, 7 },
        { "2025-02-29T00:00:00Z", -EINVAL, 7 },
        { "2026-13-01", -EINVAL, 7 },
        { "2026-11-20T25:00:00Z", -EINVAL, 7 },
        { "2026-11-20T06:15:00", -EINVAL, 7 },
        { "2026-11-20T06:15:00.Z", -EINVAL, 7 },
        { "2026-11-20T06:15Z", -EINVAL, 7 },
        { "2026-11-20T06:15:00+0100", -EINVAL, 7 },
        { "2026-11-20T06:15:00+24:00", -EINVAL, 7 },
        { "2026-11-20T06:15:00+01:60", -EINVAL, 7 },
        { "2026-11-20Z", -EINVAL, 7 },
        { "20261120", -EINVAL, 7 },
        { "30", -EINVAL, 7 },
        { "h", -EINVAL, 7 },
        { "-2h", -EINVAL, 7 },
        { "9999999999d", -EINVAL, 7 },
        { " ", -EINVAL, 7 },
};

static void test_since(void **state)
{
        const struct since_case *c = *state;
        uint64_t got = 7;

        assert_int_equal(mt_since_parse(c->name, NOW, &got), c->want_r);
        assert_true(got == c->want);
}

static void test_ring(void **state)
{
        struct mt_ring ring = { .limit = 37 };

        (void)state;
        for (unsigned i = 0; i < 1000; i++) {
                unsigned *item = malloc(sizeof(*item));

                assert_non_null(item);
                *item = i;
                assert_int_equal(mt_ring_add(&ring, item), 0);
                assert_int_equal(ring.n, i < 37 ? i + 1 : 37);
                for (size_t k = 0; k < ring.n; k++)
                        assert_int_equal(*(const unsigned *)mt_ring_at(&ring, k), i + 1 - ring.n + k);
        }
        mt_ring_done(&ring);
        mt_ring_done(&ring);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_table),       cmocka_unit_test(test_narrow),
                cmocka_unit_test(test_widths),      cmocka_unit_test(test_the_last_twenty),
                cmocka_unit_test(test_long_lines),  cmocka_unit_test(test_json_is_the_record),
                cmocka_unit_test(test_nothing_yet), cmocka_unit_test(test_history_off),
                cmocka_unit_test(test_help),        cmocka_unit_test(test_ring),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(filters) + MT_ARRAY_SIZE(damages) + MT_ARRAY_SIZE(bad) +
                                MT_ARRAY_SIZE(sinces) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, filters, test_filter);
        ADD_ROWS(tests, n, damages, test_damage);
        ADD_ROWS(tests, n, bad, test_bad);
        ADD_ROWS(tests, n, sinces, test_since);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("history_command", tests, n, NULL, NULL);
}
