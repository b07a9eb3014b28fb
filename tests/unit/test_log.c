/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is logged, what only counted, and when the count is told; by a clock of the test's own. */
#include "array.h"
#include "log.h"
#include "log_limit.h"
#include "table.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static uint64_t clock_ms;
static char lines[8192]; /* "PRIORITY LINE\n" each */

static uint64_t now(void)
{
        return clock_ms;
}

static void keep(void *ctx, int32_t priority, const char *message)
{
        size_t used = strlen(lines);

        (void)ctx;
        (void)snprintf(lines + used, sizeof(lines) - used, "%d %s\n", (int)priority, message);
}

static int begin(void **state)
{
        (void)state;
        clock_ms = 1000;
        lines[0] = '\0';
        mt_log_clock(now);
        mt_log_init(keep, NULL, NULL);
        return 0;
}

static int end(void **state)
{
        (void)state;
        mt_log_init(NULL, NULL, NULL);
        mt_log_clock(NULL);
        return 0;
}

static unsigned lines_said(void)
{
        unsigned n = 0;

        for (const char *c = lines; (c = strchr(c, '\n')) != NULL; c++)
                n++;
        return n;
}

/* What was logged since the last look. */
static void assert_logged(const char *want)
{
        assert_string_equal(lines, want);
        lines[0] = '\0';
}

static void test_cause(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 12; i++, clock_ms += 1000)
                mt_log_limited(MT_LOG_WARNING, "nic", "device 'eth%u': no", i);
        assert_logged("4 device 'eth0': no\n"); /* at once */
        mt_log_tick();
        assert_logged("");
        clock_ms = 1000 + MT_LIMIT_WINDOW_MS - 1;
        mt_log_tick();
        assert_logged("");
        clock_ms++;
        mt_log_tick();
        assert_logged("4 device 'eth11': no (11 times in 60 s)\n");
        mt_log_tick();
        assert_logged("");
}

static void test_count_with_the_next(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 3; i++)
                mt_log_limited(MT_LOG_NOTICE, "a", "a %u", i);
        clock_ms += 90400;
        mt_log_limited(MT_LOG_NOTICE, "a", "a 3");
        assert_logged("5 a 0\n5 a 3 (3 times in 90 s)\n");
        clock_ms += MT_LIMIT_WINDOW_MS;
        mt_log_limited(MT_LOG_NOTICE, "a", "a 4"); /* nothing was held back since */
        assert_logged("5 a 4\n");
}

/* A count is told once a minute, however it goes on. */
static void test_at_most_once_a_minute(void **state)
{
        (void)state;
        for (unsigned s = 0; s < 600; s++, clock_ms += 1000) {
                mt_log_limited(MT_LOG_WARNING, "a", "a");
                mt_log_tick();
        }
        assert_int_equal(lines_said(), 10);
        assert_non_null(strstr(lines, "4 a (60 times in 60 s)\n"));
}

static void test_same_line(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 5; i++) {
                mt_log(MT_LOG_WARNING, "domain '%s': broken", "vm1");
                mt_log(MT_LOG_ERR, "domain '%s': broken", "vm2");
        }
        assert_logged("4 domain 'vm1': broken\n3 domain 'vm2': broken\n");
        mt_log_flush();
        assert_logged("4 domain 'vm1': broken (4 times in 0 s)\n3 domain 'vm2': broken (4 times in 0 s)\n");
        mt_log_flush();
        assert_logged("");
}

/* Each guest of a host has something to say, up to a point. */
static void test_alike(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 500; i++)
                mt_log(MT_LOG_WARNING, "domain 'vm%u': its limits stay", i);
        assert_int_equal(lines_said(), 20);
        lines[0] = '\0';
        clock_ms += MT_LIMIT_WINDOW_MS;
        mt_log_tick();
        assert_logged("4 domain 'vm499': its limits stay (480 times in 60 s)\n");
}

