/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "config_keys.h"
#include "record/json.h"
#include "record/outcome.h"
#include "table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A whole record, filled with numbers that are all different. */
static struct mt_outcome example(void)
{
        struct mt_outcome o = {
                .result = MT_COMPLETED,
                .started_ms = UINT64_C(1795155300123), /* 2026-11-20T06:15:00.123Z */
                .attach = MT_ATTACH_CLIENT_SHIM,
                .domain = { .name = "vm \"1\"", .uuid = "8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90" },
                .source = "host1",
                .destination = "10.0.0.2",
                .facts = { .memory_bytes = UINT64_C(1073741824),
                           .resident_bytes = UINT64_C(536870912),
                           .dirty_rate_bytes_s = 37500000,
                           .dirty_source = MT_DIRTY_IN_FLIGHT,
                           .device = "eth0",
                           .link_bytes_s = 125000000,
                           .src = { true, 1250000, 62500000, 250 },
                           .tau_ms = 5,
                           .tg_ms = 40,
                           .dirty_low_bytes_s = MT_AUTO,
                           .dirty_high_bytes_s = MT_AUTO,
                           .memory_source = MT_VALUE_READ,
                           .link_source = MT_VALUE_CONFIGURED,
                           .tau_source = MT_VALUE_BUILT_IN,
                           .tg_source = MT_VALUE_HISTORY },
                .plan = { .technique = MT_HYBRID,
                          .switch_iteration = 2,
                          .src_class = MT_TRAFFIC_OUTBOUND,
                          .lambda = 0.25,
                          .bandwidth_bytes_s = 100000000,
                          .reserve_bytes_s = 50000000,
                          .alpha = 0.0123456,
                          .iterations = 4,
                          .downtime_limit_ms = 240,
                          .limit_met = true,
                          .prediction = { 9000, 280, UINT64_C(1200000000), 4 },
                          .reasons = { 2, { "source outbound, so post-copy", "link 1 Gbit/s" } },
                          .n_alternatives = 2,
                          .alternatives = { { .name = "pre-copy",
                                              .technique = MT_PRE_COPY,
                                              .bar = MT_BAR_URGENCY,
                                              .bandwidth_bytes_s = 100000000,
                                              .prediction = { UINT64_MAX, UINT64_MAX, 7, 20 },
                                              .tenants = { true, 1000000, 1000000, UINT64_MAX, UINT64_MAX } },
                                            { .name = "post-copy" } },
                          .tenants = { true, 1000000, 2000000, 10, 10000 },
                          .bars = { [MT_BAR_URGENCY] = "too much" },
                          .verdict = "the best there is" },
                .actual = { 9500, 310, UINT64_C(1250000000), 5, MT_HYBRID, .stopped_ms = 9100 },
                .n_tc = 1,
                .tc = { { .device = "eth0",
                          .minor = 2,
                          .rate_bytes_s = 50000000,
                          .ceil_bytes_s = 100000000,
                          .installed_after_ms = 12,
                          .removed = true } },
        };

        (void)mt_record_id(o.id, sizeof(o.id), o.started_ms, o.domain.uuid);
        mt_intent_defaults(&o.intent);
        assert_int_equal(
                mt_outcome_sample(&o, &(struct mt_sample){ 1000, 1, 900000000, 0, 90000000, 100000000, 0.0, 62500000 }), 0);
        assert_int_equal(
                mt_outcome_sample(&o, &(struct mt_sample){ 9000, 2, 1000, 40000000, 0, 0, (double)INFINITY, MT_AUTO }), 0);
        return o;
}

