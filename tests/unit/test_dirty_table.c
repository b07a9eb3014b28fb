/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The dirty-rate sampler's table and schedule, driven as its thread does but without libvirt and on a clock of the test's
 * own: a host whose guests dirty what a function says.
 */
#include "dirty.h"
#include "array.h"
#include "table.h"
#include "units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 16

/* A new domain: after 2 s, and again soon, pairs first; then once a period, every fourth turn a pair. */
static void test_schedule(void **state)
{
        static const unsigned windows[] = { 1, 5, 1, 1, 5, 1, 1, 1, 1, 5, 1, 1, 1, 1, 5 };
        struct mt_dirty_table table = { .every_ms = MINUTE };
        uint64_t started[MT_ARRAY_SIZE(windows)], now = START;

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(windows); i++) {
                assert_int_equal(due(&table, UUID_A, &now), windows[i]);
                started[i] = now;
                run(&table, UUID_A, windows[i], 10, &now);
        }
        assert_true(started[0] >= START + 2000 && started[0] <= START + 4000);
        assert_true(started[5] <= START + 40000); /* two pairs by then */
        for (size_t i = 1; i < MT_ARRAY_SIZE(windows); i++) {
                uint64_t gap = started[i] - started[i - 1];

                if (windows[i] == MT_DIRTY_LONG_S)
                        assert_true(gap <= 4000);
                else if (i >= 8 && windows[i - 1] == MT_DIRTY_SHORT_S)
                        assert_true(gap >= MINUTE * 9 / 10 && gap <= MINUTE * 11 / 10 + STEP);
        }
        done(&table);
}

/* While a long window of one domain is under way, nothing of that domain is started, and others go on. */
static void test_long_window_blocks_nobody(void **state)
{
        struct mt_dirty_table table = { .every_ms = 10000 };
        uint64_t now = START, ready, other;
        unsigned seconds = 7;

        (void)state;
        measure(&table, UUID_A, 1, 10, &now);
        assert_int_equal(mt_dirty_table_next(&table, UUID_A, now, false, &seconds), MT_DIRTY_WAIT); /* others' turn */
        assert_int_equal(mt_dirty_table_next(&table, UUID_A, now, true, &seconds), MT_DIRTY_MEASURE);
        assert_int_equal(seconds, MT_DIRTY_LONG_S);
        mt_dirty_table_started(&table, UUID_A, MT_DIRTY_LONG_S, now);
        ready = now + MT_DIRTY_LONG_S * 1000;
        other = now;
        measure(&table, UUID_B, 1, 20, &other);
        assert_true(other < ready);
        for (; now <= ready; now += STEP) {
                assert_int_equal(mt_dirty_table_next(&table, UUID_A, now, true, &seconds), MT_DIRTY_RUNNING);
                assert_int_equal(seconds, MT_DIRTY_LONG_S);
        }
        assert_int_equal(mt_dirty_table_next(&table, UUID_A, ready + 500, true, &seconds), MT_DIRTY_COLLECT);
        done(&table);
}

