/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queue at work: calls that wait while others go first, as the watcher answers them. */
#include "announced.h"

static json_object *status_of(struct bench *bench)
{
        json_object *request = json_object_new_object();

        (void)json_object_object_add(request, "request", json_object_new_string("status"));
        return json_object_object_get(bench_request(bench, request), "migrations");
}

static const char *text(json_object *object, const char *key)
{
        json_object *value = json_object_object_get(object, key);

        return value != NULL ? json_object_get_string(value) : "";
}

/* Low urgency: one after another, by time, and each is shown while it waits. */
static void test_one_after_another(void **state)
{
        struct bench *bench = bench_new();
        char first[MT_TICKET_SIZE], second[MT_TICKET_SIZE], third[MT_TICKET_SIZE];
        json_object *waiting;
        struct mt_job *job;

        (void)state;
        assert_string_equal(bench_ask_first(bench, "low-1", first), "tune");
        assert_string_equal(bench_ask_first(bench, "low-2", second), "wait");
        assert_string_equal(bench_said(bench, "wait_ms"), "1000");
        assert_non_null(strstr(bench_said(bench, "reason"),
                               "others go first: low urgency goes one after another, and 1 run; place 1 of 1"));
        assert_string_equal(bench_ask_first(bench, "low-3", third), "wait");
        assert_non_null(strstr(bench_said(bench, "reason"), "place 2 of 2"));
        waiting = status_of(bench);
        assert_int_equal(json_object_array_length(waiting), 2);
        for (size_t i = 0; i < 2; i++) {
                json_object *one = json_object_array_get_idx(waiting, i);

                assert_string_equal(text(one, "domain"), i == 0 ? "low-2" : "low-3");
                assert_string_equal(text(one, "state"), "waiting");
                assert_string_equal(text(one, "position"), i == 0 ? "1" : "2");
                assert_int_equal(strlen(text(one, "since")), 24);
                assert_string_equal(text(one, "ticket"), ""); /* the caller's own secret */
                assert_non_null(json_object_object_get(one, "plan"));
        }
        job = bench_begin(bench, "low-1");
        assert_string_equal(bench_ask_again(bench, "low-2", second), "wait");
        mt_job_finish(&bench->host, job, MT_COMPLETED, NULL, "");
        assert_string_equal(bench_ask_again(bench, "low-3", third), "wait");
        assert_non_null(strstr(bench_said(bench, "reason"), "1 that wait go first"));
        assert_string_equal(bench_ask_again(bench, "low-2", second), "tune");
        assert_string_equal(bench_said(bench, "ticket"), second);
        assert_string_equal(bench_ask_again(bench, "low-3", third), "wait");
        bench_free(bench);
}

/* The record of one that waited says so. */
static void test_waited(void **state)
{
        struct bench *bench = bench_new();
        char first[MT_TICKET_SIZE], second[MT_TICKET_SIZE];
        struct mt_job *job;

        (void)state;
        (void)bench_ask_first(bench, "low-1", first);
        (void)bench_ask_first(bench, "low-2", second);
        bench_call(bench, "low-2")->waiting_ms -= 12300;
        assert_int_equal(bench_report(bench, "ended", bench_domain(bench, "low-1"), first, 0, NULL, 0), 0);
        assert_string_equal(bench_ask_again(bench, "low-2", second), "tune");
        job = bench_begin(bench, "low-2");
        assert_memory_equal(job->outcome.events[0].text, "waited 12.", 10);
        bench_free(bench);
}

/* Medium urgency goes beside another while 0.75 of the ideal is there for both: 2 * 677.6 of 984 Mbit/s is not. */
static void test_medium(void **state)
{
        struct bench *bench = bench_new();
        char one[MT_TICKET_SIZE], two[MT_TICKET_SIZE], high[MT_TICKET_SIZE];

        (void)state;
        assert_string_equal(bench_ask_first(bench, "one", one), "tune");
        assert_string_equal(bench_ask_first(bench, "two", two), "wait");
        assert_non_null(
                strstr(bench_said(bench, "reason"), "984 Mbit/s available do not suffice for 1 that run and this one"));
        assert_string_equal(bench_ask_first(bench, "high-1", high), "tune"); /* high minds nobody */
        assert_int_equal(bench_call(bench, "high-1")->outcome.facts.parallel, 1);
        assert_int_equal(bench_report(bench, "ended", bench_domain(bench, "one"), one, 0, NULL, 0), 0);
        assert_string_equal(bench_ask_again(bench, "two", two), "wait"); /* the other one is still there */
        assert_int_equal(bench_report(bench, "ended", bench_domain(bench, "high-1"), high, 0, NULL, 0), 0);
        assert_string_equal(bench_ask_again(bench, "two", two), "tune");
        bench_free(bench);
}

