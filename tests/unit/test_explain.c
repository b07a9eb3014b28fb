/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune explain, through the command as a host runs it; without a watcher (tests/hooks/test_follow.py has one). */
#include "array.h"
#include "cleanup.h"
#include "record/outcome.h"
#include "records.h"

#include <json-c/json.h>

#define RUN(columns, ...)                                                                                                   \
        records_run(mt_command_explain, "/nonexistent", (columns), (const char *const[]){ __VA_ARGS__, NULL })

static const struct record several[] = {
        { .id = "20261118T100000.000Z-8a4fd9a2", .started = "2026-11-18T10:00:00.000Z" },
        { .id = "20261119T100000.000Z-11111111", .domain = "db-7", .result = "failed", .actual = "700,null,0" },
        { .id = "20261120T061500.123Z-8a4fd9a2", .actual = "11000,250,1250000" },
        { .id = "20261120T061500.123Z-22222222", .domain = "with\\u002fescape" },
        { .id = "X1", .domain = "2026" },
        { .id = "X2", .domain = "-dash" },
        { .id = "Y1", .domain = "X1" },
        { .id = "Z", .domain = "twice" },
        { .id = "Z", .domain = "twice" },
};

static const struct find_case {
        const char *name; /* what is asked for */
        int status;
        const char *want; /* the id; or what the message has */
} finds[] = {
        { "20261119T100000.000Z-11111111", 0, "20261119T100000.000Z-11111111" },
        { "20261119", 0, "20261119T100000.000Z-11111111" },
        { "vm1", 0, "20261120T061500.123Z-8a4fd9a2" }, /* its last */
        { "db-7", 0, "20261119T100000.000Z-11111111" },
        { "with/escape", 0, "20261120T061500.123Z-22222222" },
        { "8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90", 0, "Z" }, /* the UUID of all */
        { "2026", 0, "X1" },                                /* a name before a beginning */
        { "X1", 0, "X1" },                                  /* an ID before a name */
        { "Z", 0, "Z" },                                    /* told twice is no other */
        { "202611", 2,
          "'202611': several migrations begin so: 20261118T100000.000Z-8a4fd9a2, 20261119T100000.000Z-11111111, "
          "20261120T061500.123Z-8a4fd9a2, 20261120T061500.123Z-22222222" },
        { "20261120T061500.123Z-", 2, "several migrations begin so: 20261120T061500.123Z-8a4fd9a2, 2026" },
        { "X", 2, "'X': several migrations begin so: X1, X2" },
        { "vm", 1, "no migration 'vm' in /" },
        { "vm1 ", 1, "and no watcher tells of running ones" },
        { "VM1", 1, "no migration 'VM1'" },
        { "20261120T061500.123Z-8a4fd9a2x", 1, "no migration '20261120T061500.123Z-8a4fd9a2x'" },
        { "\033[1m", 1, "no migration '?[1m'" },
        { "*", 1, "no migration '*'" },
};

static void test_find(void **state)
{
        const struct find_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, several, MT_ARRAY_SIZE(several), "");
        char want[128];

        assert_int_equal(RUN(0, c->name, "--history", file), c->status);
        if (c->status == 0) {
                (void)snprintf(want, sizeof(want), "\n  id %s\n", c->want);
                assert_non_null(strstr(records_out, want));
                assert_string_equal(records_err, "");
                assert_int_equal(RUN(0, "--json", "--history", file, "--", c->name), 0);
                (void)snprintf(want, sizeof(want), "\"id\":\"%s\"", c->want);
                assert_non_null(strstr(records_out, want));
                assert_int_equal(records_lines(records_out), 1);
                return;
        }
        assert_string_equal(records_out, "");
        if (strncmp(records_err, "migtune explain: ", 17) != 0 || strstr(records_err, c->want) == NULL)
                fail_msg("%s", records_err);
        assert_int_equal(records_lines(records_err), 1);
        records_harmless(records_err);
}

