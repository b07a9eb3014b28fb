/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune plan --offline, through the command as a host runs it. */
#include "array.h"
#include "cleanup.h"
#include "command/commands.h"
#include "log.h"
#include "model/wan.h"
#include "table.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static char out[65536], err[4096];

static void capture(void *ctx, int32_t stream, const char *text)
{
        char *to = stream == 1 ? out : err;
        size_t size = stream == 1 ? sizeof(out) : sizeof(err);

        (void)ctx;
        (void)strncat(to, text, size - 1 - strlen(to));
}

static unsigned columns; /* of the terminal; 0: none */

/* Runs "plan" with a line of arguments, split at spaces. */
static int run(const char *line)
{
        const struct mt_host_ops host = { .run_dir = "/nonexistent", .config_file = "/nonexistent", .columns = columns };
        MT_CLEANUP(mt_freep) char *copy = strdup(line);
        const char *argv[32] = { "plan" };
        int argc = 1;

        assert_non_null(copy);
        for (char *save = NULL, *word = strtok_r(copy, " ", &save); word != NULL && argc < 31;
             word = strtok_r(NULL, " ", &save))
                argv[argc++] = word;
        out[0] = err[0] = '\0';
        mt_log_init(NULL, capture, NULL);
        return mt_command_plan(&host, argc, argv);
}

#define BASE "--offline memory=1GiB link=1Gbit "
#define HOT(share, hot, cold) "hot_share=" share " hot_dirty_rate=" hot " cold_dirty_rate=" cold

static const struct bad_case {
        const char *name, *arguments, *message;
} bad[] = {
        { "no memory", "--offline dirty_rate=1Mbit link=1Gbit", "memory: required" },
        { "no dirty rate", "--offline memory=1GiB link=1Gbit", "dirty_rate: required" },
        { "no link", "--offline memory=1GiB dirty_rate=1Mbit", "link: required" },
        { "no unit", BASE "dirty_rate=100", "dirty_rate: expected a rate such as \"250Mbit\"" },
        { "wrong unit", "--offline memory=1Gbit dirty_rate=1Mbit link=1Gbit", "memory: expected a size such as \"4GiB\"" },
        { "unknown key", BASE "dirty_rate=1Mbit colour=red", "'colour=red': unknown key" },
        { "not key=value", BASE "dirty_rate=1Mbit fast", "'fast': unknown key" },
        { "unknown urgency", BASE "dirty_rate=1Mbit urgency=soon", "urgency: expected" },
        { "lambda upside down", BASE "dirty_rate=1Mbit lambda_low=0.5 lambda_high=0.4", "lambda_low: expected less than" },
        { "dirty range upside down", BASE "dirty_rate=1Mbit dirty_low=5Mbit dirty_high=4Mbit",
          "dirty_low: expected less than" },
        { "unknown flag", BASE "dirty_rate=1Mbit caller_flags=live,fast",
          "caller_flags: expected options of virsh migrate" },
        { "caller_flags and post_copy", BASE "dirty_rate=1Mbit caller_flags=live post_copy=true",
          "post_copy: expected never, permitted or add" },
        { "a limit of no call", BASE "dirty_rate=1Mbit caller_bandwidth=1Mbit", "caller_bandwidth: expected caller_flags" },
        { "QEMU of no call", BASE "dirty_rate=1Mbit qemu=10.0", "qemu: expected caller_flags" },
        { "not a version", BASE "dirty_rate=1Mbit caller_flags=live qemu=ten", "qemu: expected a version such as 10.0.2" },
        { "too much of a version", BASE "dirty_rate=1Mbit caller_flags=live libvirt=9.0.0-1",
          "libvirt: expected a version" },
        { "half a version", BASE "dirty_rate=1Mbit caller_flags=live libvirt=9", "libvirt: expected a version" },
        { "paused or not", BASE "dirty_rate=1Mbit caller_flags=live guest_paused=1",
          "guest_paused: expected true or false" },
        { "more than idle", BASE "dirty_rate=1Mbit cpu_idle=1.5", "cpu_idle: expected a number from 0.0 to 1.0" },
        { "no CPU", BASE "dirty_rate=1Mbit cpus=0", "cpus: expected a whole number from 1 to" },
        { "post_copy is a switch", BASE "dirty_rate=1Mbit post_copy=maybe", "post_copy: expected true or false" },
        { "deadline without a unit", BASE "dirty_rate=1Mbit deadline=60", "deadline: expected a time per GiB" },
        { "memory of nothing", "--offline memory=0B dirty_rate=1Mbit link=1Gbit", "expected more than 0" },
        { "hot_share with a unit", BASE HOT("5%", "800Mbit", "50Mbit"), "hot_share: expected a number from 0.0 to 1.0" },
        { "hot_share above 1", BASE HOT("1.1", "800Mbit", "50Mbit"), "hot_share: expected a number from 0.0 to 1.0" },
        { "hot_dirty_rate without a unit", BASE HOT("0.1", "800", "50Mbit"), "hot_dirty_rate: expected a rate" },
        { "hot_share alone", BASE "dirty_rate=1Mbit hot_share=0.1", "cold_dirty_rate: required: hot_share" },
        { "no hot_dirty_rate", BASE "hot_share=0.1 cold_dirty_rate=1Mbit", "hot_dirty_rate: required: hot_share" },
        { "no hot_share", BASE "hot_dirty_rate=10Mbit cold_dirty_rate=1Mbit", "hot_share: required: hot_share" },
        { "hot pages that nothing writes", BASE HOT("0.1", "0Mbit", "1Mbit"),
          "hot_dirty_rate: expected more than 0 where hot_share is more than 0" },
        { "writes to no pages", BASE HOT("0", "8Mbit", "1Mbit"), "hot_dirty_rate: expected 0 where hot_share is 0" },
        { "all hot, and cold ones", BASE HOT("1", "8Mbit", "1Mbit"), "cold_dirty_rate: expected 0 where hot_share is 1" },
        { "hot pages colder than the others", BASE HOT("0.5", "80Mbit", "90Mbit"), "hot_dirty_rate: expected more" },
        { "another dirty_rate", BASE HOT("0.1", "800Mbit", "50Mbit") " dirty_rate=800Mbit",
          "dirty_rate: expected none, or" },
        { "no memory for hot pages", "--offline link=1Gbit " HOT("0.1", "800Mbit", "50Mbit"), "memory: required" },
        { "no destination", "vm1", "expected a domain and a destination" },
        { "too many", "vm1 qemu+tcp://h/system more", "expected two arguments" },
        { "no host in the URI", "vm1 qemu:///system", "expected a libvirt URI with a host" },
        { "unknown option", "vm1 qemu+tcp://h/system --fast", "unknown option" },
};

