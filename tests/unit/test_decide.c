/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy as a whole: one row a situation, with what must come out; and properties that hold in every situation of a
 * grid.
 */
#include "cleanup.h"
#include "model/wan.h"
#include "policy/decide.h"
#include "policy/inputs.h"
#include "table.h"

#include <math.h>
#include <string.h>

/* Mbit/s; what is 0 or NULL keeps its default. */
struct situation {
        const char *name;
        double D, link, src_out, dst_in, taken, path;
        enum mt_urgency urgency;
        enum mt_strategy strategy;
        enum mt_technique_choice technique;
        enum mt_caller_permits post_copy;
        uint64_t max_downtime_ms;
        double sla_lower, sla_upper;
        double resident_mib;
        /* expected; negative numbers: not looked at */
        double R, reserve;
        enum mt_technique chosen;
        int limit_met;
        const char *reason; /* a part of some reason */
};

static void set_up(const struct situation *s, struct mt_facts *facts, struct mt_intent *intent)
{
        *facts = (struct mt_facts){
                .memory_bytes = MT_GIB,
                .resident_bytes = s->resident_mib > 0 ? (uint64_t)(s->resident_mib * (double)MT_MIB) : MT_GIB,
                .dirty_rate_bytes_s = mt_bytes_s(s->D),
                .dirty_source = MT_DIRTY_GIVEN,
                .device = "eth0",
                .link_bytes_s = mt_bytes_s(s->link),
                .taken_bytes_s = mt_bytes_s(s->taken),
                .path_bytes_s = mt_bytes_s(s->path),
                .src = { .known = true, .out_bytes_s = mt_bytes_s(s->src_out) },
                .dst = { .known = s->dst_in >= 0,
                         .in_bytes_s = mt_bytes_s(s->dst_in),
                         .source = s->dst_in >= 0 ? MT_TRAFFIC_SHARE : MT_TRAFFIC_UNKNOWN,
                         .age_ms = 1500 },
                .tau_ms = 5,
                .tg_ms = 60,
                .dirty_low_bytes_s = MT_AUTO,
                .dirty_high_bytes_s = MT_AUTO,
                .post_copy = s->post_copy,
        };
        mt_intent_defaults(intent);
        intent->urgency = s->urgency;
        intent->strategy = s->strategy;
        intent->technique = s->technique;
        intent->sla_lower_bytes_s = mt_bytes_s(s->sla_lower);
        intent->sla_upper_bytes_s = mt_bytes_s(s->sla_upper);
        if (s->max_downtime_ms > 0)
                intent->max_downtime_ms = s->max_downtime_ms;
}

#define HIGH MT_URGENCY_HIGH
#define MEDIUM MT_URGENCY_MEDIUM
#define LOW MT_URGENCY_LOW
#define PRE MT_CHOOSE_PRE_COPY

