/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thesis's rules as the tables they amount to, and its bandwidth models at their breaks. */
#include "cleanup.h"
#include "model/traffic.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* after what it needs */
#include <cmocka.h>

#define CLASSES 4
#define TECHNIQUES 3
#define URGENCIES 3

static void test_classify(void **state)
{
        static const struct {
                double in, out;
                enum mt_traffic_class want;
        } rows[] = {
                { 0, 0, MT_TRAFFIC_IDLE },           { 9.999, 9.999, MT_TRAFFIC_IDLE },  { 9.999, 0, MT_TRAFFIC_IDLE },
                { 10, 0, MT_TRAFFIC_INBOUND },       { 0, 10, MT_TRAFFIC_OUTBOUND },     { 10, 9.999, MT_TRAFFIC_MIXED },
                { 120, 100, MT_TRAFFIC_MIXED },      { 120.1, 100, MT_TRAFFIC_INBOUND }, { 100, 120, MT_TRAFFIC_MIXED },
                { 100, 120.1, MT_TRAFFIC_OUTBOUND }, { 500, 500, MT_TRAFFIC_MIXED },
        };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++)
                assert_int_equal(mt_traffic_classify(rows[i].in, rows[i].out, 1.2, 10), rows[i].want);
        assert_int_equal(mt_traffic_classify(50, 20, 1.2, 60), MT_TRAFFIC_IDLE);
        assert_int_equal(mt_traffic_classify(50, 20, 3, 10), MT_TRAFFIC_MIXED);
}

/* 'E': pre-copy, 'O': post-copy; rows: source idle, inbound, outbound, mixed; columns: destination likewise. */
static void check_table(const char *const rows[CLASSES], enum mt_technique got[CLASSES][CLASSES])
{
        for (int s = 0; s < CLASSES; s++) {
                for (int d = 0; d < CLASSES; d++)
                        assert_int_equal(got[s][d], rows[s][d] == 'E' ? MT_PRE_COPY : MT_POST_COPY);
        }
}

static void test_technique_single(void **state)
{
        static const char *const want[CLASSES] = { "OEEE", "EEEE", "OOOO", "OOOO" };
        static const char *const want_text[CLASSES] = { "OEEE", "OEEE", "OOOO", "OOOO" };
        enum mt_technique got[CLASSES][CLASSES], text[CLASSES][CLASSES];

        (void)state;
        for (int s = 0; s < CLASSES; s++) {
                for (int d = 0; d < CLASSES; d++) {
                        got[s][d] = mt_traffic_technique((enum mt_traffic_class)s, (enum mt_traffic_class)d);
                        text[s][d] = mt_traffic_technique_text((enum mt_traffic_class)s, (enum mt_traffic_class)d);
                }
        }
        check_table(want, got);
        check_table(want_text, text);
}

static void test_technique_parallel(void **state)
{
        static const char *const others[CLASSES] = { "OEEE", "OEOO", "OOOO", "OEOO" };
        static const char *const inbound[CLASSES] = { "OEEE", "EEEE", "OOOO", "EEEE" };
        enum mt_technique got[CLASSES][CLASSES];

        (void)state;
        for (int v = 0; v < CLASSES; v++) {
                for (int s = 0; s < CLASSES; s++) {
                        for (int d = 0; d < CLASSES; d++)
                                got[s][d] = mt_traffic_parallel_technique((enum mt_traffic_class)s, (enum mt_traffic_class)d,
                                                                          (enum mt_traffic_class)v);
                }
                check_table(v == MT_TRAFFIC_INBOUND ? inbound : others, got);
        }
}

/* Each fit at a break (which belongs to the left), just right of it, and at both ends. */
static void test_model_points(void **state)
{
        static const struct {
                enum mt_technique technique;
                enum mt_traffic_class traffic;
                double x, want;
        } rows[] = {
                { MT_PRE_COPY, MT_TRAFFIC_INBOUND, 1000, 903.67 },
                { MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 0, 905 },
                { MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 35, 895.55 },
                { MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 35.0001, 895.7 },
                { MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 472, 467.44 },
                { MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 472.0001, 467.048 },
                { MT_PRE_COPY, MT_TRAFFIC_MIXED, 481, 469.09 },
                { MT_PRE_COPY, MT_TRAFFIC_MIXED, 481.0001, 467.419 },
                { MT_POST_COPY, MT_TRAFFIC_INBOUND, 510, 340.80 },
                { MT_POST_COPY, MT_TRAFFIC_INBOUND, 510.0001, 337.80 },
                { MT_POST_COPY, MT_TRAFFIC_OUTBOUND, 1000, 849.10 },
                { MT_POST_COPY, MT_TRAFFIC_MIXED, 528, 340.46 },
                { MT_POST_COPY, MT_TRAFFIC_MIXED, 528.0001, 338.88 },
                { MT_HYBRID, MT_TRAFFIC_INBOUND, 500, 897.62 },
                { MT_HYBRID, MT_TRAFFIC_OUTBOUND, 476, 469.26 },
                { MT_HYBRID, MT_TRAFFIC_OUTBOUND, 476.0001, 473.62 },
                { MT_HYBRID, MT_TRAFFIC_MIXED, 485, 461.90 },
                { MT_HYBRID, MT_TRAFFIC_MIXED, 485.0001, 464.315 },
                { MT_HYBRID, MT_TRAFFIC_MIXED, 1000, 465.86 },
                { MT_POST_COPY, MT_TRAFFIC_IDLE, 5, 848.105 },
                { MT_PRE_COPY, MT_TRAFFIC_IDLE, 5, 903.471 },
                { MT_HYBRID, MT_TRAFFIC_IDLE, 5, 896.828 },
                { MT_POST_COPY, MT_TRAFFIC_INBOUND, 4000, 279 },
                { MT_POST_COPY, MT_TRAFFIC_INBOUND, -7, 861 },
        };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++)
                assert_true(fabs(mt_traffic_model(rows[i].technique, rows[i].traffic, rows[i].x) - rows[i].want) < 5e-4);
}

