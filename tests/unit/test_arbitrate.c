/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What callers do about a domain that migrates: whose limit stands, what is recorded. */
#include "announced.h"

enum subject { NOBODY, ANNOUNCED, RUNNING };

static const struct limit_case {
        const char *name, *domain;
        enum subject subject;
        const char *what;
        int want;
        const char *event; /* of the record; NULL: none */
} limits[] = {
        { "a downtime of nobody's", "vm", NOBODY, "max-downtime", 0, NULL },
        { "a downtime before the job", "vm", ANNOUNCED, "max-downtime", 1,
          "a caller asked for a downtime limit of 50 ms: the plan's stands" },
        { "a downtime of a job", "vm", RUNNING, "max-downtime", 1,
          "a caller asked for a downtime limit of 50 ms: the plan's stands" },
        { "a speed of a job", "vm", RUNNING, "max-speed", 1,
          "a caller asked for at most 50 MiB/s: the plan's limit stands, and keeps below" },
        { "a speed before the job", "vm", ANNOUNCED, "max-speed", 1,
          "a caller asked for at most 50 MiB/s: the plan's limit stands, and keeps below" },
        { "mode observe: a downtime", "observe-vm", RUNNING, "max-downtime", 0, NULL },
        { "mode observe: a speed", "observe-vm", ANNOUNCED, "max-speed", 0, NULL },
        { "mode off", "off-vm", ANNOUNCED, "max-downtime", 0, NULL },
};

static const struct mt_outcome *outcome_of(struct bench *bench, const char *domain)
{
        const struct mt_announced *call = bench_call(bench, domain);

        if (bench->host.jobs != NULL)
                return &bench->host.jobs->outcome;
        return call != NULL ? &call->outcome : NULL;
}

static unsigned count_events(const struct mt_outcome *outcome, const char *text)
{
        unsigned n = 0;

        for (unsigned i = 0; outcome != NULL && i < outcome->n_events; i++)
                n += strcmp(outcome->events[i].text, text) == 0;
        return n;
}

static void test_limit(void **state)
{
        const struct limit_case *c = *state;
        struct bench *bench = bench_new();
        const struct mt_outcome *outcome;
        bool is_speed = strcmp(c->what, "max-speed") == 0;
        unsigned lines;

        if (c->subject != NOBODY)
                (void)bench_ask_first(bench, c->domain, NULL);
        if (c->subject == RUNNING)
                (void)bench_begin(bench, c->domain);
        lines = bench_log.n;
        for (int i = 0; i < 3; i++) /* one event and one line, however often */
                assert_int_equal(
                        bench_report(bench, c->what, bench_domain(bench, c->domain), NULL, 0, NULL, 50 + (uint64_t)i),
                        c->want);
        outcome = outcome_of(bench, c->domain);
        assert_int_equal(bench_log.n - lines, c->event != NULL ? 1 : 0);
        if (c->event != NULL) {
                assert_int_equal(count_events(outcome, c->event), 1);
                assert_int_equal(is_speed ? outcome->arbitrated.speeds : outcome->arbitrated.downtimes, 3);
        } else if (outcome != NULL) {
                assert_int_equal(outcome->arbitrated.speeds + outcome->arbitrated.downtimes, 0);
        }
        bench_free(bench);
}

/* nova's steps before the job and during it: counted together, the first one recorded. */
static void test_counted(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *job;

        (void)state;
        (void)bench_ask_first(bench, "vm", NULL);
        assert_int_equal(bench_report(bench, "max-downtime", bench_domain(bench, "vm"), NULL, 0, NULL, 50), 1);
        job = bench_begin(bench, "vm");
        assert_int_equal(bench_report(bench, "max-downtime", job->xml.id.uuid, NULL, 0, NULL, 95), 1);
        assert_int_equal(bench_report(bench, "max-speed", job->xml.id.uuid, NULL, 0, NULL, 50), 1);
        mt_job_finish(&bench->host, job, MT_COMPLETED, NULL, "");
        assert_string_equal(bench_record(bench, 0, "arbitrated", "max_downtime"), "2");
        assert_string_equal(bench_record(bench, 0, "arbitrated", "max_speed"), "1");
        bench_free(bench);
}

