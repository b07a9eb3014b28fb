/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "record/fields.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

static struct mt_outcome example(void)
{
        struct mt_outcome o = { .id = "20261120T061500.123Z-8a4fd9a2",
                                .result = MT_COMPLETED,
                                .attach = MT_ATTACH_DAEMON_SHIM,
                                .domain = { .name = "vm 1=\"x\"", .uuid = "8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90" },
                                .source = "host1",
                                .destination = "10.0.0.2",
                                .facts = { .memory_bytes = UINT64_C(1073741824) },
                                .plan = { .bandwidth_bytes_s = 33554432,
                                          .limit_met = true,
                                          .prediction = { 9000, 280, UINT64_C(1200000000), 4 } },
                                .actual = { 9500, 310, UINT64_C(1250000000), 5, MT_HYBRID } };

        mt_intent_defaults(&o.intent);
        return o;
}

static const struct field_case {
        const char *name;
        const char *want;
} field_cases[] = {
        { "id", "MIGTUNE_ID=20261120T061500.123Z-8a4fd9a2" },
        { "domain", "MIGTUNE_DOMAIN=vm 1=\"x\"" },
        { "uuid", "MIGTUNE_DOMAIN_UUID=8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90" },
        { "result", "MIGTUNE_RESULT=completed" },
        { "mode", "MIGTUNE_MODE=enforce" },
        { "attach", "MIGTUNE_ATTACH=daemon-shim" },
        { "source", "MIGTUNE_SOURCE=host1" },
        { "destination", "MIGTUNE_DESTINATION=10.0.0.2" },
        { "technique", "MIGTUNE_TECHNIQUE=hybrid" },
        { "strategy", "MIGTUNE_STRATEGY=lambda-range" },
        { "bandwidth, rounded", "MIGTUNE_BANDWIDTH_MBPS=268" },
        { "time", "MIGTUNE_TOTAL_MS=9500" },
        { "blackout", "MIGTUNE_DOWNTIME_MS=310" },
        { "bytes", "MIGTUNE_BYTES=1250000000" },
        { "iterations", "MIGTUNE_ITERATIONS=5" },
        { "memory", "MIGTUNE_MEMORY_BYTES=1073741824" },
        { "predicted time", "MIGTUNE_PREDICTED_TOTAL_MS=9000" },
        { "predicted blackout", "MIGTUNE_PREDICTED_DOWNTIME_MS=280" },
        { "limit", "MIGTUNE_MAX_DOWNTIME_MS=300" },
        { "limit met", "MIGTUNE_LIMIT_MET=yes" },
};

static void test_field(void **state)
{
        const struct field_case *c = *state;
        const struct mt_outcome o = example();
        struct mt_record_fields fields;
        unsigned found = 0, n = 0;

        for (const char *const *field = mt_record_fields(&o, &fields); *field != NULL; field++, n++)
                found += strcmp(*field, c->want) == 0 ? 1 : 0;
        assert_int_equal(found, 1);
        assert_int_equal(n, sizeof(field_cases) / sizeof(field_cases[0]));
}

static void test_unknown(void **state)
{
        struct mt_outcome o = example();
        struct mt_record_fields fields;

        (void)state;
        o.actual.downtime_ms = o.plan.prediction.total_ms = UINT64_MAX;
        o.plan.limit_met = false;
        (void)snprintf(o.error, sizeof(o.error), "%0255d", 7);
        for (const char *const *field = mt_record_fields(&o, &fields); *field != NULL; field++) {
                assert_null(strstr(*field, "MIGTUNE_DOWNTIME_MS"));
                assert_null(strstr(*field, "MIGTUNE_PREDICTED_TOTAL_MS"));
                if (strncmp(*field, "MIGTUNE_LIMIT_MET", strlen("MIGTUNE_LIMIT_MET")) == 0)
                        assert_string_equal(*field, "MIGTUNE_LIMIT_MET=no");
        }
        assert_int_equal(strlen(fields.list[fields.n - 1]), strlen("MIGTUNE_ERROR=") + 255);
        assert_null(fields.list[fields.n]);
}

int main(void)
{
        struct CMUnitTest tests[32] = { cmocka_unit_test(test_unknown) };
        size_t n = 1;

        ADD_ROWS(tests, n, field_cases, test_field);
        return _cmocka_run_group_tests("fields", tests, n, NULL, NULL);
}
