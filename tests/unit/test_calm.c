/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CALM against its defining recursion, against dense grids where it searches, and the survey's equations against sums. */
#include "cleanup.h"
#include "model/calm.h"
#include "model/survey.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* after what it needs */
#include <cmocka.h>

#define FUNCTIONS 4

static bool near(double a, double b, double tolerance)
{
        return fabs(a - b) <= 1e-290 || fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b));
}

/* N(t+1) = q*N(t) + Bm, unit by unit. */
static void test_clean_after_recursion(void **state)
{
        static const double rates[] = { 0, 1e-12, 1e-6, 0.001, 0.03, 0.5, 0.999 };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rates); i++) {
                long double clean = 123;

                for (int t = 0; t <= 400; t++) {
                        assert_true(near(mt_calm_clean_after(123, t, 70, rates[i]), (double)clean, 1e-12));
                        clean = (1 - (long double)rates[i]) * clean + 70;
                }
        }
}

/* The continuous form solves N' = Bm - p*N: checked by small steps of that equation. */
static void test_clean_after_continuous(void **state)
{
        const double p = 0.01, step = 1e-4;
        double clean = 50;

        (void)state;
        for (int i = 0; i < 1000000; i++) {
                const double middle = clean + step / 2 * (70 - p * clean);

                clean += step * (70 - p * middle);
        }
        assert_true(near(mt_calm_clean_after_cont(50, 100, 70, p), clean, 1e-9));
}

static void test_time_inverts_clean_after(void **state)
{
        static const double rates[] = { 0, 1e-12, 1e-6, 0.001, 0.03, 0.4 };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rates); i++) {
                for (double t = 0.25; t < 12; t += 0.75) {
                        const double n = mt_calm_clean_after(10, t, 100, rates[i]);
                        const double n_cont = mt_calm_clean_after_cont(10, t, 100, rates[i]);

                        assert_true(near(mt_calm_time(10, n, 100, rates[i]), t, 1e-9));
                        assert_true(near(mt_calm_time_cont(10, n_cont, 100, rates[i]), t, 1e-9));
                }
        }
}

static void test_time_edges(void **state)
{
        (void)state;
        assert_true(isinf(mt_calm_time(0, 10000, 10, 0.001)));
        assert_true(isfinite(mt_calm_time(0, 9999, 10, 0.001)));
        assert_true(isinf(mt_calm_time(0, 1, 0, 0)));
        assert_true(mt_calm_time(5, 5, 0, 0.5) == 0.0);
        assert_true(mt_calm_time(10, 60, 25, 0) == 2.0);
        assert_true(isinf(mt_calm_time_cont(0, 10000, 10, 0.001)));
}

static void test_cost_functions(void **state)
{
        (void)state;
        for (int f = 0; f < FUNCTIONS; f++) {
                const struct mt_calm calm = { .B = 1000, .p = 0.001, .F = (enum mt_calm_cost_function)f, .C = 100 };
                double before = 1;

                assert_true(mt_calm_violation(&calm, 0) == 1.0);
                for (double Bs = 0; Bs <= 1000; Bs += 10) {
                        const double now = mt_calm_violation(&calm, Bs);

                        assert_true(now <= before && now >= 0.0);
                        before = now;
                }
        }
}

static void test_best_N_grid(void **state)
{
        static const double rates[] = { 0, 0.001, 0.02 };

        (void)state;
        for (int f = 0; f < FUNCTIONS; f++) {
                for (size_t i = 0; i < MT_ARRAY_SIZE(rates); i++) {
                        const struct mt_calm calm = {
                                .B = 1000, .p = rates[i], .F = (enum mt_calm_cost_function)f, .C = 100
                        };

                        for (double Bm = 5; Bm <= 1000; Bm += 35) {
                                const double best = mt_calm_best_N(&calm, 10000, Bm);
                                const double cost = mt_calm_total_cost(&calm, 10000, best, Bm);

                                assert_true(best >= 0 && best <= 10000);
                                for (double N = 0; N <= 10000; N += 50)
                                        assert_true(cost <= mt_calm_total_cost(&calm, 10000, N, Bm) * (1 + 1e-12));
                        }
                }
        }
}

static void test_best_step_grid(void **state)
{
        (void)state;
        for (int f = 0; f < FUNCTIONS; f++) {
                for (double C = 10; C < 2000; C *= 2.5) {
                        for (double i = 0; i < 40000; i += 2917) {
                                const struct mt_calm calm = {
                                        .B = 1000, .p = 0.02, .F = (enum mt_calm_cost_function)f, .C = C
                                };
                                const double b = mt_calm_best_step(&calm, i, 1e-9), cost = mt_calm_step_cost(&calm, i, b);

                                assert_true(b > calm.p * i && b <= calm.B);
                                for (double other = 5; other <= 1000; other += 5)
                                        assert_true(cost <= mt_calm_step_cost(&calm, i, other) * (1 + 1e-9));
                        }
                }
        }
}

