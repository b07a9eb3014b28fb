/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a migration call to facts, and from a plan to the advice. */
#include "steer/advice.h"
#include "table.h"

#include <string.h>

static struct mt_call call_of(void)
{
        return (struct mt_call){ .struct_size = sizeof(struct mt_call),
                                 .attach = MT_CALL_BY_CLIENT,
                                 .domain = "vm",
                                 .uuid = "u",
                                 .flags = MT_FLAG_LIVE | MT_FLAG_POSTCOPY,
                                 .bandwidth_mib_s = 40,
                                 .bandwidth_postcopy_mib_s = 30,
                                 .libvirt_version = MT_VERSION(11, 3, 0) };
}

static void test_fact(void **state)
{
        const struct mt_versions versions = { .libvirt = MT_VERSION(11, 1, 0), .qemu = MT_VERSION(10, 0, 2) };
        struct mt_call call = call_of();
        struct mt_call_fact fact;

        (void)state;
        call.state = MT_CALL_PAUSED;
        fact = mt_advice_call_fact(&call, MT_LIMITS_RESPECT, &versions);
        assert_true(fact.known && !fact.made && fact.paused && !fact.fixed_flags && !fact.override_limits);
        assert_true(fact.flags == (MT_FLAG_LIVE | MT_FLAG_POSTCOPY));
        assert_true(fact.bandwidth_bytes_s == 40 * MT_MIB && fact.bandwidth_postcopy_bytes_s == 30 * MT_MIB);
        assert_true(fact.bandwidth_switchover_bytes_s == 0);
        assert_true(fact.libvirt_version == MT_VERSION(11, 1, 0)); /* the older of the two */
        assert_true(fact.qemu_version == MT_VERSION(10, 0, 2));
        assert_true(!fact.by_rdma && !fact.by_unix_socket);
        call.migrate_uri = "tcp://10.0.0.2";
        fact = mt_advice_call_fact(&call, MT_LIMITS_RESPECT, &versions);
        assert_true(!fact.by_rdma && !fact.by_unix_socket);
        call.migrate_uri = "rdma://10.0.0.2";
        fact = mt_advice_call_fact(&call, MT_LIMITS_RESPECT, &versions);
        assert_true(fact.by_rdma && !fact.by_unix_socket);
        call.migrate_uri = "unix:///run/a.sock";
        fact = mt_advice_call_fact(&call, MT_LIMITS_RESPECT, &versions);
        assert_true(!fact.by_rdma && fact.by_unix_socket);
        call.state = MT_CALL_FIXED_FLAGS;
        fact = mt_advice_call_fact(&call, MT_LIMITS_OVERRIDE, &versions);
        assert_true(!fact.paused && fact.fixed_flags && fact.override_limits);
}

static const struct limit_case {
        const char *name;
        uint64_t mib_s, want_bytes_s;
} limits[] = {
        { "none", 0, 0 },
        { "1 MiB/s", 1, MT_MIB },
        { "libvirt's unlimited", UINT64_C(8796093022207), 0 },
        { "all ones", UINT64_MAX, 0 },
        { "15 TiB/s", UINT64_C(15) << 20, MT_MIB *(UINT64_C(15) << 20) },
};

static void test_limit(void **state)
{
        const struct limit_case *c = *state;

        assert_true(mt_advice_limit_bytes_s(c->mib_s) == c->want_bytes_s);
}

static void test_made(void **state)
{
        const struct mt_versions versions = { .libvirt = MT_VERSION(9, 0, 0) };
        const struct mt_call call = call_of();
        const struct mt_call_fact given = mt_advice_call_fact(&call, MT_LIMITS_RESPECT, &versions);
        const struct mt_call_changes nothing = { .known = false };
        const struct mt_call_changes changes = { .known = true,
                                                 .flags_add = MT_FLAG_COMPRESSED,
                                                 .flags_drop = MT_FLAG_POSTCOPY,
                                                 .bandwidth_postcopy_bytes_s = 2,
                                                 .bandwidth_switchover_bytes_s = 1 };
        struct mt_call_fact own = given;

        (void)state;
        assert_true(mt_advice_made(&given, &nothing).made);
        assert_true(mt_advice_made(&given, &nothing).flags == given.flags);
        assert_true(mt_advice_made(&given, &nothing).bandwidth_postcopy_bytes_s == 30 * MT_MIB);
        assert_true(mt_advice_made(&given, &changes).bandwidth_postcopy_bytes_s == 2);
        assert_true(mt_advice_made(&given, &changes).flags == (MT_FLAG_LIVE | MT_FLAG_COMPRESSED));
        assert_false(mt_advice_switchover(&given, &nothing));
        assert_true(mt_advice_switchover(&given, &changes));
        own.bandwidth_switchover_bytes_s = MT_MIB;
        assert_true(mt_advice_switchover(&own, &nothing));
}

