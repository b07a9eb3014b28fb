/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Predictions against a copy that is played through as QEMU does it, in steps of a millisecond. */
#include "array.h"
#include "policy/decide.h"
#include "policy/inputs.h"
#include "table.h"

#include <math.h>
#include <string.h>

#define STEP_S 1e-3
#define NOISE 1.06 /* QEMU's estimate of its rate is above the mean now and then: near the end that makes it stop */
#define LONGEST_S 600.0

/* Mbit/s; MiB. */
struct row {
        const char *name;
        double D, dst_in, resident_mib;
        enum mt_urgency urgency;
        uint64_t max_downtime_ms, setup_ms;
        const char *reason; /* a part of some reason; NULL: not looked at */
};

static const struct row rows[] = {
        { "idle", 0, 0, 400, MT_URGENCY_HIGH, 300, 400, NULL },
        { "idle, all touched", 0, 0, 1024, MT_URGENCY_HIGH, 300, 400, NULL },
        { "idle, at the deadline's pace", 0, 0, 400, MT_URGENCY_MEDIUM, 300, 400, NULL },
        { "a little", 20, 0, 400, MT_URGENCY_HIGH, 300, 400, NULL },
        { "some", 100, 0, 400, MT_URGENCY_HIGH, 300, 400, NULL },
        { "much", 300, 0, 400, MT_URGENCY_HIGH, 300, 400, NULL },
        { "more", 600, 0, 400, MT_URGENCY_HIGH, 300, 400, NULL },
        { "much, a long blackout", 300, 0, 400, MT_URGENCY_HIGH, 1000, 400, NULL },
        { "much, a short blackout", 300, 0, 1024, MT_URGENCY_HIGH, 120, 250, NULL },
        { "smaller than what may remain", 100, 0, 16, MT_URGENCY_HIGH, 1000, 250, NULL },
        { "a busy destination", 100, 500, 400, MT_URGENCY_MEDIUM, 300, 400, "the destination's other traffic leaves 484.4" },
        { "a busy destination, high", 300, 700, 400, MT_URGENCY_HIGH, 300, 400, "leaves 900.0" },
        { "a full destination", 40, 990, 400, MT_URGENCY_MEDIUM, 300, 400, "leaves 143.2" },
};

static void set_up(const struct row *row, struct mt_facts *facts, struct mt_intent *intent)
{
        *facts = (struct mt_facts){
                .memory_bytes = MT_GIB,
                .resident_bytes = (uint64_t)(row->resident_mib * (double)MT_MIB),
                .dirty_rate_bytes_s = mt_bytes_s(row->D),
                .dirty_source = MT_DIRTY_GIVEN,
                .device = "eth0",
                .link_bytes_s = mt_bytes_s(1000),
                .src = { .known = true },
                .dst = { .known = true, .in_bytes_s = mt_bytes_s(row->dst_in), .source = MT_TRAFFIC_SHARE },
                .tau_ms = 5,
                .tg_ms = 60,
                .setup_ms = row->setup_ms,
                .dirty_low_bytes_s = MT_AUTO,
                .dirty_high_bytes_s = MT_AUTO,
        };
        mt_intent_defaults(intent);
        intent->urgency = row->urgency;
        intent->technique = MT_CHOOSE_PRE_COPY;
        intent->max_downtime_ms = row->max_downtime_ms;
}

/* Mbit/s that get through: a busy destination gives what it has left, or what it is sure of. */
static double through(const struct row *row, double rate)
{
        double sure = row->urgency == MT_URGENCY_HIGH ? 900.0 : 143.166, left = 984.395 - row->dst_in;

        return row->dst_in > 0 ? fmin(rate, fmax(left, sure)) : rate;
}

struct played {
        double total_s, downtime_s, sent;
};

/* QEMU's loop: it sends; when no more than its limit allows remains it looks what was dirtied, and stops or goes on. */
static struct played play(const struct row *row, const struct mt_facts *facts, const struct mt_plan *plan)
{
        double R = through(row, mt_mbps(plan->bandwidth_bytes_s)) * MT_PAYLOAD;
        double Rs = through(row, mt_mbps(plan->switchover_bytes_s)) * MT_PAYLOAD;
        double threshold = mt_seconds(plan->downtime_limit_ms) * R;
        double resident = mt_mbit(facts->resident_bytes), memory = mt_mbit(facts->memory_bytes);
        double left = resident, zero = memory - resident, dirtied = 0.0, t = 0.0, sent = 0.0;

        for (;; t += STEP_S) {
                double share = left / (left + zero);

                if (left + zero <= threshold) {
                        left += dirtied;
                        dirtied = 0.0;
                        if (left + zero <= threshold * NOISE || t > LONGEST_S)
                                break;
                }
                sent += fmin(R * STEP_S, left);
                zero -= share > 0.0 ? fmin(R * STEP_S * (1.0 - share) / share, zero) : zero;
                left = fmax(left - R * STEP_S, 0.0);
                dirtied = fmin(dirtied + row->D * STEP_S, resident);
        }
        return (struct played){ .total_s = mt_seconds(row->setup_ms) + t + left / Rs + 0.06,
                                .downtime_s = left / Rs + 0.06,
                                .sent = sent + left };
}

