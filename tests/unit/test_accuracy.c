/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune history --accuracy: which records count, the quantiles, and what is printed of them. */
#include "array.h"
#include "cleanup.h"
#include "command/history/accuracy.h"
#include "command/member.h"
#include "record/quantile.h"
#include "records.h"

#include <math.h>

#define RUN(...) records_run(mt_command_history, "/nonexistent", 0, (const char *const[]){ "--accuracy", __VA_ARGS__, NULL })

static const struct quantile_case {
        const char *name;
        double values[5];
        size_t n;
        double q, want;
} quantiles[] = {
        { "of none", { 0 }, 0, 0.5, (double)NAN },
        { "of one", { 7 }, 1, 0.25, 7 },
        { "the mean of two", { 1, 2 }, 2, 0.5, 1.5 },
        { "the middle of three", { 1, 2, 9 }, 3, 0.5, 2 },
        { "a quarter of five", { 0, 10, 20, 30, 40 }, 5, 0.25, 10 },
        { "between two of four", { 0, 10, 20, 30 }, 4, 0.25, 7.5 },
        { "the last", { 1, 2, 3 }, 3, 1.0, 3 },
        { "the ninetieth of five", { 0, 10, 20, 30, 40 }, 5, 0.9, 36 },
        { "just below the infinite", { 1, 2, 3, (double)INFINITY, (double)INFINITY }, 5, 0.5, 3 },
        { "among the infinite", { 1, (double)INFINITY, (double)INFINITY }, 3, 0.75, (double)INFINITY },
        { "towards the infinite", { 1, (double)INFINITY }, 2, 0.5, (double)INFINITY },
};

static void test_quantile(void **state)
{
        const struct quantile_case *c = *state;
        double got = mt_quantile(c->values, c->n, c->q);

        if (isfinite(c->want))
                assert_true(fabs(got - c->want) < 1e-12);
        else
                assert_int_equal(isnan(got), isnan(c->want));
}

/* One record: does it count, and if not, why? */
static const struct count_case {
        const char *name;
        struct record record;
        const char *left_out; /* NULL: it counts */
} counts[] = {
        { "completed", { .id = "A" }, NULL },
        { "failed", { .result = "failed", .actual = "700,null,0" }, "not_completed" },
        { "cancelled", { .result = "cancelled" }, "not_completed" },
        { "observed", { .mode = "observe" }, "not_enforced" },
        { "of a mode to come", { .mode = "" }, "not_enforced" },
        { "adopted", { .more = "\"adopted\":true," }, "adopted" },
        { "not adopted", { .more = "\"adopted\":false," }, NULL },
        { "nothing was seen of it", { .actual = "700,null,0" }, "unseen" },
        { "without a limit said", { .more = "\"adopted\":null," }, NULL },
};

static json_object *accuracy_json(const char *file)
{
        json_object *o;

        assert_int_equal(RUN("--json", file), 0);
        assert_int_equal(records_lines(records_out), 1);
        o = json_tokener_parse(records_out);
        assert_non_null(o);
        return o;
}

static void test_count(void **state)
{
        const struct count_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        MT_CLEANUP(mt_member_putp) json_object *o = accuracy_json(records_write(&scratch, &c->record, 1, ""));
        char path[64];

        assert_int_equal((int)mt_member_number(o, "predictions"), c->left_out == NULL);
        (void)snprintf(path, sizeof(path), "left_out/%s", c->left_out != NULL ? c->left_out : "adopted");
        assert_int_equal((int)mt_member_number(o, path), c->left_out != NULL);
        assert_int_equal((int)mt_member_number(o, "unreadable_lines"), 0);
}

