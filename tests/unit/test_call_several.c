/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several calls of one domain: one after another, at once, of clients that died, of other users. */
#include "announced.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#define URI "qemu+ssh://10.0.0.2/system"
#define ELSEWHERE "qemu+ssh://10.0.0.3/system"
#define MALLORY (NOVA + 1) /* another member of the group */

static void ask(struct bench *bench, const char *name, const char *uri, const char *want, char *ret_ticket)
{
        assert_string_equal(bench_ask(bench, name, uri, NULL, 0, 0), want);
        (void)snprintf(ret_ticket, MT_TICKET_SIZE, "%s", bench_said(bench, "ticket"));
}

static int ended(struct bench *bench, const char *name, const char *ticket, int result, const char *text)
{
        return bench_report(bench, "ended", bench_domain(bench, name), ticket, result, text, 0);
}

static struct mt_announced *by_ticket(struct bench *bench, const char *ticket)
{
        return mt_call_by_ticket(&bench->host, ticket, 0, NULL);
}

/* nova tries another host when the first attempt failed: two calls, two records, each with its own destination. */
static void test_retry_elsewhere(void **state)
{
        struct bench *bench = bench_new();
        char first[MT_TICKET_SIZE], second[MT_TICKET_SIZE];
        struct mt_job *job;

        (void)state;
        ask(bench, "low-vm", URI, "tune", first);
        assert_int_equal(ended(bench, "low-vm", first, -1, "no such host"), 0);
        ask(bench, "low-vm", ELSEWHERE, "tune", second);
        assert_int_equal(bench_calls(bench), 2);
        job = bench_begin(bench, "low-vm");
        assert_ptr_equal(job->call, by_ticket(bench, second));
        by_ticket(bench, first)->ended_ms -= 1000;
        mt_call_tick(&bench->host);
        assert_int_equal(bench->n_records, 1);
        assert_string_equal(bench_record(bench, 0, "result", NULL), "failed");
        assert_string_equal(bench_record(bench, 0, "destination", NULL), "10.0.0.2");
        mt_job_finish(&bench->host, job, MT_COMPLETED, NULL, "");
        assert_int_equal(bench->n_records, 2);
        assert_string_equal(bench_record(bench, 1, "result", NULL), "completed");
        assert_int_equal(bench_calls(bench), 0);
        bench_free(bench);
}

/* A client that died was advised and never ends: who makes the call again does not queue behind it, nor counts with it. */
static void test_client_died(void **state)
{
        struct bench *bench = bench_new();
        char dead[MT_TICKET_SIZE], alive[MT_TICKET_SIZE];
        struct mt_facts facts = { .device = "lo" };
        struct mt_job *job;

        (void)state;
        ask(bench, "low-vm", URI, "tune", dead);
        ask(bench, "low-vm", URI, "tune", alive);
        assert_int_equal(by_ticket(bench, alive)->outcome.facts.parallel, 0);
        mt_turn_share(&bench->host, "", &facts);
        assert_int_equal(facts.parallel, 1);
        job = bench_begin(bench, "low-vm");
        assert_ptr_equal(job->call, by_ticket(bench, alive));
        mt_turn_share(&bench->host, "", &facts);
        assert_int_equal(facts.parallel, 1);
        mt_turn_share(&bench->host, job->xml.id.uuid, &facts);
        assert_int_equal(facts.parallel, 0);
        by_ticket(bench, dead)->advised_ms -= 60000;
        by_ticket(bench, dead)->checked_ms -= 61000;
        mt_call_tick(&bench->host);
        assert_null(by_ticket(bench, dead)); /* however long the migration takes */
        mt_job_finish(&bench->host, job, MT_COMPLETED, NULL, "");
        assert_int_equal(bench->n_records, 1);
        bench_free(bench);
}

/* Two clients wait for the same domain: both keep their tickets and their time, so that neither waits for ever. */
static void test_both_wait(void **state)
{
        struct bench *bench = bench_new();
        char runs[MT_TICKET_SIZE], first[MT_TICKET_SIZE], second[MT_TICKET_SIZE];
        uint64_t since_ms;

        (void)state;
        ask(bench, "low-1", URI, "tune", runs);
        ask(bench, "low-2", URI, "wait", first);
        since_ms = by_ticket(bench, first)->waiting_ms;
        ask(bench, "low-2", ELSEWHERE, "wait", second);
        for (int i = 0; i < 3; i++) {
                assert_string_equal(bench_ask(bench, "low-2", URI, first, 0, 0), "wait");
                assert_string_equal(bench_said(bench, "ticket"), first);
                assert_non_null(strstr(bench_said(bench, "reason"), "place 1 of 1")); /* not behind itself */
                assert_string_equal(bench_ask(bench, "low-2", ELSEWHERE, second, 0, 0), "wait");
                assert_string_equal(bench_said(bench, "ticket"), second);
        }
        assert_int_equal(bench_calls(bench), 3);
        assert_true(by_ticket(bench, first)->waiting_ms == since_ms);
        by_ticket(bench, first)->waiting_ms -= bench->host.config.shim.max_wait_ms;
        assert_string_equal(bench_ask(bench, "low-2", URI, first, 0, 0), "tune");
        bench_free(bench);
}