/* Limits that the watcher could not set are not said to stand. */
static void test_limits_not_ours(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *job;

        (void)state;
        (void)bench_ask_first(bench, "vm", NULL);
        job = bench_begin(bench, "vm");
        job->limits_saved = false;
        assert_int_equal(bench_report(bench, "max-downtime", job->xml.id.uuid, NULL, 0, NULL, 50), 0);
        bench_free(bench);
}

/* A caller's speed binds the plan from then on; "unlimited" frees it. */
static void test_speed_binds(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *job;

        (void)state;
        (void)bench_ask_first(bench, "vm", NULL);
        job = bench_begin(bench, "vm");
        (void)snprintf(job->facts.device, sizeof(job->facts.device), "lo");
        assert_int_equal(bench_report(bench, "max-speed", job->xml.id.uuid, NULL, 0, NULL, 12), 1);
        mt_job_plan_again(&bench->host, job);
        assert_true(job->plan.bandwidth_bytes_s == 12 * MT_MIB);
        assert_int_equal(bench_report(bench, "max-speed", job->xml.id.uuid, NULL, 0, NULL, 8796093022207), 1);
        mt_job_plan_again(&bench->host, job);
        assert_true(job->plan.bandwidth_bytes_s > 12 * MT_MIB);
        bench_free(bench);
}

static void test_speed_overridden(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *job;

        (void)state;
        bench->host.config.shim.caller_limits = MT_LIMITS_OVERRIDE;
        (void)bench_ask_first(bench, "vm", NULL);
        job = bench_begin(bench, "vm");
        assert_int_equal(bench_report(bench, "max-speed", job->xml.id.uuid, NULL, 0, NULL, 12), 1);
        assert_int_equal(count_events(&job->outcome, "a caller asked for at most 12 MiB/s: the plan's limit stands"), 1);
        mt_job_plan_again(&bench->host, job);
        assert_true(job->plan.bandwidth_bytes_s > 12 * MT_MIB);
        bench_free(bench);
}

static const struct act_case {
        const char *name, *what, *event;
        bool aborts;
} acts[] = {
        { "post-copy", "post-copy", "the caller asked for post-copy", false },
        { "abort", "abort", "the caller asked to abort", true },
        { "suspend", "suspend", "the caller asked to suspend the guest", false },
};

static void test_act(void **state)
{
        const struct act_case *c = *state;
        struct bench *bench = bench_new();
        struct mt_job *job;

        assert_int_equal(bench_report(bench, c->what, bench_domain(bench, "vm"), NULL, 0, NULL, 0), 0); /* of nobody's */
        (void)bench_ask_first(bench, "vm", NULL);
        job = bench_begin(bench, "vm");
        job->iteration = 3;
        assert_int_equal(bench_report(bench, c->what, job->xml.id.uuid, NULL, 0, NULL, 0), 0);
        assert_int_equal(count_events(&job->outcome, c->event), 1);
        assert_int_equal(job->aborted, c->aborts);
        assert_int_equal(job->asked_in, strcmp(c->what, "post-copy") == 0 ? job->iteration : 0);
        bench_free(bench);
}

/* A job that is over is nobody's any more, though its record is still to come. */
static void test_over(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *job;

        (void)state;
        (void)bench_ask_first(bench, "vm", NULL);
        job = bench_begin(bench, "vm");
        assert_true(mt_state_step(&job->state, MT_EVENT_END));
        assert_int_equal(bench_report(bench, "abort", job->xml.id.uuid, NULL, 0, NULL, 0), 0);
        assert_false(job->aborted);
        assert_int_equal(bench_report(bench, "max-downtime", job->xml.id.uuid, NULL, 0, NULL, 50), 0);
        bench_free(bench);
}

