/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The alpha paper's model against its defining series and recursion, brute force, and the tables that can be reproduced. */
#include "cleanup.h"
#include "model/alpha.h"

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* after what it needs */
#include <cmocka.h>

#define CASES 3

static bool near(double a, double b, double tolerance)
{
        return fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b));
}

/* n by multiplying until it is reached. */
static void test_n_brute_force(void **state)
{
        (void)state;
        for (double rho = 0.05; rho < 0.99; rho += 0.0475) {
                for (double alpha = 0.9 * rho; alpha > 1e-7; alpha *= 0.77) {
                        unsigned n = 0;

                        for (double left = rho; left > alpha; left *= rho)
                                n++;
                        assert_int_equal(mt_alpha_n(alpha, rho, false), n);
                        assert_int_equal(mt_alpha_n(alpha, rho, true), n);
                }
        }
}

/* At alpha = rho^k exactly, equality holds at k - 1 and the left limit needs k, however pow rounds. */
static void test_n_at_steps(void **state)
{
        (void)state;
        for (double rho = 0.03; rho < 0.99; rho += 0.0311) {
                double power = 1.0;

                for (unsigned k = 1; k <= 40; k++) {
                        power *= rho;
                        assert_int_equal(mt_alpha_n(power, rho, false), k - 1);
                        assert_int_equal(mt_alpha_n(power, rho, true), k);
                        assert_int_equal(mt_alpha_n(power * (1 + 1e-9), rho, true), k - 1);
                        assert_int_equal(mt_alpha_n(power * (1 - 1e-9), rho, false), k);
                }
        }
}

static void test_n_edges(void **state)
{
        static const struct {
                double alpha, rho;
                unsigned want;
        } rows[] = { { 0.7, 0.5, 0 },         { 1.0, 0.5, 0 },        { 0.5, 0.0, 0 },        { 0.0, 0.5, UINT_MAX },
                     { -1.0, 0.5, UINT_MAX }, { 0.5, 1.0, UINT_MAX }, { 0.5, 1.5, UINT_MAX }, { 1e-300, 0.5, 996 } };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++)
                assert_int_equal(mt_alpha_n(rows[i].alpha, rows[i].rho, false), rows[i].want);
        /* rho next to 1: far beyond any real n, and still exact to the step */
        assert_true(pow(1 - 1e-6, mt_alpha_n(0.01, 1 - 1e-6, false) + 1.0) <= 0.01 * (1 + 1e-12));
        assert_true(pow(1 - 1e-6, mt_alpha_n(0.01, 1 - 1e-6, false)) > 0.01);
}

/* Sends the rounds one by one, as section 3 describes them. */
static void test_rounds_one_by_one(void **state)
{
        const enum mt_alpha_case which = *(const enum mt_alpha_case *)*state;
        const struct mt_alpha_vm vm = mt_alpha_table2(4096);
        const double rho = mt_alpha_rho(which, &vm), tau = vm.S / vm.B, beta = which == MT_ALPHA_HOT2 ? vm.beta : 0.0;

        for (double alpha = 0.002; alpha < rho; alpha += 0.0137) {
                const struct mt_alpha_result r = mt_alpha_evaluate(which, &vm, alpha, false);
                double pages = vm.Ps * (1 - beta), copying = 0, live = 0;

                for (unsigned i = 0; i <= r.n; i++) {
                        copying += pages * tau;
                        live += pages;
                        pages *= rho;
                }
                pages += vm.Ps * beta;
                assert_true(near(r.rho, rho, 1e-15));
                assert_true(near(r.Tprecopy, copying, 1e-12));
                assert_true(near(r.Tdown, pages * tau, 1e-12));
                assert_true(near(r.Ttotal, copying + pages * tau, 1e-12));
                assert_true(near(r.PActual, live + pages, 1e-12));
                assert_true(r.PTotalMig == ceil(live + (alpha + beta) * vm.Ps));
                assert_true(near(r.G, vm.Ps * tau / (pages * tau), 1e-12));
                /* Eq (15) and (30): time shares of the two phases */
                assert_true(near(r.Unet, (rho * copying + (alpha + beta) * vm.Ps * tau) / r.Ttotal, 1e-12));
                assert_true(near(r.Unet_capped, (rho * copying + r.Tdown) / r.Ttotal, 1e-12));
        }
}