static void test_many_candidates(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        struct record many[400] = { 0 };
        char id[400][16];

        (void)state;
        for (unsigned i = 0; i < 400; i++) {
                (void)snprintf(id[i], sizeof(id[i]), "ID%u", i);
                many[i].id = id[i];
        }
        assert_int_equal(RUN(0, "ID", "--history", records_write(&scratch, many, 400, "")), 2);
        assert_string_equal(records_err,
                            "migtune explain: 'ID': several migrations begin so: ID0, ID1, ID2, ID3, ID4 and 395 more\n");
}

static void test_dash(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, several, MT_ARRAY_SIZE(several), "");

        (void)state;
        assert_int_equal(RUN(0, "-dash", "--history", file), 2);
        assert_int_equal(RUN(0, "--history", file, "--", "-dash"), 0);
        assert_non_null(strstr(records_out, "\n  id X2\n"));
}

/* What the watcher itself writes, with everything in it. */
static struct mt_outcome whole(void)
{
        struct mt_outcome o = {
                .id = "W",
                .result = MT_COMPLETED,
                .started_ms = UINT64_C(1795155300123),
                .attach = MT_ATTACH_CLIENT_SHIM,
                .domain = { .name = "whole", .uuid = "8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90" },
                .source = "host1",
                .destination = "10.0.0.2",
                .facts = { .memory_bytes = MT_GIB,
                           .resident_bytes = MT_GIB / 2,
                           .dirty_rate_bytes_s = 37500000,
                           .dirty_source = MT_DIRTY_MEASURED,
                           .dirty_age_ms = 30000,
                           .device = "eth0",
                           .link_bytes_s = 125000000,
                           .taken_bytes_s = 12500000,
                           .path_bytes_s = 100000000,
                           .rtt_us = 312,
                           .hot_bytes = MT_MIB * 12,
                           .hot_source = MT_HOT_WINDOWS,
                           .src = { true, 1250000, 62500000, 250 },
                           .tau_ms = 5,
                           .tg_ms = 40,
                           .dirty_low_bytes_s = 12500,
                           .dirty_high_bytes_s = 62500000,
                           .post_copy = MT_CALLER_YES,
                           .call = { .known = true, .flags = MT_FLAG_POSTCOPY },
                           .memory_source = MT_VALUE_READ,
                           .link_source = MT_VALUE_CONFIGURED,
                           .tau_source = MT_VALUE_BUILT_IN,
                           .tg_source = MT_VALUE_HISTORY,
                           .dirty_range_source = MT_VALUE_HISTORY },
                .plan = { .technique = MT_HYBRID,
                          .switch_iteration = 2,
                          .lambda = 0.375,
                          .bandwidth_bytes_s = 100000000,
                          .reserve_bytes_s = 50000000,
                          .switchover_bytes_s = 112500000,
                          .alpha = 0.0123,
                          .iterations = 4,
                          .downtime_limit_ms = 240,
                          .limit_met = true,
                          .prediction = { 9000, 280, UINT64_C(1200000000), 4 },
                          .call = { .known = true, .flags_add = MT_FLAG_PARALLEL, .connections = 4 },
                          .reasons = { 2, { "source outbound, so post-copy", "the link has 1 Gbit/s" } },
                          .n_alternatives = 2,
                          .alternatives = { { .name = "pre-copy, clark",
                                              .technique = MT_PRE_COPY,
                                              .bar = MT_BAR_STRATEGY,
                                              .bandwidth_bytes_s = 12500000,
                                              .prediction = { UINT64_MAX, UINT64_MAX, 7, 20 } },
                                            { .name = "post-copy, whole link",
                                              .technique = MT_POST_COPY,
                                              .bandwidth_bytes_s = UINT64_C(1530000000),
                                              .prediction = { 4100, 60, UINT64_C(1200000000), 1 },
                                              .tenants = { true, 66750000, 66750000, 4060, UINT64_C(271000000) } } },
                          .tenants = { .known = true },
                          .bars = { [MT_BAR_STRATEGY] = "strategy = \"lambda-range\"" },
                          .verdict = "hybrid by the traffic; nothing that is permitted is faster" },
                .actual = { 10000, 350, UINT64_C(1000000000), 5, MT_HYBRID },
                .n_tc = 1,
                .tc = { { .device = "eth0",
                          .minor = 2,
                          .rate_bytes_s = 50000000,
                          .ceil_bytes_s = 100000000,
                          .installed_after_ms = 12,
                          .removed = true } },
                .applied = { .bandwidth_bytes_s = 100000000, .downtime_limit_ms = 240, .changes = 3, .after_ms = 14 },
                .arbitrated = { 2, 1 },
        };