/* 903.47: the thesis's model for pre-copy of an idle VM on 1 Gbit/s; 984.4: what a link of 1 Gbit/s can give away. */
static const struct situation situations[] = {
        { "demand in range stays", .D = 40, .link = 1000, .urgency = MEDIUM, .technique = PRE, .R = 40 / 0.12393,
          .reserve = 0, .limit_met = 1, .reason = "lambda-range: lambda(40.0) = 0.1239" },
        { "share of low urgency", .D = 100, .link = 1000, .urgency = LOW, .technique = PRE, .R = 451.7, .reserve = 0,
          .limit_met = 1, .reason = "at most the urgency's share" },
        { "share of medium urgency", .D = 240, .link = 1000, .urgency = MEDIUM, .technique = PRE, .R = 677.6, .reserve = 0,
          .limit_met = 1, .reason = "at most the urgency's share" },
        { "high has it all", .D = 240, .link = 1000, .urgency = HIGH, .technique = PRE, .R = 903.5, .reserve = 0,
          .limit_met = 1, .reason = "at most the urgency's share" },
        { "share bends for lambda.high", .D = 240, .link = 1000, .urgency = LOW, .technique = PRE, .R = 600, .reserve = 0,
          .limit_met = 1, .reason = "would leave lambda above lambda.high" },
        { "low takes only what is free", .D = 100, .link = 1000, .src_out = 700, .urgency = LOW, .technique = PRE,
          .R = 284.4, .reserve = 0, .limit_met = 1, .reason = "what nobody uses now (low urgency)" },
        { "low keeps its floor on a full link", .D = 10, .link = 1000, .src_out = 990, .urgency = LOW, .technique = PRE,
          .R = 67.1, .reserve = 67.1, .limit_met = 1, .reason = "the floor, since others use the link" },
        { "medium reserves what others use", .D = 240, .link = 1000, .src_out = 700, .urgency = MEDIUM, .technique = PRE,
          .R = 677.6, .reserve = 677.6, .limit_met = 1, .reason = "reserve 677.6 Mbit/s" },
        { "medium leaves the sla", .D = 240, .link = 1000, .src_out = 700, .urgency = MEDIUM, .technique = PRE,
          .sla_lower = 500, .R = 484.4, .reserve = 484.4, .limit_met = 1, .reason = "what the SLA leaves" },
        { "low leaves the upper sla", .D = 100, .link = 1000, .urgency = LOW, .technique = PRE, .sla_upper = 800, .R = 184.4,
          .reserve = 0, .limit_met = 1, .reason = "what the SLA leaves" },
        { "high takes of the sla what it needs", .D = 240, .link = 1000, .urgency = HIGH, .technique = PRE, .sla_lower = 500,
          .R = 600, .reserve = 0, .limit_met = 1, .reason = "what the SLA leaves" },
        { "and not what it wants", .D = 100, .link = 1000, .urgency = HIGH, .technique = PRE, .sla_lower = 500, .R = 484.4,
          .reserve = 0, .limit_met = 1, .reason = "what the SLA leaves" },
        { "destination counts", .D = 100, .link = 1000, .dst_in = 800, .urgency = LOW, .technique = PRE, .R = 184.4,
          .reserve = 0, .limit_met = 1,
          .reason = "the destination's other traffic: 800.0 Mbit/s in, 0.0 out (share, 1.5 s old)" },
        { "destination not known", .D = 100, .link = 1000, .dst_in = -1, .urgency = LOW, .technique = PRE, .R = 451.7,
          .reserve = 0, .limit_met = 1, .reason = "the destination's traffic is not known" },
        { "others' migrations count", .D = 100, .link = 1000, .taken = 700, .urgency = HIGH, .technique = PRE, .R = 284.4,
          .reserve = 0, .limit_met = 1, .reason = "its share beside the other migrations" },
        { "a taken link still moves", .D = 10, .link = 1000, .taken = 2000, .urgency = MEDIUM, .technique = PRE, .R = 67.1,
          .reserve = 0, .limit_met = 1 },
        { "idle VM does not crawl", .D = 0, .link = 1000, .urgency = MEDIUM, .technique = PRE, .R = 143.2, .reserve = 0,
          .limit_met = 1, .reason = "what the deadline needs" },
        { "idle VM at low urgency", .D = 0, .link = 1000, .urgency = LOW, .technique = PRE, .R = 67.1, .reserve = 0,
          .limit_met = 1, .reason = "min_bandwidth" },
        { "a wide link scales the ideal", .D = 100, .link = 10000, .urgency = MEDIUM, .strategy = MT_MAX_BANDWIDTH,
          .technique = PRE, .R = 6776, .reserve = 0, .limit_met = 1 },
        { "faster than the link: not met", .D = 1400, .link = 1000, .urgency = HIGH, .technique = PRE, .R = 903.5,
          .reserve = 0, .limit_met = 0, .reason = "limit not met" },
        { "too short a downtime: not met", .D = 100, .link = 1000, .urgency = HIGH, .technique = PRE, .max_downtime_ms = 50,
          .R = 903.5, .reserve = 0, .limit_met = 0, .reason = "leaves too little beside" },
        { "unknown link is said", .D = 100, .link = 0, .urgency = LOW, .technique = PRE, .R = 451.7, .reserve = 0,
          .limit_met = 1, .reason = "assumed: its speed is not known" },
        { "a narrow path bounds what is expected, not R", .D = 100, .link = 1000, .path = 200, .urgency = LOW,
          .technique = PRE, .R = 451.7, .reserve = 0, .limit_met = 1, .reason = "the path gives only 200.0 Mbit/s" },
        { "a path wider than R is none", .D = 100, .link = 1000, .path = 800, .urgency = LOW, .technique = PRE, .R = 451.7,
          .reserve = 0, .limit_met = 1, .reason = "26.9 MiB may remain" },
        { "a path narrower than the dirty rate", .D = 300, .link = 1000, .path = 200, .urgency = HIGH, .technique = PRE,
          .R = 903.5, .reserve = 0, .limit_met = 0, .reason = "limit not met" },
        { "min-bandwidth", .D = 100, .link = 1000, .urgency = MEDIUM, .strategy = MT_MIN_BANDWIDTH, .technique = PRE,
          .R = 150, .reserve = 0, .limit_met = 1, .reason = "min-bandwidth: R = D + 50 = 150.0" },
        { "clark begins low", .D = 100, .link = 1000, .urgency = LOW, .strategy = MT_CLARK, .technique = PRE, .R = 100,
          .reserve = 0, .limit_met = 1, .reason = "clark: the first round at 100.0 Mbit/s" },
        { "clark keeps the deadline", .D = 100, .link = 1000, .urgency = MEDIUM, .strategy = MT_CLARK, .technique = PRE,
          .R = 143.2, .reserve = 0, .limit_met = 1, .reason = "what the deadline needs" },
        /* e^(-Bs/C) costs least at p*i + C, and nothing is clean at first */
        { "cost-aware begins at the scale", .D = 100, .link = 1000, .urgency = LOW, .strategy = MT_COST_AWARE,
          .technique = PRE, .R = 100, .reserve = 0, .limit_met = 1, .reason = "cost-aware, round 1, 0 % clean" },
        { "max-bandwidth", .D = 100, .link = 1000, .urgency = HIGH, .strategy = MT_MAX_BANDWIDTH, .technique = PRE,
          .R = 903.5, .reserve = 0, .limit_met = 1 },
        { "post-copy by traffic", .D = 100, .link = 1000, .src_out = 300, .urgency = MEDIUM, .post_copy = MT_CALLER_YES,
          .R = -1, .reserve = -1, .chosen = MT_POST_COPY, .limit_met = 1,
          .reason = "source outbound, destination idle -> post-copy" },
        { "post-copy not allowed by the caller", .D = 100, .link = 1000, .src_out = 300, .urgency = MEDIUM,
          .post_copy = MT_CALLER_NO, .R = -1, .reserve = -1, .limit_met = 1, .reason = "the caller did not start" },
        { "post-copy unknown to the watcher", .D = 100, .link = 1000, .src_out = 300, .urgency = MEDIUM, .R = -1,
          .reserve = -1, .limit_met = 1, .reason = "cannot be seen from here" },
        { "predicted: hybrid where pre-copy never ends", .D = 1400, .link = 1000, .urgency = HIGH,
          .technique = MT_CHOOSE_PREDICTED, .post_copy = MT_CALLER_YES, .R = -1, .reserve = -1, .chosen = MT_HYBRID,
          .limit_met = -1, .reason = "the best predicted" },
        { "hybrid by name", .D = 100, .link = 1000, .urgency = MEDIUM, .technique = MT_CHOOSE_HYBRID,
          .post_copy = MT_CALLER_YES, .R = -1, .reserve = -1, .chosen = MT_HYBRID, .limit_met = 1,
          .reason = "technique hybrid: configured" },
};

