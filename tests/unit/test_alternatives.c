/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What other ways would have cost: one row a situation with what must stand in one line of its table; and properties that hold
 * whatever the situation is.
 */
#include "policy/alternatives.h"
#include "cleanup.h"
#include "noise.h"
#include "policy/bandwidth.h"
#include "policy/decide.h"
#include "reason.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Mbit/s; what is 0 or NULL keeps its default. */
struct situation {
        const char *name;
        double D, src_out, dst_in, granted, caller;
        enum mt_urgency urgency;
        enum mt_technique_choice technique;
        enum mt_strategy strategy;
        double sla_lower;
        enum mt_caller_permits post_copy;
        bool unknown, waits;
        uint64_t max_downtime_ms, deadline_ms;
        /* expected */
        const char *way; /* an alternative's name; NULL: the plan itself */
        enum mt_bar bar;
        const char *words;    /* of the bar */
        double taken;         /* Mbit/s at the peak; -1: not looked at */
        const char *verdict;  /* a part of it */
        const char *left_out; /* must not be there */
};

static void set_up(const struct situation *s, struct mt_facts *facts, struct mt_intent *intent)
{
        *facts = (struct mt_facts){ .memory_bytes = MT_GIB,
                                    .resident_bytes = MT_GIB,
                                    .dirty_rate_bytes_s = mt_bytes_s(s->D),
                                    .dirty_source = MT_DIRTY_GIVEN,
                                    .device = "eth0",
                                    .link_bytes_s = 125000000,
                                    .granted_bytes_s = mt_bytes_s(s->granted),
                                    .waits_turn = s->waits,
                                    .src = { .known = !s->unknown, .out_bytes_s = mt_bytes_s(s->src_out) },
                                    .dst = { .known = !s->unknown, .in_bytes_s = mt_bytes_s(s->dst_in) },
                                    .vm.known = true,
                                    .tau_ms = 5,
                                    .tg_ms = 60,
                                    .dirty_low_bytes_s = MT_AUTO,
                                    .dirty_high_bytes_s = MT_AUTO,
                                    .post_copy = s->post_copy };
        if (s->caller > 0) {
                facts->call = (struct mt_call_fact){ .known = true, .bandwidth_bytes_s = mt_bytes_s(s->caller) };
                facts->call.flags = MT_FLAG_LIVE | (s->post_copy == MT_CALLER_YES ? MT_FLAG_POSTCOPY : 0);
        }
        mt_intent_defaults(intent);
        intent->urgency = s->urgency;
        intent->technique = s->technique;
        intent->strategy = s->strategy;
        intent->sla_lower_bytes_s = mt_bytes_s(s->sla_lower);
        if (s->max_downtime_ms > 0)
                intent->max_downtime_ms = s->max_downtime_ms;
        for (unsigned u = 0; s->deadline_ms > 0 && u < MT_URGENCIES; u++)
                intent->deadline_ms_per_gib[u] = s->deadline_ms;
}

#define YES MT_CALLER_YES
#define PRE MT_CHOOSE_PRE_COPY
#define HIGH MT_URGENCY_HIGH
#define MEDIUM MT_URGENCY_MEDIUM
#define LOW MT_URGENCY_LOW