/* Two were let go at once; libvirt refuses one. Whichever the job was taken for, it is the other's then. */
static void test_at_once(void **state)
{
        struct bench *bench = bench_new();
        char first[MT_TICKET_SIZE], second[MT_TICKET_SIZE];
        struct mt_job *job;

        (void)state;
        ask(bench, "vm", URI, "tune", first);
        assert_string_equal(bench_ask(bench, "vm", URI, NULL, MT_FLAG_POSTCOPY, 12), "tune");
        (void)snprintf(second, sizeof(second), "%s", bench_said(bench, "ticket"));
        job = bench_begin(bench, "vm");
        assert_ptr_equal(job->call, by_ticket(bench, second));
        assert_int_equal(bench_report(bench, "max-downtime", job->xml.id.uuid, NULL, 0, NULL, 50), 1);
        assert_int_equal(ended(bench, "vm", second, -1, "another migration runs"), 0);
        assert_ptr_equal(job->call, by_ticket(bench, first));
        assert_int_equal(job->call->state, MT_ANNOUNCED_RUNNING);
        assert_false(job->aborted);
        assert_int_equal(job->facts.post_copy, MT_CALLER_NO);
        assert_true(job->facts.call.bandwidth_bytes_s == 0);
        assert_int_equal(job->outcome.arbitrated.downtimes, 1);
        assert_int_equal(by_ticket(bench, second)->state, MT_ANNOUNCED_ENDED);
        by_ticket(bench, second)->ended_ms -= 1000;
        mt_call_tick(&bench->host);
        assert_int_equal(bench->n_records, 1);
        assert_string_equal(bench_record(bench, 0, "error", NULL), "another migration runs");
        assert_int_equal(ended(bench, "vm", first, 0, NULL), 0);
        mt_job_finish(&bench->host, job, MT_COMPLETED, NULL, "");
        assert_int_equal(bench->n_records, 2);
        assert_int_equal(bench_calls(bench), 0);
        bench_free(bench);
}

/* The one that was refused may hear of it before the job is seen. */
static void test_refused_first(void **state)
{
        struct bench *bench = bench_new();
        char first[MT_TICKET_SIZE], second[MT_TICKET_SIZE];
        struct mt_job *job;

        (void)state;
        ask(bench, "vm", URI, "tune", first);
        ask(bench, "vm", URI, "tune", second);
        assert_int_equal(ended(bench, "vm", second, -1, "another migration runs"), 0);
        job = bench_begin(bench, "vm");
        assert_ptr_equal(job->call, by_ticket(bench, first));
        bench_free(bench);
}

/* A job that leads to one of two destinations is that one's. */
static void test_by_destination(void **state)
{
        struct bench *bench = bench_new();
        struct mt_flows flows = { .n = 1 };
        struct sockaddr_in *peer = (struct sockaddr_in *)&flows.flow[0].peer;
        char first[MT_TICKET_SIZE], second[MT_TICKET_SIZE];
        const struct mt_announced *call;

        (void)state;
        ask(bench, "vm", URI, "tune", first);
        ask(bench, "vm", ELSEWHERE, "tune", second);
        *peer = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(49152) };
        assert_int_equal(inet_pton(AF_INET, "10.0.0.2", &peer->sin_addr), 1);
        call = mt_call_begun(&bench->host, bench_domain(bench, "vm"), &flows);
        assert_ptr_equal(call, by_ticket(bench, first));
        bench_free(bench);
}

/* Announced while it migrates: left as it is (libvirt refuses it), and not remembered. */
static void test_while_it_migrates(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];
        struct mt_job *job;

        (void)state;
        job = bench_begin(bench, "vm"); /* nobody stood in that call */
        assert_null(job->call);
        ask(bench, "vm", URI, "leave", ticket);
        assert_non_null(strstr(bench_said(bench, "reason"), "it is migrating now"));
        assert_string_equal(ticket, "");
        assert_int_equal(bench_calls(bench), 0);
        bench_free(bench);
}

