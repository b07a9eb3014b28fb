/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune history --what-if: which records count, what is made of them, and what is printed. */
#include "command/history/what_if.h"
#include "array.h"
#include "cleanup.h"
#include "command/member.h"
#include "records.h"

#include <math.h>

#define RUN(...) records_run(mt_command_history, "/nonexistent", 0, (const char *const[]){ "--what-if", __VA_ARGS__, NULL })
#define APPLIED "\"applied\":{\"bandwidth_mbps\":0,\"downtime_limit_ms\":0,\"changes\":0},\"tc\":[],"

static const struct count_case {
        const char *name;
        struct record record;
        const char *left_out; /* NULL: it counts */
} counts[] = {
        { "observed", { .mode = "observe" }, NULL },
        { "steered", { .id = "A" }, "steered" },
        { "steered, with limits set",
          { .more = "\"applied\":{\"changes\":3,\"downtime_limit_ms\":300},\"tc\":[]," },
          "steered" },
        { "to be steered, but nothing was set", { .more = APPLIED }, NULL },
        { "failed", { .mode = "observe", .result = "failed", .actual = "700,null,0" }, "not_completed" },
        { "adopted", { .mode = "observe", .more = "\"adopted\":true," }, "adopted" },
        { "nothing was seen of it", { .mode = "observe", .actual = "700,null,0" }, "unseen" },
};

static json_object *what_if_json(const char *file)
{
        json_object *o;

        assert_int_equal(RUN("--json", file), 0);
        o = json_tokener_parse(records_out);
        assert_non_null(o);
        return o;
}

static void test_count(void **state)
{
        const struct count_case *c = *state;
        struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, &c->record, 1, "");
        MT_CLEANUP(mt_member_putp) json_object *o = what_if_json(file);
        char path[64];

        assert_int_equal(mt_member_count(o, "migrations"), c->left_out == NULL ? 1 : 0);
        if (c->left_out != NULL) {
                (void)snprintf(path, sizeof(path), "left_out/%s", c->left_out);
                assert_true(mt_member_number(o, path) == 1.0);
        }
        scratch_done(&scratch);
}

/* What others lost: before - then, where it is less, sample by sample. */
static const struct others_case {
        const char *name, *src, *samples;
        double want; /* bytes; NAN: not known */
} others[] = {
        { "half for a second", "\"known\":true,\"out_mbps\":800", "{\"t_ms\":1000,\"others_mbps\":400}", 50e6 },
        { "more later is no gain", "\"known\":true,\"out_mbps\":800",
          "{\"t_ms\":1000,\"others_mbps\":400},{\"t_ms\":2000,\"others_mbps\":900}", 50e6 },
        { "nothing", "\"known\":true,\"out_mbps\":800", "{\"t_ms\":1000,\"others_mbps\":800}", 0 },
        { "not known before", "\"known\":false,\"out_mbps\":0", "{\"t_ms\":1000,\"others_mbps\":800}", (double)NAN },
        { "not known then", "\"known\":true,\"out_mbps\":800", "{\"t_ms\":1000,\"others_mbps\":null}", (double)NAN },
        { "no samples", "\"known\":true,\"out_mbps\":800", "", (double)NAN },
        { "a gap counts with what comes after it", "\"known\":true,\"out_mbps\":800",
          "{\"t_ms\":1000,\"others_mbps\":null},{\"t_ms\":2000,\"others_mbps\":400}", 100e6 },
};

static void test_others(void **state)
{
        const struct others_case *c = *state;
        struct mt_what_if_left_out left_out = { 0 };
        struct mt_what_if_row row;
        char text[1024];
        json_object *record;

        (void)snprintf(text, sizeof(text),
                       "{\"result\":\"completed\",\"mode\":\"observe\",\"facts\":{\"src\":{%s}},"
                       "\"actual\":{\"total_ms\":2000,\"bytes\":5,\"samples\":[%s]}}",
                       c->src, c->samples);
        record = json_tokener_parse(text);
        assert_non_null(record);
        assert_true(mt_what_if_row(record, &left_out, &row));
        if (isnan(c->want))
                assert_true(isnan(row.actual[MT_WHAT_IF_OTHERS]));
        else
                assert_true(fabs(row.actual[MT_WHAT_IF_OTHERS] - c->want) < 1.0);
        assert_true(isnan(row.planned[MT_WHAT_IF_OTHERS]) && isnan(row.limit_ms));
        (void)json_object_put(record);
}

/* predicted, actual: total, downtime, bytes. */
static const struct record three[] = {
        { .mode = "observe", .domain = "a", .predicted = "8000,200,1000", .actual = "10000,400,3000" },
        { .mode = "observe",
          .domain = "b\\u001b[2J",
          .predicted = "5000,250,2000",
          .actual = "4000,100,1000",
          .limit = 150 },
        { .mode = "observe", .domain = "c", .predicted = "null,null,null", .actual = "7000,900,9000" },
        { .domain = "steered", .predicted = "9000,100,1000", .actual = "10000,200,1000" },
        { .domain = "steered", .predicted = "10000,100,1000", .actual = "10000,100,1000" },
};

