/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running jobs share an uplink, and take turns, as one begins and another ends. No call was announced for them. */
#include "announced.h"
#include "policy/decide.h"
#include "steer/ledger.h"

#include <arpa/inet.h>
#include <math.h>

#define CARRIES (1000.0 * MT_USABLE) /* Mbit/s */
#define CLOSE 1.0

/* Begins to migrate, as mt_job_begin does it. address: of the destination. */
static struct mt_job *begin(struct bench *bench, const char *name, double D, const char *address)
{
        struct mt_job *job = bench_begin(bench, name);
        struct sockaddr_in *peer = (struct sockaddr_in *)&job->flows.flow[0].peer;

        job->flows.n = 1;
        peer->sin_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, address, &peer->sin_addr), 1);
        (void)snprintf(job->facts.device, sizeof(job->facts.device), "lo");
        job->facts.link_bytes_s = LINK_BYTES_S;
        job->facts.memory_bytes = job->facts.resident_bytes = MT_GIB;
        job->facts.dirty_rate_bytes_s = mt_bytes_s(D);
        job->facts.dirty_low_bytes_s = job->facts.dirty_high_bytes_s = MT_AUTO;
        job->facts.src.known = job->facts.dst.known = true;
        job->facts.tg_ms = 60;
        mt_decide(&job->facts, &job->intent, &job->plan);
        mt_ledger_changed(&bench->host, job->facts.device, job);
        mt_decide(&job->facts, &job->intent, &job->plan);
        return job;
}

static double rate(const struct mt_job *job)
{
        return mt_mbps(job->plan.bandwidth_bytes_s);
}

static bool has_event(const struct mt_job *job, const char *text)
{
        for (unsigned i = 0; i < job->outcome.n_events; i++)
                if (strstr(job->outcome.events[i].text, text) != NULL)
                        return true;
        return false;
}

/* Two of high urgency: the first gives way as the second begins, and has all again when that ends. */
static void test_gives_way(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *one = begin(bench, "high-1", 300, "10.0.0.2"), *two;
        double alone = rate(one);

        (void)state;
        assert_int_equal(one->facts.granted_bytes_s, 0);
        assert_true(alone > CARRIES / 2.0);
        two = begin(bench, "high-2", 300, "10.0.0.2");
        assert_true(fabs(rate(one) - rate(two)) < CLOSE);
        assert_true(fabs(rate(one) + rate(two) - CARRIES) < CLOSE);
        assert_true(one->speed_bytes_s == one->plan.bandwidth_bytes_s); /* it was told, at once */
        mt_job_finish(&bench->host, two, MT_COMPLETED, NULL, "");
        assert_true(fabs(rate(one) - alone) < CLOSE);
        assert_int_equal(one->facts.granted_bytes_s, 0);
        bench_free(bench);
}

/* Other hosts' migrations into the destination: what they leave, and at least a part by number. */
static void test_destination_of_others(void **state)
{
        static const struct {
                unsigned others;
                double planned, want;
        } cases[] = { { 1, 700, CARRIES / 2.0 }, { 1, 200, CARRIES - 200.0 }, { 3, 984, CARRIES / 4.0 }, { 0, 0, 0 } };
        struct bench *bench = bench_new();
        struct mt_job *one = begin(bench, "high-1", 300, "10.0.0.2");
        double alone = rate(one);

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(cases); i++) {
                one->facts.dst_migrations = cases[i].others;
                one->facts.dst_migrations_bytes_s = mt_bytes_s(cases[i].planned);
                mt_ledger_changed(&bench->host, one->facts.device, /* except= */ NULL);
                assert_true(fabs(rate(one) - (cases[i].others > 0 ? cases[i].want : alone)) < CLOSE);
        }
        bench_free(bench);
}

/* What nobody else wants is had in full. */
static void test_enough(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *one = begin(bench, "low-1", 30, "10.0.0.2"), *two;
        double alone = rate(one);

        (void)state;
        two = begin(bench, "medium", 30, "10.0.0.2");
        assert_true(two->facts.waits_turn);
        two->has_turn = true;
        two->facts.waits_turn = false;
        mt_ledger_changed(&bench->host, "lo", /* except= */ NULL);
        assert_true(fabs(rate(one) - alone) < CLOSE);
        assert_int_equal(two->plan.bandwidth_bytes_s, two->plan.wanted_bytes_s);
        assert_true(rate(two) > 100.0);
        bench_free(bench);
}

