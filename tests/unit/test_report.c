/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a report: text in HTML, bins, places, what a record tells, sums of many. */
#include "array.h"
#include "cleanup.h"
#include "command/report/course.h"
#include "command/report/histogram.h"
#include "command/report/html.h"
#include "command/report/place.h"
#include "command/report/sums.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct text_case {
        const char *name, *text, *want;
} texts[] = {
        { "plain", "instance-0000001a", "instance-0000001a" },
        { "an element", "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;" },
        { "out of an attribute", "\" onload=\"x", "&quot; onload=&quot;x" },
        { "the other quote", "' onload='x", "&#39; onload=&#39;x" },
        { "an entity", "&lt;b&gt;", "&amp;lt;b&amp;gt;" },
        { "the end of a style or a comment", "--></style>]]>", "--&gt;&lt;/style&gt;]]&gt;" },
        { "control characters", "a\033[2Jb\x01\x7f", "a?[2Jb??" },
        { "newline and tab", "a\nb\tc", "a b c" },
        { "what turns the direction", "a\342\200\256b", "a?b" }, /* NOLINT(misc-misleading-bidirectional) */
        { "no UTF-8", "a\xff\xc0\xaf", "a???" },
        { "umlauts and CJK", "büro-東京", "büro-東京" },
        { "empty", "", "" },
};

static void test_text(void **state)
{
        const struct text_case *c = *state;
        char *got = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&got, &size);

        assert_non_null(out);
        mt_html_text(out, c->text);
        assert_int_equal(fclose(out), 0);
        assert_string_equal(got, c->want);
        free(got);
}

static const struct bin_case {
        const char *name;
        double share;
        size_t want;
} bins[] = {
        { "nothing", 0.0, 0 },
        { "a tenth", 0.1, 0 },
        { "more than a tenth", 0.1001, 1 },
        { "three tenths", 0.3, 2 },
        { "seven tenths", 0.7, 6 },
        { "nearly all", 0.999999, 9 },
        { "the limit", 1.0, 9 },
        { "a hair more", 1.000001, 10 },
        { "a tenth more", 1.1, 10 },
        { "twice as long", 2.0, 19 },
        { "more than twice", 2.01, 20 },
        { "far more", 1e9, 20 },
        { "without end", (double)INFINITY, 20 },
};

static void test_bin(void **state)
{
        const struct bin_case *c = *state;

        assert_int_equal(mt_histogram_bin(c->share), c->want);
}

static void test_histogram(void **state)
{
        struct mt_histogram histogram = { .n = 0 };

        (void)state;
        for (unsigned ms = 0; ms <= 300; ms++)
                mt_histogram_add(&histogram, ms / 300.0);
        mt_histogram_add(&histogram, (double)NAN);
        mt_histogram_add(&histogram, -0.5);
        assert_int_equal(histogram.n, 301);
        assert_int_equal(histogram.count[0], 31);
        for (size_t i = 1; i < MT_HISTOGRAM_LIMIT; i++)
                assert_int_equal(histogram.count[i], 30);
        assert_int_equal(mt_histogram_sum(&histogram, 0, MT_HISTOGRAM_LIMIT), 301);
        assert_int_equal(mt_histogram_sum(&histogram, MT_HISTOGRAM_LIMIT, MT_HISTOGRAM_BINS), 0);
}

static const struct step_case {
        const char *name;
        double range;
        unsigned most;
        double want;
} steps[] = {
        { "ten of ten", 10, 10, 1 }, { "ten, at most five", 10, 5, 2 },   { "a little more", 10.6, 5, 5 },
        { "a second", 1, 5, 0.2 },   { "milliseconds", 0.004, 4, 0.001 }, { "a gigabit", 1060, 5, 500 },
        { "one step", 7, 1, 10 },
};

static void test_step(void **state)
{
        const struct step_case *c = *state;
        const double got = mt_place_step(c->range, c->most);

        assert_true(fabs(got - c->want) < 1e-9 * c->want);
        assert_true(c->range / got <= c->most + 1e-9);
}

static const struct apart_case {
        const char *name;
        double places[4];
        size_t n;
        double want[4];
} aparts[] = {
        { "far from each other", { 10, 50, 90 }, 3, { 10, 50, 90 } },
        { "two at one place", { 50, 50 }, 2, { 50, 60 } },
        { "at the lower end", { 0, 1, 2 }, 3, { 0, 10, 20 } },
        { "at the upper end", { 99, 100, 98 }, 3, { 90, 100, 80 } },
        { "out of it", { -20, 500 }, 2, { 0, 100 } },
        { "in any order", { 30, 5, 31, 4 }, 4, { 30, 14, 40, 4 } },
        { "none", { 0 }, 0, { 0 } },
};

static void test_apart(void **state)
{
        const struct apart_case *c = *state;
        double places[4];

        (void)memcpy(places, c->places, sizeof(places));
        mt_place_apart(places, c->n, 10.0, 0.0, 100.0);
        for (size_t i = 0; i < c->n; i++)
                assert_true(fabs(places[i] - c->want[i]) < 1e-9);
}