static const struct situation situations[] = {
        { "nothing is taken on an idle link", .D = 50, .urgency = MEDIUM, .technique = PRE, .taken = 0,
          .verdict =
                  "pre-copy as configured and permitted, 384.8 Mbit/s by lambda-range within its bounds; nothing that is" },
        /* 903.5 + 600 on a link that carries 984.4 */
        { "what the plan takes", .D = 300, .src_out = 600, .urgency = HIGH, .technique = PRE, .taken = 600,
          .verdict = "nothing that is permitted and holds max_downtime is faster" },
        { "the destination counts", .D = 300, .dst_in = 600, .urgency = HIGH, .technique = PRE,
          .way = "pre-copy, whole link", .bar = MT_BAR_URGENCY,
          .words = "more than high urgency's share of the ideal bandwidth", .taken = -1 },
        { "what is free takes nothing while it copies", .D = 20, .src_out = 600, .urgency = LOW, .technique = PRE,
          .way = "pre-copy, what is free", .bar = MT_BAR_NONE, .taken = 0, .deadline_ms = 240000 },
        { "low urgency takes nothing", .D = 20, .src_out = 600, .urgency = LOW, .technique = PRE,
          .way = "pre-copy, whole link", .bar = MT_BAR_LOW_URGENCY, .taken = 600,
          .words = "low urgency takes nothing that others use now" },
        { "the SLA", .D = 50, .src_out = 600, .urgency = MEDIUM, .technique = PRE, .sla_lower = 500,
          .way = "pre-copy, whole link", .bar = MT_BAR_SLA, .words = "more than sla.lower leaves to medium urgency",
          .taken = 600 },
        { "a configured technique", .D = 50, .urgency = MEDIUM, .technique = PRE, .post_copy = YES,
          .way = "post-copy, as planned", .bar = MT_BAR_TECHNIQUE, .words = "technique = \"pre-copy\"", .taken = 0 },
        { "post-copy that nobody permits", .D = 1400, .urgency = MEDIUM, .post_copy = MT_CALLER_NO,
          .way = "post-copy, as planned", .bar = MT_BAR_POST_COPY, .taken = -1,
          .words = "no post-copy: the caller did not start the migration with the post-copy flag",
          .verdict = "nothing that is permitted holds max_downtime; post-copy, " },
        { "another strategy", .D = 50, .urgency = MEDIUM, .way = "pre-copy, min-bandwidth", .bar = MT_BAR_STRATEGY,
          .words = "strategy = \"lambda-range\"", .taken = 0 },
        { "the caller's limit", .D = 50, .urgency = MEDIUM, .technique = PRE, .caller = 200, .way = "pre-copy, what is free",
          .bar = MT_BAR_CALLER, .words = "more than the caller's own limit, 200.0 Mbit/s", .taken = 0 },
        { "others beside it", .D = 50, .urgency = MEDIUM, .technique = PRE, .granted = 300, .way = "pre-copy, what is free",
          .bar = MT_BAR_SHARE, .words = "more than its share beside the other migrations, 300.0 Mbit/s", .taken = 0 },
        { "others before it", .D = 50, .urgency = MEDIUM, .technique = PRE, .waits = true, .way = "pre-copy, what is free",
          .bar = MT_BAR_TURN, .words = "other migrations go first", .taken = 0 },
        { "too slow for the deadline", .D = 5, .urgency = MEDIUM, .technique = PRE, .strategy = MT_MAX_BANDWIDTH,
          .deadline_ms = 15000, .way = "pre-copy, floor", .bar = MT_BAR_NONE, .taken = 0 },
        { "too slow for auto", .D = 50, .urgency = HIGH, .technique = PRE, .way = "pre-copy, floor", .bar = MT_BAR_TOO_SLOW,
          .words = "less than deadline = \"auto\" gives high urgency, its share of the ideal", .taken = 0 },
        { "lambda too high", .D = 300, .urgency = MEDIUM, .technique = PRE, .way = "pre-copy, floor", .bar = MT_BAR_LAMBDA,
          .words = "lambda would lie above lambda.high, 0.4", .taken = 0 },
        { "faster, within the share", .D = 20, .urgency = MEDIUM, .technique = PRE, .src_out = 500,
          .way = "pre-copy, what is free", .bar = MT_BAR_NONE, .taken = -1,
          .verdict = "pre-copy, what is free would be faster (" },
        { "neither end's traffic is known", .D = 50, .urgency = MEDIUM, .technique = PRE, .unknown = true, .taken = -1 },
        { "hybrid that is post-copy", .D = 50, .urgency = MEDIUM, .post_copy = YES, .src_out = 300, .taken = -1,
          .way = "post-copy, floor", .bar = MT_BAR_NONE, .left_out = "hybrid, floor" },
        { "it cannot be held", .D = 50, .urgency = MEDIUM, .technique = PRE, .post_copy = MT_CALLER_NO, .taken = 0,
          .max_downtime_ms = 61, .verdict = "no way that was looked at holds max_downtime" },
};