static void test_sums(void **state)
{
        struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, MT_ARRAY_SIZE(three), "what is this\n");
        MT_CLEANUP(mt_member_putp) json_object *o = what_if_json(file);

        (void)state;
        assert_int_equal(mt_member_count(o, "migrations"), 3);
        assert_true(mt_member_number(o, "sum/migrations/total_ms") == 2.0);
        assert_true(mt_member_number(o, "sum/actual/total_ms") == 14000.0);
        assert_true(mt_member_number(o, "sum/planned/total_ms") == 13000.0);
        assert_true(mt_member_number(o, "sum/actual/downtime_ms") == 500.0);
        assert_true(mt_member_number(o, "sum/planned/downtime_ms") == 450.0);
        assert_true(mt_member_number(o, "sum/planned_never_ends") == 1.0);
        assert_true(mt_member_number(o, "sum/actual_over_limit") == 2.0);  /* 400 and 900 of 300 */
        assert_true(mt_member_number(o, "sum/planned_over_limit") == 2.0); /* 250 of 150, and never */
        assert_true(mt_member_number(o, "median_accuracy/predictions") == 2.0);
        assert_true(fabs(mt_member_number(o, "median_accuracy/total_time_error") - 0.05) < 1e-9);
        assert_true(fabs(mt_member_number(o, "median_accuracy/downtime_error_ms") - 50.0) < 1e-9);
        assert_true(mt_member_number(o, "left_out/steered") == 2.0);
        assert_true(mt_member_number(o, "unreadable_lines") == 1.0);
        scratch_done(&scratch);
}

static void test_table(void **state)
{
        struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, MT_ARRAY_SIZE(three), "");

        (void)state;
        assert_int_equal(RUN(file), 0);
        records_harmless(records_out);
        assert_non_null(strstr(records_out, "3 migrations that migtune did not steer in "));
        assert_non_null(strstr(records_out, "2026-11-20 06:15:00 actual     10.0 s    400 ms    300 ms"));
        assert_non_null(strstr(records_out, "never"));
        assert_non_null(strstr(records_out, "  time                         1.0 s less, of 2 of them\n"));
        assert_non_null(strstr(records_out, "  blackout                     50 ms less"));
        assert_non_null(strstr(records_out, "Blackouts above max_downtime: 2 of 3 as it was, 2 as planned.\n"));
        assert_non_null(
                strstr(records_out, "Of the 2 steered migrations in this history half were predicted within\n5.0 % of"));
        assert_null(strstr(records_out, "nan"));
        assert_int_equal(RUN("--domain", "b*", file), 0);
        assert_non_null(strstr(records_out, "1 migration that migtune did not steer"));
        assert_non_null(strstr(records_out, "MORE"));
        assert_null(strstr(records_out, "all together"));
        assert_int_equal(RUN("--last", "2", file), 0);
        assert_non_null(strstr(records_out, "2 migrations that migtune did not steer"));
        scratch_done(&scratch);
}

static void test_nothing(void **state)
{
        struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, 1, "");

        (void)state;
        assert_int_equal(RUN(file), 0);
        assert_non_null(strstr(records_out, "no steered migration in this history tells how good they are here"));
        file = records_write(&scratch, three + 3, 1, "");
        assert_int_equal(RUN(file), 0);
        assert_non_null(strstr(records_out, "0 migrations that migtune did not steer in "));
        assert_int_equal(records_lines(records_out), 2);
        assert_int_equal(RUN("--failed"), 2);
        assert_non_null(strstr(records_err, "'--failed': --accuracy and --what-if are about completed migrations alone"));
        assert_int_equal(RUN("--accuracy"), 2);
        assert_non_null(strstr(records_err, "expected it without --accuracy"));
        scratch_done(&scratch);
}

int main(void)
{
        static const struct CMUnitTest plain[] = { cmocka_unit_test(test_sums), cmocka_unit_test(test_table),
                                                   cmocka_unit_test(test_nothing) };
        struct CMUnitTest tests[MT_ARRAY_SIZE(counts) + MT_ARRAY_SIZE(others) + MT_ARRAY_SIZE(plain)];
        size_t n = 0;

        ADD_ROWS(tests, n, counts, test_count);
        ADD_ROWS(tests, n, others, test_others);
        for (size_t i = 0; i < MT_ARRAY_SIZE(plain); i++)
                tests[n++] = plain[i];
        return _cmocka_run_group_tests("what_if", tests, n, NULL, NULL);
}