/* Table 3's downtimes, Ps 4096 to 32768: alpha = rho^k from below. Printed to about three digits. */
static void test_table3(void **state)
{
        static const double want[CASES][4] = { { 88.374, 176.75, 353.50, 706.99 },
                                               { 91.962, 183.92, 367.85, 735.70 },
                                               { 335.72, 671.44, 1342.88, 2685.75 } };
        static const unsigned k[CASES] = { 3, 3, 1 };

        (void)state;
        for (int c = 0; c < CASES; c++) {
                for (int i = 0; i < 4; i++) {
                        const struct mt_alpha_vm vm = mt_alpha_table2(4096 << i);
                        const double alpha = pow(mt_alpha_rho((enum mt_alpha_case)c, &vm), k[c]);
                        const struct mt_alpha_result r = mt_alpha_evaluate((enum mt_alpha_case)c, &vm, alpha, true);

                        assert_int_equal(r.n, k[c]);
                        assert_true(near(r.Tdown, want[c][i], 3e-5));
                }
        }
}

/* What the figures plot: n, Tdown, PTot, Unet at Ps 4096. */
static void test_figures(void **state)
{
        static const struct {
                enum mt_alpha_case which;
                double alpha, n, Tdown, G, PTot, Unet;
        } rows[] = {
                { MT_ALPHA_UNIFORM, 0.05, 4, 47.13, 23.174, 8604, 0.5462 },
                { MT_ALPHA_HOT1, 0.05, 4, 49.54, 22.050, 8681, 0.5508 },
                { MT_ALPHA_HOT2, 0.05, 4, 134.27, 8.135, 7523, 0.5303 },
                { MT_ALPHA_UNIFORM, 0.15, 3, 88.37, 12.360, 8682, 0.5854 },
                { MT_ALPHA_HOT1, 0.15, 3, 91.96, 11.877, 8746, 0.5892 },
                { MT_ALPHA_HOT2, 0.15, 2, 217.94, 5.012, 7330, 0.5687 },
                { MT_ALPHA_UNIFORM, 0.50, 1, 310.69, 3.516, 8329, 0.7249 },
                { MT_ALPHA_HOT1, 0.50, 1, 316.93, 3.446, 8351, 0.7266 },
        };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++) {
                const struct mt_alpha_vm vm = mt_alpha_table2(4096);
                const struct mt_alpha_result r = mt_alpha_evaluate(rows[i].which, &vm, rows[i].alpha, false);

                assert_true(r.n == rows[i].n);
                assert_true(fabs(r.Tdown - rows[i].Tdown) < 0.0051);
                assert_true(fabs(r.G - rows[i].G) < 0.00051);
                assert_true(r.PTotalMig == rows[i].PTot);
                assert_true(fabs(r.Unet - rows[i].Unet) < 0.000051);
        }
}

/* Fig 1: hot I over hot II at beta 0.1; alpha 0.7 lies above rho, where n = 0. */
static void test_fig1(void **state)
{
        static const struct {
                double alpha, want;
        } rows[] = { { 0.1, 0.5697 }, { 0.4, 0.9440 }, { 0.7, 1.0125 } };
        const struct mt_alpha_vm vm = mt_alpha_table2(4096);

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++)
                assert_true(fabs(mt_alpha_evaluate(MT_ALPHA_HOT1, &vm, rows[i].alpha, false).Tdown /
                                         mt_alpha_evaluate(MT_ALPHA_HOT2, &vm, rows[i].alpha, false).Tdown -
                                 rows[i].want) < 0.000051);
}

/* Unet stays above its infimum and comes near to it. */
static void test_infimum(void **state)
{
        const enum mt_alpha_case which = *(const enum mt_alpha_case *)*state;
        const struct mt_alpha_vm vm = mt_alpha_table2(4096);
        const double rho = mt_alpha_rho(which, &vm);
        const double infimum = mt_alpha_unet_infimum(rho, which == MT_ALPHA_HOT2 ? vm.beta : 0.0);

        for (double alpha = rho; alpha > 1e-9; alpha *= 0.83)
                assert_true(mt_alpha_evaluate(which, &vm, alpha, false).Unet > infimum);
        assert_true(near(mt_alpha_evaluate(which, &vm, 1e-12, false).Unet, infimum, 1e-11));
        assert_false(near(mt_alpha_evaluate(which, &vm, 0.1, false).Unet, infimum, 1e-3));
}