static void test_bad(void **state)
{
        const struct bad_case *c = *state;

        assert_int_equal(run(c->arguments), 2);
        assert_string_equal(out, "");
        if (strstr(err, c->message) == NULL)
                fail_msg("'%s' does not say '%s'", err, c->message);
        assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1); /* one line */
}

static double number(json_object *object, const char *key)
{
        json_object *value = NULL;

        assert_true(json_object_object_get_ex(object, key, &value));
        return json_object_get_double(value);
}

/* The plan's lambda and R are those of the model, where no bound acts. */
static void test_equals_the_model(void **state)
{
        const struct mt_wan_range range = { .DL = 0.1, .DH = 500, .lL = 0.1, .lH = 0.4 };
        static const double rates[] = { 15, 20, 40, 60 };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rates); i++) {
                double lambda = mt_wan_lambda(rates[i], &range, true);
                char line[256];
                json_object *planned, *plan = NULL;

                (void)snprintf(line, sizeof(line), BASE "dirty_rate=%.0fMbit post_copy=false deadline=600s --json",
                               rates[i]);
                assert_int_equal(run(line), 0);
                planned = json_tokener_parse(out);
                assert_true(json_object_object_get_ex(planned, "plan", &plan));
                assert_true(fabs(number(plan, "lambda") - lambda) < 1e-4);
                assert_true(fabs(number(plan, "bandwidth_mbps") - rates[i] / lambda) < 0.01);
                (void)json_object_put(planned);
        }
}

static const struct hot_case {
        const char *name, *arguments, *source;
        double dirty_rate, bytes, share, hot_rate, cold_rate; /* Mbit/s; bytes < 0: null */
} hot[] = {
        { "hot pages", BASE HOT("0.05", "800Mbit", "50Mbit"), "given", 850, 53687091, 0.05, 800, 50 },
        { "hot pages and their sum", BASE HOT("0.05", "800Mbit", "50Mbit") " dirty_rate=850Mbit", "given", 850, 53687091,
          0.05, 800, 50 },
        { "all pages hot", BASE HOT("1", "800Mbit", "0Mbit"), "given", 800, 1073741824, 1, 800, 0 },
        { "no page hot", BASE HOT("0", "0Mbit", "50Mbit"), "given", 50, 0, 0, 0, 50 },
        { "hot pages not spoken of", BASE "dirty_rate=50Mbit", "none", 50, -1, 0, 0, 0 },
};

