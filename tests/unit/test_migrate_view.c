/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people and programs see of migrations: progress, the schedule, the summary. */
#include "array.h"
#include "cleanup.h"
#include "command/migrate/places.h"
#include "command/migrate/table.h"
#include "command/migrate/view.h"
#include "record/json.h"
#include "table.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX
#define MIB(n) ((n)*MT_MIB)

/* Half of its memory is over there, after 2 s. */
static struct mt_move copying(void)
{
        return (struct mt_move){ .name = "db1",
                                 .uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f",
                                 .memory_bytes = MIB(512),
                                 .state = MT_MOVE_COPYING,
                                 .began_ms = 1000,
                                 .predicted = { 6000, 120 },
                                 .actual = { NEVER, NEVER },
                                 .stats_known = true,
                                 .stats = { .memory_total_bytes = MIB(512),
                                            .memory_remaining_bytes = MIB(256),
                                            .rate_bytes_s = 125000000,
                                            .iteration = 1 } };
}

static const struct width_case {
        const char *name;
        unsigned columns;
        const char *want;
} widths[] = {
        { "a log", 0, "db1  50 %  iteration 1, 256.0 MiB to send, 1.0 Gbit/s, 2 s, 4 s left" },
        { "wide", 130,
          "db1 [####################....................]  50 %  iteration 1, 256.0 MiB to send, 1.0 Gbit/s, 2 s, 4 s "
          "left" },
        { "as usual", 100,
          "db1 [#############..............]  50 %  iteration 1, 256.0 MiB to send, 1.0 Gbit/s, 2 s, 4 s left" },
        { "narrow", 80, "db1 [###....]  50 %  iteration 1, 256.0 MiB to send, 1.0 Gbit/s, 2 s, 4 s left" },
        { "rather narrow", 70, "db1  50 %  iteration 1, 256.0 MiB to send, 1.0 Gbit/s, 2 s, 4 s left" },
        { "very narrow", 20, "db1  50 %  iteratio" },
        { "hardly there", 1, "" },
};

static void test_width(void **state)
{
        const struct width_case *c = *state;
        const struct mt_move move = copying();
        char text[MT_VIEW_LINE];

        assert_string_equal(mt_view_move(&move, 3000, c->columns, text), c->want);
        assert_true(c->columns == 0 || strlen(text) < c->columns);
}

static void test_move(void **state)
{
        struct mt_move move = copying();
        char text[MT_VIEW_LINE];

        (void)state;
        move.stats_known = false;
        move.predicted.total_ms = NEVER;
        assert_string_equal(mt_view_move(&move, 3000, 0, text), "db1   0 %  2 s, ? left");
        move.state = MT_MOVE_WAITING;
        (void)snprintf(move.waits_for, sizeof(move.waits_for), "others go first");
        assert_string_equal(mt_view_move(&move, 3000, 0, text), "db1 waiting: others go first");
        assert_string_equal(mt_view_move(&move, 3000, 12, text), "db1 waiting");
        (void)memset(move.name, 'x', sizeof(move.name) - 1);
        assert_string_equal(mt_view_move(&move, 3000, 0, text), "xxxxxxxxxxxxxxxxxxxxxxxx waiting: others go first");
        move.state = MT_MOVE_COPYING;
        move.stats_known = true;
        move.stats.memory_remaining_bytes = MIB(1024); /* more than there is: libvirt has not told the total yet */
        assert_non_null(strstr(mt_view_move(&move, 3000, 0, text), "  0 %"));
}

static void test_all(void **state)
{
        struct mt_move moves[4] = { copying(), copying(), copying(), copying() };
        char text[MT_VIEW_LINE];

        (void)state;
        moves[1].state = MT_MOVE_ENDED;
        moves[1].result = MT_MOVE_MOVED;
        moves[2].state = MT_MOVE_PLANNED;
        moves[3].state = MT_MOVE_WAITING;
        assert_string_equal(mt_view_all(moves, 4, 25000, 0, text),
                            "1 of 4 moved, 1 running, 2 waiting  38 %  ends in about 25 s");
        moves[3].state = MT_MOVE_ENDED;
        moves[3].result = MT_MOVE_FAILED;
        assert_string_equal(mt_view_all(moves, 4, NEVER, 0, text),
                            "1 of 4 moved, 1 running, 1 waiting, 1 not moved  62 %  ends in about ?");
        assert_string_equal(mt_view_all(moves, 4, 200000, 90, text),
                            "1 of 4 moved, 1 running, 1 waiting, 1 not moved [######.....]  62 %  ends in about 3 min");
        assert_string_equal(mt_view_all(moves, 0, 0, 0, text),
                            "0 of 0 moved, 0 running, 0 waiting   0 %  ends in about 0 s");
}