/* Where the closed forms hold (small p, and for ratio C small beside B). */
static void test_best_step_closed(void **state)
{
        (void)state;
        for (int f = 0; f < FUNCTIONS; f++) {
                for (double i = 0; i < 100000; i += 9000) {
                        const struct mt_calm calm = { .B = 1000, .p = 0.001, .F = (enum mt_calm_cost_function)f, .C = 100 };

                        assert_true(near(mt_calm_best_step(&calm, i, 1e-9), mt_calm_best_step_closed(&calm, i), 1e-4));
                }
        }
}

static void test_best_step_out_of_reach(void **state)
{
        const struct mt_calm calm = { .B = 100, .p = 0.01, .F = MT_CALM_EXP, .C = 5 };

        (void)state;
        assert_true(mt_calm_best_step(&calm, 20000, 1e-9) == 100);
        assert_true(isinf(mt_calm_step_cost(&calm, 20000, 100)));
        assert_true(mt_calm_best_step_closed(&calm, 20000) == 100);
}

/* Where F rounds to 0 over most of the range the search still finds its least. */
static void test_best_step_beyond_rounding(void **state)
{
        (void)state;
        for (double B = 1e5; B <= 1e8; B *= 10) {
                const struct mt_calm calm = { .B = B, .p = 1e-5, .F = MT_CALM_EXP, .C = 100 };

                assert_true(mt_calm_violation(&calm, B - 200) == 0.0);
                for (double i = 0; i < 1e6; i += 123456)
                        assert_true(near(mt_calm_best_step(&calm, i, 1e-9), 100 + calm.p * i, 2e-2));
        }
}

/* With no page ever updated and a linear F each bandwidth costs the same: B, and no step pays. */
static void test_best_step_flat(void **state)
{
        (void)state;
        for (double B = 0.3; B < 1e7; B *= 3.7) {
                const struct mt_calm calm = { .B = B, .p = 0, .F = MT_CALM_LINEAR, .C = 1 };

                assert_true(mt_calm_best_step(&calm, 17, 1e-9) == B);
                assert_true(mt_calm_simulate(&calm, 100, 1).N == 0);
        }
}

/* The slides' example with the values that its formulas give for several B and F. */
static const struct example {
        double B, C;
        enum mt_calm_cost_function F;
        double p;
        double fixed_Bm, fixed_cost, calm_cost;
} examples[] = {
        { 1000, 100, MT_CALM_EXP, 0.001, 105.0, 0.012978, 0.012973 },
        { 1000, 100, MT_CALM_HYPER, 0.001, 552.5, 3.3345, 3.3344 },
        { 1000, 100, MT_CALM_RATIO, 0.001, 502.5, 4.0384, 4.0383 },
        { 200, 100, MT_CALM_EXP, 0.001, 105.2, 38.687, 38.667 },
        { 200, 50, MT_CALM_EXP, 0.005, 0, 17.72, 17.07 },
        { 200, 50, MT_CALM_EXP, 0.01, 0, 31.12, 29.58 },
        { 200, 50, MT_CALM_EXP, 0.02, 0, 40.51, 39.74 },
};

static void test_example(void **state)
{
        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(examples); i++) {
                const struct example *e = &examples[i];
                const struct mt_calm calm = { .B = e->B, .p = e->p, .F = e->F, .C = e->C };
                const struct mt_calm_fixed fixed = mt_calm_best_fixed(&calm, 10000, 4000);
                const struct mt_calm_run run = mt_calm_simulate(&calm, 10000, 1);

                assert_true(near(fixed.cost, e->fixed_cost, 3e-4));
                assert_true(e->fixed_Bm == 0 || near(fixed.Bm, e->fixed_Bm, 5e-3));
                assert_true(near(run.cost, e->calm_cost, 3e-4));
                assert_true(run.cost < fixed.cost && run.B_first <= run.B_last);
                assert_true(near(run.total_time, run.precopy_time + run.downtime, 1e-12));
                assert_true(near(run.downtime, (10000 - run.N) / e->B, 1e-12));
        }
}