/* Low urgency goes one after another: who cannot be held trickles. */
static void test_trickle(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *one = begin(bench, "low-1", 100, "10.0.0.2"), *two, *three;
        double alone = rate(one);

        (void)state;
        assert_true(one->has_turn);
        two = begin(bench, "low-2", 100, "10.0.0.2");
        three = begin(bench, "low-3", 100, "10.0.0.2");
        assert_true(two->facts.waits_turn && three->facts.waits_turn);
        assert_int_equal(two->plan.downtime_limit_ms, 1); /* it is not to end before its turn */
        assert_true(fabs(rate(two) - 8.4) < 0.1 && fabs(rate(three) - 8.4) < 0.1);
        assert_true(fabs(rate(one) - alone) < CLOSE);
        assert_true(has_event(two, "trickles at 1 MiB/s until it is its turn: low urgency goes one after another"));
        mt_job_finish(&bench->host, one, MT_COMPLETED, NULL, "");
        assert_true(!two->facts.waits_turn && three->facts.waits_turn);
        assert_true(fabs(rate(two) - alone) < CLOSE && fabs(rate(three) - 8.4) < 0.1);
        assert_true(has_event(two, "its turn has come"));
        mt_job_finish(&bench->host, two, MT_FAILED, NULL, "");
        assert_true(!three->facts.waits_turn && fabs(rate(three) - alone) < CLOSE);
        bench_free(bench);
}

/* A call that its shim held until its turn does not wait once more. */
static void test_had_its_turn(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *one = begin(bench, "high-1", 100, "10.0.0.2"), *two;

        (void)state;
        (void)one;
        (void)bench_ask_first(bench, "low-1", NULL);
        bench_call(bench, "low-1")->state = MT_ANNOUNCED_ADVISED;
        two = begin(bench, "low-1", 100, "10.0.0.2");
        assert_true(two->call != NULL && two->has_turn && !two->facts.waits_turn);
        bench_free(bench);
}

/* One that is only observed is not moved, and counts as what it carries. */
static void test_observed(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *one = begin(bench, "observe-1", 300, "10.0.0.2"), *two;

        (void)state;
        one->meter.bytes_s = 50e6; /* 400 Mbit/s */
        two = begin(bench, "high-1", 300, "10.0.0.2");
        assert_true(one->speed_bytes_s == 0);
        assert_true(fabs(rate(two) - (CARRIES - 400.0)) < CLOSE);
        bench_free(bench);
}

/* Traffic into one destination bounds the low ones that go there, and nobody else. */
static void test_destinations(void **state)
{
        struct bench *bench = bench_new();
        struct mt_job *one = begin(bench, "low-1", 40, "10.0.0.2"), *two;

        (void)state;
        one->has_turn = true;
        one->facts.dst.in_bytes_s = mt_bytes_s(900);
        mt_decide(&one->facts, &one->intent, &one->plan);
        two = begin(bench, "high-1", 300, "10.0.0.3");
        assert_true(fabs(rate(one) - (CARRIES - 900.0)) < CLOSE);
        assert_true(rate(one) + rate(two) <= CARRIES + CLOSE);
        assert_true(rate(two) > 700.0);
        bench_free(bench);
}

/* Low urgency leaves sla.upper of what the link carries to others: all together, as each alone. */
static void test_sla(void **state)
{
        const double upper = 400.0;
        struct bench *bench = bench_new();
        struct mt_job *one = begin(bench, "low-1", 40, "10.0.0.2"), *two = begin(bench, "low-2", 40, "10.0.0.3");

        (void)state;
        one->has_turn = two->has_turn = true;
        two->facts.waits_turn = false;
        one->intent.sla_upper_bytes_s = two->intent.sla_upper_bytes_s = mt_bytes_s(upper);
        mt_decide(&one->facts, &one->intent, &one->plan);
        mt_decide(&two->facts, &two->intent, &two->plan);
        mt_ledger_changed(&bench->host, "lo", /* except= */ NULL);
        assert_true(rate(one) > 100.0 && rate(two) > 100.0);
        assert_true(fabs(rate(one) + rate(two) - (CARRIES - upper)) < CLOSE);
        bench_free(bench);
}

/* Many of each urgency: never more than the link carries, and nobody stands still. */
static void test_many(void **state)
{
        struct bench *bench = bench_new();
        double sum = 0.0;

        (void)state;
        for (unsigned i = 0; i < 12; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "%s-%u", i % 3 == 0 ? "high" : i % 3 == 1 ? "medium" : "low", i);
                (void)begin(bench, name, 50.0 * i, i % 2 == 0 ? "10.0.0.2" : "10.0.0.3");
                sum = 0.0;
                for (const struct mt_job *job = bench->host.jobs; job != NULL; job = job->next) {
                        sum += rate(job);
                        assert_true(rate(job) > 8.0);
                }
                assert_true(sum <= CARRIES + CLOSE);
        }
        assert_true(sum > 0.9 * CARRIES);
        bench_free(bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_gives_way),    cmocka_unit_test(test_destination_of_others),
                cmocka_unit_test(test_enough),       cmocka_unit_test(test_trickle),
                cmocka_unit_test(test_had_its_turn), cmocka_unit_test(test_observed),
                cmocka_unit_test(test_destinations), cmocka_unit_test(test_sla),
                cmocka_unit_test(test_many),
        };

        (void)virInitialize();
        virSetErrorFunc(NULL, bench_ignore_error);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
