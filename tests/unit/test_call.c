/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that are announced to the watcher: what they are advised, and what their jobs take over. */
#include "announced.h"

#define URI "qemu+ssh://10.0.0.2/system"

static const struct advise_case {
        const char *name, *domain, *uri;
        uint64_t flags, mib_s;
        const char *action, *reason; /* a part of it */
        bool remembered;
} advices[] = {
        { "a call that is tuned", "vm", URI, 0, 0, "tune", "Mbit/s", true },
        { "mode observe", "observe-vm", URI, 0, 0, "leave", "mode observe, would be: ", true },
        { "mode off", "off-vm", URI, 0, 0, "leave", "mode off", false },
        { "no memory moves", "vm", URI, MT_FLAG_OFFLINE, 0, "leave", "it copies no memory", false },
        { "a broken post-copy is resumed", "vm", URI, MT_FLAG_POSTCOPY_RESUME, 0, "leave", "resumes a broken post-copy",
          false },
        { "no destination that could be known", "vm", "qemu:///system", 0, 0, "tune", "Mbit/s", true },
};

static void test_advise(void **state)
{
        const struct advise_case *c = *state;
        struct bench *bench = bench_new();

        assert_string_equal(bench_ask(bench, c->domain, c->uri, NULL, c->flags, c->mib_s), c->action);
        if (strstr(bench_said(bench, "reason"), c->reason) == NULL)
                fail_msg("got '%s', wanted '%s'", bench_said(bench, "reason"), c->reason);
        assert_int_equal(bench_calls(bench), c->remembered);
        assert_int_equal(strlen(bench_said(bench, "ticket")), c->remembered ? MT_TICKET_SIZE - 1 : 0);
        bench_free(bench);
}

/* The bandwidth is the plan's; a caller's own is its upper bound unless the configuration says otherwise. */
static void test_caller_limit(void **state)
{
        struct bench *bench = bench_new();
        long own;

        (void)state;
        assert_string_equal(bench_ask(bench, "vm", URI, NULL, 0, 0), "tune");
        own = atol(bench_said(bench, "bandwidth_mib_s"));
        assert_true(own > 20);
        assert_string_equal(bench_ask(bench, "vm", URI, NULL, 0, 12), "tune");
        assert_int_equal(atol(bench_said(bench, "bandwidth_mib_s")), 12);
        bench->host.config.shim.caller_limits = MT_LIMITS_OVERRIDE;
        assert_string_equal(bench_ask(bench, "vm", URI, NULL, 0, 12), "tune");
        assert_int_equal(atol(bench_said(bench, "bandwidth_mib_s")), own);
        bench_free(bench);
}

static const struct refused_case {
        const char *name, *request, *error;
} refused[] = {
        { "no call at all", "{\"request\":\"advise\"}", "attach: expected" },
        { "no uuid", "{\"request\":\"advise\",\"attach\":\"client\",\"domain\":\"vm\"}", "expected a domain and its uuid" },
        { "a report of nothing", "{\"request\":\"report\",\"uuid\":\"u\"}", "what: expected" },
        { "the hook's request is root's alone", "{\"request\":\"hook\"}", "only root may ask that" },
        { "a request that there is not", "{\"request\":\"dance\"}", "expected hook, status, plan, advise or report" },
};

static void test_refused(void **state)
{
        const struct refused_case *c = *state;
        struct bench *bench = bench_new();

        (void)bench_request(bench, json_tokener_parse(c->request));
        if (strstr(bench_said(bench, "error"), c->error) == NULL)
                fail_msg("got '%s', wanted '%s'", bench_said(bench, "error"), c->error);
        bench_free(bench);
}

/* A domain that nobody knows, and libvirt away: the call is left alone and nothing is kept. */
static void test_unknown(void **state)
{
        struct bench *bench = bench_new();
        virConnectPtr connection = bench->host.connection;

        (void)state;
        bench->uid = 0;
        (void)bench_request(bench, json_tokener_parse("{\"request\":\"advise\",\"attach\":\"daemon\",\"domain\":\"x\","
                                                      "\"uuid\":\"00000000-0000-4000-8000-000000000000\"}"));
        assert_string_equal(bench_said(bench, "action"), "leave");
        assert_non_null(strstr(bench_said(bench, "reason"), "not found here"));
        bench->host.connection = NULL;
        (void)bench_request(bench, json_tokener_parse("{\"request\":\"advise\",\"attach\":\"daemon\",\"domain\":\"x\","
                                                      "\"uuid\":\"00000000-0000-4000-8000-000000000000\"}"));
        bench->host.connection = connection;
        assert_string_equal(bench_said(bench, "action"), "leave");
        assert_string_equal(bench_said(bench, "reason"), "not connected to libvirt");
        assert_int_equal(bench_calls(bench), 0);
        bench_free(bench);
}