static void assert_part(double got, double want, double part, double least, const char *what)
{
        if (fabs(got - want) > fmax(part * want, least))
                fail_msg("%s: predicted %.3f, played %.3f", what, got, want);
}

static bool has_reason(const struct mt_plan *plan, const char *part)
{
        for (unsigned i = 0; i < plan->reasons.n; i++)
                if (strstr(plan->reasons.text[i], part) != NULL)
                        return true;
        return part == NULL;
}

static void test_played(void **state)
{
        const struct row *row = *state;
        struct mt_facts facts;
        struct mt_intent intent;
        struct mt_plan plan;
        struct played played;

        set_up(row, &facts, &intent);
        mt_decide(&facts, &intent, &plan);
        assert_true(plan.limit_met);
        played = play(row, &facts, &plan);
        assert_true(played.total_s < LONGEST_S);
        assert_part(mt_seconds(plan.prediction.total_ms), played.total_s, 0.05, 0.1, "total s");
        assert_part(mt_seconds(plan.prediction.downtime_ms), played.downtime_s, 0.24, 0.01, "downtime s");
        assert_part(mt_mbit(plan.prediction.bytes), played.sent, 0.05, 8.0, "Mbit");
        if (row->reason != NULL)
                assert_true(has_reason(&plan, row->reason));
}

/* Without a setup in the facts the built-in one counts, with it the facts'. */
static void test_setup(void **state)
{
        struct row row = rows[4];
        struct mt_facts facts;
        struct mt_intent intent;
        struct mt_plan plan;
        uint64_t built_in;

        (void)state;
        row.setup_ms = 0;
        set_up(&row, &facts, &intent);
        mt_decide(&facts, &intent, &plan);
        built_in = plan.prediction.total_ms;
        facts.setup_ms = MT_DEFAULT_SETUP_MS + 1000;
        mt_decide(&facts, &intent, &plan);
        assert_int_equal(plan.prediction.total_ms, built_in + 1000);
}

#define ROUND_TRIP_S 1e-4
#define QUEUED_MBIT 1.0
#define PAGE_MBIT (4096 * 8e-6)

/* Post-copy after a first pass, or at once: D and other traffic in Mbit/s. */
static const struct switched {
        const char *name;
        double D, src_out;
        enum mt_post_copy_switch when;
} switches[] = {
        { "stall: an idle guest waits for nothing", 0, 0, MT_SWITCH_IMMEDIATE },
        { "stall: a little", 10, 0, MT_SWITCH_IMMEDIATE },
        { "stall: much", 300, 0, MT_SWITCH_IMMEDIATE },
        { "stall: much, through a full link", 300, 500, MT_SWITCH_IMMEDIATE },
        { "stall: more than the link carries", 1400, 0, MT_SWITCH_IMMEDIATE },
        { "stall: after a pass less is missing", 100, 0, MT_SWITCH_FIRST_PASS },
};

/* Seconds lost while what is missing comes over: summed up in small steps. */
static double sum_up(double missing, double resident, double rate, double D, double L)
{
        const unsigned steps = 10000;
        double T = missing / rate, lost = 0.0;

        for (unsigned i = 0; i < steps; i++) {
                double f = missing / resident * (1.0 - (i + 0.5) / steps);

                lost += T / steps * (1.0 - 1.0 / (1.0 + D / PAGE_MBIT * L * f));
        }
        return fmin(lost, missing / PAGE_MBIT * L);
}

static void test_stall(void **state)
{
        const struct switched *s = *state;
        const struct row row = { .D = s->D, .resident_mib = 400, .urgency = MT_URGENCY_HIGH, .max_downtime_ms = 300 };
        struct mt_facts facts;
        struct mt_intent intent;
        struct mt_plan plan;
        double rate, missing, L = ROUND_TRIP_S;

        set_up(&row, &facts, &intent);
        facts.post_copy = MT_CALLER_YES;
        facts.src.out_bytes_s = mt_bytes_s(s->src_out);
        intent.technique = MT_CHOOSE_POST_COPY;
        intent.post_copy_switch = s->when;
        mt_decide(&facts, &intent, &plan);
        assert_int_equal(plan.technique, MT_POST_COPY);
        rate = mt_mbps(plan.bandwidth_bytes_s) * MT_PAYLOAD;
        missing = mt_mbit(facts.resident_bytes);
        if (s->when == MT_SWITCH_FIRST_PASS)
                missing = fmin(s->D * (missing / rate + mt_seconds(facts.tau_ms)), missing);
        if (s->src_out > 0)
                L += QUEUED_MBIT / rate;
        assert_part(mt_seconds(plan.prediction.stall_ms), sum_up(missing, mt_mbit(facts.resident_bytes), rate, s->D, L),
                    0.01, 0.002, "stall s");
        assert_true(plan.prediction.stall_ms < plan.prediction.total_ms);
        intent.technique = MT_CHOOSE_PRE_COPY;
        mt_decide(&facts, &intent, &plan);
        assert_int_equal(plan.prediction.stall_ms, 0);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(rows) + MT_ARRAY_SIZE(switches) + 1];
        size_t n = 0;

        ADD_ROWS(tests, n, rows, test_played);
        ADD_ROWS(tests, n, switches, test_stall);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_setup);
        return _cmocka_run_group_tests("predict", tests, n, NULL, NULL);
}
