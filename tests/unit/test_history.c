/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "record/history.h"
#include "record/timestamp.h"
#include "scratch.h"
#include "table.h"
#include "units.h"

#include <errno.h>
#include <pthread.h>
#include <sys/file.h>

#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"

/* A record as far as the history looks at it; padded to a real one's size. */
static char *record_of(const char *uuid, const char *result, const char *rate_mbps, uint64_t started_ms, unsigned number)
{
        char started[MT_TIMESTAMP_SIZE], *text = NULL;

        assert_true(asprintf(&text,
                             "{\"event\":\"migration\",\"number\":%u,\"result\":\"%s\",\"started\":\"%s\","
                             "\"domain\":{\"uuid\":\"%s\"},\"pad\":\"%01500d\","
                             "\"actual\":{\"total_ms\":2000,\"dirty_rate_mbps\":%s}}",
                             number, result, mt_timestamp(started, sizeof(started), started_ms), uuid, 0, rate_mbps) > 0);
        return text;
}

static void append(const char *file, unsigned keep, const char *uuid, const char *result, const char *rate_mbps,
                   uint64_t started_ms, unsigned number)
{
        MT_CLEANUP(mt_freep) char *text = record_of(uuid, result, rate_mbps, started_ms, number);
        struct mt_err err = { 0 };

        if (mt_history_append(file, text, keep, &err) < 0)
                fail_msg("%s", err.msg);
}

struct seen {
        unsigned n;
        int number[4096];
        unsigned stop_after; /* 0: never */
};

static bool see(void *ctx, json_object *record)
{
        struct seen *seen = ctx;
        json_object *number;

        seen->number[seen->n++] = json_object_object_get_ex(record, "number", &number) ? json_object_get_int(number) : -1;
        return seen->n != seen->stop_after;
}

static void test_append_makes_file_and_directory(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_path(&scratch, "made/history.jsonl");
        MT_CLEANUP(mt_freep) char *text = NULL;
        struct stat st;

        (void)state;
        (void)umask(0);
        assert_int_equal(mt_history_append(file, "{\"a\":1}", 10, NULL), 0);
        assert_int_equal(mt_history_append(file, "{\"a\":2}", 10, NULL), 0);
        text = scratch_read(file, NULL);
        assert_string_equal(text, "{\"a\":1}\n{\"a\":2}\n");
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_int_equal(stat(scratch_path(&scratch, "made"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0750);
}

static void test_append_says_what_failed(void **state)
{
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(mt_history_append("/proc/nonexistent/dir/h.jsonl", "{}", 10, &err), -ENOENT);
        assert_string_equal(err.msg, "history /proc/nonexistent/dir/h.jsonl: No such file or directory");
}

static void test_append_ends_a_half_written_line(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_write(&scratch, "h.jsonl", "{\"number\":1}\n{\"numb", 18);
        struct seen seen = { .n = 0 };
        unsigned broken = 0;

        (void)state;
        assert_int_equal(mt_history_append(file, "{\"number\":3}", 10, NULL), 0);
        assert_int_equal(mt_history_newest(file, 0, NULL, see, &seen, &broken), 0);
        assert_int_equal(broken, 1);
        assert_int_equal(seen.n, 2);
        assert_int_equal(seen.number[0], 3);
        assert_int_equal(seen.number[1], 1);
}

static const struct broken_case {
        const char *name;
        const char *text;
        size_t size; /* 0: strlen */
        unsigned want, want_broken;
} broken_cases[] = {
        { "empty file", "", 0, 0, 0 },
        { "one record", "{\"number\":1}\n", 0, 1, 0 },
        { "no newline at the end", "{\"number\":1}", 0, 1, 0 },
        { "empty lines", "\n\n{\"number\":1}\n\n", 0, 1, 0 },
        { "no JSON", "hello\n{\"number\":1}\n", 0, 1, 1 },
        { "cut off", "{\"number\":1\n{\"number\":1}\n", 0, 1, 1 },
        { "two on a line", "{\"number\":1}{\"number\":2}\n", 0, 0, 1 },
        { "no object", "[1]\n\"a\"\n7\n{\"number\":1}\n", 0, 1, 3 },
        { "NUL in a line", "{\"number\":1}\n{\"a\":\"\0\"}\n", 23, 1, 1 },
        { "nested too deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n{\"number\":1}\n", 0, 1, 1 },
};

static void test_broken(void **state)
{
        const struct broken_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_write(&scratch, "h.jsonl", c->text, c->size > 0 ? c->size : strlen(c->text));
        struct seen seen = { .n = 0 };
        unsigned broken = 99;

        assert_int_equal(mt_history_newest(file, 0, NULL, see, &seen, &broken), 0);
        assert_int_equal(seen.n, c->want);
        assert_int_equal(broken, c->want_broken);
}

static void test_newest_first_stops_and_bounds(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_path(&scratch, "h.jsonl");
        struct seen all = { .n = 0 }, two = { .stop_after = 2 }, tail = { .n = 0 }, one = { .n = 0 };

        (void)state;
        for (unsigned i = 0; i < 10; i++)
                append(file, 1000, i == 4 ? UUID_B : UUID_A, "completed", "1.0", 1000, i);
        assert_int_equal(mt_history_newest(file, 0, NULL, see, &all, NULL), 0);
        assert_int_equal(all.n, 10);
        assert_int_equal(all.number[0], 9);
        assert_int_equal(all.number[9], 0);
        assert_int_equal(mt_history_newest(file, 0, NULL, see, &two, NULL), 0);
        assert_int_equal(two.n, 2);
        assert_int_equal(mt_history_newest(file, 5000, NULL, see, &tail, NULL), 0);
        assert_int_equal(tail.n, 2); /* whole ones only, of 1.6 kB each */
        assert_int_equal(mt_history_newest(file, 0, UUID_B, see, &one, NULL), 0);
        assert_int_equal(one.n, 1);
        assert_int_equal(one.number[0], 4);
}

static void test_missing_file_has_no_records(void **state)
{
        struct seen seen = { .n = 0 };

        (void)state;
        assert_int_equal(mt_history_newest("/nonexistent/h.jsonl", 0, NULL, see, &seen, NULL), 0);
        assert_int_equal(seen.n, 0);
}

/* The newest keep stay, in order, whole; it happens only once there is a tenth too many. */
static void test_rotation(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_path(&scratch, "h.jsonl");
        struct seen seen = { .n = 0 }, after = { .n = 0 };
        struct stat st;

        (void)state;
        for (unsigned i = 0; i < 22; i++)
                append(file, 20, UUID_A, "completed", "1.0", 1000, i);
        assert_int_equal(chmod(file, 0604), 0);
        assert_int_equal(mt_history_newest(file, 0, NULL, see, &seen, NULL), 0);
        assert_int_equal(seen.n, 22);
        append(file, 20, UUID_A, "completed", "1.0", 1000, 22);
        assert_int_equal(mt_history_newest(file, 0, NULL, see, &after, NULL), 0);
        assert_int_equal(after.n, 20);
        assert_int_equal(after.number[0], 22);
        assert_int_equal(after.number[19], 3);
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0604); /* the operator's mode stays */
        assert_int_equal(access(scratch_path(&scratch, "h.jsonl.new"), F_OK), -1);
}

static void test_rotation_to_one(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_path(&scratch, "h.jsonl");
        struct seen seen = { .n = 0 };

        (void)state;
        for (unsigned i = 0; i < 3; i++)
                append(file, 1, UUID_A, "completed", "1.0", 1000, i);
        assert_int_equal(mt_history_newest(file, 0, NULL, see, &seen, NULL), 0);
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.number[0], 2);
}

