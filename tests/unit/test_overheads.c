/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What migrations cost beside the copying: what is taken from a record, and the quantiles of the newest. */
#include "record/overheads.h"
#include "array.h"
#include "record/learnt.h"
#include "table.h"

#include <math.h>
#include <stdio.h>

#define MIB 1048576.0

static json_object *record_of(unsigned minute, const char *result, const char *more, double setup_ms, double process_mib,
                              double touched_mib)
{
        char text[512];

        (void)snprintf(text, sizeof(text),
                       "{\"result\":\"%s\",\"started\":\"2026-11-20T10:%02u:00.000Z\",%s\"facts\":{\"process_bytes\":%.0f},"
                       "\"actual\":{\"setup_ms\":%.0f,\"touched_bytes\":%.0f}}",
                       result, minute, more, process_mib * MIB, setup_ms, touched_mib * MIB);
        return json_tokener_parse(text);
}

static void learn(struct mt_overheads *overheads, json_object *record)
{
        assert_non_null(record);
        mt_overheads_learn(overheads, record);
        (void)json_object_put(record);
}

static const struct row {
        const char *name, *result, *more;
        double setup_ms, process_mib, touched_mib;
        unsigned setups, processes; /* how many of each are known then */
} rows[] = {
        { "completed", "completed", "", 300, 500, 400, 1, 1 },
        { "failed", "failed", "", 300, 500, 400, 0, 0 },
        { "cancelled", "cancelled", "", 300, 500, 400, 0, 0 },
        { "adopted", "completed", "\"adopted\":true,", 300, 500, 400, 0, 0 },
        { "a setup of a minute", "completed", "", 60000, 500, 400, 0, 1 },
        { "swapped out", "completed", "", 300, 300, 400, 1, 1 },
        { "negative", "completed", "", -1, 500, -1, 0, 0 },
};

static void test_taken(void **state)
{
        const struct row *row = *state;
        struct mt_overheads overheads = { .setup_ms = { .n = 0 } };

        learn(&overheads, record_of(0, row->result, row->more, row->setup_ms, row->process_mib, row->touched_mib));
        assert_int_equal(overheads.setup_ms.n, row->setups);
        assert_int_equal(overheads.process_bytes.n, row->processes);
        if (row->processes > 0)
                assert_true(overheads.process_bytes.entry[0].value == (row->process_mib - row->touched_mib) * MIB);
}

/* Records of any shape tell nothing, and break nothing. */
static void test_strange(void **state)
{
        static const char *const records[] = {
                "{}",
                "[]",
                "7",
                "{\"result\":\"completed\"}",
                "{\"result\":7,\"actual\":[]}",
                "{\"result\":\"completed\",\"started\":\"2026-11-20T10:00:00.000Z\"}",
                "{\"result\":\"completed\",\"started\":\"2026-11-20T10:00:00.000Z\",\"facts\":7}",
                "{\"result\":\"completed\",\"started\":\"2026-11-20T10:00:00.000Z\",\"actual\":{\"setup_ms\":\"x\"}}",
                "{\"result\":\"completed\",\"started\":\"noon\",\"actual\":{\"setup_ms\":5}}",
        };
        struct mt_overheads overheads = { .setup_ms = { .n = 0 } };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(records); i++)
                learn(&overheads, json_tokener_parse(records[i]));
        assert_int_equal(overheads.setup_ms.n + overheads.process_bytes.n, 0);
}

/* The newest count, in whatever order they are told, and each once. */
static void test_newest(void **state)
{
        struct mt_overheads overheads = { .setup_ms = { .n = 0 } };
        double value = -1.0;

        (void)state;
        for (unsigned i = 0; i < MT_OVERHEADS_LEAST - 1; i++)
                learn(&overheads, record_of(i, "completed", "", 100, 500, 400));
        learn(&overheads, record_of(0, "completed", "", 100, 500, 400)); /* told again */
        assert_false(mt_recent_quantile(&overheads.setup_ms, 0.5, &value));
        assert_true(value == -1.0);
        for (unsigned i = 59; i >= 20; i--) /* backwards: 45 to 59 stay */
                learn(&overheads, record_of(i, "completed", "", i == 50 ? 9000 : i, 500, 400 + i));
        assert_int_equal(overheads.setup_ms.n, MT_OVERHEADS_RECENT);
        assert_true(mt_recent_quantile(&overheads.setup_ms, 0.0, &value) && value == 45.0);
        assert_true(mt_recent_quantile(&overheads.setup_ms, 0.5, &value) && value == 53.0); /* not moved by the 9000 */
        assert_true(mt_recent_quantile(&overheads.setup_ms, 1.0, &value) && value == 9000.0);
        assert_true(mt_recent_quantile(&overheads.process_bytes, 0.25, &value) && fabs(value - 44.5 * MIB) < 1.0);
}

/* As part of all that is learnt. */
static void test_learnt(void **state)
{
        struct mt_learnt learnt = { .rates = { .n = 0 } };
        double value;

        (void)state;
        for (unsigned i = 0; i < 5; i++) {
                json_object *record = record_of(i, "completed", "", 200 + i, 500, 400);

                mt_learnt_record(&learnt, record);
                (void)json_object_put(record);
        }
        assert_true(mt_recent_quantile(&learnt.overheads.setup_ms, MT_OVERHEADS_SETUP, &value) && value == 202.0);
        mt_learnt_done(&learnt);
        assert_int_equal(learnt.overheads.setup_ms.n, 0);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(rows) + 3];
        size_t n = 0;

        ADD_ROWS(tests, n, rows, test_taken);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_strange);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_newest);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_learnt);
        return _cmocka_run_group_tests("overheads", tests, n, NULL, NULL);
}
