/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One migration that a client's shim announces and libvirt's daemon's after it: one call, one decision, one record. */
#include "announced.h"

#define URI "qemu+ssh://10.0.0.2/system"
#define CHANGE_PROTECTION (UINT64_C(1) << 8) /* libvirt's clients add it to direct migrations */

/* What the last advice makes of a call. */
struct made {
        uint64_t flags, mib_s;
};

static struct made as_advised(const struct bench *bench, uint64_t flags, uint64_t mib_s)
{
        const char *bandwidth = bench_said(bench, "bandwidth_mib_s");

        return (struct made){ .flags = (flags | strtoull(bench_said(bench, "flags_add"), NULL, 10)) &
                                       ~(uint64_t)strtoull(bench_said(bench, "flags_drop"), NULL, 10),
                              .mib_s = bandwidth[0] != '\0' ? strtoull(bandwidth, NULL, 10) : mib_s };
}

/* Asks as libvirt's daemon, for the first time. ret_ticket: MT_TICKET_SIZE bytes, or NULL. */
static const char *daemon_asks(struct bench *bench, const char *name, const struct made *made, char *ret_ticket)
{
        const char *action;

        bench->uid = 0;
        action = bench_ask_by(bench, "daemon", name, URI, NULL, made->flags, made->mib_s);
        bench->uid = NOVA;
        if (ret_ticket != NULL)
                (void)snprintf(ret_ticket, MT_TICKET_SIZE, "%s", bench_said(bench, "ticket"));
        return action;
}

static int daemon_reports(struct bench *bench, const char *name, const char *ticket, int result, const char *text)
{
        int answer;

        bench->uid = 0;
        answer = bench_report(bench, "ended", bench_domain(bench, name), ticket, result, text, 0);
        bench->uid = NOVA;
        return answer;
}

static int client_reports(struct bench *bench, const char *name, const char *ticket, int result, const char *text)
{
        return bench_report(bench, "ended", bench_domain(bench, name), ticket, result, text, 0);
}

static const struct twice_case {
        const char *name, *domain;
        uint64_t flags, mib_s;
        const char *advice; /* of the client's */
        uint64_t added;     /* flags that libvirt's client library adds */
} twices[] = {
        { "tuned", "vm", 0, 0, "tune", 0 },
        { "tuned, with flags added", "flags-vm", 0, 0, "tune", 0 },
        { "tuned, the client's own limit", "vm", MT_FLAG_POSTCOPY, 12, "tune", 0 },
        { "tuned, direct", "vm", 0, 0, "tune", CHANGE_PROTECTION },
        { "observed", "observe-vm", 0, 0, "leave", 0 },
        { "low urgency", "low-vm", 0, 0, "tune", 0 },
};

/* The second question changes nothing, and counts for nothing. */
static void test_twice(void **state)
{
        const struct twice_case *c = *state;
        struct bench *bench = bench_new();
        char client[MT_TICKET_SIZE], daemon[MT_TICKET_SIZE];
        struct mt_facts facts = { .device = "lo" };
        struct mt_announced *call;
        struct made made;
        struct mt_job *job;

        if (strcmp(c->domain, "flags-vm") == 0) {
                bench->host.config.defaults.post_copy = MT_ADD;
                bench->host.config.defaults.technique = MT_CHOOSE_POST_COPY;
        }
        assert_string_equal(bench_ask(bench, c->domain, URI, NULL, c->flags, c->mib_s), c->advice);
        (void)snprintf(client, sizeof(client), "%s", bench_said(bench, "ticket"));
        made = as_advised(bench, c->flags, c->mib_s);
        assert_true(strcmp(c->domain, "flags-vm") != 0 || made.flags == MT_FLAG_POSTCOPY);
        made.flags |= c->added;
        call = bench_call(bench, c->domain);
        assert_string_equal(daemon_asks(bench, c->domain, &made, daemon), "leave");
        assert_string_equal(bench_said(bench, "reason"), "its client was advised already");
        assert_int_equal(strlen(daemon), MT_TICKET_SIZE - 1);
        assert_string_not_equal(daemon, client);
        assert_int_equal(bench_calls(bench), 1);
        assert_int_equal(call->state, MT_ANNOUNCED_ADVISED);
        mt_turn_share(&bench->host, "", &facts);
        assert_int_equal(facts.parallel, 1);
        job = bench_begin(bench, c->domain);
        assert_ptr_equal(job->call, call);
        assert_int_equal(job->outcome.attach, MT_ATTACH_CLIENT_SHIM);
        assert_int_equal(job->facts.call.flags & MT_FLAG_POSTCOPY, made.flags & MT_FLAG_POSTCOPY);
        assert_true(job->outcome.plan.call.known == (strcmp(c->advice, "tune") == 0));
        assert_string_equal(job->outcome.events[1].text, "libvirt's daemon has the call as its client was advised");
        assert_int_equal(daemon_reports(bench, c->domain, daemon, 0, NULL), 0);
        assert_int_equal(client_reports(bench, c->domain, client, 0, NULL), 0);
        mt_job_finish(&bench->host, job, MT_COMPLETED, NULL, "");
        assert_int_equal(client_reports(bench, c->domain, client, 0, NULL), 0); /* however late */
        mt_call_tick(&bench->host);
        assert_int_equal(bench_calls(bench), 0);
        assert_int_equal(bench->n_records, 1);
        bench_free(bench);
}