/* Where in the record, with '/' and indices, and what stands there as JSON text. */
static const struct member_case {
        const char *name;
        const char *want;
} members[] = {
        { "event", "\"migration\"" },
        { "id", "\"20261120T061500.123Z-8a4fd9a2\"" },
        { "result", "\"completed\"" },
        { "started", "\"2026-11-20T06:15:00.123Z\"" },
        { "attach", "\"client-shim\"" },
        { "mode", "\"enforce\"" },
        { "domain/name", "\"vm \\\"1\\\"\"" },
        { "domain/uuid", "\"8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90\"" },
        { "domain/memory_bytes", "1073741824" },
        { "source", "\"host1\"" },
        { "destination", "\"10.0.0.2\"" },
        { "facts/dirty_rate_mbps", "300.0" },
        { "facts/dirty_rate_source", "\"in-flight\"" },
        { "facts/link_mbps", "1000.0" },
        { "facts/device", "\"eth0\"" },
        { "facts/src/in_mbps", "10.0" },
        { "facts/src/out_mbps", "500.0" },
        { "facts/src/class", "\"outbound\"" },
        { "facts/src/known", "true" },
        { "facts/dst/class", "\"idle\"" },
        { "facts/dst/known", "false" },
        { "facts/dst/source", "\"unknown\"" },
        { "facts/vm/known", "false" },
        { "facts/tau_ms", "5" },
        { "facts/tg_ms", "40" },
        { "facts/dirty_low_mbps", "null" },
        { "intent/urgency", "\"medium\"" },
        { "intent/max_downtime_ms", "300" },
        { "intent/deadline_high_ms", "null" },
        { "intent/deadline_low_ms", "240000" },
        { "intent/min_bandwidth_mbps", "67.109" },
        { "intent/alpha_floor", "0.002" },
        { "intent/from", "\"default\"" },
        { "plan/strategy", "\"lambda-range\"" },
        { "plan/technique", "\"hybrid\"" },
        { "plan/switch_iteration", "2" },
        { "plan/lambda", "0.25" },
        { "plan/bandwidth_mbps", "800.0" },
        { "plan/reserve_mbps", "400.0" },
        { "plan/alpha", "0.012346" },
        { "plan/iterations", "4" },
        { "plan/downtime_limit_ms", "240" },
        { "plan/limit_met", "true" },
        { "plan/prediction/total_ms", "9000" },
        { "plan/prediction/downtime_ms", "280" },
        { "plan/prediction/bytes", "1200000000" },
        { "plan/prediction/iterations", "4" },
        { "plan/alternatives/0/name", "\"pre-copy\"" },
        { "plan/alternatives/0/prediction/total_ms", "null" },
        { "plan/alternatives/0/tenants/mbps", "8.0" },
        { "plan/alternatives/0/tenants/ms", "null" },
        { "plan/alternatives/0/barred_by", "\"urgency\"" },
        { "plan/alternatives/1/tenants", "null" },
        { "plan/alternatives/1/barred_by", "null" },
        { "plan/bars/urgency", "\"too much\"" },
        { "plan/tenants/peak_mbps", "16.0" },
        { "plan/verdict", "\"the best there is\"" },
        { "facts/link_source", "\"configuration\"" },
        { "facts/memory_source", "\"read\"" },
        { "facts/tau_source", "\"built-in\"" },
        { "facts/tg_source", "\"history\"" },
        { "facts/dirty_range_source", "\"unknown\"" },
        { "reasons/0", "\"source outbound, so post-copy\"" },
        { "reasons/1", "\"link 1 Gbit/s\"" },
        { "actual/total_ms", "9500" },
        { "actual/downtime_ms", "310" },
        { "actual/bytes", "1250000000" },
        { "actual/iterations", "5" },
        { "actual/technique", "\"hybrid\"" },
        { "actual/dirty_rate_mbps", "320.0" },
        { "actual/samples/0/t_ms", "1000" },
        { "actual/samples/0/iteration", "1" },
        { "actual/samples/0/remaining_bytes", "900000000" },
        { "actual/samples/1/dirty_rate_mbps", "320.0" },
        { "actual/samples/0/bandwidth_mbps", "720.0" },
        { "actual/samples/1/lambda", "null" },
        { "actual/samples/0/others_mbps", "500.0" },
        { "actual/samples/1/others_mbps", "null" },
        { "actual/stopped_ms", "9100" },
        { "tc/0/device", "\"eth0\"" },
        { "tc/0/class", "\"4d54:2\"" },
        { "tc/0/rate_mbps", "400.0" },
        { "tc/0/ceil_mbps", "800.0" },
        { "tc/0/installed_after_ms", "12" },
        { "tc/0/removed", "true" },
        { "error", "null" },
};