/* One prediction against one outcome. Wanted: shares, ms, and where the limit's count goes. */
static const struct error_case {
        const char *name, *predicted, *actual;
        bool not_met;
        double total, bytes, downtime, downtime_ms; /* medians; NAN: null */
        const char *limit;                          /* "said/held"... NULL: nowhere */
        unsigned margin;                            /* index */
} errors[] = {
        { "right", "10000,250,1000", "10000,250,1000", false, 0, 0, 0, 0, "limit_said/held", 2 },
        { "too long", "12500,300,1500", "10000,200,1000", false, 0.25, 0.5, 0.5, 100, "limit_said/held", 1 },
        { "too short", "5000,100,500", "10000,400,1000", false, 0.5, 0.5, 0.75, 300, "limit_said/not_held", 4 },
        { "just held", "10000,250,1000", "10000,300,1000", false, 0, 0, 50.0 / 300, 50, "limit_said/held", 2 },
        { "just not", "10000,250,1000", "10000,301,1000", false, 0, 0, 51.0 / 301, 51, "limit_said/not_held", 3 },
        { "not said, not held", "10000,500,1000", "10000,1000,1000", true, 0, 0, 0.5, 500, "limit_not_said/not_held", 5 },
        { "not said, held", "10000,500,1000", "10000,100,1000", true, 0, 0, 4, 400, "limit_not_said/held", 0 },
        { "never to end", "null,null,null", "10000,100,1000", true, (double)NAN, (double)NAN, (double)NAN, (double)NAN,
          "limit_not_said/held", 0 },
        { "no blackout", "10000,5,1000", "10000,0,1000", false, 0, 0, (double)NAN, 5, "limit_said/held", 0 },
        { "blackout not known", "10000,5,1000", "10000,null,1000", false, 0, 0, (double)NAN, (double)NAN, NULL, 0 },
        { "huge", "1e300,1e300,1e300", "1,1,1", false, (double)NAN, (double)NAN, (double)NAN, (double)NAN, "limit_said/held",
          0 },
};

static void number_is(json_object *o, const char *path, double want)
{
        double got = mt_member_number(o, path);

        if (isnan(want) ? !isnan(got) : fabs(got - want) > 1e-5 * fmax(want, 1.0))
                fail_msg("%s: %g, not %g", path, got, want);
}

static void test_error(void **state)
{
        const struct error_case *c = *state;
        const struct record one = { .predicted = c->predicted, .actual = c->actual, .not_met = c->not_met };
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        MT_CLEANUP(mt_member_putp) json_object *o = accuracy_json(records_write(&scratch, &one, 1, ""));
        json_object *all = json_object_array_get_idx(mt_member(o, "groups"), 0);
        json_object *margins = mt_member(o, "blackout_of_limit");
        static const char *const limits[] = { "limit_said/held", "limit_said/not_held", "limit_not_said/held",
                                              "limit_not_said/not_held" };

        number_is(all, "total_time_error/median", c->total);
        number_is(all, "total_time_error/q1", c->total);
        number_is(all, "bytes_error/q3", c->bytes);
        number_is(all, "downtime_error/median", c->downtime);
        number_is(all, "downtime_error_ms/p90", c->downtime_ms);
        for (unsigned i = 0; i < MT_ARRAY_SIZE(limits); i++)
                number_is(all, limits[i], c->limit != NULL && strcmp(limits[i], c->limit) == 0 ? 1 : 0);
        assert_int_equal(json_object_array_length(margins), MT_ACCURACY_MARGINS);
        for (unsigned i = 0; i < MT_ACCURACY_MARGINS; i++)
                number_is(json_object_array_get_idx(margins, i), c->not_met ? "limit_not_said" : "limit_said",
                          c->limit != NULL && i == c->margin ? 1 : 0);
        assert_int_equal(RUN(records_write(&scratch, &one, 1, "")), 0);
        assert_null(strstr(records_out, "nan"));
}

/* Four that count, of different kinds, in an order that is not theirs. */
static const struct record mixed[] = {
        { .strategy = "clark",
          .technique = "hybrid",
          .source = "history",
          .predicted = "11000,250,1000",
          .actual = "10000,250,1000" },
        { .strategy = "lambda-range", .predicted = "13000,250,1000", .actual = "10000,250,1000" },
        { .result = "failed", .actual = "1,null,1" },
        { .strategy = "of tomorrow",
          .technique = "of tomorrow",
          .source = "of tomorrow",
          .predicted = "12000,250,1000",
          .actual = "10000,250,1000" },
        { .strategy = "lambda-range", .predicted = "10000,250,1000", .actual = "10000,250,1000" },
};