static void test_what_is_not_limited(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 3; i++)
                mt_log(MT_LOG_INFO, "domain '%s': moved", "vm1");
        assert_logged("6 domain 'vm1': moved\n6 domain 'vm1': moved\n6 domain 'vm1': moved\n");
}

static void test_end_tells_the_rest(void **state)
{
        (void)state;
        mt_log_limited(MT_LOG_WARNING, "a", "a");
        mt_log_limited(MT_LOG_WARNING, "a", "a");
        clock_ms += 7000;
        mt_log_init(NULL, NULL, NULL);
        assert_logged("4 a\n4 a (1 times in 7 s)\n");
}

static void test_made_harmless(void **state)
{
        (void)state;
        mt_log(MT_LOG_INFO, "domain '%s': x", "a\nb\033[1m\177");
        assert_logged("6 domain 'a b [1m ': x\n");
}

/* More kinds than there is room for: the oldest gives way, and what it had counted is said. */
static void test_bounded(void **state)
{
        char key[32];

        (void)state;
        mt_log_limited(MT_LOG_WARNING, "first", "first");
        mt_log_limited(MT_LOG_WARNING, "first", "first again");
        for (unsigned i = 1; i < MT_LIMIT_KINDS; i++) {
                clock_ms++;
                (void)snprintf(key, sizeof(key), "k%u", i);
                mt_log_limited(MT_LOG_WARNING, key, "other");
        }
        lines[0] = '\0';
        clock_ms++;
        mt_log_limited(MT_LOG_WARNING, "one too many", "last");
        assert_logged("4 first again (1 times in 0 s)\n4 last\n");
        mt_log_limited(MT_LOG_WARNING, "first", "first"); /* forgotten, so it is new */
        assert_logged("4 first\n");
}

static void *flood(void *arg)
{
        for (unsigned i = 0; i < 2000; i++)
                mt_log_limited(MT_LOG_WARNING, arg, "%s %u", (const char *)arg, i);
        return NULL;
}

/* Threads: nothing is lost, and nothing said twice. */
static void test_threads(void **state)
{
        static char causes[4][2] = { "a", "b", "c", "d" };
        pthread_t thread[8];

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(thread); i++)
                assert_int_equal(pthread_create(&thread[i], NULL, flood, causes[i % 4]), 0);
        for (size_t i = 0; i < MT_ARRAY_SIZE(thread); i++)
                assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(lines_said(), 4);
        lines[0] = '\0';
        mt_log_flush();
        for (size_t i = 0; i < 4; i++) {
                const char *line = lines;

                for (size_t k = 0; k < i; k++)
                        line = strchr(line, '\n') + 1;
                assert_non_null(strstr(line, "(3999 times in 0 s)\n"));
        }
}

static void test_key(void **state)
{
        (void)state;
        assert_true(mt_limit_key("") != 0);
        assert_true(mt_limit_key("a") == UINT64_C(0xaf63dc4c8601ec8c)); /* FNV-1a, 64 bits, as published */
        assert_true(mt_limit_key("a") != mt_limit_key("b"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_cause, begin, end),
                cmocka_unit_test_setup_teardown(test_count_with_the_next, begin, end),
                cmocka_unit_test_setup_teardown(test_at_most_once_a_minute, begin, end),
                cmocka_unit_test_setup_teardown(test_same_line, begin, end),
                cmocka_unit_test_setup_teardown(test_alike, begin, end),
                cmocka_unit_test_setup_teardown(test_what_is_not_limited, begin, end),
                cmocka_unit_test_setup_teardown(test_end_tells_the_rest, begin, end),
                cmocka_unit_test_setup_teardown(test_made_harmless, begin, end),
                cmocka_unit_test_setup_teardown(test_bounded, begin, end),
                cmocka_unit_test_setup_teardown(test_threads, begin, end),
                cmocka_unit_test(test_key),
        };

        return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
