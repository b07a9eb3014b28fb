/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a pre-copy that runs, against a simulation in small steps; and what is done about it. */
#include "policy/converge.h"
#include "table.h"

#include <math.h>
#include <stdbool.h>

static struct mt_inputs inputs(double D)
{
        return (struct mt_inputs){ .memory = 8590, .resident = 4295, .D = D, .tau = 0.005 };
}

static const struct outlook_case {
        const char *name;
        double D, hot, hot_rate;
        double remaining, enough, R;
        bool converges;
        double least; /* NAN: not asked */
} outlooks[] = {
        { "fits already", 100, 0, 0, 50, 60, 800, true, 50 },
        { "one round does", 100, 0, 0, 400, 60, 800, true, 50.5 },
        { "several rounds do", 600, 0, 0, 4000, 100, 800, true, NAN },
        { "faster than the link", 900, 0, 0, 1000, 100, 800, false, 1000 },
        { "nearly as fast: a round brings less than 4 %", 780, 0, 0, 1000, 100, 800, false, 1000 },
        { "down to the hot pages", 150, 400, 4000, 3000, 100, 800, false, NAN },
        { "hot pages that may remain", 150, 80, 800, 3000, 100, 800, true, NAN },
        { "nothing is dirtied", 0, 0, 0, 3000, 1, 800, true, 0 },
        { "tau alone leaves more than may remain", 500, 0, 0, 3000, 0.1, 100000, false, NAN },
};

/* The same, by its definition: rounds one after the other. */
static double remains_after(double remaining, double R, double D, double tau, unsigned rounds)
{
        while (rounds-- > 0)
                remaining = D * (remaining / R + tau);
        return remaining;
}

static void test_outlook(void **state)
{
        const struct outlook_case *c = *state;
        struct mt_inputs in = inputs(c->D);
        struct mt_outlook got;

        if (c->hot > 0.0)
                in.hot = (struct mt_hot_pages){ .hot = c->hot, .hot_rate = c->hot_rate, .cold_rate = c->D - 100.0 };
        got = mt_outlook(c->remaining, c->enough, c->R, &in);
        assert_int_equal(got.converges, c->converges);
        assert_true(got.converges == (got.least <= c->enough));
        if (!isnan(c->least))
                assert_true(fabs(got.least - c->least) <= 1e-9 + 1e-9 * c->least);
        if (c->hot > 0.0)
                return;
        assert_true(fabs(got.least - remains_after(c->remaining, c->R, c->D, in.tau, got.rounds)) < 1e-6);
        if (got.converges && got.rounds > 0)
                assert_true(remains_after(c->remaining, c->R, c->D, in.tau, got.rounds - 1) > c->enough);
        if (!got.converges)
                assert_true(remains_after(got.least, c->R, c->D, in.tau, 1) > MT_STALL_SHARE * got.least);
}

static const struct remedy_case {
        const char *name;
        enum mt_technique_choice technique;
        enum mt_permission post_copy;
        enum mt_caller_permits caller;
        enum mt_no_convergence then;
        struct mt_stall stall;
        enum mt_remedy want;
} remedies[] = {
        { "post-copy, where the caller allowed it",
          MT_CHOOSE_TRAFFIC_AWARE,
          MT_PERMITTED,
          MT_CALLER_YES,
          MT_ABORT,
          { 500, true, true },
          MT_REMEDY_POST_COPY },
        { "post-copy is tried where nobody knows",
          MT_CHOOSE_TRAFFIC_AWARE,
          MT_PERMITTED,
          MT_CALLER_UNKNOWN,
          MT_ABORT,
          { 500, true, false },
          MT_REMEDY_POST_COPY },
        { "not where the operator forbids it",
          MT_CHOOSE_TRAFFIC_AWARE,
          MT_NEVER,
          MT_CALLER_YES,
          MT_ABORT,
          { 500, true, false },
          MT_REMEDY_ABORT },
        { "not where pre-copy is configured",
          MT_CHOOSE_PRE_COPY,
          MT_PERMITTED,
          MT_CALLER_YES,
          MT_CONTINUE,
          { 500, true, false },
          MT_REMEDY_CONTINUE },
        { "auto-converge, while it can do more",
          MT_CHOOSE_TRAFFIC_AWARE,
          MT_PERMITTED,
          MT_CALLER_NO,
          MT_ABORT,
          { 500, true, true },
          MT_REMEDY_THROTTLE },
        { "exceed", MT_CHOOSE_TRAFFIC_AWARE, MT_PERMITTED, MT_CALLER_NO, MT_EXCEED, { 500, true, false }, MT_REMEDY_EXCEED },
        { "exceed, in a better moment",
          MT_CHOOSE_TRAFFIC_AWARE,
          MT_PERMITTED,
          MT_CALLER_NO,
          MT_EXCEED,
          { 500, false, false },
          MT_REMEDY_WAIT },
        { "exceed cannot do it either, so far",
          MT_CHOOSE_TRAFFIC_AWARE,
          MT_PERMITTED,
          MT_CALLER_NO,
          MT_EXCEED,
          { 5000, true, false },
          MT_REMEDY_WAIT },
        { "exceed cannot do it in time",
          MT_CHOOSE_TRAFFIC_AWARE,
          MT_PERMITTED,
          MT_CALLER_NO,
          MT_EXCEED,
          { 5000, true, false, .late = true },
          MT_REMEDY_ABORT },
        { "exceed can do it, late",
          MT_CHOOSE_TRAFFIC_AWARE,
          MT_PERMITTED,
          MT_CALLER_NO,
          MT_EXCEED,
          { 500, true, false, .late = true },
          MT_REMEDY_EXCEED },
        { "continue",
          MT_CHOOSE_TRAFFIC_AWARE,
          MT_PERMITTED,
          MT_CALLER_NO,
          MT_CONTINUE,
          { 500, true, false },
          MT_REMEDY_CONTINUE },
};

static void test_remedy(void **state)
{
        const struct remedy_case *c = *state;
        struct mt_facts facts = { .post_copy = c->caller };
        struct mt_intent intent;

        mt_intent_defaults(&intent);
        intent.technique = c->technique;
        intent.post_copy = c->post_copy;
        intent.on_no_convergence = c->then;
        intent.exceed_downtime_ms = 2000;
        assert_string_equal(mt_remedy_name(mt_remedy_choose(&facts, &intent, &c->stall)), mt_remedy_name(c->want));
}

int main(void)
{
        struct CMUnitTest tests[sizeof(outlooks) / sizeof(outlooks[0]) + sizeof(remedies) / sizeof(remedies[0])];
        size_t n = 0;

        ADD_ROWS(tests, n, outlooks, test_outlook);
        ADD_ROWS(tests, n, remedies, test_remedy);
        return _cmocka_run_group_tests("converge", tests, n, NULL, NULL);
}