/* A ticket is its user's, and root's. */
static void test_ticket_of_another(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];

        (void)state;
        ask(bench, "vm", URI, "tune", ticket);
        bench->uid = MALLORY;
        assert_int_equal(ended(bench, "vm", ticket, -1, "never mind"), 0);
        assert_int_equal(bench_report(bench, "retried", bench_domain(bench, "vm"), ticket, -1, "never mind", 0), 0);
        assert_int_equal(bench_call(bench, "vm")->state, MT_ANNOUNCED_ADVISED);
        assert_true(bench_call(bench, "vm")->tuned);
        (void)bench_ask(bench, "vm", URI, ticket, 0, 0);
        assert_string_not_equal(bench_said(bench, "ticket"), ticket);
        bench->uid = 0;
        assert_int_equal(ended(bench, "vm", ticket, -1, "no such host"), 0);
        assert_int_equal(by_ticket(bench, ticket)->state, MT_ANNOUNCED_ENDED);
        bench_free(bench);
}

static void fill(struct bench *bench, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                struct mt_announced *call = calloc(1, sizeof(*call));

                assert_non_null(call);
                call->next = bench->host.calls;
                bench->host.calls = call;
        }
}

/* The group's calls leave room for root's. */
static void test_room_for_root(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];

        (void)state;
        fill(bench, MT_MAX_CALLS / 4 * 3);
        ask(bench, "high-1", URI, "leave", ticket);
        assert_non_null(strstr(bench_said(bench, "reason"), "too many calls"));
        bench->uid = 0;
        ask(bench, "high-1", URI, "tune", ticket);
        fill(bench, MT_MAX_CALLS / 4 - 1);
        ask(bench, "high-2", URI, "leave", ticket);
        bench_free(bench);
}

/* Stands in for libvirt's, which the watcher asks other hosts by, in threads of their own: answers nothing, ever. */
virConnectPtr virConnectOpenReadOnly(const char *name)
{
        (void)name;
        for (;;)
                (void)pause();
}

static const struct offer_case {
        const char *name;
        uid_t uid;
        const char *uri, *migrate_uri;
        bool offered;
} offers[] = {
        { "the URI's own host", NOVA, "qemu+tcp://10.0.0.2/system", NULL, true },
        { "and said so", NOVA, "qemu+tcp://10.0.0.2/system", "tcp://10.0.0.2", true },
        { "another host's traffic", NOVA, "qemu+tcp://10.0.0.3/system", "tcp://10.0.0.2", false },
        { "root may know better", 0, "qemu+tcp://10.0.0.3/system", "tcp://10.0.0.2", true },
        { "a program to run", 0, "qemu+ssh://10.0.0.2/system", NULL, false },
};

/* What a user says of a destination is not believed for everybody's migrations to another one. */
static void test_offer(void **state)
{
        const struct offer_case *c = *state;
        struct bench *bench = bench_new();
        json_object *request =
                json_tokener_parse("{\"request\":\"advise\",\"attach\":\"client\",\"domain\":\"vm\",\"flags\":1}");

        assert_int_equal(mt_destination_start("", "", "a", &bench->host.destination, NULL), 0);
        bench->host.config.measure.before_start_ms = bench->host.config.shim.timeout_ms = 20000;
        (void)json_object_object_add(request, "uuid", json_object_new_string(bench_domain(bench, "vm")));
        (void)json_object_object_add(request, "uri", json_object_new_string(c->uri));
        if (c->migrate_uri != NULL)
                (void)json_object_object_add(request, "migrate_uri", json_object_new_string(c->migrate_uri));
        bench->uid = c->uid;
        (void)bench_request(bench, request);
        assert_string_equal(bench_said(bench, "action"), c->offered ? "wait" : "tune");
        bench_free(bench);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_retry_elsewhere),   cmocka_unit_test(test_client_died),
                cmocka_unit_test(test_both_wait),         cmocka_unit_test(test_at_once),
                cmocka_unit_test(test_refused_first),     cmocka_unit_test(test_by_destination),
                cmocka_unit_test(test_while_it_migrates), cmocka_unit_test(test_ticket_of_another),
                cmocka_unit_test(test_room_for_root),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(offers) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        if (virInitialize() < 0)
                return 1;
        virSetErrorFunc(NULL, bench_ignore_error);
        ADD_ROWS(tests, n, offers, test_offer);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("call_several", tests, n, NULL, NULL);
}