/* More than there is room for: in their order, from the beginning on. */
static void test_no_room(void **state)
{
        double places[MT_PLACES] = { 5, 5, 5, 5, 5, 5, 5, 5 };

        (void)state;
        mt_place_apart(places, MT_PLACES, 10.0, 0.0, 30.0);
        for (size_t i = 0; i < MT_PLACES; i++)
                assert_true(fabs(places[i] - 10.0 * (double)i) < 1e-9);
}

static void test_ticks(void **state)
{
        struct mt_place_tick ticks[MT_PLACE_TICKS];

        (void)state;
        assert_int_equal(mt_place_time_ticks(90.0, 1100.0, 9, ticks), 4);
        assert_string_equal(ticks[0].label, "100 ms");
        assert_string_equal(ticks[3].label, "1 s");
        assert_true(mt_place_time_ticks(0.5, 1e10, 9, ticks) <= MT_PLACE_TICKS);
        assert_string_equal(ticks[1].label, "10 ms"); /* too many: only the greater ones */
        assert_int_equal(mt_place_time_ticks(1.1, 1.2, 9, ticks), 0);
}

#define COMPLETED "\"event\":\"migration\",\"result\":\"completed\",\"mode\":\"enforce\""

/* The point of a record. */
static struct mt_report_point point_of(const char *json)
{
        json_object *o = json_tokener_parse(json);
        struct mt_report_point point;

        assert_non_null(o);
        point = mt_report_point(o);
        (void)json_object_put(o);
        return point;
}

static void test_point(void **state)
{
        const struct mt_report_point p = point_of(
                "{" COMPLETED ",\"started\":\"2026-11-20T06:15:00.000Z\",\"source\":\"host1\",\"domain\":{\"memory_bytes\":"
                "4096},\"facts\":{\"src\":{\"known\":true,\"out_mbps\":400}},\"intent\":{\"max_downtime_ms\":300},\"plan\":{"
                "\"prediction\":{\"total_ms\":9000,\"downtime_ms\":null,\"bytes\":5000},\"alternatives\":[{\"name\":\"post-"
                "copy, "
                "clark\",\"technique\":\"post-copy\",\"prediction\":{\"total_ms\":null,\"bytes\":null}},{\"name\":\"of "
                "another "
                "kind\",\"technique\":\"pre-copy\"},{\"name\":\"x, "
                "<b>\",\"technique\":\"pre-copy\"},7]},\"actual\":{\"total_ms\":"
                "10000,\"downtime_ms\":300,\"bytes\":6000,\"technique\":\"hybrid\",\"samples\":[{\"t_ms\":0,\"others_mbps\":"
                "100},{"
                "\"t_ms\":1000,\"others_mbps\":400},{\"t_ms\":4000,\"others_mbps\":null}]}}");

        (void)state;
        assert_int_equal(p.result, MT_REPORT_COMPLETED);
        assert_true(p.counts && !p.observed && mt_report_limit_known(&p) && mt_report_held(&p));
        assert_int_equal(p.started_ms, UINT64_C(1795155300000));
        assert_int_equal(p.technique, MT_HYBRID);
        assert_true(p.predicted_ms == 9000.0f && isinf(p.predicted_downtime_ms) && p.memory_bytes == 4096.0);
        assert_true(p.others_before_mbps == 400.0f && fabsf(p.others_during_mbps - 325.0f) < 0.001f); /* 1 s and 3 s */
        assert_int_equal(p.n_alternatives, 1);
        assert_true(p.alternative[0].technique == MT_POST_COPY && p.alternative[0].way == 4 + MT_CLARK);
        assert_string_equal(p.source, "host1");
}

/* What nobody wrote well is not known, and no error. */
static const struct strange_case {
        const char *name, *json;
} strange[] = {
        { "empty", "{}" },
        { "another result", "{\"result\":\"lost\"}" },
        { "other types",
          "{\"result\":7,\"actual\":[],\"plan\":\"x\",\"facts\":null,\"intent\":3,\"started\":{},\"domain\":[1]}" },
        { "samples that are none", "{" COMPLETED ",\"actual\":{\"samples\":[null,7,\"x\",{\"t_ms\":\"x\"},{}]}}" },
        { "alternatives that are none", "{\"plan\":{\"alternatives\":{\"a\":1}}}" },
        { "negative", "{" COMPLETED ",\"actual\":{\"total_ms\":-1,\"downtime_ms\":-1,\"bytes\":-1,\"stopped_ms\":-1}}" },
};

static void test_strange(void **state)
{
        const struct strange_case *c = *state;
        const struct mt_report_point p = point_of(c->json);
        MT_CLEANUP(mt_course_done) struct mt_course course = { .n = 0 };
        struct mt_report_sums *sums = calloc(1, sizeof(*sums));
        json_object *o = json_tokener_parse(c->json);

        assert_non_null(sums);
        assert_true(isnan(p.total_ms) && isnan(p.downtime_ms) && p.n_alternatives == 0 && p.technique == MT_TECHNIQUES);
        assert_false(p.counts || mt_report_limit_known(&p));
        assert_int_equal(mt_course_read(o, &course), 0);
        assert_int_equal(course.n, 0);
        assert_true(isnan(course.stopped_ms));
        mt_report_add(sums, &p);
        assert_true(sums->n == 1 && sums->bytes == 0.0 && isnan(mt_report_median_time(sums)));
        (void)json_object_put(o);
        free(sums);
}