#define WRITERS 4
#define EACH 200

struct writer {
        const char *file;
        unsigned number;
};

static void *write_many(void *arg)
{
        const struct writer *writer = arg;

        for (unsigned i = 0; i < EACH; i++)
                append(writer->file, 100, UUID_A, "completed", "1.0", 1000, writer->number * EACH + i);
        return NULL;
}

/* Several at once, rotating under each other: no line is broken, the newest of each writer is there. */
static void test_several_writers(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_path(&scratch, "h.jsonl");
        struct writer writers[WRITERS];
        pthread_t threads[WRITERS];
        struct seen seen = { .n = 0 };
        unsigned broken = 99;

        (void)state;
        for (unsigned i = 0; i < WRITERS; i++) {
                writers[i] = (struct writer){ file, i };
                assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
        }
        for (unsigned i = 0; i < WRITERS; i++)
                (void)pthread_join(threads[i], NULL);
        assert_int_equal(mt_history_newest(file, 0, NULL, see, &seen, &broken), 0);
        assert_int_equal(broken, 0);
        assert_true(seen.n >= 100 && seen.n <= 150); /* 110, and those who did not get the lock at the very end */
}

/* Somebody holds the lock for ever: the record is written all the same. (Waiting for the lock would never end.) */
static void test_a_held_lock_does_not_block(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_write(&scratch, "h.jsonl", "", 0);
        MT_CLEANUP(mt_closep) int fd = open(file, O_RDWR | O_CLOEXEC);
        struct seen seen = { .n = 0 };

        (void)state;
        assert_int_equal(flock(fd, LOCK_EX), 0);
        append(file, 10, UUID_A, "completed", "1.0", 1000, 5);
        assert_int_equal(mt_history_newest(file, 0, NULL, see, &seen, NULL), 0);
        assert_int_equal(seen.n, 1);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_append_makes_file_and_directory),
                cmocka_unit_test(test_append_says_what_failed),
                cmocka_unit_test(test_append_ends_a_half_written_line),
                cmocka_unit_test(test_newest_first_stops_and_bounds),
                cmocka_unit_test(test_missing_file_has_no_records),
                cmocka_unit_test(test_rotation),
                cmocka_unit_test(test_rotation_to_one),
                cmocka_unit_test(test_several_writers),
                cmocka_unit_test(test_a_held_lock_does_not_block),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(broken_cases) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, broken_cases, test_broken);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("history", tests, n, NULL, NULL);
}