static void test_no_gain(void **state)
{
        const struct mt_calm linear = { .B = 1000, .p = 0.001, .F = MT_CALM_LINEAR, .C = 100 };
        const struct mt_calm narrow = { .B = 100, .p = 0.001, .F = MT_CALM_EXP, .C = 100 };
        const struct mt_calm_run a = mt_calm_simulate(&linear, 10000, 1), b = mt_calm_simulate(&narrow, 10000, 1);

        (void)state;
        /* pages copied within a unit of time are not updated in it: that alone makes the first B/2 steps pay, barely */
        assert_true(near(a.cost, 10, 1e-4) && a.cost <= 10 && a.B_last == 1000 && fabs(a.N - 500) <= 1);
        assert_true(near(b.cost, 100, 1e-4) && b.cost <= 100);
        assert_true(near(mt_calm_best_fixed(&linear, 10000, 100).cost, 10, 1e-4));
}

/* Not one step pays where even B cleans no page. */
static void test_no_step(void **state)
{
        const struct mt_calm calm = { .B = 0.5, .p = 0.9, .F = MT_CALM_EXP, .C = 1 };
        const struct mt_calm_run run = mt_calm_simulate(&calm, 10, 1);

        (void)state;
        assert_true(run.N == 0 && run.cost == 20 && isnan(run.B_first) && isnan(run.B_last) && run.total_time == 20);
}

static void test_stride(void **state)
{
        const struct mt_calm calm = { .B = 200, .p = 0.01, .F = MT_CALM_EXP, .C = 50 };
        const struct mt_calm_run each = mt_calm_simulate(&calm, 10000, 1), tenth = mt_calm_simulate(&calm, 10000, 10);
        const struct mt_calm_run once = mt_calm_simulate(&calm, 10000, 1000000000);

        (void)state;
        assert_true(near(each.cost, tenth.cost, 2e-3) && fabs(each.N - tenth.N) <= 10);
        assert_true(once.N == 10000 && once.B_first == once.B_last);
}

static void test_clark(void **state)
{
        const struct mt_calm calm = { .B = 1000, .p = 0.001, .F = MT_CALM_EXP, .C = 100 };
        const struct mt_calm_clark_rule few = { 100, 50, 500, 64, 1000 }, short_of_rounds = { 100, 50, 500, 64, 2 };
        struct mt_calm_clark_run run = mt_calm_clark(&calm, 10000, &few);

        (void)state;
        assert_int_equal(run.rounds, 3);
        assert_string_equal(mt_calm_stop_name(run.stop), "few");
        run = mt_calm_clark(&calm, 10000, &short_of_rounds);
        assert_int_equal(run.rounds, 2);
        assert_string_equal(mt_calm_stop_name(run.stop), "rounds");
        assert_true(run.total_time > run.downtime && run.sent > 10000);
}

/* xorshift64*: numbers from low to high, by equal factors. */
static double draw(uint64_t *state, double low, double high)
{
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        return low * pow(high / low, (double)(*state * UINT64_C(2685821657736338717) >> 11) * 0x1p-53);
}

/* Clark's rule with random parameters, round by round; rounds whose outcome hangs on the last digit are left out. */
static void test_clark_rounds(void **state)
{
        uint64_t seed = 20140707;
        unsigned stops[3] = { 0 };

        (void)state;
        for (int k = 0; k < 3000; k++) {
                const double B = draw(&seed, 100, 1e6), M = draw(&seed, 10, 1e7);
                const struct mt_calm calm = { .B = B,
                                              .p = draw(&seed, 1e-4, 0.9),
                                              .F = (enum mt_calm_cost_function)(k % FUNCTIONS),
                                              .C = B * draw(&seed, 0.01, 10) };
                const struct mt_calm_clark_rule rule = { B * draw(&seed, 0.01, 1), B * draw(&seed, 1e-4, 1) - B * 1e-4,
                                                         B * draw(&seed, 0.05, 1), draw(&seed, 1, 1000),
                                                         (unsigned)draw(&seed, 1, 60) };
                const struct mt_calm_clark_run run = mt_calm_clark(&calm, M, &rule);
                /* valgrind has no more than 53 bits for a long double: p must not be so small that 1 - p tells nothing */
                long double dirty = M, b = rule.b0, cost = 0, time = 0, sent = 0;
                const char *stop = NULL;
                unsigned rounds = 0;
                bool close = false;

                while (stop == NULL) {
                        const long double t = dirty / b;

                        rounds++;
                        cost += t * mt_calm_violation(&calm, (double)(B - b));
                        time += t;
                        sent += dirty;
                        dirty = M - M * powl(1 - (long double)calm.p, t);
                        b = dirty / t + rule.add;
                        close = close || fabsl(dirty / rule.stop_pages - 1) < 1e-6 || fabsl(b / rule.bmax - 1) < 1e-6;
                        stop = dirty < rule.stop_pages     ? "few"
                               : b > rule.bmax             ? "max-bandwidth"
                               : rounds == rule.max_rounds ? "rounds"
                                                           : NULL;
                }
                if (close)
                        continue;
                assert_int_equal(run.rounds, rounds);
                assert_string_equal(mt_calm_stop_name(run.stop), stop);
                assert_true(near(run.downtime, (double)(dirty / B), 1e-7));
                assert_true(near(run.cost, (double)(cost + dirty / B), 1e-7));
                assert_true(near(run.total_time, (double)(time + dirty / B), 1e-7));
                assert_true(near(run.sent, (double)(sent + dirty), 1e-7));
                stops[run.stop]++;
        }
        assert_true(stops[0] > 100 && stops[1] > 100 && stops[2] > 100);
}