/* Finds a member by its path; fails the test if it is missing (which is not the same as null). */
static json_object *member(json_object *o, const char *path)
{
        char copy[128], *save = NULL;

        (void)snprintf(copy, sizeof(copy), "%s", path);
        for (char *name = strtok_r(copy, "/", &save); name != NULL; name = strtok_r(NULL, "/", &save)) {
                if (json_object_is_type(o, json_type_array)) {
                        assert_true((size_t)atoi(name) < json_object_array_length(o));
                        o = json_object_array_get_idx(o, (size_t)atoi(name));
                } else if (!json_object_object_get_ex(o, name, &o)) {
                        fail_msg("%s: no '%s'", path, name);
                }
        }
        return o;
}

static void test_member(void **state)
{
        const struct member_case *c = *state;
        MT_CLEANUP(mt_outcome_done) struct mt_outcome outcome = example();
        json_object *o = mt_outcome_json(&outcome);
        json_object *found = member(o, c->name);

        assert_string_equal(found != NULL ? mt_json_text(found) : "null", c->want);
        json_object_put(o);
}

static void test_every_intent_key_is_there(void **state)
{
        MT_CLEANUP(mt_outcome_done) struct mt_outcome outcome = example();
        json_object *o = mt_outcome_json(&outcome);

        (void)state;
        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                const struct mt_key *key = mt_key_at(i);
                char path[64];

                if (strcmp(key->intent, "deadline") == 0)
                        continue;
                (void)snprintf(path, sizeof(path), "intent/%s%s", key->intent,
                               key->kind == MT_KEY_RATE   ? "_mbps"
                               : key->kind == MT_KEY_TIME ? "_ms"
                                                          : "");
                (void)member(o, path);
        }
        json_object_put(o);
}

static void test_failed_record(void **state)
{
        MT_CLEANUP(mt_outcome_done) struct mt_outcome outcome = { .result = MT_FAILED, .error = "line 1\nline 2 \xff" };
        MT_CLEANUP(mt_freep) char *text = NULL;

        (void)state;
        outcome.actual.downtime_ms = UINT64_MAX;
        text = mt_outcome_text(&outcome, 0);
        assert_non_null(strstr(text, "\"result\":\"failed\""));
        assert_non_null(strstr(text, "\"error\":\"line 1\\nline 2 ?\"")); /* one line, valid UTF-8 */
        assert_non_null(strstr(text, "\"downtime_ms\":null,\"bytes\":0"));
        assert_non_null(strstr(text, "\"dirty_rate_mbps\":null,\"samples\":[]"));
        assert_non_null(strstr(text, "\"link_mbps\":null"));
        assert_null(strchr(text, '\n'));
}

/* What happened to few is only in the records of those. */
static void test_recovery(void **state)
{
        struct mt_outcome o = example();
        json_object *json = mt_outcome_json(&o), *recovery = NULL;

        (void)state;
        assert_false(json_object_object_get_ex(json, "recovery", &recovery));
        (void)json_object_put(json);
        o.recovery.breaks = 2;
        o.recovery.attempts = 3;
        o.recovery.lost_ms = 1700;
        o.applied.pace_bytes_s = 12500000;
        json = mt_outcome_json(&o);
        assert_true(json_object_object_get_ex(json, "recovery", &recovery));
        assert_string_equal(mt_json_text(recovery), "{\"breaks\":2,\"attempts\":3,\"broken_ms\":1700}");
        assert_non_null(strstr(mt_json_text(json), "\"postcopy_mbps\":100.0"));
        (void)json_object_put(json);
        mt_outcome_done(&o);
}

static void test_samples_thin_out(void **state)
{
        MT_CLEANUP(mt_outcome_done) struct mt_outcome outcome = { .n_samples = 0 };
        unsigned iterations[20] = { 0 };

        (void)state;
        for (unsigned i = 0; i < 100000; i++) {
                struct mt_sample sample = { .t_ms = i, .iteration = 1 + i / 5000 };

                assert_int_equal(mt_outcome_sample(&outcome, &sample), 0);
                assert_true(outcome.n_samples <= MT_MAX_SAMPLES);
        }
        assert_true(outcome.n_samples > MT_MAX_SAMPLES / 3);
        assert_true(outcome.samples[0].t_ms == 0);
        for (unsigned i = 0; i < outcome.n_samples; i++) {
                if (i > 0)
                        assert_true(outcome.samples[i].t_ms > outcome.samples[i - 1].t_ms);
                if (iterations[outcome.samples[i].iteration - 1]++ == 0) /* the first of its iteration was kept */
                        assert_true(outcome.samples[i].t_ms % 5000 == 0);
        }
        for (unsigned i = 0; i < 20; i++)
                assert_true(iterations[i] > 0);
}