        mt_intent_defaults(&o.intent);
        (void)snprintf(o.intent.from, sizeof(o.intent.from), "rule:1 (a.conf:3)");
        mt_outcome_event(&o, 2500, "lambda is above 0.4: more bandwidth");
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(mt_outcome_sample(&o, &(struct mt_sample){ i * 100, 1 + i / 25, (100 - i) * MT_MIB,
                                                                            37500000, 90000000, 100000000, 0.375 }),
                                 0);
        return o;
}

/* What must stand there, in this order. */
static const char *const story[] = {
        "whole -> 10.0.0.2: completed\n",
        "began 2026-11-20T06:15:00.123Z on host1\n",
        "mode enforce, seen by client-shim\n",
        "\nmeasured:\n",
        "memory              1.0 GiB, 512.0 MiB of it touched, libvirt, now\n",
        "dirty rate          300.0 Mbit/s, page sampling, 30.0 s old\n",
        "the host's range    100.0 kbit/s to 500.0 Mbit/s, learnt here\n",
        "hot pages           12.0 MiB (1.17 % of the memory)",
        "link                eth0, 1.0 Gbit/s, by link.rate\n",
        "100.0 Mbit/s of it taken by other migrations\n",
        "path                carries 800.0 Mbit/s, seen in flight\n",
        "round trip          0.312 ms, of its connection\n",
        "between rounds      5 ms (tau), built-in; reconfiguration at the switchover 40 ms (t_g), learnt here\n",
        "traffic here        10.0 Mbit/s in, 500.0 Mbit/s out: idle, the device's counters, 250 ms old\n",
        "at the destination  not known, counts as idle\n",
        "post-copy           permitted by the caller: yes\n",
        "the call            flags: postcopy; libvirt -, QEMU -\n",
        "\nwanted, from rule:1 (a.conf:3):\n",
        "strategy lambda-range,",
        "max_downtime 300 ms,",
        "min_bandwidth 67.1 Mbit/s,",
        "sla_lower 0 Mbit/s,",
        "\nwhy:\n   1. source outbound, so post-copy\n   2. the link has 1 Gbit/s\n",
        "\nplan:\n",
        "technique           hybrid\n",
        "switches to post-copy as iteration 2 begins\n",
        "bandwidth           800.0 Mbit/s by lambda-range: lambda 0.375\n",
        "400.0 Mbit/s reserved, 900.0 Mbit/s for the last copy\n",
        "stops               when 1.23 % of the memory remains, after 4 rounds at the latest\n",
        "downtime limit      240 ms for QEMU; by the prediction max_downtime is met\n",
        "changed in the call with parallel; 4 connections\n",
        "\nwhat each way would have cost, as it stood at the beginning:\n",
        "\n  technique, bandwidth       Mbit/s     time blackout      bytes  others lose\n",
        "\n* hybrid, as planned          800.0    9.0 s   280 ms    1.1 GiB  nothing\n",
        "\na pre-copy, clark             100.0    never    never!       7 B  -\n",
        "\n  post-copy, whole link       12240    4.1 s    60 ms    1.1 GiB  534.0, 4.1 s\n",
        "\n  *: the plan\n  a: strategy = \"lambda-range\"\n  !: longer than max_downtime, 300 ms\n",
        "\nwhy this one: hybrid by the traffic; nothing that is permitted is faster\n",
        "what came of it:       predicted     actual     off by\n",
        "time                     9.0 s     10.0 s    -10.0 %\n",
        "blackout                280 ms     350 ms    -20.0 %\n",
        "bytes                  1.1 GiB  953.7 MiB    +20.0 %\n",
        "rounds                       4          5    -20.0 %\n",
        "max_downtime        300 ms: NOT held\n",
        "set in QEMU         800.0 Mbit/s, downtime limit 240 ms, the first 14 ms after the event; bandwidth set 3 times\n",
        "callers' limits     not followed while the plan's stood: 2 of downtime, 1 of speed\n",
        "\nevents:\n  2.5 s               lambda is above 0.4: more bandwidth\n",
        "\nsamples (20 of 100):\n",
        "      0 ms      1  100.0 MiB 300.0 Mbit/s 720.0 Mbit/s 800.0 Mbit/s   0.375\n",
        "     9.9 s      4    1.0 MiB 300.0 Mbit/s 720.0 Mbit/s 800.0 Mbit/s   0.375\n",
        "\ntc classes:\n  4d54:2              eth0 egress: rate 400.0 Mbit/s, ceil 800.0 Mbit/s, installed after 12 ms,",
        " removed\n",
};

