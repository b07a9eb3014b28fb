/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a shim and the watcher tell each other: each struct as JSON and back, and what is refused on the way. */
#include "shim_json.h"
#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static json_object *least_call(void)
{
        const struct mt_call call = { .attach = MT_CALL_BY_CLIENT, .domain = "vm", .uuid = "u" };

        return mt_shim_call_json(&call);
}

static json_object *whole_call(void)
{
        const struct mt_call call = {
                .timeout_ms = 2000,
                .attach = MT_CALL_BY_DAEMON,
                .state = MT_CALL_PAUSED | MT_CALL_FIXED_FLAGS,
                .domain = "vm \"1\"\n",
                .uuid = "u",
                .uri = "qemu+tls://b/system",
                .migrate_uri = "tcp://10.0.0.2",
                .ticket = "t",
                .flags = 27,
                .bandwidth_mib_s = 1,
                .bandwidth_postcopy_mib_s = 2,
                .bandwidth_switchover_mib_s = UINT64_MAX,
                .libvirt_version = 11003000,
        };

        return mt_shim_call_json(&call);
}

static json_object *no_attach(void)
{
        const struct mt_call call = { .domain = "vm", .uuid = "u" };

        return mt_shim_call_json(&call);
}

static json_object *whole_advice(void)
{
        const struct mt_advice advice = {
                .action = MT_ADVICE_TUNE,
                .connections = 4,
                .flags_add = UINT64_C(1) << 15,
                .flags_drop = UINT64_C(1) << 13,
                .bandwidth_mib_s = 40,
                .bandwidth_postcopy_mib_s = 30,
                .bandwidth_switchover_mib_s = 110,
                .xbzrle_cache_bytes = 1 << 26,
                .compression = "xbzrle",
                .ticket = "t",
                .reason = "so",
        };

        return mt_shim_advice_json(&advice);
}

static json_object *waiting(void)
{
        const struct mt_advice advice = { .action = MT_ADVICE_WAIT, .wait_ms = 1000 };

        return mt_shim_advice_json(&advice);
}

static json_object *whole_report(void)
{
        const struct mt_report report = {
                .what = MT_REPORT_ENDED, .result = -1, .uuid = "u", .ticket = "t", .text = "why", .value = 7, .timeout_ms = 9
        };

        return mt_shim_report_json(&report);
}

static json_object *answer(void)
{
        return mt_shim_answer_json(1);
}

static const struct text_case {
        const char *name;
        json_object *(*write)(void);
        const char *want; /* NULL: nothing is written */
} texts[] = {
        { "the least call", least_call, "{\"request\":\"advise\",\"attach\":\"client\",\"domain\":\"vm\",\"uuid\":\"u\"}" },
        { "a whole call, in one line", whole_call,
          "{\"request\":\"advise\",\"attach\":\"daemon\",\"paused\":true,\"fixed_flags\":true,\"domain\":\"vm "
          "\\\"1\\\"\\n\","
          "\"uuid\":\"u\",\"uri\":\"qemu+tls://b/system\",\"migrate_uri\":\"tcp://10.0.0.2\",\"ticket\":\"t\",\"flags\":27,"
          "\"bandwidth_mib_s\":1,\"bandwidth_postcopy_mib_s\":2,\"bandwidth_switchover_mib_s\":9223372036854775807,"
          "\"libvirt_version\":11003000,\"timeout_ms\":2000}" },
        { "a call of nobody", no_attach, NULL },
        { "advice to change", whole_advice,
          "{\"action\":\"tune\",\"connections\":4,\"flags_add\":32768,\"flags_drop\":8192,\"bandwidth_mib_s\":40,"
          "\"bandwidth_postcopy_mib_s\":30,\"bandwidth_switchover_mib_s\":110,\"xbzrle_cache_bytes\":67108864,"
          "\"compression\":\"xbzrle\",\"ticket\":\"t\",\"reason\":\"so\"}" },
        { "advice to wait", waiting, "{\"action\":\"wait\",\"wait_ms\":1000}" },
        { "a report", whole_report,
          "{\"request\":\"report\",\"what\":\"ended\",\"result\":-1,\"uuid\":\"u\",\"ticket\":\"t\",\"text\":\"why\","
          "\"value\":"
          "7,"
          "\"timeout_ms\":9}" },
        { "an answer", answer, "{\"answer\":1}" },
};