/* As many iterations as samples: nothing can be spared, and still the number is bounded. */
static void test_samples_of_many_iterations(void **state)
{
        MT_CLEANUP(mt_outcome_done) struct mt_outcome outcome = { .n_samples = 0 };

        (void)state;
        for (unsigned i = 0; i < 5000; i++)
                assert_int_equal(mt_outcome_sample(&outcome, &(struct mt_sample){ .t_ms = i, .iteration = i + 1 }), 0);
        assert_true(outcome.n_samples <= MT_MAX_SAMPLES);
        assert_true(outcome.samples[outcome.n_samples - 1].t_ms == 4999);
}

static void test_dirty_rate_is_the_mean_from_iteration_2(void **state)
{
        MT_CLEANUP(mt_outcome_done) struct mt_outcome outcome = { .n_samples = 0 };
        uint64_t rate = 7;

        (void)state;
        assert_false(mt_outcome_dirty_rate(&outcome, &rate));
        assert_int_equal(mt_outcome_sample(&outcome, &(struct mt_sample){ .iteration = 1, .dirty_rate_bytes_s = 999 }), 0);
        assert_false(mt_outcome_dirty_rate(&outcome, &rate));
        assert_true(rate == 7);
        assert_int_equal(mt_outcome_sample(&outcome, &(struct mt_sample){ .iteration = 2, .dirty_rate_bytes_s = 100 }), 0);
        assert_int_equal(mt_outcome_sample(&outcome, &(struct mt_sample){ .iteration = 3, .dirty_rate_bytes_s = 201 }), 0);
        assert_true(mt_outcome_dirty_rate(&outcome, &rate));
        assert_true(rate == 151);
}

/* The largest record there can be still fits in a syslog datagram where it is asked to, and is still JSON. */
static void test_text_is_thinned_to_fit(void **state)
{
        MT_CLEANUP(mt_outcome_done) struct mt_outcome outcome = example();
        MT_CLEANUP(mt_freep) char *whole = NULL, *text = NULL;
        json_object *o, *samples;

        (void)state;
        for (unsigned i = 0; i < 400; i++)
                assert_int_equal(mt_outcome_sample(&outcome, &(struct mt_sample){ 9000 + i, 3, i, i, i, 1.0 }), 0);
        whole = mt_outcome_text(&outcome, 0);
        text = mt_outcome_text(&outcome, MT_SYSLOG_RECORD_BYTES);
        assert_true(strlen(whole) > MT_SYSLOG_RECORD_BYTES);
        assert_true(strlen(text) <= MT_SYSLOG_RECORD_BYTES);
        o = json_tokener_parse(text);
        assert_non_null(o);
        samples = member(o, "actual/samples");
        assert_true(json_object_array_length(samples) > 10);
        assert_null(strstr(text, "\"alternatives\"")); /* they go first: the history has them */
        assert_non_null(strstr(whole, "\"alternatives\":[{"));
        /* the last one stays */
        assert_string_equal(
                mt_json_text(member(json_object_array_get_idx(samples, json_object_array_length(samples) - 1), "t_ms")),
                "9399");
        json_object_put(o);
}

static void test_text_that_cannot_fit_loses_samples_and_alternatives(void **state)
{
        MT_CLEANUP(mt_outcome_done) struct mt_outcome outcome = example();
        MT_CLEANUP(mt_freep) char *text = mt_outcome_text(&outcome, 10);

        (void)state;
        assert_non_null(strstr(text, "\"samples\":[]"));
        assert_null(strstr(text, "\"alternatives\""));
        assert_non_null(strstr(text, "\"event\":\"migration\""));
}

