/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host's own bandwidth models in the policy: one row a situation. */
#include "array.h"
#include "policy/bandwidth.h"
#include "policy/decide.h"
#include "table.h"

#include <math.h>
#include <string.h>

/* 700 - 0.5 x up to 400, then 500 - 0.1 x; fitted from 50 to 900. */
static const struct mt_segments own = { .n = 2, .from = 50, .segment = { { 400, -0.5, 700 }, { 900, -0.1, 500 } } };

static const struct row {
        const char *name;
        enum mt_technique technique; /* that is fitted, in class `fitted`; 0 migrations: none is */
        enum mt_traffic_class fitted;
        unsigned migrations;
        enum mt_technique_choice wanted;
        double link, vm_in, vm_out; /* Mbit/s */
        double want;                /* ideal, Mbit/s */
        bool own;                   /* and the plan says whose it is */
} rows[] = {
        { "nothing fitted", MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 0, MT_CHOOSE_PRE_COPY, 1000, 0, 200, 734.0, false },
        { "fitted", MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 34, MT_CHOOSE_PRE_COPY, 1000, 0, 200, 600.0, true },
        { "behind the break", MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 34, MT_CHOOSE_PRE_COPY, 1000, 0, 600, 440.0, true },
        { "the break is the left one's", MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 34, MT_CHOOSE_PRE_COPY, 1000, 0, 400, 500.0,
          true },
        { "below what was fitted", MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 34, MT_CHOOSE_PRE_COPY, 1000, 0, 20, 675.0, true },
        { "above what was fitted", MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 34, MT_CHOOSE_PRE_COPY, 1000, 0, 990, 410.0, true },
        { "scaled with the link", MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 34, MT_CHOOSE_PRE_COPY, 10000, 0, 2000, 6000.0, true },
        { "another class is not touched", MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 34, MT_CHOOSE_PRE_COPY, 1000, 200, 0, 903.51,
          false },
        { "another technique is not touched", MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 34, MT_CHOOSE_HYBRID, 1000, 0, 200, 717.66,
          false },
        { "an idle VM takes the flat one", MT_PRE_COPY, MT_TRAFFIC_INBOUND, 34, MT_CHOOSE_PRE_COPY, 1000, 0, 0, 675.0,
          true },
        { "an idle VM, post-copy", MT_POST_COPY, MT_TRAFFIC_OUTBOUND, 34, MT_CHOOSE_POST_COPY, 1000, 0, 0, 675.0, true },
        { "mixed, by what goes out", MT_HYBRID, MT_TRAFFIC_MIXED, 34, MT_CHOOSE_HYBRID, 1000, 320, 300, 550.0, true },
        { "mixed post-copy, by what comes in", MT_POST_COPY, MT_TRAFFIC_MIXED, 34, MT_CHOOSE_POST_COPY, 1000, 320, 300,
          540.0, true },
};

static void test_row(void **state)
{
        const struct row *c = *state;
        struct mt_facts facts = {
                .memory_bytes = MT_GIB,
                .resident_bytes = MT_GIB,
                .dirty_rate_bytes_s = mt_bytes_s(500.0),
                .dirty_source = MT_DIRTY_GIVEN,
                .link_bytes_s = mt_bytes_s(c->link),
                .vm = { .known = true, .in_bytes_s = mt_bytes_s(c->vm_in), .out_bytes_s = mt_bytes_s(c->vm_out) },
                .dirty_low_bytes_s = MT_AUTO,
                .dirty_high_bytes_s = MT_AUTO,
                .post_copy = MT_CALLER_YES
        };
        struct mt_intent intent;
        static struct mt_plan plan;
        struct mt_reasons ignored = { .n = 0 };
        struct mt_inputs in;
        const char *said = "";

        mt_intent_defaults(&intent);
        intent.technique = c->wanted;
        facts.models.fit[c->technique][c->fitted].migrations = c->migrations;
        facts.models.fit[c->technique][c->fitted].segments = own;
        mt_decide(&facts, &intent, &plan);
        mt_inputs_make(&facts, &intent, &in, &ignored);
        if (fabs(mt_bandwidth_ideal(plan.technique, &in) - c->want) > 0.02)
                fail_msg("%.3f, want %.3f", mt_bandwidth_ideal(plan.technique, &in), c->want);
        for (unsigned i = 0; i < plan.reasons.n; i++)
                if (strncmp(plan.reasons.text[i], "ideal for ", 10) == 0)
                        said = plan.reasons.text[i];
        assert_true(strstr(said, "Mbit/s link: ") != NULL && strstr(said, "; available now: ") != NULL);
        assert_int_equal(strstr(said, "(this host's own fit of 34 migrations)") != NULL, c->own);
}

/* With no fit at all, both ways to ask agree everywhere. */
static void test_zeroed_is_built_in(void **state)
{
        static const struct mt_traffic_models none;
        unsigned migrations = 7;

        (void)state;
        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (double in = 0.0; in <= 1000.0; in += 40.0)
                        for (double out = 0.0; out <= 1000.0; out += 40.0) {
                                const double want = mt_traffic_ideal_bw((enum mt_technique)t, in, out);

                                assert_true(mt_traffic_ideal_bw_by(&none, (enum mt_technique)t, in, out, &migrations) ==
                                            want);
                                assert_int_equal(migrations, 0);
                                assert_true(mt_traffic_ideal_bw_by(NULL, (enum mt_technique)t, in, out, NULL) == want);
                        }
}

/* A line that crosses zero gives nothing, not less than nothing. */
static void test_never_negative(void **state)
{
        struct mt_traffic_models models = { 0 };

        (void)state;
        models.fit[MT_PRE_COPY][MT_TRAFFIC_OUTBOUND].migrations = 12;
        models.fit[MT_PRE_COPY][MT_TRAFFIC_OUTBOUND].segments =
                (struct mt_segments){ .n = 1, .from = 0, .segment = { { 900, -1.0, 500 } } };
        assert_true(mt_traffic_ideal_bw_by(&models, MT_PRE_COPY, 0, 800, NULL) == 0.0);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(rows) + 2];
        size_t n = 0;

        ADD_ROWS(tests, n, rows, test_row);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_zeroed_is_built_in);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_never_negative);
        return _cmocka_run_group_tests("fitted_models", tests, n, NULL, NULL);
}
