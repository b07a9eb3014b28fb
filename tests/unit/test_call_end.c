/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How announced calls end: with their job's end, without one, or forgotten. */
#include "announced.h"

static const struct ended_case {
        const char *name;
        int result;
        const char *text;
        bool aborted;
        const char *want_result, *want_error;
} endings[] = {
        { "refused", -1, "unable to connect to server at 'host-z:16509'", false, "failed",
          "unable to connect to server at 'host-z:16509'" },
        { "refused without a word", -1, NULL, false, "failed", "the call failed; libvirt did not say why" },
        { "aborted by a report", -1, "internal error: client socket is closed", true, "cancelled",
          "internal error: client socket is closed" },
        { "aborted, as libvirt says", -1, "operation aborted: migration out: canceled by client", false, "cancelled",
          "operation aborted: migration out: canceled by client" },
        { "done, and nobody saw it", 0, NULL, false, "completed", "the watcher saw nothing of it" },
};

/* A call that ends without a job still has its one record. */
static void test_ended(void **state)
{
        const struct ended_case *c = *state;
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];

        assert_string_equal(bench_ask_first(bench, "vm", ticket), "tune");
        if (c->aborted)
                assert_int_equal(bench_report(bench, "abort", bench_domain(bench, "vm"), NULL, 0, NULL, 0), 0);
        assert_int_equal(bench_report(bench, "ended", bench_domain(bench, "vm"), ticket, c->result, c->text, 0), 0);
        mt_call_tick(&bench->host);
        assert_int_equal(bench->n_records, 0); /* an event of it may be under way */
        bench_call(bench, "vm")->ended_ms -= 1000;
        mt_call_tick(&bench->host);
        assert_int_equal(bench->n_records, 1);
        assert_int_equal(bench_calls(bench), 0);
        assert_string_equal(bench_record(bench, 0, "result", NULL), c->want_result);
        assert_string_equal(bench_record(bench, 0, "error", NULL), c->want_error);
        assert_string_equal(bench_record(bench, 0, "attach", NULL), "client-shim");
        assert_string_equal(bench_record(bench, 0, "mode", NULL), "enforce");
        assert_string_equal(bench_record(bench, 0, "destination", NULL), "10.0.0.2");
        assert_string_equal(bench_record(bench, 0, "source", NULL), "host-a");
        assert_string_equal(bench_record(bench, 0, "domain", "name"), "vm");
        assert_string_not_equal(bench_record(bench, 0, "id", NULL), "");
        assert_true(atof(bench_record(bench, 0, "plan", "bandwidth_mbps")) > 0);
        assert_string_equal(bench_record(bench, 0, "actual", "downtime_ms"), "");
        bench_free(bench);
}

/* The job's event came after the caller's word: one record, the job's. */
static void test_ended_before_its_event(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];
        struct mt_job *job;

        (void)state;
        assert_string_equal(bench_ask_first(bench, "vm", ticket), "tune");
        assert_int_equal(bench_report(bench, "ended", bench_domain(bench, "vm"), ticket, 0, NULL, 0), 0);
        job = bench_begin(bench, "vm");
        assert_non_null(job->call);
        job->call->ended_ms -= 60000;
        mt_call_tick(&bench->host);
        assert_int_equal(bench->n_records, 0);
        mt_job_finish(&bench->host, job, MT_COMPLETED, NULL, "");
        assert_int_equal(bench->n_records, 1);
        bench_free(bench);
}

/* While its job runs the end of the call only says why, if it failed. */
static void test_ended_while_it_runs(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];
        struct mt_job *job;

        (void)state;
        assert_string_equal(bench_ask_first(bench, "vm", ticket), "tune");
        job = bench_begin(bench, "vm");
        assert_int_equal(bench_report(bench, "ended", job->xml.id.uuid, ticket, -1, "migration failed: no space", 0), 0);
        mt_call_tick(&bench->host);
        assert_int_equal(bench_calls(bench), 1);
        assert_string_equal(job->call->outcome.error, "migration failed: no space");
        assert_false(job->aborted);
        assert_int_equal(bench_report(bench, "ended", job->xml.id.uuid, ticket, -1, "operation aborted: by client", 0), 0);
        assert_true(job->aborted);
        bench_free(bench);
}

static void test_tickets(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE], other[MT_TICKET_SIZE];

        (void)state;
        (void)bench_ask_first(bench, "vm", ticket);
        (void)bench_ask_first(bench, "high-other", other);
        assert_string_not_equal(ticket, other);
        assert_int_equal(bench_report(bench, "ended", bench_domain(bench, "vm"), "0", -1, NULL, 0), 0); /* nobody's */
        assert_int_equal(bench_report(bench, "ended", bench_domain(bench, "vm"), "", -1, NULL, 0), 0);
        assert_int_equal(bench_report(bench, "ended", bench_domain(bench, "vm"), other, -1, NULL, 0), 0); /* another's */
        assert_int_equal(bench_calls(bench), 2);
        assert_int_equal(bench_call(bench, "vm")->state, MT_ANNOUNCED_ADVISED);
        assert_int_equal(bench_call(bench, "high-other")->state, MT_ANNOUNCED_ADVISED);
        (void)bench_ask_again(bench, "vm", other); /* another domain's: a call of its own, beside the first */
        assert_int_equal(bench_calls(bench), 3);
        assert_string_not_equal(bench_said(bench, "ticket"), other);
        assert_non_null(mt_call_by_ticket(&bench->host, other, NOVA, NULL));
        assert_non_null(mt_call_by_ticket(&bench->host, ticket, NOVA, NULL));
        bench_free(bench);
}

/* A call that never begins: forgotten after a minute, unless libvirt shows its migration (which the test driver cannot). */
static void test_never_begins(void **state)
{
        struct bench *bench = bench_new();

        (void)state;
        assert_string_equal(bench_ask_first(bench, "vm", NULL), "tune");
        bench_call(bench, "vm")->advised_ms -= 59000;
        mt_call_tick(&bench->host);
        assert_int_equal(bench_calls(bench), 1);
        bench_call(bench, "vm")->advised_ms -= 1000;
        bench_call(bench, "vm")->checked_ms -= 61000;
        mt_call_tick(&bench->host);
        assert_int_equal(bench_calls(bench), 0);
        assert_int_equal(bench->n_records, 0);
        bench_free(bench);
}

/* However many are announced, the watcher keeps so many at most, and the others are left as they are. */
static void test_too_many(void **state)
{
        struct bench *bench = bench_new();
        struct mt_announced *extra[MT_MAX_CALLS];

        (void)state;
        for (size_t i = 0; i < MT_MAX_CALLS; i++) {
                extra[i] = calloc(1, sizeof(*extra[i]));
                assert_non_null(extra[i]);
                extra[i]->next = bench->host.calls;
                bench->host.calls = extra[i];
        }
        assert_string_equal(bench_ask_first(bench, "vm", NULL), "leave");
        assert_non_null(strstr(bench_said(bench, "reason"), "too many calls"));
        assert_int_equal(bench_calls(bench), MT_MAX_CALLS);
        bench_free(bench);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_ended_before_its_event),
                cmocka_unit_test(test_ended_while_it_runs),
                cmocka_unit_test(test_tickets),
                cmocka_unit_test(test_never_begins),
                cmocka_unit_test(test_too_many),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(endings) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        if (virInitialize() < 0)
                return 1;
        virSetErrorFunc(NULL, bench_ignore_error);
        ADD_ROWS(tests, n, endings, test_ended);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("call_end", tests, n, NULL, NULL);
}
