/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the caller of one migration wants for it: read, written, and obeyed by the watcher. */
#include "wishes.h"

#include "announced.h"

#include <errno.h>

static const struct read_case {
        const char *name, *request;
        int want;
        struct mt_wishes wishes;
        const char *message;
} reads[] = {
        { "none", "{}", 0, { 0 }, "" },
        { "null is none", "{\"urgency\":null,\"max_downtime_ms\":null,\"post_copy\":null}", 0, { 0 }, "" },
        { "urgency", "{\"urgency\":\"low\"}", 0, { .has_urgency = true, .urgency = MT_URGENCY_LOW }, "" },
        { "max_downtime", "{\"max_downtime_ms\":50}", 0, { .max_downtime_ms = 50 }, "" },
        { "post_copy", "{\"post_copy\":\"never\"}", 0, { .has_post_copy = true, .post_copy = MT_NEVER }, "" },
        { "no such urgency", "{\"urgency\":\"soon\"}", -EINVAL, { 0 }, "urgency: expected \"high\", \"medium\" or \"low\"" },
        { "urgency as a number", "{\"urgency\":1}", -EINVAL, { 0 }, "urgency: expected a string" },
        { "no such permission", "{\"post_copy\":\"please\"}", -EINVAL, { 0 }, "post_copy: expected \"never\"" },
        { "max_downtime of nothing", "{\"max_downtime_ms\":0}", -EINVAL, { 0 }, "max_downtime_ms: expected a whole number" },
        { "negative", "{\"max_downtime_ms\":-5}", -EINVAL, { 0 }, "max_downtime_ms: expected" },
        { "more than libvirt takes", "{\"max_downtime_ms\":9000000000}", -EINVAL, { 0 }, "max_downtime_ms: expected" },
        { "as text", "{\"max_downtime_ms\":\"50ms\"}", -EINVAL, { 0 }, "max_downtime_ms: expected" },
};

static void assert_same(const struct mt_wishes *got, const struct mt_wishes *want)
{
        assert_int_equal(got->has_urgency, want->has_urgency);
        assert_int_equal(got->urgency, want->urgency);
        assert_int_equal(got->has_post_copy, want->has_post_copy);
        assert_int_equal(got->post_copy, want->post_copy);
        assert_int_equal(got->max_downtime_ms, want->max_downtime_ms);
}

static void test_read(void **state)
{
        const struct read_case *c = *state;
        struct mt_wishes got = { .max_downtime_ms = 77 }, again;
        json_object *request = json_tokener_parse(c->request), *written = json_object_new_object();
        struct mt_err err = { 0 };

        assert_int_equal(mt_wishes_read(request, &got, &err), c->want);
        if (c->want < 0) {
                assert_int_equal(got.max_downtime_ms, 77);
                if (strstr(err.msg, c->message) == NULL)
                        fail_msg("got '%s', wanted '%s'", err.msg, c->message);
        } else {
                assert_same(&got, &c->wishes);
                mt_wishes_write(&got, written);
                assert_int_equal(mt_wishes_read(written, &again, &err), 0);
                assert_same(&again, &c->wishes);
        }
        (void)json_object_put(request);
        (void)json_object_put(written);
}

static void test_apply(void **state)
{
        struct mt_wishes wishes = { 0 };
        struct mt_intent intent, untouched;

        (void)state;
        mt_intent_defaults(&intent);
        untouched = intent;
        mt_wishes_apply(&wishes, &intent);
        assert_memory_equal(&intent, &untouched, sizeof(intent));
        assert_int_equal(mt_wishes_set(&wishes, "urgency", "high", NULL), 0);
        assert_int_equal(mt_wishes_set(&wishes, "max_downtime", "3s", NULL), 0);
        assert_int_equal(mt_wishes_set(&wishes, "post_copy", "never", NULL), 0);
        assert_int_equal(mt_wishes_set(&wishes, "max_downtime", "3", NULL), -EINVAL);
        mt_wishes_apply(&wishes, &intent);
        assert_int_equal(intent.urgency, MT_URGENCY_HIGH);
        assert_int_equal(intent.max_downtime_ms, 3000);
        assert_int_equal(intent.exceed_downtime_ms, 3000); /* it was 2 s, which is less */
        assert_int_equal(intent.post_copy, MT_NEVER);
        assert_string_equal(intent.from, "command line");
}