static bool has_reason(const struct mt_plan *plan, const char *part)
{
        for (unsigned i = 0; i < plan->reasons.n; i++)
                if (strstr(plan->reasons.text[i], part) != NULL)
                        return true;
        return false;
}

static void assert_near(double got, double want, double tolerance)
{
        if (fabs(got - want) > tolerance)
                fail_msg("got %.3f, wanted %.3f", got, want);
}

static void test_situation(void **state)
{
        const struct situation *s = *state;
        struct mt_facts facts;
        struct mt_intent intent;
        struct mt_plan plan;

        set_up(s, &facts, &intent);
        mt_decide(&facts, &intent, &plan);
        if (s->R >= 0)
                assert_near(mt_mbps(plan.bandwidth_bytes_s), s->R, fmax(0.2, s->R * 0.001));
        if (s->reserve >= 0)
                assert_near(mt_mbps(plan.reserve_bytes_s), s->reserve, fmax(0.2, s->R * 0.001));
        assert_int_equal(plan.technique, s->chosen);
        if (s->limit_met >= 0)
                assert_int_equal(plan.limit_met, s->limit_met);
        if (s->reason != NULL && !has_reason(&plan, s->reason)) {
                for (unsigned i = 0; i < plan.reasons.n; i++)
                        print_message("# %s\n", plan.reasons.text[i]);
                fail_msg("no reason says '%s'", s->reason);
        }
}