/* 200 domains on a host, a step each second: never more than a batch at once, all in their turns, none twice at a time. */
static void test_many_domains(void **state)
{
        enum { DOMAINS = 200, MINUTES = 30 };
        struct mt_dirty_table table = { .every_ms = MINUTE };
        static unsigned running[DOMAINS];
        static char uuid[DOMAINS][VIR_UUID_STRING_BUFLEN];

        (void)state;
        for (unsigned i = 0; i < DOMAINS; i++)
                (void)snprintf(uuid[i], sizeof(uuid[i]), "%08x-0000-4000-8000-%012x", i * 2654435761u, i);
        for (uint64_t now = START; now < START + MINUTES * MINUTE; now += STEP) {
                unsigned started = 0;

                for (unsigned i = 0; i < DOMAINS; i++) {
                        unsigned seconds = 0;

                        switch (mt_dirty_table_next(&table, uuid[i], now, started < BATCH, &seconds)) {
                        case MT_DIRTY_MEASURE:
                                assert_int_equal(running[i], 0);
                                mt_dirty_table_started(&table, uuid[i], running[i] = seconds, now);
                                started++;
                                break;
                        case MT_DIRTY_COLLECT:
                                assert_int_equal(running[i], seconds);
                                mt_dirty_table_store(&table, uuid[i], seconds, i * MT_MIB, now);
                                running[i] = 0;
                                break;
                        case MT_DIRTY_RUNNING:
                        case MT_DIRTY_WAIT:
                                break;
                        }
                }
                assert_true(started <= BATCH);
        }
        assert_int_equal(table.n, DOMAINS);
        for (unsigned i = 0; i < DOMAINS; i++) {
                const struct mt_dirty_entry *entry = mt_dirty_table_find(&table, uuid[i]);

                assert_true(entry->samples >= MINUTES - 6 && entry->samples <= MINUTES + 8);
                assert_true(entry->pairs >= MINUTES / 4 - 1 && entry->pairs <= MINUTES / 4 + 3);
                assert_true((uint64_t)(entry->bytes_s + 0.5) == i * MT_MIB);
        }
        done(&table);
}

/* What a long window shows stays out of the rate; a pair is what both of its windows showed. */
static void test_values(void **state)
{
        struct mt_dirty_table table = { .every_ms = MINUTE };
        const struct mt_dirty_entry *entry;
        uint64_t now = START;

        (void)state;
        measure(&table, UUID_A, 1, 50, &now);
        entry = mt_dirty_table_find(&table, UUID_A);
        assert_true(entry->pairs == 0 && entry->samples == 1 && entry->sampled_ms == now);
        measure(&table, UUID_A, 5, 14, &now);
        assert_true(entry->bytes_s == 50.0 * MT_MIB && entry->samples == 1);
        assert_true(entry->pairs == 1 && entry->paired_ms == now);
        assert_true(entry->short_bytes == 50.5 * MT_MIB && entry->long_bytes == 5 * 14.5 * MT_MIB); /* what QEMU cuts off */
        measure(&table, UUID_A, 1, 60, &now);
        assert_true(entry->bytes_s == 55.0 * MT_MIB && entry->short_bytes == 50.5 * MT_MIB);
        measure(&table, UUID_A, 1, 10, &now);
        measure(&table, UUID_A, 5, 0, &now);
        assert_true(fabs(entry->bytes_s / MT_MIB - 40.0) < 1e-9);
        assert_true(fabs(entry->short_bytes / MT_MIB - (50.5 + 10.5) / 2) < 1e-9);
        assert_true(fabs(entry->long_bytes / MT_MIB - 72.5 / 2) < 1e-9); /* 0 is not more than 0 */
        done(&table);
}

/* The mean of a few samples, then the latest count most. */
static void test_smoothing(void **state)
{
        struct mt_dirty_table table = { .every_ms = MINUTE };
        const struct mt_dirty_entry *entry;
        uint64_t now = START;

        (void)state;
        for (unsigned samples = 0; samples < 30;) {
                uint64_t mib_s = samples < 20 ? 10 : 110;
                unsigned seconds = due(&table, UUID_A, &now);

                samples += seconds == MT_DIRTY_SHORT_S;
                run(&table, UUID_A, seconds, mib_s, &now);
        }
        entry = mt_dirty_table_find(&table, UUID_A);
        assert_true(fabs(entry->bytes_s / MT_MIB - (110 - 100 * pow(0.7, 10))) < 0.01);
        assert_true(entry->short_bytes > 50.0 * MT_MIB && entry->long_bytes > 5 * 50.0 * MT_MIB);
        done(&table);
}

/* --- what breaks into a measurement --- */

enum trouble { JOB_AT_START, JOB_WITHIN, NEVER_OVER, FOREIGN_WINDOW, AWAY };