static void test_story(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        MT_CLEANUP(mt_outcome_done) struct mt_outcome outcome = whole();
        MT_CLEANUP(mt_freep) char *text = mt_outcome_text(&outcome, 0);
        const char *file = scratch_write(&scratch, "h", text, strlen(text)), *at = records_out;

        (void)state;
        assert_int_equal(RUN(0, "whole", "--history", file), 0);
        for (unsigned i = 0; i < MT_ARRAY_SIZE(story); i++) {
                const char *found = strstr(at, story[i]);

                if (found == NULL) {
                        fail_msg("no '%s' in\n%s", story[i], at);
                        break;
                }
                at = found + 1;
        }
        assert_int_equal(RUN(0, "whole", "--json", "--history", file), 0);
        assert_int_equal(strncmp(records_out, text, strlen(text)), 0);
        for (unsigned columns = 80; columns < 200; columns += 7) {
                assert_int_equal(RUN(columns, "whole", "--history", file), 0);
                for (const char *line = records_out, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
                        if ((size_t)(end - line) >= columns)
                                fail_msg("%u: %.*s", columns, (int)(end - line), line);
        }
}

/* Old, damaged and hostile records: told as far as they go. */
static const struct odd_case {
        const char *name, *line, *want;
} odd[] = {
        { "hardly anything", "{\"id\":\"ODD\"}", "- -> -: -\n  id ODD\n" },
        { "of another type",
          "{\"event\":\"migration\",\"id\":\"ODD\",\"domain\":[],\"facts\":[],\"intent\":7,\"plan\":\"x\",\"reasons\":{},"
          "\"actual\":[1],\"events\":[7,null],\"tc\":[[]],\"applied\":1,\"error\":{}}",
          "\nplan:\n" },
        { "empty objects",
          "{\"id\":\"ODD\",\"domain\":{},\"facts\":{},\"intent\":{},\"plan\":{},\"actual\":{\"samples\":[{},null,7]},"
          "\"events\":[{}],\"tc\":[{}],\"applied\":{},\"reasons\":[null,7,\"real\"]}",
          "   3. real\n" },
        { "huge",
          "{\"id\":\"ODD\",\"facts\":{\"dirty_rate_mbps\":1e300,\"rtt_us\":1e300,\"memory_bytes\":1e300,\"hot_bytes\":1e300}"
          ","
          "\"plan\":{\"lambda\":1e300,\"alpha\":1e300,\"iterations\":1e300,\"switch_iteration\":1e300,\"prediction\":{"
          "\"total_ms\":1e300,\"bytes\":1e-300}},\"actual\":{\"total_ms\":1e-300,\"bytes\":1e300,\"samples\":[{\"t_ms\":"
          "1e300,"
          "\"lambda\":1e300,\"iteration\":1e300}]},\"intent\":{\"max_downtime_ms\":1e300,\"lambda_low\":1e300},\"applied\":"
          "{\"bandwidth_mbps\":1e300,\"changes\":1e300}}",
          ">9999 d" },
        { "control characters",
          "{\"id\":\"ODD\",\"domain\":{\"name\":\"\\u001b]0;x\\u0007\"},\"result\":\"\\u009b1m\",\"error\":\"a\\nb\\u001b["
          "2J\","
          "\"reasons\":[\"\\u001b[31m\"],\"events\":[{\"t_ms\":1,\"text\":\"\\r\\u001b\"}],\"intent\":{\"from\":\"\\u001b\","
          "\"mode\":\"\\u001b\"},\"facts\":{\"device\":\"\\u001b\"},\"tc\":[{\"class\":\"\\u001b\"}],\"unshaped\":"
          "\"\\u001b\"}",
          "?]0;x? -> -: ?1m: a b?[2J\n" },
        { "failed", "{\"id\":\"ODD\",\"result\":\"failed\",\"error\":\"broke\",\"adopted\":true}",
          "- -> -: failed: broke, found running already\n" },
};

static void test_odd(void **state)
{
        const struct odd_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_write(&scratch, "h", c->line, strlen(c->line));

        for (unsigned columns = 0; columns <= 80; columns += 40) {
                assert_int_equal(RUN(columns, "ODD", "--history", file), 0);
                assert_non_null(strstr(records_out, c->want));
                assert_null(strstr(records_out, "nan"));
                assert_string_equal(records_err, "");
                records_harmless(records_out);
        }
        assert_int_equal(RUN(0, "ODD", "--json", "--history", file), 0);
        records_harmless(records_out);
}

static void test_unreadable(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, several, 1, "{\"id\":\"other\n{\"id\":\"wanted\",\"do");

        (void)state;
        assert_int_equal(RUN(0, "wanted", "--history", file), 1);
        assert_non_null(strstr(records_err, " (1 line that may be it cannot be read), and no watcher"));
}