/* What holds whatever the numbers are. */
static void check_properties(const struct mt_facts *facts, const struct mt_intent *intent, const struct mt_plan *plan)
{
        double link = mt_mbps(facts->link_bytes_s);
        double R = mt_mbps(plan->bandwidth_bytes_s);
        double D = mt_mbps(facts->dirty_rate_bytes_s);
        double Rs = mt_mbps(plan->switchover_bytes_s) * MT_PAYLOAD;

        assert_true(R > 0.0 && R <= link + 0.1);
        assert_near(plan->lambda, D / R, 1e-3);
        assert_true(plan->switchover_bytes_s >= plan->bandwidth_bytes_s);
        assert_true(plan->reserve_bytes_s == 0 || plan->reserve_bytes_s == plan->bandwidth_bytes_s);
        assert_true(plan->alpha > 0.0 && plan->alpha <= 1.0);
        assert_true(plan->iterations >= 1 && plan->iterations <= intent->max_iterations);
        assert_true(plan->reasons.n > 3 && plan->reasons.n <= MT_MAX_REASONS);
        /* the remainder that alpha allows is copied within the limit, t_g included */
        assert_true(!plan->limit_met || plan->alpha * mt_mbit(facts->memory_bytes) / Rs + mt_seconds(facts->tg_ms) <=
                                                mt_seconds(intent->max_downtime_ms) + 1e-3);
        /* QEMU's rule with the plan's limit stops at just that remainder */
        assert_near(mt_seconds(plan->downtime_limit_ms) * R * MT_PAYLOAD, plan->alpha * mt_mbit(facts->memory_bytes),
                    R * MT_PAYLOAD * 1e-3 + 0.1);
        if (plan->limit_met && plan->technique == MT_PRE_COPY)
                assert_true(plan->prediction.downtime_ms <= intent->max_downtime_ms + 1);
        if (intent->urgency == MT_URGENCY_LOW) { /* low takes no more than is free, but for its floor */
                double free_now = link * MT_USABLE - mt_mbps(facts->src.out_bytes_s);

                assert_true(R <= fmax(free_now, fmax(mt_mbps(intent->min_bandwidth_bytes_s), 35.8)) + 0.1);
        }
}

static void test_grid(void **state)
{
        static const double rates[] = { 0, 1, 30, 100, 300, 900, 2000 };
        static const double traffics[] = { 0, 200, 700, 990 };
        static const uint64_t downtimes[] = { 80, 100, 300, 2000 };

        (void)state;
        for (unsigned strategy = 0; strategy < MT_STRATEGIES; strategy++)
                for (unsigned urgency = 0; urgency < MT_URGENCIES; urgency++)
                        for (size_t d = 0; d < MT_ARRAY_SIZE(rates); d++)
                                for (size_t t = 0; t < MT_ARRAY_SIZE(traffics); t++)
                                        for (size_t l = 0; l < MT_ARRAY_SIZE(downtimes); l++) {
                                                const struct situation s = { .D = rates[d],
                                                                             .link = 1000,
                                                                             .src_out = traffics[t],
                                                                             .urgency = urgency,
                                                                             .strategy = strategy,
                                                                             .max_downtime_ms = downtimes[l] };
                                                struct mt_facts facts;
                                                struct mt_intent intent;
                                                struct mt_plan plan;

                                                set_up(&s, &facts, &intent);
                                                mt_decide(&facts, &intent, &plan);
                                                check_properties(&facts, &intent, &plan);
                                        }
}