/* A rule that must stop because the bandwidth would exceed bmax. */
static void test_clark_max_bandwidth(void **state)
{
        const struct mt_calm calm = { .B = 1000, .p = 0.05, .F = MT_CALM_HYPER, .C = 100 };
        const struct mt_calm_clark_rule rule = { 100, 50, 120, 64, 1000 };
        const struct mt_calm_clark_run run = mt_calm_clark(&calm, 10000, &rule);

        (void)state;
        assert_int_equal(run.rounds, 1);
        assert_string_equal(mt_calm_stop_name(run.stop), "max-bandwidth");
        assert_true(near(run.downtime, 10000 * (1 - pow(0.95, 100)) / 1000, 1e-12));
        assert_true(near(run.cost, 100 / (1 + 900.0 / 100) + run.downtime, 1e-12));
}

static void test_xen(void **state)
{
        (void)state;
        assert_string_equal(mt_calm_xen_stop(49, 1, 0, 1), "dirty");
        assert_string_equal(mt_calm_xen_stop(49, 29, 4, 1), "dirty");
        assert_string_equal(mt_calm_xen_stop(50, 29, 4, 1), "iterations");
        assert_string_equal(mt_calm_xen_stop(50, 28, 3.01, 1), "sent");
        assert_null(mt_calm_xen_stop(50, 28, 3, 1));
}

static void test_survey_sums(void **state)
{
        static const double rates[] = { 0, 1, 2e8, 9.99999e8, 1e9 - 1e-3, 1e9, 1e9 + 1, 3e9 };
        const double vmem = 34e9, r = 1e9;

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rates); i++) {
                const double d = rates[i];
                long double v = vmem, bits = 0, seconds = 0;
                double t_prev = 0;

                for (unsigned n = 0; n <= 60; n++) {
                        assert_true(near(mt_survey_v(n, vmem, d, t_prev), (double)v, 1e-12));
                        assert_true(near(mt_survey_t(n, vmem, d, r), (double)(v / r), 1e-12));
                        bits += v;
                        seconds += v / r;
                        assert_true(near(mt_survey_vmig(n, vmem, d, r), (double)bits, 1e-12));
                        assert_true(near(mt_survey_tmig(n, vmem, d, r), (double)seconds, 1e-12));
                        t_prev = (double)(v / r);
                        v = d * (v / r);
                }
        }
        assert_true(mt_survey_tm(8e9, 1e9) == 8.0);
        assert_true(near(mt_survey_td(2000, 32768, 1.5, 1e9), 0.098304, 1e-15));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_clean_after_recursion),
                cmocka_unit_test(test_clean_after_continuous),
                cmocka_unit_test(test_time_inverts_clean_after),
                cmocka_unit_test(test_time_edges),
                cmocka_unit_test(test_cost_functions),
                cmocka_unit_test(test_best_N_grid),
                cmocka_unit_test(test_best_step_grid),
                cmocka_unit_test(test_best_step_closed),
                cmocka_unit_test(test_best_step_out_of_reach),
                cmocka_unit_test(test_best_step_beyond_rounding),
                cmocka_unit_test(test_best_step_flat),
                cmocka_unit_test(test_example),
                cmocka_unit_test(test_no_gain),
                cmocka_unit_test(test_no_step),
                cmocka_unit_test(test_stride),
                cmocka_unit_test(test_clark),
                cmocka_unit_test(test_clark_rounds),
                cmocka_unit_test(test_clark_max_bandwidth),
                cmocka_unit_test(test_xen),
                cmocka_unit_test(test_survey_sums),
        };

        return cmocka_run_group_tests_name("calm and survey", tests, NULL, NULL);
}