/* No alpha of a dense grid from alpha_min up satisfies Umax with a shorter downtime than the one found. */
static void test_optimise_grid(void **state)
{
        static const double floors[] = { 0.05, 0.1, 0.15, 0.2843, 0.2845, 0.4 };
        const enum mt_alpha_case which = *(const enum mt_alpha_case *)*state;
        const struct mt_alpha_vm vm = mt_alpha_table2(4096);
        const double rho = mt_alpha_rho(which, &vm);
        unsigned found = 0, infeasible = 0;

        for (double Umax = 0.5; Umax < 0.8; Umax += 0.0037) {
                for (size_t i = 0; i < 2 * MT_ARRAY_SIZE(floors); i++) {
                        const double floor = floors[i / 2];
                        const bool capped = i % 2 == 1;
                        struct mt_alpha_result best, r;
                        double alpha = -1, least = INFINITY;

                        for (double a = floor; a <= rho; a += 1e-3) {
                                r = mt_alpha_evaluate(which, &vm, a, false);
                                if ((capped ? r.Unet_capped : r.Unet) <= Umax)
                                        least = fmin(least, r.Tdown);
                        }
                        if (!mt_alpha_optimise(which, &vm, Umax, floor, capped, &alpha, &best)) {
                                assert_true(isinf(least) && alpha == -1);
                                infeasible++;
                                continue;
                        }
                        found++;
                        assert_true(best.Tdown <= least * (1 + 1e-12));
                        assert_true(alpha >= floor && alpha <= rho);
                        r = mt_alpha_evaluate(which, &vm, alpha, false);
                        assert_true((capped ? r.Unet_capped : r.Unet) <= Umax && r.Tdown == best.Tdown);
                }
        }
        assert_true(found > 0 && infeasible > 0);
}

/* Just below rho a step more is copied at almost the same alpha; rho itself, with no step, uses less of the network. */
static void test_optimise_last_step(void **state)
{
        const struct mt_alpha_vm vm = mt_alpha_table2(4096);
        struct mt_alpha_result r;
        double alpha;

        (void)state;
        assert_true(mt_alpha_optimise(MT_ALPHA_UNIFORM, &vm, 0.7, 0.5, false, &alpha, &r));
        assert_true(near(alpha, mt_alpha_rho(MT_ALPHA_UNIFORM, &vm), 1e-15));
        assert_int_equal(r.n, 0);
        assert_false(mt_alpha_optimise(MT_ALPHA_UNIFORM, &vm, 0.69, 0.5, false, &alpha, &r));
}

/* The paper's Umax = 0.4 is below every infimum: no alpha can do it. */
static void test_umax_of_the_paper(void **state)
{
        const enum mt_alpha_case which = *(const enum mt_alpha_case *)*state;
        const struct mt_alpha_vm vm = mt_alpha_table2(4096);
        struct mt_alpha_result r;
        double alpha;

        assert_false(mt_alpha_optimise(which, &vm, 0.4, 1e-6, false, &alpha, &r));
        assert_false(mt_alpha_optimise(which, &vm, 0.4, 1e-6, true, &alpha, &r));
}

static void test_hot_pages_off(void **state)
{
        struct mt_alpha_vm vm = mt_alpha_table2(8192);
        struct mt_alpha_result a, b;

        (void)state;
        vm.beta = 0;
        vm.D = vm.Dnh;
        a = mt_alpha_evaluate(MT_ALPHA_UNIFORM, &vm, 0.1, false);
        for (int c = 1; c < CASES; c++) {
                b = mt_alpha_evaluate((enum mt_alpha_case)c, &vm, 0.1, false);
                assert_int_equal(a.n, b.n);
                assert_true(near(a.Tdown, b.Tdown, 1e-14) && near(a.Unet, b.Unet, 1e-14) && near(a.G, b.G, 1e-14));
        }
}

int main(void)
{
        static const enum mt_alpha_case which[CASES] = { MT_ALPHA_UNIFORM, MT_ALPHA_HOT1, MT_ALPHA_HOT2 };
        static const struct {
                const char *name;
                CMUnitTestFunction run;
        } properties[] = { { "rounds one by one", test_rounds_one_by_one },
                           { "infimum", test_infimum },
                           { "optimise against a grid", test_optimise_grid },
                           { "Umax of the paper", test_umax_of_the_paper } };
        static const struct CMUnitTest rest[] = {
                cmocka_unit_test(test_n_brute_force), cmocka_unit_test(test_n_at_steps),
                cmocka_unit_test(test_n_edges),       cmocka_unit_test(test_table3),
                cmocka_unit_test(test_figures),       cmocka_unit_test(test_fig1),
                cmocka_unit_test(test_hot_pages_off), cmocka_unit_test(test_optimise_last_step),
        };
        static char names[MT_ARRAY_SIZE(properties) * CASES][64];
        struct CMUnitTest tests[MT_ARRAY_SIZE(properties) * CASES + MT_ARRAY_SIZE(rest)];
        size_t n = 0;

        for (size_t p = 0; p < MT_ARRAY_SIZE(properties); p++) {
                for (size_t i = 0; i < CASES; i++, n++) {
                        (void)snprintf(names[n], sizeof(names[n]), "%s, %s", properties[p].name,
                                       mt_alpha_case_name(which[i]));
                        tests[n] = (struct CMUnitTest){ .name = names[n],
                                                        .test_func = properties[p].run,
                                                        .initial_state = (void *)(uintptr_t)&which[i] };
                }
        }
        memcpy(&tests[n], rest, sizeof(rest));
        return cmocka_run_group_tests_name("alpha", tests, NULL, NULL);
}