static struct mt_plan plan_of(void)
{
        return (struct mt_plan){
                .technique = MT_HYBRID,
                .bandwidth_bytes_s = 40 * MT_MIB + 1,
                .prediction = { .total_ms = 12300, .downtime_ms = 280 },
                .call = { .known = true,
                          .flags_add = MT_FLAG_POSTCOPY | MT_FLAG_COMPRESSED,
                          .flags_drop = MT_FLAG_AUTO_CONVERGE,
                          .bandwidth_postcopy_bytes_s = 31 * MT_MIB - 1,
                          .bandwidth_switchover_bytes_s = 1000,
                          .connections = 4,
                          .compression = MT_COMPRESSION_XBZRLE,
                          .xbzrle_cache_bytes = 64 * MT_MIB },
        };
}

static void test_tune(void **state)
{
        const struct mt_plan plan = plan_of();
        struct mt_advice advice;
        struct mt_intent intent;

        (void)state;
        mt_intent_defaults(&intent);
        mt_advice_fill(&intent, &plan, &advice);
        assert_int_equal(advice.struct_size, sizeof(advice));
        assert_int_equal(advice.action, MT_ADVICE_TUNE);
        assert_int_equal(advice.bandwidth_mib_s, 41);           /* up: the exact rate is tc's */
        assert_int_equal(advice.bandwidth_postcopy_mib_s, 30);  /* down */
        assert_int_equal(advice.bandwidth_switchover_mib_s, 1); /* but not to nothing */
        assert_true(advice.flags_add == plan.call.flags_add && advice.flags_drop == plan.call.flags_drop);
        assert_int_equal(advice.connections, 4);
        assert_string_equal(advice.compression, "xbzrle");
        assert_true(advice.xbzrle_cache_bytes == 64 * MT_MIB);
        assert_string_equal(advice.ticket, "");
        assert_string_equal(advice.reason,
                            "hybrid at 335.5 Mbit/s, with compressed, without auto-converge, with postcopy, by "
                            "xbzrle; predicted 12.3 s, blackout 280 ms without the compression");
}

static void test_nothing_to_change(void **state)
{
        struct mt_plan plan = { .bandwidth_bytes_s = MT_MIB,
                                .prediction = { .total_ms = UINT64_MAX, .downtime_ms = UINT64_MAX } };
        struct mt_advice advice;
        struct mt_intent intent;

        (void)state;
        mt_intent_defaults(&intent);
        mt_advice_fill(&intent, &plan, &advice);
        assert_int_equal(advice.action, MT_ADVICE_TUNE);
        assert_int_equal(advice.bandwidth_mib_s, 1);
        assert_true(advice.flags_add == 0 && advice.flags_drop == 0 && advice.connections == 0);
        assert_true(advice.bandwidth_postcopy_mib_s == 0 && advice.bandwidth_switchover_mib_s == 0);
        assert_string_equal(advice.compression, "");
        assert_string_equal(advice.reason, "pre-copy at 8.4 Mbit/s; predicted without end, blackout without end");
}

static void test_observe(void **state)
{
        const struct mt_plan plan = plan_of();
        struct mt_advice advice;
        struct mt_intent intent;

        (void)state;
        mt_intent_defaults(&intent);
        intent.mode = MT_MODE_OBSERVE;
        mt_advice_fill(&intent, &plan, &advice);
        assert_int_equal(advice.action, MT_ADVICE_LEAVE);
        assert_true(advice.bandwidth_mib_s == 0 && advice.flags_add == 0 && advice.flags_drop == 0);
        assert_true(advice.connections == 0 && advice.compression[0] == '\0');
        assert_true(strncmp(advice.reason, "mode observe, would be: hybrid at ", 34) == 0);
}

/* The longest sentence stays within its member. */
static void test_all_flags(void **state)
{
        struct mt_plan plan = plan_of();
        struct mt_advice advice;
        struct mt_intent intent;

        (void)state;
        mt_intent_defaults(&intent);
        plan.call.flags_add = 0;
        plan.call.flags_drop = UINT64_MAX;
        mt_advice_fill(&intent, &plan, &advice);
        assert_true(strlen(advice.reason) < sizeof(advice.reason));
        assert_non_null(strstr(advice.reason, "without live"));
        assert_non_null(strstr(advice.reason, "; predicted "));
}

int main(void)
{
        struct CMUnitTest tests[sizeof(limits) / sizeof(limits[0]) + 6];
        size_t n = 0;

        ADD_ROWS(tests, n, limits, test_limit);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_fact);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_made);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_tune);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_nothing_to_change);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_observe);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_all_flags);
        return _cmocka_run_group_tests("advice", tests, n, NULL, NULL);
}