static const struct bad_case {
        const char *name;
        const char *argument[3];
        int status;
        const char *want;
} bad[] = {
        { "nothing", { NULL }, 2, "expected an ID or a DOMAIN" },
        { "an empty one", { "" }, 2, "'': expected one ID or DOMAIN" },
        { "two", { "a", "b" }, 2, "'b': expected one ID or DOMAIN" },
        { "unknown option", { "a", "--\033all" }, 2, "'--?all': unknown option" },
        { "history without value", { "a", "--history" }, 2, "'--history': its value is missing" },
        { "no such history", { "a", "--history", "/nonexistent/h" }, 1, "the history '/nonexistent/h': No such file" },
        { "a directory", { "a", "--history", "/tmp" }, 2, "the history '/tmp': expected a file" },
        { "no configuration", { "a" }, 1, "/nonexistent: No such file" },
};

static void test_bad(void **state)
{
        const struct bad_case *c = *state;
        const char *arguments[4] = { c->argument[0], c->argument[1], c->argument[2], NULL };

        assert_int_equal(records_run(mt_command_explain, "/nonexistent", 0, arguments), c->status);
        assert_string_equal(records_out, "");
        if (strncmp(records_err, "migtune explain: ", 17) != 0 || strstr(records_err, c->want) == NULL)
                fail_msg("%s", records_err);
        assert_int_equal(records_lines(records_err), 1);
        records_harmless(records_err);
}

static void test_help(void **state)
{
        (void)state;
        assert_int_equal(RUN(0, "a", "--help"), 0);
        assert_true(strncmp(records_out, "usage: migtune explain ", 23) == 0);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_many_candidates), cmocka_unit_test(test_dash), cmocka_unit_test(test_story),
                cmocka_unit_test(test_unreadable),      cmocka_unit_test(test_help),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(finds) + MT_ARRAY_SIZE(odd) + MT_ARRAY_SIZE(bad) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, finds, test_find);
        ADD_ROWS(tests, n, odd, test_odd);
        ADD_ROWS(tests, n, bad, test_bad);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("explain", tests, n, NULL, NULL);
}
