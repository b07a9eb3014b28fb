/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MT_REGENERATE=1 writes the golden text anew, to be reviewed. */
#include "cleanup.h"
#include "record/metrics.h"
#include "scratch.h"
#include "table.h"

#include <string.h>

#define GOLDEN MT_SOURCE_ROOT "/tests/golden/metrics.prom"

/* A completed migration, as expected; the tests change what they are about. */
static struct mt_outcome example(void)
{
        struct mt_outcome o = { .result = MT_COMPLETED,
                                .facts = { .memory_bytes = UINT64_C(4294967296) },
                                .plan = { .limit_met = true,
                                          .prediction = { .total_ms = 10000, .downtime_ms = 200, .bytes = 5000000000 } },
                                .actual = { .total_ms = 12000,
                                            .downtime_ms = 190,
                                            .bytes = 5500000000,
                                            .iterations = 4,
                                            .technique = MT_PRE_COPY } };

        mt_intent_defaults(&o.intent); /* max_downtime 300 ms */
        return o;
}

static struct mt_metrics some_metrics(void)
{
        struct mt_metrics metrics = { .fail_open = { 1, 2, 3, 4, 5, 6, 7, 8 }, .reloads = { 2, 1 } };
        struct mt_outcome o = example();

        mt_metrics_outcome(&metrics, &o);
        o.intent.mode = MT_MODE_OBSERVE;
        o.actual.technique = MT_HYBRID;
        o.actual.downtime_ms = 1250;
        o.plan.limit_met = false;
        mt_metrics_outcome(&metrics, &o);
        o = example();
        o.result = MT_FAILED;
        o.recovery.breaks = 2;
        o.recovery.attempts = 5;
        o.recovery.lost_ms = 61500;
        o.arbitrated.downtimes = 3;
        o.arbitrated.speeds = 1;
        mt_metrics_outcome(&metrics, &o);
        mt_metrics_plan(&metrics, 12345);
        mt_metrics_plan(&metrics, UINT64_C(20000000000));
        return metrics;
}

static struct mt_metrics_now some_now(void)
{
        return (struct mt_metrics_now){
                .version = "9.8.7",
                .up = true,
                .libvirt = true,
                .reload_ok = true,
                .start_ms = UINT64_C(1795155300120),
                .reload_ms = UINT64_C(1795155400000),
                .outgoing = 2,
                .incoming = 1,
                .waiting = 3,
                .n_devices = 2,
                .device = { { .name = "eth0",
                              .link_bytes_s = 125000000,
                              .egress = { .known = true,
                                          .budget_bytes_s = 123000000,
                                          .granted_bytes_s = 50000000,
                                          .carried_bytes_s = 48000000,
                                          .background_bytes_s = 10000000 },
                              .ingress = { .known = true,
                                           .budget_bytes_s = 123000000,
                                           .granted_bytes_s = 100000000,
                                           .carried_bytes_s = 1,
                                           .background_bytes_s = 90000000 } },
                            { .name = "a\"b\\c\xff\n" } },
        };
}

static void test_golden(void **state)
{
        const struct mt_metrics metrics = some_metrics();
        const struct mt_metrics_now now = some_now();
        MT_CLEANUP(mt_freep) char *text = mt_metrics_text(&metrics, &now);
        MT_CLEANUP(mt_freep) char *want = NULL;

        (void)state;
        assert_non_null(text);
        if (getenv("MT_REGENERATE") != NULL) {
                FILE *out = fopen(GOLDEN, "we");

                assert_non_null(out);
                assert_true(fputs(text, out) >= 0);
                assert_int_equal(fclose(out), 0);
        }
        want = scratch_read(GOLDEN, NULL);
        assert_string_equal(text, want);
}

static void test_restart(void **state)
{
        const struct mt_metrics metrics = some_metrics();
        const struct mt_metrics_now now = some_now();
        MT_CLEANUP(mt_freep) char *text = mt_metrics_text(&metrics, &now);
        struct mt_metrics loaded = { .reloads = { 0 } };

        (void)state;
        assert_non_null(text);
        mt_metrics_load(&loaded, text);
        assert_memory_equal(&loaded, &metrics, sizeof(metrics));
        mt_metrics_load(&loaded, text);
        assert_int_equal(loaded.duration_ms.sum, 2 * metrics.duration_ms.sum);
        assert_int_equal(loaded.reloads[0], 4);
}