static void test_hot(void **state)
{
        const struct hot_case *c = *state;
        json_object *planned, *facts = NULL;
        char line[256];

        (void)snprintf(line, sizeof(line), "%s --json", c->arguments);
        assert_int_equal(run(line), 0);
        planned = json_tokener_parse(out);
        assert_true(json_object_object_get_ex(planned, "facts", &facts));
        assert_string_equal(json_object_get_string(json_object_object_get(facts, "hot_source")), c->source);
        assert_true(fabs(number(facts, "dirty_rate_mbps") - c->dirty_rate) < 1e-6);
        if (c->bytes < 0)
                assert_null(json_object_object_get(facts, "hot_bytes"));
        else
                assert_true(fabs(number(facts, "hot_bytes") - c->bytes) < 1);
        assert_true(fabs(number(facts, "hot_share") - c->share) < 1e-6);
        assert_true(fabs(number(facts, "hot_rate_mbps") - c->hot_rate) < 1e-6);
        assert_true(fabs(number(facts, "cold_rate_mbps") - c->cold_rate) < 1e-6);
        (void)json_object_put(planned);
}

static const struct call_case {
        const char *name, *arguments;
        const char *call; /* the plan's "call" */
        const char *text; /* what people read */
} calls[] = {
        { "nobody in the call", BASE "dirty_rate=50Mbit", NULL, NULL },
        { "nothing to change", BASE "dirty_rate=50Mbit caller_flags=live,p2p",
          "{\"flags_add\":[],\"flags_drop\":[],\"connections\":null,\"compression\":null,\"xbzrle_cache_bytes\":null,"
          "\"postcopy_mbps\":null,\"switchover_mbps\":null}",
          "\n  changed in the call nothing but the bandwidth\n" },
        { "post-copy added and auto-converge dropped",
          BASE "dirty_rate=50Mbit caller_flags=live,auto-converge post_copy=add technique=post-copy auto_converge=never "
               "libvirt=11.1 qemu=8.2.0",
          "{\"flags_add\":[\"postcopy\"],\"flags_drop\":[\"auto-converge\"],\"connections\":null,\"compression\":null,"
          "\"xbzrle_cache_bytes\":null,\"postcopy_mbps\":331.202,\"switchover_mbps\":941.482}",
          "\n  changed in the call with postcopy; without auto-converge; post-copy at 331.2 Mbit/s; the switchover at 941.5 "
          "Mbit/s\n" },
        { "xbzrle", BASE HOT("0.047", "855Mbit", "45Mbit") " caller_flags=live compression=add memory_free=1GiB",
          "{\"flags_add\":[\"compressed\"],\"flags_drop\":[],\"connections\":null,\"compression\":\"xbzrle\","
          "\"xbzrle_cache_bytes\":67108864,\"postcopy_mbps\":null,\"switchover_mbps\":null}",
          "\n  changed in the call with compressed; compressed by xbzrle; with a cache of 64.0 MiB\n" },
        { "zstd",
          BASE "dirty_rate=1400Mbit caller_flags=live compression=add parallel=add cpu_idle=0.5 cpus=4 libvirt=9.4 "
               "caller_bandwidth=400Mbit",
          "{\"flags_add\":[\"compressed\",\"parallel\"],\"flags_drop\":[],\"connections\":2,\"compression\":\"zstd\","
          "\"xbzrle_cache_bytes\":null,\"postcopy_mbps\":null,\"switchover_mbps\":null}",
          "; 2 connections; compressed by zstd\n" },
};

static void test_call(void **state)
{
        const struct call_case *c = *state;
        json_object *planned, *plan = NULL;
        char line[512];

        (void)snprintf(line, sizeof(line), "%s --json", c->arguments);
        assert_int_equal(run(line), 0);
        planned = json_tokener_parse(out);
        assert_true(json_object_object_get_ex(planned, "plan", &plan));
        if (c->call == NULL)
                assert_null(json_object_object_get(plan, "call"));
        else
                assert_string_equal(json_object_to_json_string_ext(json_object_object_get(plan, "call"), 0), c->call);
        (void)json_object_put(planned);
        assert_int_equal(run(c->arguments), 0);
        if (c->text != NULL && strstr(out, c->text) == NULL)
                fail_msg("'%s' is not in:\n%s", c->text, out);
        assert_true(c->text != NULL || strstr(out, "changed in the call") == NULL);
}

/* The call itself is among the facts. */
static void test_call_facts(void **state)
{
        static const char want[] =
                "{\"flags\":[\"live\",\"p2p\",\"tls\"],\"made\":false,\"fixed_flags\":false,\"paused\":true,\"bandwidth_"
                "mbps\":80.0,"
                "\"postcopy_mbps\":null,\"switchover_mbps\":null,\"limits_bind\":true,\"libvirt\":\"9.0.0\",\"qemu\":null}";
        json_object *planned, *facts = NULL;

        (void)state;
        assert_int_equal(run(BASE "dirty_rate=50Mbit caller_flags=live,p2p,tls caller_bandwidth=80Mbit guest_paused=true "
                                  "libvirt=9.0 cpu_idle=0.25 memory_free=2GiB --json"),
                         0);
        planned = json_tokener_parse(out);
        assert_true(json_object_object_get_ex(planned, "facts", &facts));
        assert_string_equal(json_object_to_json_string_ext(json_object_object_get(facts, "call"), 0), want);
        assert_string_equal(json_object_to_json_string_ext(json_object_object_get(facts, "headroom"), 0),
                            "{\"cpu_idle_share\":0.25,\"cpus\":8,\"memory_free_bytes\":2147483648,\"source\":\"given\"}");
        (void)json_object_put(planned);
}