/* A name is looked up in the background: the answer is to ask again. */
static void test_name(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];
        const char *action = "wait";

        (void)state;
        bench->host.config.shim.timeout_ms = 20000;
        action = bench_ask(bench, "vm", "qemu+ssh://localhost/system", NULL, 0, 0);
        for (int i = 0; i < 1000 && strcmp(action, "wait") == 0; i++) {
                assert_string_equal(bench_said(bench, "wait_ms"), "50");
                (void)snprintf(ticket, sizeof(ticket), "%s", bench_said(bench, "ticket"));
                (void)usleep(10000);
                action = bench_ask(bench, "vm", "qemu+ssh://localhost/system", ticket, 0, 0);
        }
        assert_string_equal(action, "tune");
        assert_int_equal(bench_calls(bench), 1);
        assert_true(strcmp(bench_call(bench, "vm")->outcome.destination, "127.0.0.1") == 0 ||
                    strcmp(bench_call(bench, "vm")->outcome.destination, "::1") == 0);
        bench_free(bench);
}

/* A name server that does not answer holds nobody for longer than shim.timeout. */
static void test_name_too_late(void **state)
{
        struct bench *bench = bench_new();

        (void)state;
        bench->host.config.shim.timeout_ms = 0;
        assert_string_equal(bench_ask(bench, "vm", "qemu+ssh://localhost/system", NULL, 0, 0), "tune");
        bench_free(bench);
}

/* The destination's libvirt is asked for its traffic, for as long as measure.before_start says. */
static void test_destination(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];
        const char *action;

        (void)state;
        assert_int_equal(mt_destination_start("", "test:///default", "a", &bench->host.destination, NULL), 0);
        bench->host.config.measure.before_start_ms = 20000;
        bench->host.config.shim.timeout_ms = 20000;
        action = bench_ask_first(bench, "vm", ticket);
        assert_string_equal(action, "wait");
        assert_non_null(strstr(bench_said(bench, "reason"), "the destination's libvirt is asked"));
        for (int i = 0; i < 1000 && strcmp(action, "wait") == 0; i++) {
                (void)usleep(10000);
                action = bench_ask_again(bench, "vm", ticket);
        }
        assert_string_equal(action, "tune");
        assert_true(bench_call(bench, "vm")->outcome.facts.dst.known);
        assert_int_equal(bench_call(bench, "vm")->outcome.facts.dst.source, MT_TRAFFIC_LIBVIRT);
        bench_free(bench);
}

static void test_destination_that_says_nothing(void **state)
{
        struct bench *bench = bench_new();

        (void)state;
        assert_int_equal(mt_destination_start("", "", "a", &bench->host.destination, NULL), 0);
        bench->host.config.measure.before_start_ms = 0;
        assert_string_equal(bench_ask(bench, "vm", "qemu+tcp://10.0.0.2:1/system", NULL, 0, 0), "tune");
        bench_free(bench);
}

/* What the job takes over: who stood in the call, whether post-copy is possible, the caller's limit, the plan. */
static void test_begun(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *job;

        (void)state;
        assert_string_equal(bench_ask(bench, "vm", URI, NULL, MT_FLAG_POSTCOPY, 12), "tune");
        job = bench_begin(bench, "vm");
        assert_non_null(job->call);
        assert_int_equal(job->call->state, MT_ANNOUNCED_RUNNING);
        assert_int_equal(job->outcome.attach, MT_ATTACH_CLIENT_SHIM);
        assert_int_equal(job->facts.post_copy, MT_CALLER_YES);
        assert_true(job->facts.call.known && job->facts.call.made);
        assert_true(job->facts.call.bandwidth_bytes_s == 12 * MT_MIB);
        assert_true(job->outcome.plan.bandwidth_bytes_s == job->call->outcome.plan.bandwidth_bytes_s);
        assert_true(job->outcome.plan.call.known);
        assert_int_equal(job->outcome.facts.post_copy, MT_CALLER_YES);
        assert_false(job->outcome.facts.call.made); /* as it was given */
        assert_int_equal(job->outcome.n_events, 1);
        assert_int_equal(job->outcome.events[0].t_ms, 0);
        assert_non_null(strstr(job->outcome.events[0].text, "the call is made so: "));
        assert_null(mt_call_find(&bench->host, job->xml.id.uuid)); /* it is the job's now */
        mt_job_finish(&bench->host, job, MT_COMPLETED, NULL, "");
        assert_int_equal(bench_calls(bench), 0);
        assert_int_equal(bench->n_records, 1);
        assert_string_equal(bench_record(bench, 0, "attach", NULL), "client-shim");
        bench_free(bench);
}

static void test_begun_without_post_copy(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *job;

        (void)state;
        assert_string_equal(bench_ask_first(bench, "vm", NULL), "tune");
        job = bench_begin(bench, "vm");
        assert_int_equal(job->facts.post_copy, MT_CALLER_NO);
        bench_free(bench);
}

/* The operator lets the shim add the flag: the job knows that it is there. */
static void test_post_copy_added(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *job;

        (void)state;
        bench->host.config.defaults.post_copy = MT_ADD;
        bench->host.config.defaults.technique = MT_CHOOSE_POST_COPY;
        assert_string_equal(bench_ask_first(bench, "vm", NULL), "tune");
        assert_int_equal(atol(bench_said(bench, "flags_add")) & (long)MT_FLAG_POSTCOPY, MT_FLAG_POSTCOPY);
        job = bench_begin(bench, "vm");
        assert_int_equal(job->facts.post_copy, MT_CALLER_YES);
        assert_true((job->outcome.plan.call.flags_add & MT_FLAG_POSTCOPY) != 0);
        bench_free(bench);
}

