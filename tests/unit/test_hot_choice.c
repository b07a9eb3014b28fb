/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hot I, Hot II, or post-copy: which, and what becomes of the plan. */
#include "cleanup.h"
#include "policy/decide.h"
#include "policy/inputs.h"
#include "table.h"

#include <math.h>
#include <string.h>

static const struct situation {
        const char *name;
        double hot_mib, hot_rate, cold_rate; /* Mbit/s */
        uint64_t max_downtime_ms;
        enum mt_caller_permits post_copy;
        enum mt_technique_choice choice;
        enum mt_permission permission;
        enum mt_technique technique;
        unsigned switch_iteration; /* of the plan; 99: later than the second */
        int limit_met;
        const char *reason;
} situations[] = {
        { "no hot pages", .cold_rate = 100, .max_downtime_ms = 300, .technique = MT_PRE_COPY, .limit_met = 1 },
        /* 10 MiB take 0.09 s: whatever the rounds do, they are dirty again after each */
        { "a few: stop when the cold ones are clean", .hot_mib = 10, .hot_rate = 2000, .cold_rate = 50,
          .max_downtime_ms = 300, .technique = MT_PRE_COPY, .limit_met = 1,
          .reason = "Hot II: stop when the cold ones are clean" },
        /* 100 MiB do not fit in 100 ms, but they are written slowly enough to be copied */
        { "warm: copied", .hot_mib = 100, .hot_rate = 100, .cold_rate = 20, .max_downtime_ms = 100, .technique = MT_PRE_COPY,
          .limit_met = 1, .reason = "Hot I: they are copied" },
        { "many, post-copy allowed", .hot_mib = 100, .hot_rate = 2000, .cold_rate = 50, .max_downtime_ms = 100,
          .post_copy = MT_CALLER_YES, .technique = MT_HYBRID, .switch_iteration = 99, .limit_met = 1,
          .reason = "Hot II: post-copy when the cold ones are clean" },
        { "many, post-copy not known: tried", .hot_mib = 100, .hot_rate = 2000, .cold_rate = 50, .max_downtime_ms = 100,
          .technique = MT_HYBRID, .switch_iteration = 99, .limit_met = 1, .reason = "whether the caller allowed it shows" },
        { "many, post-copy not allowed", .hot_mib = 100, .hot_rate = 2000, .cold_rate = 50, .max_downtime_ms = 100,
          .post_copy = MT_CALLER_NO, .technique = MT_PRE_COPY, .limit_met = 0, .reason = "neither holds max_downtime" },
        { "many, post-copy never", .hot_mib = 100, .hot_rate = 2000, .cold_rate = 50, .max_downtime_ms = 100,
          .permission = MT_NEVER + 10, .technique = MT_PRE_COPY, .limit_met = 0, .reason = "neither holds max_downtime" },
        { "many, pre-copy by name", .hot_mib = 100, .hot_rate = 2000, .cold_rate = 50, .max_downtime_ms = 100,
          .post_copy = MT_CALLER_YES, .choice = MT_CHOOSE_PRE_COPY, .technique = MT_PRE_COPY, .limit_met = 0,
          .reason = "neither holds max_downtime" },
        { "hybrid by name switches when the cold ones are clean", .hot_mib = 100, .hot_rate = 2000, .cold_rate = 100,
          .max_downtime_ms = 100, .post_copy = MT_CALLER_YES, .choice = MT_CHOOSE_HYBRID, .technique = MT_HYBRID,
          .switch_iteration = 99, .limit_met = 1 },
        { "cold pages faster than the link", .hot_mib = 100, .hot_rate = 2000, .cold_rate = 1500, .max_downtime_ms = 100,
          .post_copy = MT_CALLER_NO, .technique = MT_PRE_COPY, .limit_met = 0, .reason = "neither holds max_downtime" },
};

static void make(const struct situation *s, struct mt_facts *facts, struct mt_intent *intent)
{
        *facts = (struct mt_facts){
                .memory_bytes = MT_GIB,
                .resident_bytes = MT_GIB,
                .dirty_rate_bytes_s = mt_bytes_s(fmin(s->hot_rate, s->hot_mib * 8.388608) + s->cold_rate),
                .dirty_source = MT_DIRTY_MEASURED,
                .hot_bytes = (uint64_t)(s->hot_mib * (double)MT_MIB),
                .hot_rate_bytes_s = mt_bytes_s(s->hot_rate),
                .cold_rate_bytes_s = mt_bytes_s(s->cold_rate),
                .hot_source = s->hot_mib > 0 ? MT_HOT_WINDOWS : MT_HOT_NONE,
                .device = "eth0",
                .link_bytes_s = mt_bytes_s(1000),
                .src = { .known = true, .in_bytes_s = mt_bytes_s(20) }, /* inbound: pre-copy */
                .dst = { .known = true },
                .tau_ms = 5,
                .tg_ms = 40,
                .dirty_low_bytes_s = MT_AUTO,
                .dirty_high_bytes_s = MT_AUTO,
                .post_copy = s->post_copy,
        };
        mt_intent_defaults(intent);
        intent->urgency = MT_URGENCY_HIGH;
        intent->max_downtime_ms = s->max_downtime_ms;
        intent->technique = s->choice;
        if (s->permission != 0)
                intent->post_copy = MT_NEVER;
}

static void test_situation(void **state)
{
        const struct situation *s = *state;
        struct mt_facts facts;
        struct mt_intent intent;
        struct mt_plan plan;
        bool said = s->reason == NULL;

        make(s, &facts, &intent);
        mt_decide(&facts, &intent, &plan);
        for (unsigned i = 0; i < plan.reasons.n; i++) {
                print_message("# %s\n", plan.reasons.text[i]);
                said = said || strstr(plan.reasons.text[i], s->reason) != NULL;
        }
        assert_true(said);
        assert_int_equal(plan.technique, s->technique);
        assert_int_equal(plan.limit_met, s->limit_met);
        if (s->switch_iteration == 99)
                assert_true(plan.switch_iteration >= 2 && plan.switch_iteration <= intent.max_iterations);
        else
                assert_int_equal(plan.switch_iteration, s->switch_iteration);
}

/* The rounds of the plan against a copy of pages that are hot and cold, told again with the curve itself. */
static void test_rounds(void **state)
{
        const struct situation s = { .hot_mib = 10, .hot_rate = 2000, .cold_rate = 150, .max_downtime_ms = 200 };
        struct mt_facts facts;
        struct mt_intent intent;
        struct mt_plan plan;
        double R, send, allowed, H = 10 * 8.388608;
        unsigned n = 0;

        (void)state;
        make(&s, &facts, &intent);
        mt_decide(&facts, &intent, &plan);
        R = mt_mbps(plan.bandwidth_bytes_s) * MT_PAYLOAD;
        send = mt_mbit(facts.resident_bytes);
        allowed = plan.alpha * mt_mbit(facts.memory_bytes);
        do {
                double t = send / R + mt_seconds(facts.tau_ms);

                send = 150 * t + H * (1 - exp(-2000 * t / H));
                n++;
        } while (send > allowed && n < intent.max_iterations);
        assert_true(send <= allowed);
        assert_int_equal(plan.iterations, n);
        assert_true(plan.limit_met);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(situations) + 1];
        size_t n = 0;

        ADD_ROWS(tests, n, situations, test_situation);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_rounds);
        return _cmocka_run_group_tests("hot_choice", tests, n, NULL, NULL);
}
