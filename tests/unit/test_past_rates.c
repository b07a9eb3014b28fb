/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/past_rates.h"
#include "cleanup.h"
#include "record/history.h"
#include "record/learnt.h"
#include "record/timestamp.h"
#include "table.h"

#include "scratch.h"

#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"
#define UUID_C "cccccccc-0000-4000-8000-000000000003"
#define START 1700000000000u

static void append(const char *file, const char *uuid, const char *rate_mbps, uint64_t started_ms)
{
        MT_CLEANUP(mt_freep) char *text = NULL;
        char started[MT_TIMESTAMP_SIZE];
        struct mt_err err = { 0 };

        assert_true(asprintf(&text, "{\"started\":\"%s\",\"domain\":{\"uuid\":\"%s\"},\"actual\":{\"dirty_rate_mbps\":%s}}",
                             mt_timestamp(started, sizeof(started), started_ms), uuid, rate_mbps) > 0);
        if (mt_history_append(file, text, 1000, &err) < 0)
                fail_msg("%s", err.msg);
}

/* The newest rate of each domain counts, whatever the order; records without a rate, or with one below zero, do not. */
static void test_load(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_path(&scratch, "h.jsonl");
        struct mt_learnt learnt = { .rates = { .n = 0 } };
        struct mt_err err = { 0 };
        uint64_t rate = 7, age = 7;

        (void)state;
        append(file, UUID_A, "8.0", START);
        append(file, UUID_A, "80.0", START + 5000);
        append(file, UUID_B, "800.0", START + 6000);
        append(file, UUID_A, "null", START + 7000);
        append(file, UUID_C, "-8.0", START + 8000);
        assert_int_equal(mt_learnt_load(&learnt, file, NULL, &err), 0);
        assert_true(mt_past_rates_get(&learnt.rates, UUID_A, START + 65000, &rate, &age));
        assert_true(rate == 10000000 && age == 60000);
        assert_false(mt_past_rates_get(&learnt.rates, UUID_C, START, &rate, &age));
        assert_true(rate == 10000000);
        mt_learnt_done(&learnt);
}

static void test_missing_history(void **state)
{
        struct mt_learnt learnt = { .rates = { .n = 0 } };
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(mt_learnt_load(&learnt, "/nonexistent/h.jsonl", NULL, &err), 0);
        assert_int_equal(learnt.rates.n, 0);
        mt_learnt_done(&learnt);
}

static void test_range(void **state)
{
        struct mt_past_rates rates = { .n = 0 };
        uint64_t low = 7, high = 7;

        (void)state;
        for (unsigned i = 0; i < MT_PAST_RATES_FOR_RANGE - 1; i++)
                mt_past_rates_learn(&rates, UUID_A, 1000000 + i, START + i);
        assert_false(mt_past_rates_range(&rates, &low, &high));
        assert_true(low == 7 && high == 7);
        mt_past_rates_learn(&rates, UUID_B, 500000, START);
        assert_true(mt_past_rates_range(&rates, &low, &high));
        assert_true(low == 500000);
        assert_true(high ==
                    1000000 + MT_PAST_RATES_FOR_RANGE - 3); /* A's greatest is less than a twentieth of two domains */
        mt_past_rates_done(&rates);
}

static void test_range_needs_two_rates(void **state)
{
        struct mt_past_rates rates = { .n = 0 };
        uint64_t low = 7, high = 7;

        (void)state;
        for (unsigned i = 0; i < 2 * MT_PAST_RATES_FOR_RANGE; i++)
                mt_past_rates_learn(&rates, UUID_A, 1000000, START + i);
        assert_false(mt_past_rates_range(&rates, &low, &high));
        mt_past_rates_done(&rates);
}

/* Of a hundred domains the four wildest at either end are left out, however often they travelled. */
static void test_range_is_of_domains(void **state)
{
        struct mt_past_rates rates = { .n = 0 };
        uint64_t low, high;
        char uuid[40];

        (void)state;
        for (unsigned i = 0; i < 100; i++) {
                (void)snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-%012u", i);
                for (unsigned again = 0; again < (i == 99 ? 500 : 1); again++)
                        mt_past_rates_learn(&rates, uuid, 1000 + i, START + again);
        }
        assert_int_equal(mt_past_rates_domains(&rates), 100);
        assert_true(mt_past_rates_range(&rates, &low, &high));
        assert_true(low == 1004 && high == 1095);
        mt_past_rates_done(&rates);
}

/* The newest count, in whatever order they are told, and each once. */
static void test_window(void **state)
{
        const unsigned n = MT_PAST_RATES_WINDOW + 500;
        struct mt_past_rates rates = { .n = 0 };

        (void)state;
        for (unsigned i = 0; i < n; i++) {
                unsigned at = i * 7919u % n; /* n is no multiple of this prime */

                mt_past_rates_learn(&rates, at % 2 == 0 ? UUID_A : UUID_B, 1000 + at, START + at);
        }
        mt_past_rates_learn(&rates, UUID_A, 1, START + 2);                                 /* too old */
        mt_past_rates_learn(&rates, (n - 1) % 2 == 0 ? UUID_A : UUID_B, 2, START + n - 1); /* told before */
        assert_int_equal(rates.n_seen, MT_PAST_RATES_WINDOW);
        assert_int_equal(rates.rate[0].in_window + rates.rate[1].in_window, MT_PAST_RATES_WINDOW);
        for (size_t i = 0; i < rates.n_seen; i++) {
                assert_true(rates.seen[i].bytes_s == 1500 + i); /* sorted, and the oldest 500 are gone */
                assert_true(rates.seen[i].wall_ms == START + 500 + i);
        }
        mt_past_rates_done(&rates);
}

/* More domains than the first allocation holds. */
static void test_many_domains(void **state)
{
        struct mt_past_rates rates = { .n = 0 };
        uint64_t rate, age;
        char uuid[40];

        (void)state;
        for (unsigned i = 0; i < 500; i++) {
                (void)snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-%012u", i);
                mt_past_rates_learn(&rates, uuid, i, START);
        }
        for (unsigned i = 0; i < 500; i++) {
                (void)snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-%012u", i);
                assert_true(mt_past_rates_get(&rates, uuid, START, &rate, &age));
                assert_true(rate == i && age == 0);
        }
        mt_past_rates_done(&rates);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_load),         cmocka_unit_test(test_missing_history),
                cmocka_unit_test(test_range),        cmocka_unit_test(test_range_needs_two_rates),
                cmocka_unit_test(test_many_domains), cmocka_unit_test(test_range_is_of_domains),
                cmocka_unit_test(test_window),
        };

        return cmocka_run_group_tests_name("past_rates", tests, NULL, NULL);
}