static const struct trouble_case {
        const char *name;
        enum trouble trouble;
        unsigned seconds; /* into which window it breaks */
} troubles[] = {
        { "a job when the short window is due", JOB_AT_START, 1 },
        { "a job within the short window", JOB_WITHIN, 1 },
        { "a short window that never ends", NEVER_OVER, 1 },
        { "somebody else's window for the short", FOREIGN_WINDOW, 1 },
        { "a job when the long window is due", JOB_AT_START, 5 },
        { "a job within the long window", JOB_WITHIN, 5 },
        { "a long window that never ends", NEVER_OVER, 5 },
        { "somebody else's window for the long", FOREIGN_WINDOW, 5 },
        { "the domain is away when the long window is due", AWAY, 5 },
};

/* Goes into trouble at a window that is due; returns when it is over. */
static uint64_t go_into(enum trouble trouble, struct mt_dirty_table *table, unsigned seconds, uint64_t now)
{
        unsigned got;

        if (trouble == AWAY)
                return now + 11000;
        if (trouble == JOB_AT_START) {
                mt_dirty_table_broken(table, UUID_A);
                return now;
        }
        mt_dirty_table_started(table, UUID_A, seconds, now);
        now += STEP;
        assert_int_equal(mt_dirty_table_next(table, UUID_A, now, true, &got), MT_DIRTY_RUNNING);
        if (trouble == JOB_WITHIN) {
                mt_dirty_table_broken(table, UUID_A);
                return now;
        }
        while (mt_dirty_table_next(table, UUID_A, now, true, &got) == MT_DIRTY_RUNNING)
                now += STEP;
        if (trouble == FOREIGN_WINDOW) {
                mt_dirty_table_store(table, UUID_A, 30, MT_GIB, now);
                return now;
        }
        assert_int_equal(mt_dirty_table_next(table, UUID_A, now + 8000, true, &got), MT_DIRTY_COLLECT);
        return now + 11000; /* given up */
}

/* Nothing of it is kept, nor of its pair; the domain goes on with a short window in its next turn. */
static void test_trouble(void **state)
{
        const struct trouble_case *c = *state;
        struct mt_dirty_table table = { .every_ms = 10000 };
        const struct mt_dirty_entry *entry;
        uint64_t now = START;
        unsigned samples = c->seconds == MT_DIRTY_LONG_S;

        if (c->seconds == MT_DIRTY_LONG_S)
                measure(&table, UUID_A, MT_DIRTY_SHORT_S, 10, &now);
        assert_int_equal(due(&table, UUID_A, &now), c->seconds);
        now = go_into(c->trouble, &table, c->seconds, now);
        entry = mt_dirty_table_find(&table, UUID_A);
        assert_true(entry->samples == samples && entry->pairs == 0 && entry->bytes_s == samples * 10.0 * MT_MIB);
        measure(&table, UUID_A, MT_DIRTY_SHORT_S, 20, &now);
        assert_int_equal(entry->samples, samples + 1);
        while (entry->pairs == 0) /* the next pair is whole */
                run(&table, UUID_A, due(&table, UUID_A, &now), 20, &now);
        assert_true(entry->short_bytes == 20.5 * MT_MIB && entry->long_bytes == 5 * 20.5 * MT_MIB);
        done(&table);
}

/* Domains have times of their own within the period. */
static void test_jitter(void **state)
{
        struct mt_dirty_table table = { .every_ms = 10 * MINUTE };
        unsigned different = 0;
        uint64_t first = 0;

        (void)state;
        for (unsigned i = 0; i < 50; i++) {
                char uuid[VIR_UUID_STRING_BUFLEN];
                uint64_t now = START;

                (void)snprintf(uuid, sizeof(uuid), "%08x-0000-4000-8000-000000000000", i * 2654435761u);
                for (unsigned windows = 0; windows < 8; windows++)
                        run(&table, uuid, due(&table, uuid, &now), 1, &now);
                (void)due(&table, uuid, &now);
                different += i > 0 && (now > first ? now - first : first - now) > 5000;
                first = i == 0 ? now : first;
        }
        assert_true(different >= 40);
        done(&table);
}