/* libvirt refused the changed call: what was advised is not what runs. */
static void test_retried(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];
        struct mt_job *job;

        (void)state;
        bench->host.config.defaults.post_copy = MT_ADD;
        bench->host.config.defaults.technique = MT_CHOOSE_POST_COPY;
        assert_string_equal(bench_ask_first(bench, "vm", ticket), "tune");
        assert_int_equal(bench_report(bench, "retried", bench_domain(bench, "vm"), ticket, -1, "unsupported flags", 0), 0);
        assert_non_null(
                strstr(bench_log.text, "libvirt refused the changed call (unsupported flags), the caller's own is made"));
        job = bench_begin(bench, "vm");
        assert_int_equal(job->facts.post_copy, MT_CALLER_NO);
        assert_true(!job->outcome.plan.call.known && job->outcome.plan.call.flags_add == 0);
        assert_non_null(strstr(job->outcome.events[1].text, "unsupported flags"));
        bench_free(bench);
}

/* One that had begun is not to be made again, whatever libvirt's error looks like. */
static void test_retried_too_late(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];
        struct mt_job *job;

        (void)state;
        assert_string_equal(bench_ask_first(bench, "vm", ticket), "tune");
        job = bench_begin(bench, "vm");
        assert_int_equal(bench_report(bench, "retried", job->xml.id.uuid, ticket, -1, "unsupported flags", 0), 1);
        assert_true(job->call->tuned);
        bench_free(bench);
}

static void test_observed(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *job;

        (void)state;
        bench->host.config.defaults.post_copy = MT_ADD;
        bench->host.config.defaults.technique = MT_CHOOSE_POST_COPY;
        assert_string_equal(bench_ask_first(bench, "observe-vm", NULL), "leave");
        job = bench_begin(bench, "observe-vm");
        assert_int_equal(job->outcome.attach, MT_ATTACH_CLIENT_SHIM);
        assert_int_equal(job->facts.post_copy, MT_CALLER_NO); /* the flag was not added */
        assert_false(job->facts.switchover_bandwidth);
        bench_free(bench);
}

/* What forbids post-copy, as the domain's XML has it: the flag is not added. */
static void test_guest(void **state)
{
        static const char *const parts[] = {
                "<devices><hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/></source>"
                "</hostdev></devices>",
                "<memoryBacking><hugepages/></memoryBacking>",
        };
        struct bench *bench = bench_new();
        char xml[1024];

        (void)state;
        bench->host.config.defaults.post_copy = MT_ADD;
        bench->host.config.defaults.technique = MT_CHOOSE_PREDICTED;
        for (size_t i = 0; i < MT_ARRAY_SIZE(parts); i++) {
                virDomainPtr domain;

                (void)snprintf(xml, sizeof(xml),
                               "<domain type='test'><name>high-%zu</name><memory unit='MiB'>1024</memory><vcpu>1</vcpu>"
                               "<os><type>hvm</type></os>%s</domain>",
                               i, parts[i]);
                domain = virDomainCreateXML(bench->host.connection, xml, 0);
                assert_non_null(domain);
                assert_string_equal(bench_ask_first(bench, virDomainGetName(domain), NULL), "tune");
                assert_int_equal(atol(bench_said(bench, "flags_add")) & (long)MT_FLAG_POSTCOPY, 0);
                assert_int_equal(bench_call(bench, virDomainGetName(domain))->outcome.facts.host_device, i == 0);
                assert_int_equal(bench_call(bench, virDomainGetName(domain))->outcome.facts.huge_pages, i == 1);
                mt_call_forget(&bench->host, bench_call(bench, virDomainGetName(domain)));
                (void)virDomainFree(domain);
        }
        assert_string_equal(bench_ask_first(bench, "high-vm", NULL), "tune");
        assert_int_equal(atol(bench_said(bench, "flags_add")) & (long)MT_FLAG_POSTCOPY, MT_FLAG_POSTCOPY);
        bench_free(bench);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_caller_limit),
                cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_name),
                cmocka_unit_test(test_name_too_late),
                cmocka_unit_test(test_destination),
                cmocka_unit_test(test_destination_that_says_nothing),
                cmocka_unit_test(test_begun),
                cmocka_unit_test(test_begun_without_post_copy),
                cmocka_unit_test(test_post_copy_added),
                cmocka_unit_test(test_retried),
                cmocka_unit_test(test_retried_too_late),
                cmocka_unit_test(test_observed),
                cmocka_unit_test(test_guest),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(advices) + MT_ARRAY_SIZE(refused) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        if (virInitialize() < 0)
                return 1;
        virSetErrorFunc(NULL, bench_ignore_error);
        ADD_ROWS(tests, n, advices, test_advise);
        ADD_ROWS(tests, n, refused, test_refused);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("call", tests, n, NULL, NULL);
}