/* Others wait and ask all the time, and still the daemon lets the one pass that its client waited for. */
static void test_does_not_wait(void **state)
{
        struct bench *bench = bench_new();
        char first[MT_TICKET_SIZE], second[MT_TICKET_SIZE], third[MT_TICKET_SIZE], daemon[MT_TICKET_SIZE];
        struct made made;

        (void)state;
        (void)bench_ask_first(bench, "low-1", first);
        assert_string_equal(bench_ask_first(bench, "low-2", second), "wait");
        assert_string_equal(bench_ask_first(bench, "low-3", third), "wait");
        assert_int_equal(client_reports(bench, "low-1", first, 0, NULL), 0);
        assert_string_equal(bench_ask_again(bench, "low-2", second), "tune");
        made = as_advised(bench, 0, 0);
        assert_string_equal(bench_ask_again(bench, "low-3", third), "wait");
        assert_string_equal(daemon_asks(bench, "low-2", &made, daemon), "leave");
        assert_string_equal(bench_ask_again(bench, "low-3", third), "wait");
        assert_non_null(strstr(bench_said(bench, "reason"), "and 1 run; place 1 of 1"));
        (void)bench_begin(bench, "low-2");
        assert_string_equal(bench_ask_again(bench, "low-3", third), "wait");
        assert_non_null(strstr(bench_said(bench, "reason"), "and 1 run; place 1 of 1"));
        bench_free(bench);
}

/* Neither end makes a second record, whichever comes, and in whatever order. */
static const struct ends_case {
        const char *name, *order; /* c: the client's, d: the daemon's */
        int result;
        uint64_t after_ms; /* until the record is due */
        const char *want_result;
} ends[] = {
        { "the daemon's, then the client's", "dc", -1, 1000, "failed" },
        { "the client's, then the daemon's", "cd", -1, 1000, "failed" },
        { "the client's alone", "c", -1, 1000, "failed" },
        { "the daemon's alone", "d", -1, 10000, "failed" },
        { "both, done", "dc", 0, 1000, "completed" },
};

static void test_ends(void **state)
{
        const struct ends_case *c = *state;
        struct bench *bench = bench_new();
        char client[MT_TICKET_SIZE], daemon[MT_TICKET_SIZE];
        struct made made;

        (void)bench_ask_first(bench, "vm", client);
        made = as_advised(bench, 0, 0);
        (void)daemon_asks(bench, "vm", &made, daemon);
        for (const char *who = c->order; *who != '\0'; who++)
                assert_int_equal(*who == 'c' ? client_reports(bench, "vm", client, c->result, "no such host")
                                             : daemon_reports(bench, "vm", daemon, c->result, "no such host"),
                                 0);
        bench_call(bench, "vm")->ended_ms -= c->after_ms - 1000 + 500;
        mt_call_tick(&bench->host);
        assert_int_equal(bench->n_records, 0);
        bench_call(bench, "vm")->ended_ms -= 500;
        mt_call_tick(&bench->host);
        assert_int_equal(bench->n_records, 1);
        assert_int_equal(bench_calls(bench), 0);
        assert_string_equal(bench_record(bench, 0, "result", NULL), c->want_result);
        if (c->result < 0)
                assert_string_equal(bench_record(bench, 0, "error", NULL), "no such host");
        bench_free(bench);
}