/* A pair that something broke into is made up for at once, not in its turn. */
static void test_lost_pair(void **state)
{
        struct mt_dirty_table table = { .every_ms = MINUTE };
        uint64_t now = START;

        (void)state;
        for (unsigned windows = 0; windows < 9; windows++) /* the last begins a pair */
                run(&table, UUID_A, due(&table, UUID_A, &now), 10, &now);
        assert_int_equal(due(&table, UUID_A, &now), MT_DIRTY_LONG_S);
        mt_dirty_table_broken(&table, UUID_A);
        measure(&table, UUID_A, MT_DIRTY_SHORT_S, 10, &now);
        measure(&table, UUID_A, MT_DIRTY_LONG_S, 10, &now);
        assert_int_equal(mt_dirty_table_find(&table, UUID_A)->pairs, 3);
        measure(&table, UUID_A, MT_DIRTY_SHORT_S, 10, &now);
        measure(&table, UUID_A, MT_DIRTY_SHORT_S, 10, &now);
        done(&table);
}

/* A domain that comes back after a while is measured as if it were new: what it did before tells nothing. */
static void test_comes_back(void **state)
{
        struct mt_dirty_table table = { .every_ms = MINUTE };
        const struct mt_dirty_entry *entry;
        uint64_t now = START;

        (void)state;
        for (unsigned windows = 0; windows < 20; windows++)
                run(&table, UUID_A, due(&table, UUID_A, &now), 10, &now);
        entry = mt_dirty_table_find(&table, UUID_A);
        assert_true(entry->samples > 4 && entry->pairs > 2 && entry->bytes_s == 10.0 * MT_MIB);
        now += 30 * MINUTE;
        while (entry->pairs != 1)
                run(&table, UUID_A, due(&table, UUID_A, &now), 100, &now);
        assert_true(entry->bytes_s == 100.0 * MT_MIB && entry->samples <= 4);
        assert_true(entry->short_bytes == 100.5 * MT_MIB && entry->long_bytes == 5 * 100.5 * MT_MIB);
        done(&table);
}

static void test_forget(void **state)
{
        struct mt_dirty_table table = { .every_ms = MINUTE };
        const uint64_t day = 24 * 60 * MINUTE;
        uint64_t now = START;
        unsigned seconds;

        (void)state;
        measure(&table, UUID_A, 1, 10, &now);
        now += day / 2;
        measure(&table, UUID_B, 1, 20, &now);
        mt_dirty_table_forget(&table, START + day);
        assert_int_equal(table.n, 2);
        mt_dirty_table_forget(&table, START + day + MINUTE);
        assert_null(mt_dirty_table_find(&table, UUID_A));
        assert_true(mt_dirty_table_find(&table, UUID_B)->bytes_s == 20.0 * MT_MIB);
        assert_int_equal(mt_dirty_table_next(&table, UUID_A, START + day + MINUTE, true, &seconds), MT_DIRTY_WAIT);
        assert_int_equal(mt_dirty_table_find(&table, UUID_A)->samples, 0); /* new again */
        done(&table);
}

/* Results and reports about a domain that nobody asked about. */
static void test_unknown_domain(void **state)
{
        struct mt_dirty_table table = { .every_ms = MINUTE };

        (void)state;
        mt_dirty_table_started(&table, UUID_A, 1, START);
        mt_dirty_table_store(&table, UUID_A, 1, MT_MIB, START);
        mt_dirty_table_broken(&table, UUID_A);
        assert_null(mt_dirty_table_find(&table, UUID_A));
        done(&table);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(troubles) + 10];
        size_t n = 0;

        ADD_ROWS(tests, n, troubles, test_trouble);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_schedule);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_long_window_blocks_nobody);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_many_domains);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_values);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_smoothing);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_jitter);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_lost_pair);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_comes_back);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_forget);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_unknown_domain);
        return _cmocka_run_group_tests("dirty_table", tests, n, NULL, NULL);
}