static void test_text(void **state)
{
        const struct text_case *c = *state;
        json_object *object = c->write();

        if (c->want == NULL) {
                assert_null(object);
                return;
        }
        assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                            c->want);
        (void)json_object_put(object);
}

/* What is written is read the same. */
static void test_call_back(void **state)
{
        json_object *object = whole_call();
        struct mt_call call;
        struct mt_err err;

        (void)state;
        assert_int_equal(mt_shim_call_read(object, &call, &err), 0);
        assert_int_equal(call.struct_size, sizeof(call));
        assert_int_equal(call.timeout_ms, 2000);
        assert_int_equal(call.attach, MT_CALL_BY_DAEMON);
        assert_int_equal(call.state, MT_CALL_PAUSED | MT_CALL_FIXED_FLAGS);
        assert_string_equal(call.domain, "vm \"1\"\n");
        assert_string_equal(call.uuid, "u");
        assert_string_equal(call.uri, "qemu+tls://b/system");
        assert_string_equal(call.migrate_uri, "tcp://10.0.0.2");
        assert_string_equal(call.ticket, "t");
        assert_true(call.flags == 27 && call.bandwidth_mib_s == 1 && call.bandwidth_postcopy_mib_s == 2);
        assert_true(call.bandwidth_switchover_mib_s == INT64_MAX && call.libvirt_version == 11003000);
        (void)json_object_put(object);
}

static void test_advice_back(void **state)
{
        json_object *object = whole_advice();
        struct mt_advice advice;
        struct mt_err err;

        (void)state;
        assert_int_equal(mt_shim_advice_read(object, &advice, &err), 0);
        assert_int_equal(advice.action, MT_ADVICE_TUNE);
        assert_int_equal(advice.connections, 4);
        assert_true(advice.flags_add == 32768 && advice.flags_drop == 8192 && advice.bandwidth_mib_s == 40);
        assert_true(advice.bandwidth_postcopy_mib_s == 30 && advice.bandwidth_switchover_mib_s == 110);
        assert_true(advice.xbzrle_cache_bytes == 1 << 26);
        assert_string_equal(advice.compression, "xbzrle");
        assert_string_equal(advice.ticket, "t");
        assert_string_equal(advice.reason, "so");
        (void)json_object_put(object);
}

static void test_report_back(void **state)
{
        json_object *object = whole_report();
        struct mt_report report;
        struct mt_err err;

        (void)state;
        assert_int_equal(mt_shim_report_read(object, &report, &err), 0);
        assert_int_equal(report.what, MT_REPORT_ENDED);
        assert_int_equal(report.result, -1);
        assert_string_equal(report.text, "why");
        assert_true(report.value == 7 && report.timeout_ms == 9);
        (void)json_object_put(object);
}

/* A text that does not fit is cut, within its bounds. */
static void test_long_text(void **state)
{
        char text[700];
        struct mt_advice advice;
        struct mt_err err;
        json_object *object;

        (void)state;
        (void)snprintf(text, sizeof(text), "{\"action\":\"leave\",\"compression\":\"%0300d\",\"ticket\":\"%0200d\"}", 1, 2);
        object = json_tokener_parse(text);
        assert_int_equal(mt_shim_advice_read(object, &advice, &err), 0);
        assert_int_equal(strlen(advice.compression), sizeof(advice.compression) - 1);
        assert_int_equal(strlen(advice.ticket), sizeof(advice.ticket) - 1);
        (void)json_object_put(object);
}

enum what { CALL, ADVICE, REPORT, ANSWER };