/* No fit jumps by more than 1 %, none is ever outside what a 1 Gbit/s path can give. */
static void test_model_is_sane(void **state)
{
        (void)state;
        for (int t = 0; t < TECHNIQUES; t++) {
                for (int c = 0; c < CLASSES; c++) {
                        double before = mt_traffic_model((enum mt_technique)t, (enum mt_traffic_class)c, 0);

                        for (double x = 0; x <= 1000; x += 0.5) {
                                const double y = mt_traffic_model((enum mt_technique)t, (enum mt_traffic_class)c, x);

                                assert_true(y > 250 && y < 1000 && fabs(y - before) < 0.01 * before);
                                before = y;
                        }
                }
        }
}

static void test_ideal_takes_the_right_rate(void **state)
{
        static const struct {
                enum mt_technique technique;
                double in, out;
                enum mt_traffic_class traffic;
                bool by_in;
        } rows[] = {
                { MT_PRE_COPY, 300, 10, MT_TRAFFIC_INBOUND, true },    { MT_PRE_COPY, 10, 300, MT_TRAFFIC_OUTBOUND, false },
                { MT_PRE_COPY, 300, 310, MT_TRAFFIC_MIXED, false },    { MT_POST_COPY, 300, 310, MT_TRAFFIC_MIXED, true },
                { MT_HYBRID, 300, 310, MT_TRAFFIC_MIXED, false },      { MT_POST_COPY, 700, 20, MT_TRAFFIC_INBOUND, true },
                { MT_POST_COPY, 20, 700, MT_TRAFFIC_OUTBOUND, false }, { MT_PRE_COPY, 3, 7, MT_TRAFFIC_INBOUND, true },
                { MT_POST_COPY, 3, 7, MT_TRAFFIC_OUTBOUND, false },    { MT_HYBRID, 3, 7, MT_TRAFFIC_INBOUND, true },
        };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++)
                assert_true(mt_traffic_ideal_bw(rows[i].technique, rows[i].in, rows[i].out) ==
                            mt_traffic_model(rows[i].technique, rows[i].traffic, rows[i].by_in ? rows[i].in : rows[i].out));
}

static void test_reserve(void **state)
{
        static const struct {
                enum mt_urgency urgency;
                bool reserve;
                double ideal, avail, tot, lower, upper, bandwidth;
        } rows[] = {
                { MT_URGENCY_HIGH, true, 900, 950, 1000, 100, 400, 900 },
                { MT_URGENCY_HIGH, true, 1900, 10, 1000, 100, 400, 1900 },
                { MT_URGENCY_MEDIUM, false, 800, 600, 1000, 100, 400, 600 },
                { MT_URGENCY_MEDIUM, true, 800, 599, 1000, 100, 400, 600 },
                { MT_URGENCY_MEDIUM, false, 800, 599, 1000, 500, 400, 500 },
                { MT_URGENCY_MEDIUM, false, 800, 100, 1000, 1200, 400, 0 },
                { MT_URGENCY_LOW, false, 800, 400, 1000, 100, 400, 400 },
                { MT_URGENCY_LOW, true, 800, 399, 1000, 100, 400, 400 },
                { MT_URGENCY_LOW, true, 900, 100, 1000, 500, 700, 300 },
                { MT_URGENCY_LOW, false, 900, 0, 1000, 500, 1001, 0 },
        };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++) {
                const struct mt_traffic_reservation r = mt_traffic_reserve(rows[i].urgency, rows[i].ideal, rows[i].avail,
                                                                           rows[i].tot, rows[i].lower, rows[i].upper);

                assert_true(r.bandwidth == rows[i].bandwidth);
                assert_int_equal(r.reserve, rows[i].reserve);
        }
}