static const struct time_case {
        const char *name;
        uint64_t ms;
        const char *want;
} times[] = {
        { "nothing", 0, "0 s" },           { "seconds", 119000, "119 s" }, { "minutes", 600000, "10 min" },
        { "hours", 9000000, "2.5 hours" }, { "unknown", NEVER, "?" },
};

static void test_time(void **state)
{
        const struct time_case *c = *state;
        char text[32];

        assert_string_equal(mt_view_time(text, sizeof(text), c->ms), c->want);
}

/* Three that were planned: one fits nowhere. */
static struct mt_move planned[3];
static const size_t order[3] = { 2, 0, 1 };
static const char *const labels[] = { "host-b", "host-c" }, *const uris[] = { "qemu+tls://host-b/system",
                                                                              "qemu+tls://c/system" };
static const char *const left[] = { "old1", "old2" };
static const struct mt_schedule_times begin_end[3] = { { 6000, 14000 }, { 0, 0 }, { 0, 6000 } };

static struct mt_table table(void)
{
        for (size_t i = 0; i < 3; i++) {
                planned[i] = copying();
                planned[i].state = MT_MOVE_PLANNED;
                planned[i].item = (struct mt_schedule_item){ .urgency = MT_URGENCY_LOW, .bandwidth = 312.5, .share = 600 };
                (void)snprintf(planned[i].name, sizeof(planned[i].name), "vm%zu", i);
                (void)snprintf(planned[i].technique, sizeof(planned[i].technique), "pre-copy");
        }
        planned[0].destination = 1;
        planned[0].predicted = (struct mt_move_figures){ 8000, NEVER };
        planned[1].destination = MT_PLACE_NONE;
        planned[1].technique[0] = '\0';
        (void)snprintf(planned[1].reason, sizeof(planned[1].reason), "no destination has 512.0 MiB free");
        planned[2].item.urgency = MT_URGENCY_HIGH;
        return (struct mt_table){ .moves = planned,
                                  .order = order,
                                  .n = 3,
                                  .destinations = labels,
                                  .uris = uris,
                                  .times = begin_end,
                                  .ends_ms = 14000,
                                  .left = left,
                                  .n_left = 2 };
}

static void assert_printed(void (*print)(FILE *f, const struct mt_table *table), const struct mt_table *t, const char *want)
{
        MT_CLEANUP(mt_freep) char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        print(f, t);
        assert_int_equal(fclose(f), 0);
        assert_string_equal(text, want);
}

static void test_schedule(void **state)
{
        struct mt_table t = table();
        json_object *o;

        (void)state;
        assert_printed(
                mt_table_schedule, &t,
                "     DOMAIN               URGENCY  TRAFFIC   DESTINATION          TECHNIQUE   R Mbit/s    BEGINS      TIME "
                " "
                "BLACKOUT      ENDS\n"
                "  1  vm2                  high     idle      host-b               pre-copy       312.5     0.0 s     6.0 s"
                "    120 ms     6.0 s\n"
                "  2  vm0                  low      idle      host-c               pre-copy       312.5     6.0 s     8.0 s"
                "     never    14.0 s\n"
                "  3  vm1                  no plan: no destination has 512.0 MiB free\n"
                "3 domains, predicted to have moved after 14.0 s\n"
                "left, shut off: old1, old2\n");
        o = mt_table_schedule_json(&t);
        assert_string_equal(
                mt_json_text(o),
                "{\"schedule\":[{\"domain\":\"vm2\",\"uuid\":\"6695eb01-f6a4-8304-79aa-97f2502e193f\",\"destination\":"
                "\"qemu+tls://"
                "host-b/"
                "system\",\"urgency\":\"high\",\"traffic\":\"idle\",\"technique\":\"pre-copy\",\"bandwidth_mbps\":312.5,"
                "\"begins_ms\":0,\"ends_ms\":6000,\"prediction\":{\"total_ms\":6000,\"downtime_ms\":120},\"error\":null},"
                "{\"domain\":\"vm0\",\"uuid\":\"6695eb01-f6a4-8304-79aa-97f2502e193f\",\"destination\":\"qemu+tls://c/"
                "system\","
                "\"urgency\":\"low\",\"traffic\":\"idle\",\"technique\":\"pre-copy\",\"bandwidth_mbps\":312.5,\"begins_ms\":"
                "6000,"
                "\"ends_ms\":14000,\"prediction\":{\"total_ms\":8000,\"downtime_ms\":null},\"error\":null},"
                "{\"domain\":\"vm1\",\"uuid\":\"6695eb01-f6a4-8304-79aa-97f2502e193f\",\"destination\":null,\"urgency\":"
                "\"low\","
                "\"traffic\":\"idle\",\"technique\":null,\"bandwidth_mbps\":312.5,\"begins_ms\":0,\"ends_ms\":0,"
                "\"prediction\":"
                "{\"total_ms\":6000,\"downtime_ms\":120},\"error\":\"no destination has 512.0 MiB "
                "free\"}],\"ends_ms\":14000,"
                "\"left\":[\"old1\",\"old2\"]}");
        (void)json_object_put(o);
        t.ends_ms = NEVER;
        t.n = 1;
        t.n_left = 0;
        assert_printed(
                mt_table_schedule, &t,
                "     DOMAIN               URGENCY  TRAFFIC   DESTINATION          TECHNIQUE   R Mbit/s    BEGINS      TIME "
                " "
                "BLACKOUT      ENDS\n"
                "  1  vm2                  high     idle      host-b               pre-copy       312.5     0.0 s     6.0 s"
                "    120 ms     6.0 s\n"
                "1 domain, when all have moved cannot be predicted\n");
        t.n = 0;
        assert_printed(mt_table_schedule, &t, "no domain runs here\n");
}