static void test_ended(void **state)
{
        const struct mt_metrics metrics = some_metrics();
        struct mt_metrics_now now = some_now();
        MT_CLEANUP(mt_freep) char *text = NULL;

        (void)state;
        now.up = false;
        text = mt_metrics_text(&metrics, &now);
        assert_non_null(text);
        assert_non_null(strstr(text, "\nmigtune_up 0\n"));
        assert_non_null(strstr(text, "\nmigtune_running_migrations{direction=\"outgoing\"} 0\n"));
        assert_non_null(strstr(text, "\nmigtune_libvirt_connected 0\n"));
        assert_null(strstr(text, "device="));
}

/* What an outcome changes of the count of...: */
enum seen { DURATIONS, BLACKOUTS, PREDICTED, PREDICTED_BLACKOUTS, UNMET, OVER, SEEN };

static uint64_t count(const struct mt_metrics_histogram *histogram)
{
        uint64_t sum = 0;

        for (unsigned i = 0; i <= MT_METRICS_BOUNDS; i++)
                sum += histogram->in[i];
        return sum;
}

static void never_predicted(struct mt_outcome *o)
{
        o->plan.prediction = (struct mt_prediction){ UINT64_MAX, UINT64_MAX, 1, 20 };
        o->plan.limit_met = false;
}

static void observed(struct mt_outcome *o)
{
        o->intent.mode = MT_MODE_OBSERVE;
}

static void adopted(struct mt_outcome *o)
{
        o->adopted = true;
}

static void unseen(struct mt_outcome *o)
{
        o->actual.bytes = 0;
        o->actual.downtime_ms = UINT64_MAX;
}

static void failed(struct mt_outcome *o)
{
        o->result = MT_FAILED;
}

static void blackout_unknown(struct mt_outcome *o)
{
        o->actual.downtime_ms = UINT64_MAX;
}

static void at_limit(struct mt_outcome *o)
{
        o->actual.downtime_ms = 300;
}

static void beyond_limit(struct mt_outcome *o)
{
        o->actual.downtime_ms = 301;
}

static const struct outcome_case {
        const char *name;
        void (*change)(struct mt_outcome *o);
        uint64_t want[SEEN];
} outcome_cases[] = {
        { "as expected", NULL, { 1, 1, 1, 1, 0, 0 } },
        { "predicted never to end", never_predicted, { 1, 1, 0, 0, 1, 0 } },
        { "observed: nothing was promised", observed, { 1, 1, 0, 0, 0, 0 } },
        { "adopted: its beginning was missed", adopted, { 1, 1, 0, 0, 0, 0 } },
        { "not seen at all", unseen, { 0, 0, 0, 0, 0, 0 } },
        { "failed", failed, { 0, 0, 0, 0, 0, 0 } },
        { "blackout not known", blackout_unknown, { 1, 0, 1, 0, 0, 0 } },
        { "blackout at its limit", at_limit, { 1, 1, 1, 1, 0, 0 } },
        { "blackout beyond its limit", beyond_limit, { 1, 1, 1, 1, 0, 1 } },
};

static void test_outcome(void **state)
{
        const struct outcome_case *c = *state;
        struct mt_metrics metrics = { .reloads = { 0 } };
        struct mt_outcome o = example();

        if (c->change != NULL)
                c->change(&o);
        mt_metrics_outcome(&metrics, &o);
        assert_int_equal(metrics.migrations[o.result][MT_PRE_COPY][o.intent.mode == MT_MODE_ENFORCE ? 0 : 1], 1);
        assert_int_equal(count(&metrics.duration_ms), c->want[DURATIONS]);
        assert_int_equal(count(&metrics.blackout_ms), c->want[BLACKOUTS]);
        assert_int_equal(count(&metrics.predicted[MT_PREDICTED_DURATION]), c->want[PREDICTED]);
        assert_int_equal(count(&metrics.predicted[MT_PREDICTED_BLACKOUT]), c->want[PREDICTED_BLACKOUTS]);
        assert_int_equal(metrics.limit_unmet, c->want[UNMET]);
        assert_int_equal(metrics.over_limit, c->want[OVER]);
}