/* A point whose time was predicted as 100 s and was off by so many percent. */
static struct mt_report_point off_by(double percent)
{
        return (struct mt_report_point){ .counts = true,
                                         .technique = MT_PRE_COPY,
                                         .predicted_ms = 1e5f,
                                         .total_ms = (float)(1e5 / (1.0 + percent / 100.0)),
                                         .predicted_downtime_ms = 100.0f,
                                         .downtime_ms = (float)(100.0 + percent),
                                         .limit_ms = 150.0f,
                                         .bytes = 1e9,
                                         .predicted_bytes = 1e9,
                                         .taken_bytes = 1e6,
                                         .memory_bytes = 5e8,
                                         .n_alternatives = 1,
                                         .alternative = { { MT_POST_COPY, 2, 2e5f, 1.5e9, 3e6 } } };
}

/* However many there are: the sums are of all, and the medians as near as so many drawn can tell. */
static void test_many(void **state)
{
        struct mt_report_sums *sums = calloc(1, sizeof(*sums));

        (void)state;
        assert_non_null(sums);
        for (unsigned i = 0; i < 100000; i++) {
                const struct mt_report_point point = off_by(i % 100);

                mt_report_add(sums, &point);
        }
        assert_int_equal(sums->counted, 100000);
        assert_int_equal(sums->drawn, MT_REPORT_DRAWN);
        assert_int_equal(sums->held, 51000); /* 0 to 50 ms more than 100 */
        assert_int_equal(sums->broken, 49000);
        assert_int_equal(mt_histogram_sum(&sums->shares, 0, MT_HISTOGRAM_LIMIT), 51000);
        assert_true(fabs(mt_report_median_time(sums) - 0.495) < 0.05);
        assert_true(fabs(mt_report_median_downtime(sums) - 49.5) < 5.0);
        assert_true(fabs(sums->copied_bytes / sums->memory_bytes - 2.0) < 1e-9);
        assert_int_equal(sums->cost[MT_POST_COPY][2].n, 100000);
        assert_true(fabs(sums->cost[MT_POST_COPY][2].bytes / sums->cost[MT_POST_COPY][2].actual_bytes - 1.5) < 1e-9);
        free(sums);
}

/* A course of more samples than are drawn keeps its ends, and where its rounds began. */
static void test_long_course(void **state)
{
        MT_CLEANUP(mt_course_done) struct mt_course course = { .n = 0 };
        json_object *record = json_tokener_parse("{" COMPLETED ",\"actual\":{\"total_ms\":512000,\"downtime_ms\":250}}");
        json_object *samples = json_object_new_array(), *actual = NULL;
        unsigned before = 0, rounds = 0;

        (void)state;
        for (unsigned i = 0; i < 512; i++) {
                json_object *o = json_object_new_object();

                (void)json_object_object_add(o, "t_ms", json_object_new_int((int)i * 1000));
                (void)json_object_object_add(o, "iteration", json_object_new_int(1 + (int)i / 27));
                (void)json_object_object_add(o, "dirty_rate_mbps", json_object_new_int(7));
                (void)json_object_array_add(samples, o);
        }
        assert_true(json_object_object_get_ex(record, "actual", &actual));
        (void)json_object_object_add(actual, "samples", samples);
        assert_int_equal(mt_course_read(record, &course), 0);
        assert_true(course.n > MT_COURSE_SAMPLES / 2 && course.n <= 2 * MT_COURSE_SAMPLES);
        assert_true(course.sample[0].ms == 0.0 && course.sample[course.n - 1].ms == 511000.0);
        for (size_t i = 0; i < course.n; i++) {
                if (course.sample[i].iteration != before) {
                        assert_int_equal((unsigned)course.sample[i].ms % 27000, 0);
                        rounds++;
                }
                before = course.sample[i].iteration;
                assert_int_equal(isnan(course.sample[i].dirtied_mbps), before == 1);
                assert_true(isnan(course.sample[i].others_mbps)); /* an older record */
        }
        assert_int_equal(rounds, 19);
        assert_true(course.stopped_ms == 511750.0); /* which such a one does not tell */
        (void)json_object_put(record);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_histogram), cmocka_unit_test(test_no_room), cmocka_unit_test(test_ticks),
                cmocka_unit_test(test_point),     cmocka_unit_test(test_many),    cmocka_unit_test(test_long_course),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(texts) + MT_ARRAY_SIZE(bins) + MT_ARRAY_SIZE(steps) + MT_ARRAY_SIZE(aparts) +
                                MT_ARRAY_SIZE(strange) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, texts, test_text);
        ADD_ROWS(tests, n, bins, test_bin);
        ADD_ROWS(tests, n, steps, test_step);
        ADD_ROWS(tests, n, aparts, test_apart);
        ADD_ROWS(tests, n, strange, test_strange);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("report", tests, n, NULL, NULL);
}