static void test_summary(void **state)
{
        struct mt_table t = table();
        json_object *o;

        (void)state;
        for (size_t i = 0; i < 3; i++)
                planned[i].state = MT_MOVE_ENDED;
        planned[2].result = MT_MOVE_MOVED;
        planned[2].actual = (struct mt_move_figures){ 6213, 143 };
        planned[0].result = MT_MOVE_FAILED;
        (void)snprintf(planned[0].error, sizeof(planned[0].error), "operation failed: no route");
        planned[1].result = MT_MOVE_NOT_STARTED;
        (void)snprintf(planned[1].error, sizeof(planned[1].error), "no room");
        assert_int_equal(mt_table_not_moved(&t), 2);
        assert_printed(
                mt_table_summary, &t,
                "DOMAIN               DESTINATION          RESULT            TIME  PREDICT.  BLACKOUT  PREDICT.  ERROR\n"
                "vm2                  host-b               moved            6.2 s     6.0 s    143 ms    120 ms  -\n"
                "vm0                  host-c               failed               -     8.0 s         -         -  "
                "operation failed: no route\n"
                "vm1                  -                    not-started          -     6.0 s         -    120 ms  no room\n"
                "left, shut off: old1, old2\n");
        o = mt_table_summary_json(&t);
        assert_string_equal(
                mt_json_text(o),
                "{\"moved\":1,\"not_moved\":2,\"migrations\":["
                "{\"domain\":\"vm2\",\"uuid\":\"6695eb01-f6a4-8304-79aa-97f2502e193f\",\"destination\":\"qemu+tls://host-b/"
                "system\","
                "\"result\":\"moved\",\"predicted\":{\"total_ms\":6000,\"downtime_ms\":120},\"actual\":{\"total_ms\":6213,"
                "\"downtime_ms\":143},\"error\":null},"
                "{\"domain\":\"vm0\",\"uuid\":\"6695eb01-f6a4-8304-79aa-97f2502e193f\",\"destination\":\"qemu+tls://c/"
                "system\","
                "\"result\":\"failed\",\"predicted\":{\"total_ms\":8000,\"downtime_ms\":null},\"actual\":{\"total_ms\":null,"
                "\"downtime_ms\":null},\"error\":\"operation failed: no route\"},"
                "{\"domain\":\"vm1\",\"uuid\":\"6695eb01-f6a4-8304-79aa-97f2502e193f\",\"destination\":null,"
                "\"result\":\"not-started\",\"predicted\":{\"total_ms\":6000,\"downtime_ms\":120},\"actual\":{\"total_ms\":"
                "null,"
                "\"downtime_ms\":null},\"error\":\"no room\"}],\"left\":[\"old1\",\"old2\"]}");
        (void)json_object_put(o);
        t.n = 0;
        t.n_left = 0;
        assert_printed(mt_table_summary, &t, "no domain runs here\n");
}

/* A move's part in the forecast follows its course. */
static void test_item(void **state)
{
        struct mt_move move = copying();

        (void)state;
        assert_int_equal(mt_move_item(&move, 3000).state, MT_SCHEDULE_RUNNING);
        assert_int_equal(mt_move_item(&move, 3000).left_ms, 4000);
        move.state = MT_MOVE_WAITING;
        assert_int_equal(mt_move_item(&move, 3000).state, MT_SCHEDULE_PENDING);
        move.state = MT_MOVE_ENDED;
        assert_int_equal(mt_move_item(&move, 3000).state, MT_SCHEDULE_ENDED);
        assert_false(mt_move_is_active(&move));
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(widths) + MT_ARRAY_SIZE(times) + 5];
        size_t n = 0;

        ADD_ROWS(tests, n, widths, test_width);
        ADD_ROWS(tests, n, times, test_time);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_move);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_all);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_schedule);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_summary);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_item);
        return _cmocka_run_group_tests("migrate_view", tests, n, NULL, NULL);
}