/* Texts that are not, or not quite, ours: what of them is taken. */
static const struct damaged_case {
        const char *name, *text;
        uint64_t reloads, durations, broken_ms;
} damaged_cases[] = {
        { "empty", "", 0, 0, 0 },
        { "no newline", "migtune_config_reloads_total{result=\"success\"} 7", 0, 0, 0 },
        { "cut", "\nmigtune_config_reloads_total{result=\"success\"} 7", 0, 0, 0 },
        { "one line", "\nmigtune_config_reloads_total{result=\"success\"} 7\n", 7, 0, 0 },
        { "decimals", "\nmigtune_post_copy_broken_seconds_total 1.5\n", 0, 0, 1500 },
        { "too many decimals", "\nmigtune_post_copy_broken_seconds_total 1.5001\n", 0, 0, 0 },
        { "two points", "\nmigtune_post_copy_broken_seconds_total 1..5\n", 0, 0, 0 },
        { "only a point", "\nmigtune_post_copy_broken_seconds_total .\n", 0, 0, 0 },
        { "a point in a count", "\nmigtune_config_reloads_total{result=\"success\"} 7.5\n", 0, 0, 0 },
        { "negative", "\nmigtune_config_reloads_total{result=\"success\"} -7\n", 0, 0, 0 },
        { "no number", "\nmigtune_config_reloads_total{result=\"success\"} NaN\n", 0, 0, 0 },
        { "nothing", "\nmigtune_config_reloads_total{result=\"success\"} \n", 0, 0, 0 },
        { "too large", "\nmigtune_config_reloads_total{result=\"success\"} 99999999999999999999999\n", 0, 0, 0 },
        { "too large in its unit", "\nmigtune_post_copy_broken_seconds_total 1000000000000000000\n", 0, 0, 0 },
        { "half a histogram", "\nmigtune_migration_duration_seconds_bucket{le=\"1\"} 5\n", 0, 0, 0 },
};

static void test_damaged(void **state)
{
        const struct damaged_case *c = *state;
        struct mt_metrics metrics = { .reloads = { 0 } };

        mt_metrics_load(&metrics, c->text);
        assert_int_equal(metrics.reloads[0], c->reloads);
        assert_int_equal(count(&metrics.duration_ms), c->durations);
        assert_int_equal(metrics.broken_ms, c->broken_ms);
}

/* A whole text of which one line is another: what is replaced, and whether the durations count all the same. */
static const struct line_case {
        const char *name, *line, *by;
        uint64_t durations;
} line_cases[] = {
        { "histogram: whole", "", "", 2 },
        { "histogram: a bucket is missing", "_bucket{le=\"20\"} 2\n", "_bucket{le=\"21\"} 2\n", 0 },
        { "histogram: buckets fall", "_bucket{le=\"30\"} 2\n", "_bucket{le=\"30\"} 1\n", 0 },
        { "histogram: another count", "_count 2\n", "_count 3\n", 0 },
        { "histogram: no sum", "_sum 24\n", "_sum x4\n", 0 },
};

static void test_line(void **state)
{
        const struct line_case *c = *state;
        const struct mt_metrics metrics = some_metrics();
        const struct mt_metrics_now now = some_now();
        MT_CLEANUP(mt_freep) char *text = mt_metrics_text(&metrics, &now);
        struct mt_metrics loaded = { .reloads = { 0 } };
        char line[128];
        char *at;

        assert_non_null(text);
        (void)snprintf(line, sizeof(line), "migtune_migration_duration_seconds%s", c->line);
        at = strstr(text, line);
        assert_non_null(at);
        assert_int_equal(strlen(c->line), strlen(c->by));
        (void)memcpy(at + strlen(line) - strlen(c->by), c->by, strlen(c->by));
        mt_metrics_load(&loaded, text);
        assert_int_equal(count(&loaded.duration_ms), c->durations);
        assert_int_equal(count(&loaded.blackout_ms), 2);
}

int main(void)
{
        struct CMUnitTest tests[64] = { cmocka_unit_test(test_golden), cmocka_unit_test(test_restart),
                                        cmocka_unit_test(test_ended) };
        size_t n = 3;

        ADD_ROWS(tests, n, outcome_cases, test_outcome);
        ADD_ROWS(tests, n, damaged_cases, test_damaged);
        ADD_ROWS(tests, n, line_cases, test_line);
        return _cmocka_run_group_tests("metrics", tests, n, NULL, NULL);
}