/* libvirt refused the changed call: the client's own comes to the daemon as well, and is not changed there either. */
static void test_retried(void **state)
{
        struct bench *bench = bench_new();
        char client[MT_TICKET_SIZE], daemon[MT_TICKET_SIZE], again[MT_TICKET_SIZE];
        const struct made own = { .flags = 0, .mib_s = 0 };
        struct made made;
        struct mt_job *job;

        (void)state;
        bench->host.config.defaults.post_copy = MT_ADD;
        bench->host.config.defaults.technique = MT_CHOOSE_POST_COPY;
        (void)bench_ask_first(bench, "vm", client);
        made = as_advised(bench, 0, 0);
        assert_string_equal(daemon_asks(bench, "vm", &made, daemon), "leave");
        assert_int_equal(daemon_reports(bench, "vm", daemon, -1, "unsupported flags"), 0);
        bench_call(bench, "vm")->ended_ms -= 2000; /* the client's word may take a moment */
        mt_call_tick(&bench->host);
        assert_int_equal(bench->n_records, 0);
        assert_int_equal(bench_report(bench, "retried", bench_domain(bench, "vm"), client, -1, "unsupported flags", 0), 0);
        assert_int_equal(bench_call(bench, "vm")->state, MT_ANNOUNCED_ADVISED);
        assert_string_equal(daemon_asks(bench, "vm", &own, again), "leave");
        assert_string_equal(bench_said(bench, "reason"), "its client was advised already");
        assert_string_not_equal(again, daemon);
        assert_int_equal(bench_calls(bench), 1);
        job = bench_begin(bench, "vm");
        assert_int_equal(job->facts.post_copy, MT_CALLER_NO);
        assert_false(job->outcome.plan.call.known);
        mt_job_finish(&bench->host, job, MT_COMPLETED, NULL, "");
        assert_int_equal(bench->n_records, 1);
        bench_free(bench);
}

/* Its client could not say the changes to libvirt: the daemon's shim can. */
static void test_not_possible(void **state)
{
        struct bench *bench = bench_new();
        char client[MT_TICKET_SIZE];
        const struct made own = { .flags = 0, .mib_s = 0 };

        (void)state;
        assert_string_equal(bench_ask_first(bench, "low-vm", client), "tune");
        assert_int_equal(bench_report(bench, "retried", bench_domain(bench, "low-vm"), client, -1, "no types", 0), 0);
        assert_int_equal(bench_report(bench, "retried", bench_domain(bench, "low-vm"), client, -1, "no types", 0), 0);
        assert_int_equal(bench_call(bench, "low-vm")->outcome.n_events, 2); /* once */
        assert_string_equal(daemon_asks(bench, "low-vm", &own, NULL), "tune");
        assert_int_equal(bench_calls(bench), 1);
        assert_true(bench_call(bench, "low-vm")->tuned);
        bench_free(bench);
}

/* The advice did not reach its client: the daemon's shim can still follow it. */
static void test_not_taken(void **state)
{
        struct bench *bench = bench_new();
        char client[MT_TICKET_SIZE], daemon[MT_TICKET_SIZE];
        const struct made own = { .flags = 0, .mib_s = 20 };
        struct mt_job *job;

        (void)state;
        assert_string_equal(bench_ask(bench, "low-vm", URI, NULL, own.flags, own.mib_s), "tune");
        (void)snprintf(client, sizeof(client), "%s", bench_said(bench, "ticket"));
        bench->host.config.shim.caller_limits = MT_LIMITS_OVERRIDE; /* so that the advice differs from what was given */
        assert_string_equal(bench_ask(bench, "low-vm", URI, client, own.flags, own.mib_s), "tune");
        assert_true(atol(bench_said(bench, "bandwidth_mib_s")) != 20);
        assert_string_equal(daemon_asks(bench, "low-vm", &own, daemon), "tune");
        assert_int_equal(bench_calls(bench), 1);
        job = bench_begin(bench, "low-vm");
        assert_int_equal(job->outcome.attach, MT_ATTACH_DAEMON_SHIM);
        assert_true(job->outcome.plan.call.known);
        assert_string_equal(job->outcome.events[2].text,
                            "libvirt's daemon has the call as it was given: its client took no advice");
        assert_int_equal(client_reports(bench, "low-vm", client, 0, NULL), 0);
        mt_job_finish(&bench->host, job, MT_COMPLETED, NULL, "");
        assert_int_equal(bench->n_records, 1);
        bench_free(bench);
}