/* The ledger counts a call that was let go before its job is seen, and once. */
static void test_ledger(void **state)
{
        struct bench *bench = bench_new();
        struct mt_facts facts = { .device = "lo", .vm = { .known = true, .in_bytes_s = 5 } };
        struct mt_facts *job_facts;
        uint64_t planned;
        struct mt_job *job;

        (void)state;
        mt_turn_share(&bench->host, "", &facts);
        assert_true(facts.parallel == 0 && facts.taken_bytes_s == 0 && facts.vms_in_bytes_s == 5);
        (void)bench_ask_first(bench, "high-1", NULL);
        planned = bench_call(bench, "high-1")->outcome.plan.bandwidth_bytes_s;
        bench_call(bench, "high-1")->outcome.facts.vm.in_bytes_s = 7;
        mt_turn_share(&bench->host, "", &facts);
        assert_true(facts.parallel == 1 && facts.taken_bytes_s == planned && facts.vms_in_bytes_s == 12);
        job = bench_begin(bench, "high-1");
        mt_turn_share(&bench->host, "", &facts);
        assert_true(facts.parallel == 1 && facts.taken_bytes_s == planned && facts.vms_in_bytes_s == 12);
        job_facts = &job->facts;
        mt_turn_share(&bench->host, job->xml.id.uuid, job_facts);
        assert_true(job_facts->parallel == 0 && job_facts->taken_bytes_s == 0); /* none beside itself */
        (void)snprintf(facts.device, sizeof(facts.device), "eth9");
        mt_turn_share(&bench->host, "", &facts);
        assert_true(facts.parallel == 0 && facts.taken_bytes_s == 0); /* on another uplink */
        (void)snprintf(facts.device, sizeof(facts.device), "lo");
        assert_true(mt_state_step(&job->state, MT_EVENT_END));
        mt_turn_share(&bench->host, "", &facts);
        assert_int_equal(facts.parallel, 0);
        bench_free(bench);
}

/* Longer than shim.max_wait nobody waits. */
static void test_max_wait(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];

        (void)state;
        (void)bench_ask_first(bench, "low-1", NULL);
        assert_string_equal(bench_ask_first(bench, "low-2", ticket), "wait");
        bench_call(bench, "low-2")->waiting_ms -= bench->host.config.shim.max_wait_ms;
        assert_string_equal(bench_ask_again(bench, "low-2", ticket), "tune");
        assert_non_null(strstr(bench_call(bench, "low-2")->outcome.events[0].text, "(shim.max_wait), and goes although"));
        bench->host.config.shim.max_wait_ms = 0;
        assert_string_equal(bench_ask_first(bench, "low-3", NULL), "tune");
        bench_free(bench);
}

/* Its caller asks no more: the next one moves up. */
static void test_silent(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];

        (void)state;
        (void)bench_ask_first(bench, "low-1", NULL);
        (void)bench_ask_first(bench, "low-2", NULL);
        (void)bench_ask_first(bench, "low-3", ticket);
        bench_call(bench, "low-2")->asked_ms -= 10001;
        mt_call_tick(&bench->host);
        assert_null(bench_call(bench, "low-2"));
        assert_string_equal(bench_ask_again(bench, "low-3", ticket), "wait");
        assert_non_null(strstr(bench_said(bench, "reason"), "place 1 of 1"));
        assert_int_equal(bench->n_records, 0);
        bench_free(bench);
}

/* Aborted while it waited: out of the queue at once, left as it is if it still asks, and recorded as cancelled. */
static void test_aborted(void **state)
{
        struct bench *bench = bench_new();
        char second[MT_TICKET_SIZE], third[MT_TICKET_SIZE];

        (void)state;
        (void)bench_ask_first(bench, "low-1", NULL);
        (void)bench_ask_first(bench, "low-2", second);
        (void)bench_ask_first(bench, "low-3", third);
        assert_int_equal(bench_report(bench, "abort", bench_domain(bench, "low-2"), NULL, 0, NULL, 0), 0);
        assert_string_equal(bench_ask_again(bench, "low-3", third), "wait");
        assert_non_null(strstr(bench_said(bench, "reason"), "place 1 of 1"));
        assert_string_equal(bench_ask_again(bench, "low-2", second), "leave");
        assert_string_equal(bench_said(bench, "reason"), "its caller asked to abort it");
        assert_int_equal(bench_report(bench, "ended", bench_domain(bench, "low-2"), second, -1, "operation aborted", 0), 0);
        bench_call(bench, "low-2")->ended_ms -= 1000;
        mt_call_tick(&bench->host);
        assert_int_equal(bench->n_records, 1);
        assert_string_equal(bench_record(bench, 0, "result", NULL), "cancelled");
        assert_string_equal(bench_record(bench, 0, "domain", "name"), "low-2");
        bench_free(bench);
}

/* The shim's daemon may not be able to hold a call, which then begins while it still counts as waiting. */
static void test_begins_while_it_waits(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *job;

        (void)state;
        bench->host.config.defaults.post_copy = MT_ADD;
        (void)bench_ask_first(bench, "low-1", NULL);
        assert_string_equal(bench_ask_first(bench, "low-2", NULL), "wait");
        job = bench_begin(bench, "low-2");
        assert_non_null(job->call);
        assert_int_equal(job->facts.post_copy, MT_CALLER_NO);            /* it was made as it is */
        assert_int_equal(json_object_array_length(status_of(bench)), 1); /* the job */
        bench_free(bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_after_another),
                cmocka_unit_test(test_waited),
                cmocka_unit_test(test_medium),
                cmocka_unit_test(test_ledger),
                cmocka_unit_test(test_max_wait),
                cmocka_unit_test(test_silent),
                cmocka_unit_test(test_aborted),
                cmocka_unit_test(test_begins_while_it_waits),
        };

        if (virInitialize() < 0)
                return 1;
        virSetErrorFunc(NULL, bench_ignore_error);
        return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