/*
 * On a narrow path QEMU's limit means that its own estimate and the last copy have the same rate: the limit is
 * max_downtime - t_g.
 */
static void test_narrow_path(void **state)
{
        const struct situation s = {
                .D = 50, .link = 1000, .path = 150, .urgency = MT_URGENCY_LOW, .technique = MT_CHOOSE_PRE_COPY
        };
        struct mt_facts facts;
        struct mt_intent intent;
        struct mt_plan plan;

        (void)state;
        set_up(&s, &facts, &intent);
        mt_decide(&facts, &intent, &plan);
        assert_int_equal(plan.downtime_limit_ms, 240);
        assert_near(mt_mbps(plan.switchover_bytes_s), 150, 0.1);
        assert_true(plan.prediction.downtime_ms <= 300);
        assert_true(plan.prediction.total_ms > 1000 * 8590 / 150); /* a GiB at that rate */
}

/* n against brute force: run the recursion round by round until the remainder fits. */
static void test_rounds(void **state)
{
        (void)state;
        for (double D = 10; D < 800; D *= 1.7) {
                const struct situation s = {
                        .D = D, .link = 1000, .urgency = MT_URGENCY_HIGH, .technique = MT_CHOOSE_PRE_COPY
                };
                struct mt_facts facts;
                struct mt_intent intent;
                struct mt_plan plan;
                double R, allowed, round, remaining;
                unsigned n = 0;

                set_up(&s, &facts, &intent);
                mt_decide(&facts, &intent, &plan);
                R = mt_mbps(plan.bandwidth_bytes_s) * MT_PAYLOAD;
                allowed = plan.alpha * mt_mbit(facts.memory_bytes);
                remaining = mt_mbit(facts.resident_bytes);
                do {
                        round = remaining / R + mt_seconds(facts.tau_ms);
                        remaining = mt_mbps(facts.dirty_rate_bytes_s) * round;
                        n++;
                } while (remaining > allowed && n < intent.max_iterations);
                assert_int_equal(plan.iterations, n);
                assert_int_equal(plan.limit_met, remaining <= allowed);
        }
}

static void test_utilisation(void **state)
{
        const struct situation s = { .D = 300, .link = 1000, .urgency = MT_URGENCY_HIGH, .technique = MT_CHOOSE_PRE_COPY };
        struct mt_facts facts;
        struct mt_intent intent;
        struct mt_plan free_plan, plan;

        (void)state;
        set_up(&s, &facts, &intent);
        intent.max_downtime_ms = 2000;
        mt_decide(&facts, &intent, &free_plan);
        intent.max_network_utilisation = 0.40; /* rho is 0.347 here, so some smaller alpha holds it */
        mt_decide(&facts, &intent, &plan);
        assert_true(plan.alpha < free_plan.alpha);
        assert_true(plan.iterations > free_plan.iterations);
        assert_true(has_reason(&plan, "network utilisation at most 0.40"));
        intent.max_network_utilisation = 0.30; /* below rho: impossible, and said */
        mt_decide(&facts, &intent, &plan);
        assert_true(fabs(plan.alpha - free_plan.alpha) < 1e-12);
        assert_true(has_reason(&plan, "cannot be held"));
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(situations) + 4];
        size_t n = 0;

        ADD_ROWS(tests, n, situations, test_situation);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_grid);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_narrow_path);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_rounds);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_utilisation);
        return _cmocka_run_group_tests("decide", tests, n, NULL, NULL);
}