static void test_text_for_people(void **state)
{
        (void)state;
        assert_int_equal(run(BASE "dirty_rate=1400Mbit urgency=high post_copy=false"), 0);
        assert_non_null(strstr(out, "max_downtime is NOT met"));
        assert_non_null(strstr(out, "never")); /* pre-copy's predicted time */
        assert_non_null(strstr(out, "\nwhy:\n   1. "));
        assert_string_equal(err, "");
}

/* The story in its order, and whatever the numbers are, within 80 columns. */
static void test_story(void **state)
{
        static const char *const situations[] = {
                BASE "dirty_rate=50Mbit",
                BASE "dirty_rate=1400Mbit urgency=low post_copy=false src_out=300Mbit max_downtime=100ms",
                BASE "dirty_rate=300Mbit urgency=high src_out=600Mbit dst_in=900Mbit technique=hybrid",
                BASE HOT("0.05", "800Mbit", "50Mbit") " caller_flags=live,p2p,postcopy caller_bandwidth=80Mbit",
                "--offline memory=12345GiB dirty_rate=399Gbit link=400Gbit src_out=399Gbit sla_lower=12Gbit tau=99min",
        };
        static const char *const order[] = {
                "offline: ",      "\nmeasured:\n  memory ", "\nwanted, from ",
                "\nwhy:\n   1. ", "\nplan:\n  technique ",  "\nwhat each way would cost:\n  technique, bandwidth ",
                "\n* ",           "\n  *: the plan\n",      "\nwhy this one: "
        };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(situations); i++) {
                const char *at = out;

                columns = 80;
                assert_int_equal(run(situations[i]), 0);
                columns = 0;
                for (size_t k = 0; k < MT_ARRAY_SIZE(order); k++) {
                        at = strstr(at, order[k]);
                        if (at == NULL) {
                                fail_msg("no '%s' in its place in\n%s", order[k], out);
                                return;
                        }
                }
                for (const char *line = out, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
                        if (end - line >= 80)
                                fail_msg("%.*s", (int)(end - line), line);
                assert_null(strstr(out, "nan"));
        }
}

/* What people read is all in --json. */
static void test_json_has_the_comparison(void **state)
{
        json_object *planned, *plan = NULL, *ways = NULL, *bars = NULL, *member = NULL, *bar = NULL;

        (void)state;
        assert_int_equal(run(BASE "dirty_rate=300Mbit src_out=600Mbit urgency=high --json"), 0);
        planned = json_tokener_parse(out);
        assert_true(json_object_object_get_ex(planned, "plan", &plan));
        assert_true(json_object_object_get_ex(plan, "bars", &bars));
        assert_true(json_object_object_get_ex(plan, "alternatives", &ways));
        assert_true(json_object_array_length(ways) > 3);
        for (size_t i = 0; i < json_object_array_length(ways); i++) {
                json_object *way = json_object_array_get_idx(ways, i);

                assert_true(number(way, "bandwidth_mbps") > 0.0);
                assert_true(json_object_object_get_ex(way, "tenants", &member));
                assert_true(number(member, "peak_mbps") <= 600.001);
                assert_true(json_object_object_get_ex(way, "barred_by", &bar));
                if (bar != NULL)
                        assert_true(json_object_object_get_ex(bars, json_object_get_string(bar), &member));
        }
        assert_true(json_object_object_get_ex(plan, "tenants", &member));
        assert_true(number(member, "mbps") > 0.0);
        assert_true(json_object_object_get_ex(plan, "verdict", &member));
        (void)json_object_put(planned);
}

static void test_help(void **state)
{
        (void)state;
        assert_int_equal(run("--help"), 0);
        assert_non_null(strstr(out, "usage: migtune plan"));
        assert_non_null(strstr(out, "dirty_high"));
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(bad) + MT_ARRAY_SIZE(hot) + MT_ARRAY_SIZE(calls) + 6];
        size_t n = 0;

        ADD_ROWS(tests, n, bad, test_bad);
        ADD_ROWS(tests, n, hot, test_hot);
        ADD_ROWS(tests, n, calls, test_call);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_call_facts);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_equals_the_model);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_text_for_people);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_story);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_json_has_the_comparison);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_help);
        return _cmocka_run_group_tests("plan_command", tests, n, NULL, NULL);
}