/* Its client gave up waiting for its turn and made the call: it waits on in the daemon, in its place. */
static void test_gave_up_waiting(void **state)
{
        struct bench *bench = bench_new();
        char first[MT_TICKET_SIZE], client[MT_TICKET_SIZE], daemon[MT_TICKET_SIZE];
        const struct made own = { .flags = 0, .mib_s = 0 };

        (void)state;
        (void)bench_ask_first(bench, "low-1", first);
        assert_string_equal(bench_ask_first(bench, "low-2", client), "wait");
        bench_call(bench, "low-2")->waiting_ms -= 5000;
        assert_string_equal(daemon_asks(bench, "low-2", &own, daemon), "wait");
        assert_int_equal(bench_calls(bench), 2);
        assert_int_equal(client_reports(bench, "low-1", first, 0, NULL), 0);
        bench->uid = 0;
        assert_string_equal(bench_ask_by(bench, "daemon", "low-2", URI, daemon, 0, 0), "tune");
        assert_string_equal(bench_said(bench, "ticket"), daemon);
        assert_memory_equal(bench_call(bench, "low-2")->outcome.events[1].text, "waited 5.", 9);
        bench_free(bench);
}

static const struct other_case {
        const char *name, *by;
        uid_t uid;
        uint64_t flags, mib_s;
        const char *want;
        unsigned want_calls;
} others[] = {
        { "another bandwidth", "daemon", 0, 0, 7, "tune", 2 },
        { "another flag", "daemon", 0, MT_FLAG_TUNNELLED, 0, "tune", 2 },
        { "nobody but root is the daemon", "daemon", NOVA, 0, 0, "leave", 1 },
        { "a second client", "client", NOVA, 0, 0, "tune", 2 },
        { "another user's", "client", NOVA + 1, 0, 0, "tune", 2 },
};

/* What looks like another call of the domain is one, and takes nothing from the first. */
static void test_other(void **state)
{
        const struct other_case *c = *state;
        struct bench *bench = bench_new();
        char client[MT_TICKET_SIZE];

        (void)bench_ask_first(bench, "low-vm", client);
        bench->uid = c->uid;
        assert_string_equal(bench_ask_by(bench, c->by, "low-vm", URI, NULL, c->flags, c->mib_s), c->want);
        bench->uid = NOVA;
        assert_int_equal(bench_calls(bench), c->want_calls);
        assert_non_null(mt_call_by_ticket(&bench->host, client, NOVA, NULL));
        bench_free(bench);
}

/* A client cannot say by libvirt's older functions how to compress: then it does not, and the record does not say so. */
static void test_as_seen(void **state)
{
        struct bench *bench = bench_new();
        struct mt_call_changes *changes;
        struct made made;
        struct mt_job *job;

        (void)state;
        (void)bench_ask_first(bench, "vm", NULL);
        made = as_advised(bench, 0, 0);
        changes = &bench_call(bench, "vm")->outcome.plan.call;
        changes->flags_add = MT_FLAG_COMPRESSED | MT_FLAG_AUTO_CONVERGE;
        changes->compression = MT_COMPRESSION_XBZRLE;
        changes->xbzrle_cache_bytes = 64 * MT_MIB;
        made.flags = MT_FLAG_AUTO_CONVERGE;
        assert_string_equal(daemon_asks(bench, "vm", &made, NULL), "leave");
        job = bench_begin(bench, "vm");
        assert_int_equal(job->outcome.plan.call.flags_add, MT_FLAG_AUTO_CONVERGE);
        assert_int_equal(job->outcome.plan.call.compression, MT_COMPRESSION_LEAVE);
        assert_int_equal(job->outcome.plan.call.xbzrle_cache_bytes, 0);
        assert_int_equal(job->facts.call.flags & MT_FLAG_COMPRESSED, 0);
        bench_free(bench);
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(test_does_not_wait),   cmocka_unit_test(test_retried), cmocka_unit_test(test_not_taken),
                cmocka_unit_test(test_gave_up_waiting), cmocka_unit_test(test_as_seen), cmocka_unit_test(test_not_possible),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(twices) + MT_ARRAY_SIZE(ends) + MT_ARRAY_SIZE(others) + MT_ARRAY_SIZE(more)];
        size_t n = 0;

        if (virInitialize() < 0)
                return 1;
        virSetErrorFunc(NULL, bench_ignore_error);
        ADD_ROWS(tests, n, twices, test_twice);
        ADD_ROWS(tests, n, ends, test_ends);
        ADD_ROWS(tests, n, others, test_other);
        for (size_t i = 0; i < MT_ARRAY_SIZE(more); i++)
                tests[n++] = more[i];
        return _cmocka_run_group_tests("call_twice", tests, n, NULL, NULL);
}