static const struct mt_alternative *find(const struct mt_plan *plan, const char *name)
{
        for (unsigned i = 0; i < plan->n_alternatives; i++)
                if (strcmp(plan->alternatives[i].name, name) == 0)
                        return &plan->alternatives[i];
        return NULL;
}

static void show(const struct mt_plan *plan)
{
        for (unsigned i = 0; i < plan->n_alternatives; i++) {
                const struct mt_alternative *one = &plan->alternatives[i];

                print_message("# %-28s %8.1f %8.0f ms, takes %6.1f: %s %s\n", one->name, mt_mbps(one->bandwidth_bytes_s),
                              (double)one->prediction.total_ms, mt_mbps(one->tenants.peak_bytes_s), mt_bar_name(one->bar),
                              plan->bars[one->bar]);
        }
        print_message("# %s\n", plan->verdict);
}

static bool is_as_wanted(const struct situation *s, const struct mt_plan *plan)
{
        const struct mt_alternative *one = s->way != NULL ? find(plan, s->way) : NULL;
        const struct mt_tenants *tenants = one != NULL ? &one->tenants : &plan->tenants;

        if ((one == NULL) != (s->way == NULL) || tenants->known == s->unknown)
                return false;
        if (one != NULL && (one->bar != s->bar || (s->words != NULL && strcmp(plan->bars[s->bar], s->words) != 0)))
                return false;
        if (s->taken >= 0 && fabs(mt_mbps(tenants->peak_bytes_s) - s->taken) > 0.1)
                return false;
        return (s->verdict == NULL || strstr(plan->verdict, s->verdict) != NULL) &&
               (s->left_out == NULL || find(plan, s->left_out) == NULL);
}

static void test_situation(void **state)
{
        const struct situation *s = *state;
        struct mt_facts facts;
        struct mt_intent intent;
        struct mt_plan plan;

        set_up(s, &facts, &intent);
        mt_decide(&facts, &intent, &plan);
        mt_alternatives(&facts, &intent, &plan);
        if (!is_as_wanted(s, &plan)) {
                show(&plan);
                fail_msg("%s: not as wanted", s->name);
        }
}

/* Copying at 800 Mbit/s beside 400 on a link of 1000, which carries 984.4: 215.6 are taken as long as it lasts. */
static void test_sum(void **state)
{
        const struct situation s = { .D = 0, .src_out = 400, .urgency = MT_URGENCY_HIGH, .technique = PRE };
        struct mt_facts facts;
        struct mt_intent intent;
        struct mt_plan plan;
        const struct mt_alternative *whole;
        double seconds;

        (void)state;
        set_up(&s, &facts, &intent);
        intent.strategy = MT_MAX_BANDWIDTH;
        mt_decide(&facts, &intent, &plan);
        mt_alternatives(&facts, &intent, &plan);
        whole = find(&plan, "pre-copy, whole link");
        assert_non_null(whole);
        seconds = mt_mbit(MT_GIB) / (1000 * MT_USABLE * MT_PAYLOAD) + 0.005; /* last copy and all */
        assert_true(fabs(mt_mbps(whole->tenants.bytes_s) - 400) < 0.1);
        if (fabs(mt_seconds(whole->tenants.ms) - seconds) > 0.01)
                fail_msg("%.3f s, expected %.3f", mt_seconds(whole->tenants.ms), seconds);
        assert_true(fabs((double)whole->tenants.bytes - 50e6 * seconds) < 50e6 * 0.01);
        assert_true(plan.tenants.bytes < whole->tenants.bytes);
}

static void check_tenants(const struct mt_tenants *tenants, const struct mt_facts *facts)
{
        const uint64_t most =
                facts->src.out_bytes_s > facts->dst.in_bytes_s ? facts->src.out_bytes_s : facts->dst.in_bytes_s;

        assert_true(tenants->peak_bytes_s <= most + 1);
        assert_true(tenants->bytes_s <= tenants->peak_bytes_s + 1);
        assert_int_equal(tenants->peak_bytes_s == 0, tenants->ms == 0 && tenants->bytes == 0);
}