static void test_groups(void **state)
{
        static const struct {
                const char *by, *name;
                int n;
                double median;
        } want[] = { { "all", "all", 4, 0.15 },
                     { "strategy", "lambda-range", 2, 0.15 },
                     { "strategy", "clark", 1, 0.1 },
                     { "strategy", "other", 1, 0.2 },
                     { "technique", "pre-copy", 2, 0.15 },
                     { "technique", "hybrid", 1, 0.1 },
                     { "technique", "other", 1, 0.2 },
                     { "dirty_rate_source", "history", 1, 0.1 },
                     { "dirty_rate_source", "measured", 2, 0.15 },
                     { "dirty_rate_source", "other", 1, 0.2 } };
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        MT_CLEANUP(mt_member_putp)
        json_object *o = accuracy_json(records_write(&scratch, mixed, MT_ARRAY_SIZE(mixed), "{\"cut"));

        (void)state;
        assert_int_equal(mt_member_count(o, "groups"), MT_ARRAY_SIZE(want));
        for (unsigned i = 0; i < MT_ARRAY_SIZE(want); i++) {
                json_object *group = json_object_array_get_idx(mt_member(o, "groups"), i);

                assert_string_equal(mt_member_text(group, "by"), want[i].by);
                assert_string_equal(mt_member_text(group, "name"), want[i].name);
                assert_int_equal((int)mt_member_number(group, "migrations"), want[i].n);
                number_is(group, "total_time_error/median", want[i].median);
        }
        assert_int_equal((int)mt_member_number(o, "unreadable_lines"), 1);
}

static void test_table(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, mixed, MT_ARRAY_SIZE(mixed), "");

        (void)state;
        assert_int_equal(RUN(file), 0);
        assert_string_equal(records_err, "");
        assert_non_null(strstr(records_out, "left out: 1 not completed, 0 not enforced, 0 not seen from the beginning\n"));
        assert_non_null(strstr(records_out, "\nall                    4    7.5   15.0   22.5     0.0    0.0    0.0\n"));
        assert_non_null(strstr(records_out, "\nstrategy\n  lambda-range         2    7.5   15.0   22.5     0.0"));
        assert_non_null(strstr(records_out, "\ndirty rate from\n  history              1   10.0"));
        assert_non_null(strstr(records_out, "  80 to 100 %                     4          0\n"));
        for (const char *line = records_out, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
                if (strstr(line, " predictions in ") == NULL || strstr(line, " predictions in ") > end)
                        assert_true(end - line < 80);
}

/* --last is of those that count. */
static void test_last(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, mixed, MT_ARRAY_SIZE(mixed), "");

        (void)state;
        assert_int_equal(RUN("--last", "1", file), 0);
        assert_int_equal(strncmp(records_out, "1 prediction in /", 17), 0);
        assert_non_null(strstr(records_out, "\nall                    1    0.0    0.0    0.0"));
        assert_int_equal(RUN("--last", "100", file), 0);
        assert_int_equal(strncmp(records_out, "4 predictions in /", 18), 0);
        assert_int_equal(RUN("--domain", "nobody", file), 0);
        assert_int_equal(strncmp(records_out, "0 predictions in /", 18), 0);
        assert_int_equal(records_lines(records_out), 1);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_groups),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_last),
        };
        struct CMUnitTest
                tests[MT_ARRAY_SIZE(quantiles) + MT_ARRAY_SIZE(counts) + MT_ARRAY_SIZE(errors) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, quantiles, test_quantile);
        ADD_ROWS(tests, n, counts, test_count);
        ADD_ROWS(tests, n, errors, test_error);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("accuracy", tests, n, NULL, NULL);
}