/* Another member of the group bounds, counts, ends and marks nothing; the plan stands against it as well. */
static void test_another_user(void **state)
{
        static const char *const whats[] = { "abort", "post-copy", "suspend" };
        struct bench *bench = bench_new();
        struct mt_job *job;
        unsigned events;

        (void)state;
        (void)bench_ask_first(bench, "vm", NULL);
        bench->uid = NOVA + 1;
        assert_int_equal(bench_report(bench, "abort", bench_domain(bench, "vm"), NULL, 0, NULL, 0), 0);
        assert_int_equal(bench_report(bench, "max-speed", bench_domain(bench, "vm"), NULL, 0, NULL, 1), 0);
        assert_false(bench_call(bench, "vm")->aborted);
        assert_true(bench_call(bench, "vm")->given.bandwidth_bytes_s == 0);
        job = bench_begin(bench, "vm");
        events = job->outcome.n_events;
        for (size_t i = 0; i < MT_ARRAY_SIZE(whats); i++)
                assert_int_equal(bench_report(bench, whats[i], job->xml.id.uuid, NULL, 0, NULL, 0), 0);
        assert_int_equal(bench_report(bench, "max-speed", job->xml.id.uuid, NULL, 0, NULL, 1), 1);
        assert_int_equal(bench_report(bench, "max-downtime", job->xml.id.uuid, NULL, 0, NULL, 1), 1);
        assert_true(!job->aborted && job->asked_in == 0 && job->outcome.n_events == events);
        assert_true(job->facts.call.bandwidth_bytes_s == 0);
        assert_int_equal(job->outcome.arbitrated.speeds + job->outcome.arbitrated.downtimes, 0);
        bench->uid = 0;
        assert_int_equal(bench_report(bench, "abort", job->xml.id.uuid, NULL, 0, NULL, 0), 0);
        assert_true(job->aborted);
        bench_free(bench);
}

/* A job of no announced call (the watcher was restarted): nova's steps are no less stopped, and change nothing. */
static void test_no_call(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *job;

        (void)state;
        job = bench_begin(bench, "vm");
        assert_int_equal(bench_report(bench, "max-downtime", job->xml.id.uuid, NULL, 0, NULL, 50), 1);
        assert_int_equal(bench_report(bench, "max-speed", job->xml.id.uuid, NULL, 0, NULL, 1), 1);
        assert_int_equal(bench_report(bench, "abort", job->xml.id.uuid, NULL, 0, NULL, 0), 0);
        assert_true(job->facts.call.bandwidth_bytes_s == 0 && !job->aborted);
        bench->uid = 0;
        assert_int_equal(bench_report(bench, "max-downtime", job->xml.id.uuid, NULL, 0, NULL, 50), 1);
        assert_int_equal(job->outcome.arbitrated.downtimes, 1);
        bench_free(bench);
}

/* Of a call that waits beside a job, it is the wait that is aborted. */
static void test_abort_of_a_wait(void **state)
{
        struct bench *bench = bench_new();
        char ticket[MT_TICKET_SIZE];
        struct mt_job *job;

        (void)state;
        (void)bench_ask_first(bench, "low-1", NULL);
        assert_string_equal(bench_ask_first(bench, "low-2", ticket), "wait");
        job = bench_begin(bench, "low-2"); /* by another's call, which nobody stands in */
        job->call->state = MT_ANNOUNCED_WAITING;
        job->call = NULL;
        assert_int_equal(bench_report(bench, "abort", job->xml.id.uuid, NULL, 0, NULL, 0), 0);
        assert_false(job->aborted);
        assert_true(mt_call_by_ticket(&bench->host, ticket, NOVA, NULL)->aborted);
        bench_free(bench);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_counted),     cmocka_unit_test(test_limits_not_ours),
                cmocka_unit_test(test_speed_binds), cmocka_unit_test(test_speed_overridden),
                cmocka_unit_test(test_over),        cmocka_unit_test(test_another_user),
                cmocka_unit_test(test_no_call),     cmocka_unit_test(test_abort_of_a_wait),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(limits) + MT_ARRAY_SIZE(acts) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        if (virInitialize() < 0)
                return 1;
        virSetErrorFunc(NULL, bench_ignore_error);
        ADD_ROWS(tests, n, limits, test_limit);
        ADD_ROWS(tests, n, acts, test_act);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("arbitrate", tests, n, NULL, NULL);
}