static const struct number_case {
        const char *name;
        double value;
        unsigned decimals;
        const char *want; /* NULL: null */
} numbers[] = {
        { "number: zero", 0.0, 3, "0.0" },
        { "number: negative zero", -0.0, 3, "0.0" },
        { "number: trailing zeros go", 1.5, 6, "1.5" },
        { "number: rounds", 2.0006, 3, "2.001" },
        { "number: carries", 0.9996, 3, "1.0" },
        { "number: negative", -2.25, 2, "-2.25" },
        { "number: no decimals", 41.7, 0, "42.0" },
        { "number: large", 1e15, 3, "1000000000000000.0" },
        { "number: infinite", (double)INFINITY, 3, NULL },
        { "number: not a number", (double)NAN, 3, NULL },
};

static void test_number(void **state)
{
        const struct number_case *c = *state;
        json_object *o = mt_json_number(c->value, c->decimals);

        if (c->want == NULL)
                assert_null(o);
        else
                assert_string_equal(mt_json_text(o), c->want);
        json_object_put(o);
}

static const struct text_case {
        const char *name;
        const char *text;
        const char *want;
} texts[] = {
        { "text: ASCII", "a/b", "\"a/b\"" },
        { "text: two, three and four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
          "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
        { "text: cut character", "a\xe2\x82", "\"a??\"" },
        { "text: overlong", "\xc0\xaf", "\"??\"" },
        { "text: overlong in three", "\xe0\x80\xaf", "\"???\"" },
        { "text: surrogate", "\xed\xa0\x80", "\"???\"" },
        { "text: beyond Unicode", "\xf4\x90\x80\x80", "\"????\"" },
        { "text: control", "a\tb\x01", "\"a\\tb\\u0001\"" },
};

static void test_text(void **state)
{
        const struct text_case *c = *state;
        json_object *o = mt_json_string(c->text);

        assert_string_equal(mt_json_text(o), c->want);
        json_object_put(o);
}

static const struct time_case {
        const char *name; /* also the text */
        int want;
        uint64_t ms;
} times[] = {
        { "2026-11-20T06:15:00.123Z", 0, UINT64_C(1795155300123) },
        { "1970-01-01T00:00:00.000Z", 0, 0 },
        { "2024-02-29T23:59:59.999Z", 0, UINT64_C(1709251199999) },
        { "2026-11-20T06:15:00Z", 0, UINT64_C(1795155300000) },
        { "2026-11-20T06:15:00.123", -EINVAL, 0 },
        { "2026-11-20T06:15:00.12Z", -EINVAL, 0 },
        { "2026-11-20T06:15:00+01:00", -EINVAL, 0 },
        { "2026-13-20T06:15:00.123Z", -EINVAL, 0 },
        { "2026-11-20 06:15:00.123Z", -EINVAL, 0 },
        { "1969-12-31T23:59:59.999Z", -EINVAL, 0 },
        { "2026-11-20T06:15", -EINVAL, 0 },
        { "", -EINVAL, 0 },
};

static void test_time(void **state)
{
        const struct time_case *c = *state;
        char text[MT_TIMESTAMP_SIZE];
        uint64_t ms = 7;

        assert_int_equal(mt_timestamp_parse(c->name, &ms), c->want);
        assert_true(ms == (c->want == 0 ? c->ms : 7));
        if (c->want == 0 && strlen(c->name) == 24)
                assert_string_equal(mt_timestamp(text, sizeof(text), ms), c->name);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_every_intent_key_is_there),
                cmocka_unit_test(test_failed_record),
                cmocka_unit_test(test_recovery),
                cmocka_unit_test(test_samples_thin_out),
                cmocka_unit_test(test_samples_of_many_iterations),
                cmocka_unit_test(test_dirty_rate_is_the_mean_from_iteration_2),
                cmocka_unit_test(test_text_is_thinned_to_fit),
                cmocka_unit_test(test_text_that_cannot_fit_loses_samples_and_alternatives),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(members) + MT_ARRAY_SIZE(numbers) + MT_ARRAY_SIZE(texts) +
                                MT_ARRAY_SIZE(times) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, members, test_member);
        ADD_ROWS(tests, n, numbers, test_number);
        ADD_ROWS(tests, n, texts, test_text);
        ADD_ROWS(tests, n, times, test_time);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("outcome", tests, n, NULL, NULL);
}