/* Over a grid: unreserved takes all that is free, which is the lesser of both ends; reserved is algorithm 2's. */
static void test_single(void **state)
{
        static const double rates[] = { 0, 5, 110, 230, 300, 700, 990, 1200 };
        unsigned reserved = 0, free_ride = 0;

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rates) * MT_ARRAY_SIZE(rates) * URGENCIES; i++) {
                const double out = rates[i % MT_ARRAY_SIZE(rates)];
                const double in = rates[i / MT_ARRAY_SIZE(rates) % MT_ARRAY_SIZE(rates)];
                const enum mt_urgency urgency = (enum mt_urgency)(i % URGENCIES);
                const double avail = fmax(0, 1000 - fmax(out, in));
                const struct mt_traffic_single s = mt_traffic_single(400, out, in, 20, 60, 200, urgency, 1000, 150, 300);
                const struct mt_traffic_reservation r = mt_traffic_reserve(urgency, s.ideal, avail, 1000, 150, 300);

                assert_int_equal(s.technique, mt_traffic_technique(mt_traffic_classify(400, out, 1.2, 10),
                                                                   mt_traffic_classify(in, 20, 1.2, 10)));
                assert_true(s.ideal == mt_traffic_ideal_bw(s.technique, 60, 200));
                assert_int_equal(s.reserve, avail <= s.ideal && r.reserve);
                assert_true(s.bandwidth == (s.reserve ? r.bandwidth : avail));
                reserved += s.reserve;
                free_ride += avail > s.ideal;
        }
        assert_true(reserved > 0 && free_ride > 0);
}

static void test_parallel(void **state)
{
        (void)state;
        assert_true(mt_traffic_parallel(MT_URGENCY_HIGH, false) && mt_traffic_parallel(MT_URGENCY_HIGH, true));
        assert_true(mt_traffic_parallel(MT_URGENCY_MEDIUM, true) && !mt_traffic_parallel(MT_URGENCY_MEDIUM, false));
        assert_true(!mt_traffic_parallel(MT_URGENCY_LOW, false) && !mt_traffic_parallel(MT_URGENCY_LOW, true));
}

/* Every list of up to six classes: a permutation, ordered by rank, stable. */
static void test_serial_order(void **state)
{
        static const int rank[CLASSES] = { 0, 2, 0, 1 };

        (void)state;
        for (unsigned n = 0; n <= 6; n++) {
                for (unsigned code = 0; code < 1U << (2 * n); code++) {
                        enum mt_traffic_class vms[6] = { 0 };
                        size_t order[6];
                        unsigned seen = 0;

                        for (unsigned i = 0; i < n; i++)
                                vms[i] = (enum mt_traffic_class)(code >> (2 * i) & 3);
                        mt_traffic_serial_order(vms, n, order);
                        for (unsigned i = 0; i < n; i++) {
                                assert_true(order[i] < n);
                                seen |= 1U << order[i];
                                if (i > 0)
                                        assert_true(
                                                rank[vms[order[i - 1]]] < rank[vms[order[i]]] ||
                                                (rank[vms[order[i - 1]]] == rank[vms[order[i]]] && order[i - 1] < order[i]));
                        }
                        assert_int_equal(seen, (1U << n) - 1);
                }
        }
}

static void test_names(void **state)
{
        enum mt_traffic_class traffic = MT_TRAFFIC_MIXED;
        enum mt_technique technique = MT_HYBRID;
        enum mt_urgency urgency = MT_URGENCY_LOW;

        (void)state;
        for (int i = 0; i < CLASSES; i++) {
                assert_int_equal(mt_traffic_class_parse(mt_traffic_class_name((enum mt_traffic_class)i), &traffic), 0);
                assert_int_equal(traffic, i);
        }
        for (int i = 0; i < TECHNIQUES; i++) {
                assert_int_equal(mt_technique_parse(mt_technique_name((enum mt_technique)i), &technique), 0);
                assert_int_equal(technique, i);
        }
        for (int i = 0; i < URGENCIES; i++) {
                assert_int_equal(mt_urgency_parse(mt_urgency_name((enum mt_urgency)i), &urgency), 0);
                assert_int_equal(urgency, i);
        }
        assert_int_equal(mt_traffic_class_parse("Idle", &traffic), -EINVAL);
        assert_int_equal(mt_technique_parse("precopy", &technique), -EINVAL);
        assert_int_equal(mt_urgency_parse("", &urgency), -EINVAL);
        assert_true(traffic == MT_TRAFFIC_MIXED && technique == MT_HYBRID && urgency == MT_URGENCY_LOW);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_classify),
                cmocka_unit_test(test_technique_single),
                cmocka_unit_test(test_technique_parallel),
                cmocka_unit_test(test_model_points),
                cmocka_unit_test(test_model_is_sane),
                cmocka_unit_test(test_ideal_takes_the_right_rate),
                cmocka_unit_test(test_reserve),
                cmocka_unit_test(test_single),
                cmocka_unit_test(test_parallel),
                cmocka_unit_test(test_serial_order),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests_name("traffic", tests, NULL, NULL);
}