/* "advise" with wishes: they are the call's and its job's, and beat the rule for the name. */
static void test_advise(void **state)
{
        struct bench *bench = bench_new();
        json_object *request = json_object_new_object();
        struct mt_announced *call;
        struct mt_job *job;

        (void)state;
        (void)json_object_object_add(request, "request", json_object_new_string("advise"));
        (void)json_object_object_add(request, "attach", json_object_new_string("client"));
        (void)json_object_object_add(request, "domain", json_object_new_string("low-1"));
        (void)json_object_object_add(request, "uuid", json_object_new_string(bench_domain(bench, "low-1")));
        (void)json_object_object_add(request, "uri", json_object_new_string("qemu+ssh://10.0.0.2/system"));
        (void)json_object_object_add(request, "flags", json_object_new_int64(MT_FLAG_LIVE));
        (void)json_object_object_add(request, "urgency", json_object_new_string("high"));
        (void)json_object_object_add(request, "max_downtime_ms", json_object_new_int64(120));
        (void)bench_request(bench, request);
        assert_string_equal(bench_said(bench, "action"), "tune");
        call = bench->host.calls;
        assert_non_null(call);
        assert_int_equal(call->outcome.intent.urgency, MT_URGENCY_HIGH);
        assert_int_equal(call->outcome.intent.max_downtime_ms, 120);
        assert_string_equal(call->outcome.intent.from, "command line");
        job = bench_begin(bench, "low-1");
        assert_non_null(job->call);
        mt_wishes_apply(&job->call->wishes, &job->intent); /* as begin.c does */
        assert_int_equal(job->intent.urgency, MT_URGENCY_HIGH);
        bench_free(bench);
}

static void test_refused(void **state)
{
        struct bench *bench = bench_new();
        json_object *request = json_object_new_object();

        (void)state;
        (void)json_object_object_add(request, "request", json_object_new_string("advise"));
        (void)json_object_object_add(request, "attach", json_object_new_string("client"));
        (void)json_object_object_add(request, "domain", json_object_new_string("vm"));
        (void)json_object_object_add(request, "uuid", json_object_new_string(bench_domain(bench, "vm")));
        (void)json_object_object_add(request, "urgency", json_object_new_string("soon"));
        (void)bench_request(bench, request);
        assert_non_null(strstr(bench_said(bench, "error"), "urgency: expected"));
        assert_int_equal(bench_calls(bench), 0);
        bench_free(bench);
}

/* "plan" with the call that would be made: the flags that can be added are, and the queue's numbers are told. */
static void test_plan(void **state)
{
        static const char described[] =
                "{\"attach\":\"client\",\"domain\":\"vm\",\"uuid\":\"%s\",\"flags\":3,\"libvirt_version\":11003000}";
        struct bench *bench = bench_new();
        json_object *request = json_object_new_object(), *intent = json_object_new_object(), *queue, *plan;
        char call[512];

        (void)state;
        (void)snprintf(call, sizeof(call), described, bench_domain(bench, "vm"));
        (void)json_object_object_add(request, "request", json_object_new_string("plan"));
        (void)json_object_object_add(request, "domain", json_object_new_string("vm"));
        (void)json_object_object_add(request, "address", json_object_new_string("10.0.0.2"));
        (void)json_object_object_add(request, "call", json_tokener_parse(call));
        (void)json_object_object_add(intent, "post_copy", json_object_new_string("add"));
        (void)json_object_object_add(intent, "technique", json_object_new_string("post-copy"));
        (void)json_object_object_add(request, "intent", intent);
        (void)bench_request(bench, request);
        plan = json_object_object_get(bench->reply, "plan");
        queue = json_object_object_get(bench->reply, "queue");
        assert_string_equal(json_object_get_string(json_object_object_get(plan, "technique")), "post-copy");
        assert_non_null(strstr(json_object_get_string(json_object_object_get(plan, "call")), "postcopy"));
        assert_true(json_object_get_double(json_object_object_get(queue, "share_mbps")) > 100.0);
        assert_true(json_object_get_double(json_object_object_get(queue, "available_mbps")) > 900.0);
        assert_true(json_object_get_double(json_object_object_get(queue, "left_mbps")) > 900.0);
        assert_true(json_object_get_double(json_object_object_get(queue, "least_mbps")) > 1.0);
        assert_int_equal(bench_calls(bench), 0); /* nothing was announced by it */
        bench_free(bench);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(reads) + 4];
        size_t n = 0;

        ADD_ROWS(tests, n, reads, test_read);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_apply);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_advise);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_refused);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_plan);
        return _cmocka_run_group_tests("wishes", tests, n, NULL, NULL);
}