static void check(const struct mt_facts *facts, const struct mt_intent *intent, const struct mt_plan *decided,
                  const struct mt_plan *plan)
{
        const struct mt_way way = { plan->technique, plan->strategy };
        struct mt_inputs in;

        assert_int_equal(decided->reasons.n, plan->reasons.n);
        for (unsigned i = 0; i < plan->reasons.n; i++)
                assert_string_equal(decided->reasons.text[i], plan->reasons.text[i]);
        assert_memory_equal(&decided->prediction, &plan->prediction, sizeof(plan->prediction));
        assert_int_equal(decided->n_alternatives, 0);
        assert_in_range(plan->n_alternatives, 3, MT_MAX_ALTERNATIVES - 1); /* none was left out for want of room */
        assert_true(plan->verdict[0] != '\0' && strlen(plan->verdict) < MT_VERDICT_SIZE - 1);
        assert_null(strstr(plan->verdict, "nan"));
        assert_null(strstr(plan->verdict, "inf"));
        check_tenants(&plan->tenants, facts);
        mt_inputs_make(facts, intent, &in, NULL);
        assert_int_equal(mt_bandwidth_bar(mt_mbps(plan->bandwidth_bytes_s), &way, &in),
                         MT_BAR_NONE); /* its own R is allowed */
        for (unsigned i = 0; i < plan->n_alternatives; i++) {
                const struct mt_alternative *one = &plan->alternatives[i];

                assert_true(one->bandwidth_bytes_s > 0);
                assert_true(one->prediction.downtime_ms > 0);
                assert_int_equal(one->bar != MT_BAR_NONE, plan->bars[one->bar][0] != '\0');
                assert_true(strlen(plan->bars[one->bar]) < MT_BAR_SIZE - 1);
                assert_ptr_equal(find(plan, one->name), one); /* no other one has its name */
                check_tenants(&one->tenants, facts);
        }
}

static void test_random(void **state)
{
        uint64_t seed = 20261120;

        (void)state;
        for (unsigned i = 0; i < noise_draws(5000); i++) {
                const struct situation s = { .D = pow(10.0, noise_uniform(&seed) * 4.0 - 1.0),
                                             .src_out = noise_uniform(&seed) < 0.5 ? 0 : noise_uniform(&seed) * 1000,
                                             .dst_in = noise_uniform(&seed) < 0.5 ? 0 : noise_uniform(&seed) * 1000,
                                             .granted = noise_uniform(&seed) < 0.8 ? 0 : 20 + noise_uniform(&seed) * 900,
                                             .caller = noise_uniform(&seed) < 0.8 ? 0 : 20 + noise_uniform(&seed) * 900,
                                             .urgency = (enum mt_urgency)(noise_uniform(&seed) * MT_URGENCIES),
                                             .technique = (enum mt_technique_choice)(noise_uniform(&seed) * 5),
                                             .strategy = (enum mt_strategy)(noise_uniform(&seed) * MT_STRATEGIES),
                                             .sla_lower = noise_uniform(&seed) < 0.7 ? 0 : noise_uniform(&seed) * 1000,
                                             .post_copy = (enum mt_caller_permits)(noise_uniform(&seed) * 3),
                                             .unknown = noise_uniform(&seed) < 0.1,
                                             .waits = noise_uniform(&seed) < 0.1,
                                             .max_downtime_ms = 50 + (uint64_t)(noise_uniform(&seed) * 2000) };
                struct mt_facts facts;
                struct mt_intent intent;
                struct mt_plan decided, plan;

                set_up(&s, &facts, &intent);
                mt_decide(&facts, &intent, &decided);
                plan = decided;
                mt_alternatives(&facts, &intent, &plan);
                check(&facts, &intent, &decided, &plan);
        }
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(situations) + 2];
        size_t n = 0;

        ADD_ROWS(tests, n, situations, test_situation);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_sum);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_random);
        return _cmocka_run_group_tests("alternatives", tests, n, NULL, NULL);
}