static const struct bad_case {
        const char *name;
        enum what what;
        const char *text, *message; /* NULL: it is good */
} bad[] = {
        { "not an object", CALL, "[]", "expected a JSON object" },
        { "no attach", CALL, "{\"domain\":\"a\",\"uuid\":\"u\"}", "attach: expected a word such as \"daemon\"" },
        { "another attach", CALL, "{\"attach\":\"moon\",\"domain\":\"a\",\"uuid\":\"u\"}", "attach: expected a word" },
        { "no uuid", CALL, "{\"attach\":\"client\",\"domain\":\"a\"}", "expected a domain and its uuid" },
        { "no domain", CALL, "{\"attach\":\"client\",\"uuid\":\"a\"}", "expected a domain and its uuid" },
        { "a domain that is a number", CALL, "{\"attach\":\"client\",\"uuid\":\"a\",\"domain\":7}",
          "domain: expected a string" },
        { "flags below 0", CALL, "{\"attach\":\"client\",\"uuid\":\"a\",\"domain\":\"a\",\"flags\":-1}",
          "flags: expected a whole number from 0" },
        { "flags in words", CALL, "{\"attach\":\"client\",\"uuid\":\"a\",\"domain\":\"a\",\"flags\":\"live\"}",
          "flags: expected a whole number" },
        { "a bandwidth with decimals", CALL,
          "{\"attach\":\"client\",\"uuid\":\"a\",\"domain\":\"a\",\"bandwidth_mib_s\":1.5}",
          "bandwidth_mib_s: expected a whole number" },
        { "more than a member has room for", CALL,
          "{\"attach\":\"client\",\"uuid\":\"a\",\"domain\":\"a\",\"timeout_ms\":4294967296}",
          "timeout_ms: expected a whole number from 0 to 4294967295" },
        { "what a newer shim says besides", CALL,
          "{\"attach\":\"client\",\"uuid\":\"a\",\"domain\":\"a\",\"colour\":\"red\",\"uri\":null}", NULL },
        { "no action", ADVICE, "{}", "action: expected a word" },
        { "a newer action", ADVICE, "{\"action\":\"dance\"}", "action: expected a word" },
        { "nothing to report", REPORT, "{\"uuid\":\"u\"}", "what: expected a word" },
        { "a report on nobody", REPORT, "{\"what\":\"abort\"}", "expected a uuid" },
        { "a result out of range", REPORT, "{\"what\":\"ended\",\"uuid\":\"u\",\"result\":-2147483649}",
          "result: expected a whole number from -2147483648 to 2147483647" },
        { "no answer", ANSWER, "{\"ok\":true}", "expected {\"answer\":0}" },
        { "an answer in words", ANSWER, "{\"answer\":\"1\"}", "expected {\"answer\":0}" },
        { "an answer that is neither", ANSWER, "{\"answer\":2}", "answer: expected 0 or 1" },
        { "not even JSON", ANSWER, "hello", "expected {\"answer\":0}" },
};

static void test_bad(void **state)
{
        const struct bad_case *c = *state;
        json_object *object = json_tokener_parse(c->text);
        struct mt_err err = { .msg = "" };
        struct mt_call call = { .flags = 77 };
        struct mt_advice advice = { .wait_ms = 77 };
        struct mt_report report = { .value = 77 };
        int32_t answered = 77;
        int r = 0;

        switch (c->what) {
        case CALL:
                r = mt_shim_call_read(object, &call, &err);
                break;
        case ADVICE:
                r = mt_shim_advice_read(object, &advice, &err);
                break;
        case REPORT:
                r = mt_shim_report_read(object, &report, &err);
                break;
        case ANSWER:
                r = mt_shim_answer_read(object, &answered, &err);
                break;
        }
        (void)json_object_put(object);
        assert_int_equal(r, c->message != NULL ? -EINVAL : 0);
        if (c->message == NULL)
                return;
        if (strstr(err.msg, c->message) == NULL)
                fail_msg("got '%s', wanted '%s'", err.msg, c->message);
        assert_true(call.flags == 77 && advice.wait_ms == 77 && report.value == 77 && answered == 77);
}

int main(void)
{
        struct CMUnitTest tests[sizeof(texts) / sizeof(texts[0]) + sizeof(bad) / sizeof(bad[0]) + 4];
        size_t n = 0;

        ADD_ROWS(tests, n, texts, test_text);
        ADD_ROWS(tests, n, bad, test_bad);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_call_back);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_advice_back);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_report_back);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_long_text);
        return _cmocka_run_group_tests("shim_json", tests, n, NULL, NULL);
}
