/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The WAN paper's model against the recursion that defines it, and against a linear search, over parameters that include
 * those where its closed forms are 0/0 or lose all digits. The recursion is summed in long double.
 */
#include "cleanup.h"
#include "model/wan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* after what it needs */
#include <cmocka.h>

static const struct wan_case {
        const char *name;
        struct mt_wan_vm vm;
} cases[] = {
        { "the paper's example", { 32000, 625, 250, 0.75, 0.5 } },
        { "lambda 0.1", { 48000, 1000, 100, 0.75, 0.5 } },
        { "lambda 0.9", { 48000, 1000, 900, 0.75, 0.5 } },
        { "lambda 0.999", { 48000, 1000, 999, 0.75, 0.5 } },
        { "lambda 1 - 1e-6", { 48000, 1000, 1000 - 1e-3, 0.75, 0.5 } },
        { "lambda 1 - 1e-9", { 48000, 1000, 1000 - 1e-6, 0.75, 0.5 } },
        { "lambda 1 - 1e-13", { 48000, 1000, 1000 - 1e-10, 0.75, 0.5 } },
        { "lambda 1", { 48000, 1000, 1000, 0.75, 0.5 } },
        { "lambda 1 + 1e-13", { 48000, 1000, 1000 + 1e-10, 0.75, 0.5 } },
        { "lambda 1 + 1e-9", { 48000, 1000, 1000 + 1e-6, 0.75, 0.5 } },
        { "lambda 1.01", { 48000, 1000, 1010, 0.75, 0.5 } },
        { "lambda 2.5", { 32000, 100, 250, 0.75, 0.5 } },
        { "nothing dirtied", { 32000, 100, 0, 0.75, 0.5 } },
        { "hardly anything dirtied", { 32000, 10000, 1e-9, 0.75, 0.5 } },
        { "no delays", { 32000, 625, 250, 0, 0 } },
        { "no delays, lambda 1", { 32000, 250, 250, 0, 0 } },
        { "downtime grows with n", { 10, 1000, 900, 2.0, 0.1 } },
        { "a gibibyte at 100 Gbit/s", { 8589.934592, 100000, 4000, 0.001, 0.03 } },
};

/* The tolerance is relative, down to what is too small for a double. */
static void close_to(double got, long double want, double tolerance, const char *what, unsigned n)
{
        if (!(fabsl((long double)got - want) <= (long double)tolerance * fabsl(want) + 1e-290L))
                fail_msg("%s after %u rounds: got %.17g, want %.17Lg", what, n, got, want);
}

static void test_recursion(void **state)
{
        const struct mt_wan_vm *vm = &((const struct wan_case *)*state)->vm;
        const long double lambda = (long double)vm->D / vm->R;
        long double t = 0, sum = 0, down;

        for (unsigned n = 1; n <= 300; n++) {
                t = n == 1 ? (long double)vm->vm_mb / vm->R + vm->tau : lambda * t + vm->tau;
                sum += t;
                down = lambda * t + vm->tg;
                close_to(mt_wan_round(vm, n), t, 1e-12, "T_n", n);
                close_to(mt_wan_tdown(vm, n), down, 1e-12, "tdown", n);
                close_to(mt_wan_tmig(vm, n), sum + down, 1e-12, "Tmig", n);
                close_to(mt_wan_wmig(vm, n), (sum + down) * vm->R, 1e-12, "Wmig", n);
                close_to(mt_wan_sent(vm, n), vm->vm_mb + vm->D * sum, 1e-12, "sent", n);
        }
}

/* Eq (2) as printed exceeds the truth by VM/R*lambda^n - tau*lambda^(n+1)/(1-lambda); rows next to its pole are left out. */
static void test_printed(void **state)
{
        const struct mt_wan_vm *vm = &((const struct wan_case *)*state)->vm;
        const double lambda = vm->D / vm->R;

        for (unsigned n = 1; n <= 30; n++) {
                const double excess = vm->vm_mb / vm->R * pow(lambda, n) - vm->tau * pow(lambda, n + 1.0) / (1.0 - lambda);

                close_to(mt_wan_tmig_printed(vm, n), mt_wan_tmig(vm, n) + (long double)excess, 1e-11, "Tmig as printed", n);
        }
}

/* The least n by trying all of them, with the downtimes of the recursion. */
static bool first_n(const struct mt_wan_vm *vm, double limit, unsigned max_n, unsigned n_min, unsigned *ret_n)
{
        const long double lambda = (long double)vm->D / vm->R;
        long double t = 0;

        *ret_n = max_n;
        for (unsigned n = 1; n <= max_n; n++) {
                t = n == 1 ? (long double)vm->vm_mb / vm->R + vm->tau : lambda * t + vm->tau;
                if (n >= n_min && lambda * t + vm->tg <= limit) {
                        *ret_n = n;
                        return true;
                }
        }
        return false;
}

static void test_min_n(void **state)
{
        static const double limits[] = { -1, 0, 0.02, 0.3, 0.5001, 0.8, 1.01, 1.1, 1.5, 3.3, 10, 100, 1e6 };
        const struct mt_wan_vm *vm = &((const struct wan_case *)*state)->vm;

        for (size_t i = 0; i < MT_ARRAY_SIZE(limits); i++) {
                for (unsigned n_min = 1; n_min <= 21; n_min += 4) {
                        unsigned want, got = 0;
                        const bool met = first_n(vm, limits[i], 40, n_min, &want);

                        assert_int_equal(mt_wan_min_n(vm, limits[i], 40, n_min, &got), met);
                        assert_int_equal(got, want);
                }
        }
}

/* Where it is defined, n_real rounded up is the least n (at least 1), and tdown at n_real's neighbours brackets the limit.
 */
static void test_n_real(void **state)
{
        const struct mt_wan_vm *vm = &((const struct wan_case *)*state)->vm;
        const double floor = mt_wan_tdown_floor(vm);

        for (double limit = 0.013; limit < 60; limit *= 1.37) {
                const double real = mt_wan_n_real(vm, limit);
                unsigned n;

                if (isnan(real) || real > 1000.0) {
                        assert_true(vm->D >= vm->R || limit <= floor || vm->vm_mb / vm->R <= floor - vm->tg ||
                                    real > 1000.0);
                        continue;
                }
                assert_true(mt_wan_min_n(vm, limit, 2000, 1, &n));
                assert_int_equal(n, (unsigned)fmax(1.0, ceil(real)));
        }
}

static void test_floor(void **state)
{
        const struct mt_wan_vm *vm = &((const struct wan_case *)*state)->vm;
        const double floor = mt_wan_tdown_floor(vm);
        unsigned n = 7;

        if (vm->D >= vm->R) {
                assert_true(isinf(floor) && floor > 0.0);
                return;
        }
        if ((vm->R - vm->D) / vm->R > 1e-7) /* else even 1e9 rounds are far from the limit */
                close_to(mt_wan_tdown(vm, 1000000000), floor, 1e-9, "floor", 1000000000);
        if (vm->D > 0.0 && vm->vm_mb / vm->R > floor - vm->tg) {
                /* however many rounds rounding would need to get there */
                assert_false(mt_wan_min_n(vm, floor, 1000000, 1, &n));
                assert_int_equal(n, 1000000);
        }
}

static void test_nothing_dirtied_meets_tg(void **state)
{
        const struct mt_wan_vm vm = { 48000, 1000, 0, 0.75, 0.5 };
        unsigned n;

        (void)state;
        assert_true(mt_wan_min_n(&vm, 0.5, 20, 1, &n));
        assert_int_equal(n, 1);
        assert_true(mt_wan_n_real(&vm, 0.5) == 0.0);
        assert_true(isinf(mt_wan_n_real(&vm, 0.4)));
}

static void test_n_real_edges(void **state)
{
        const struct mt_wan_vm falling = { 32000, 625, 250, 0.75, 0.5 }, tiny = { 10, 1000, 900, 2, 0.1 };
        const struct mt_wan_vm diverging = { 32000, 250, 250, 0.75, 0.5 };

        (void)state;
        assert_true(isinf(mt_wan_n_real(&falling, 1.0)));
        assert_true(isinf(mt_wan_n_real(&falling, 0.2)));
        assert_true(isnan(mt_wan_n_real(&tiny, 50.0)));
        assert_true(isnan(mt_wan_n_real(&diverging, 50.0)));
        /* tdown(n) = VM/R * lambda^n + tg without tau: the least n, not rounded, for any small lambda */
        for (double D = 100; D > 1e-60; D /= 17) {
                const struct mt_wan_vm calm = { 32000, 625, D, 0, 0.5 };

                close_to(mt_wan_n_real(&calm, 1.1), logl(0.6L / 51.2L) / logl(D / 625.0L), 1e-12, "n_real", 0);
        }
}

static void test_overflow_is_infinite(void **state)
{
        const struct mt_wan_vm vm = { 32000, 100, 250, 0, 0.5 };

        (void)state;
        assert_true(isinf(mt_wan_tdown(&vm, 100000)));
        assert_true(isinf(mt_wan_tmig(&vm, 100000)));
        assert_true(isinf(mt_wan_sent(&vm, 100000)));
}

static void test_printed_pole(void **state)
{
        const struct mt_wan_vm vm = { 32000, 250, 250, 0.75, 0.5 };

        (void)state;
        assert_true(isinf(mt_wan_tmig_printed(&vm, 3)));
}

static const struct mt_wan_range paper = { 0.1, 500, 0.1, 0.4 };

static void test_lambda(void **state)
{
        static const struct {
                double D;
                bool clamp;
                double want;
        } rows[] = { { 0.1, true, 0.1 },
                     { 500, true, 0.4 },
                     { 250.05, true, 0.25 },
                     { 0, true, 0.1 },
                     { 1e9, true, 0.4 },
                     { 1600, false, 0.1 + 0.3 * 1599.9 / 499.9 },
                     { 0, false, 0.1 - 0.3 * 0.1 / 499.9 } };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++)
                assert_true(fabs(mt_wan_lambda(rows[i].D, &paper, rows[i].clamp) - rows[i].want) < 1e-14);
        assert_true(mt_wan_lambda(1600, &paper, false) > 1.0);
}

static void test_algorithm1(void **state)
{
        static const double rates[] = { 0.1, 1, 10, 250, 499, 500, 800, 5000 };
        struct mt_wan_vm vm = { .vm_mb = 48000, .tau = 0.75, .tg = 0.5 };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rates); i++) {
                struct mt_wan_parameters p, by_default;
                struct mt_wan_vm at;
                unsigned n;

                vm.D = rates[i];
                p = mt_wan_algorithm1(&vm, 1.2, 99, &paper, 20, true);
                by_default = mt_wan_algorithm1(&vm, -1, 1.2, &paper, 20, true);
                assert_memory_equal(&p.n, &by_default.n, sizeof(p.n));
                assert_true(fabs(p.R * p.lambda / vm.D - 1.0) < 1e-14 && p.lambda >= 0.1 && p.lambda <= 0.4);
                at = vm;
                at.R = p.R;
                assert_int_equal(first_n(&at, 1.2, 20, 1, &n), p.met);
                assert_int_equal(p.n, n);
        }
        vm.D = 0;
        assert_false(mt_wan_algorithm1(&vm, 1.2, 1, &paper, 20, true).met);
        assert_true(mt_wan_algorithm1(&vm, 1.2, 1, &paper, 20, true).R == 0.0);
}

static long double slow_tmig(struct mt_wan_vm vm, double R, double limit, unsigned max_n, unsigned fixed_n)
{
        long double t = 0, sum = 0, lambda = (long double)vm.D / R;
        unsigned n = fixed_n;

        vm.R = R;
        if (n == 0)
                (void)first_n(&vm, limit, max_n, 1, &n);
        for (unsigned i = 1; i <= n; i++) {
                t = i == 1 ? (long double)vm.vm_mb / R + vm.tau : lambda * t + vm.tau;
                sum += t;
        }
        return sum + lambda * t + vm.tg;
}

static void test_delta_increment(void **state)
{
        (void)state;
        for (double D = 0; D <= 600; D += 37.5) {
                for (unsigned fixed_n = 0; fixed_n <= 20; fixed_n += 5) {
                        const struct mt_wan_vm vm = { 48000, NAN, D, 0.75, 0.5 };
                        double want = D + 25;

                        while ((slow_tmig(vm, want, 1.1, 20, fixed_n) - slow_tmig(vm, want + 25, 1.1, 20, fixed_n)) /
                                               slow_tmig(vm, want, 1.1, 20, fixed_n) -
                                       25 / want >
                               0.1L)
                                want += 25;
                        assert_true(mt_wan_delta_increment(&vm, 1.1, 25, 0.1, 20, fixed_n, 1e4) == want);
                }
        }
}

static void test_delta_increment_caps(void **state)
{
        const struct mt_wan_vm vm = { 48000, 0, 250, 0.75, 0.5 };

        (void)state;
        assert_true(mt_wan_delta_increment(&vm, 1, 25, 0.1, 20, 0, 200) == 200);
        assert_true(mt_wan_delta_increment(&vm, 1, 25, -9, 20, 0, 1000) == 1000);
        assert_true(mt_wan_delta_increment(&vm, 1, 1e-9, -9, 1, 0, 1000) == 1000);
}

/* splitmix64: the same draws on every machine. */
static double uniform(uint64_t *seed, double low, double high)
{
        uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
        return low + (high - low) * ((double)(z >> 11) * 0x1p-53);
}

/* VMs drawn at random, zeros and lambda close to 1 among them: rounds, downtime and least n by the recursion. */
static void test_random_vms(void **state)
{
        uint64_t seed = 2016;

        (void)state;
        for (int i = 0; i < 4000; i++) {
                const double R = pow(10, uniform(&seed, 0, 5)), kind = uniform(&seed, 0, 1);
                const double lambda = kind < 0.1   ? 0
                                      : kind < 0.3 ? 1 + pow(10, uniform(&seed, -15, -1)) * (kind < 0.2 ? 1 : -1)
                                                   : uniform(&seed, 0, kind < 0.9 ? 1 : 3);
                const struct mt_wan_vm vm = { pow(10, uniform(&seed, -2, 7)), R, R * lambda,
                                              kind < 0.5 ? uniform(&seed, 0, 2) : 0, uniform(&seed, 0, 1) };
                const unsigned n = 1 + (unsigned)pow(10, uniform(&seed, 0, 2.5));
                const long double ratio = (long double)vm.D / vm.R;
                const double limit = pow(10, uniform(&seed, -2, 3));
                long double t = 0, sum = 0, down = 0, least_gap = INFINITY;
                unsigned want, got = 0;
                bool met;

                for (unsigned k = 1; k <= n; k++) {
                        t = k == 1 ? (long double)vm.vm_mb / vm.R + vm.tau : ratio * t + vm.tau;
                        sum += t;
                        down = ratio * t + vm.tg;
                        least_gap = fminl(least_gap, fabsl(down / limit - 1));
                }
                close_to(mt_wan_round(&vm, n), t, 1e-11, "T_n", n);
                close_to(mt_wan_tdown(&vm, n), down, 1e-11, "tdown", n);
                close_to(mt_wan_tmig(&vm, n), sum + down, 1e-11, "Tmig", n);
                close_to(mt_wan_sent(&vm, n), vm.vm_mb + vm.D * sum, 1e-11, "sent", n);
                met = first_n(&vm, limit, n, 1, &want);
                if (least_gap < 1e-9L) /* which n it is hangs on the last digit */
                        continue;
                assert_int_equal(mt_wan_min_n(&vm, limit, n, 1, &got), met);
                assert_int_equal(got, want);
        }
}

struct mean {
        double R, n, W;
};

static void add(struct mean *mean, struct mt_wan_vm vm, double R, double limit)
{
        unsigned n;

        vm.R = R;
        (void)mt_wan_min_n(&vm, limit, 20, 1, &n);
        mean->R += R / 8000;
        mean->n += n / 8000.0;
        mean->W += mt_wan_wmig(&vm, n) / 8000;
}

/* The paper's section V with uniform dirty rates: mean bandwidths, and the order of rounds and of consumption. */
static void test_section_v(void **state)
{
        struct mean mapped = { 0 }, stepped = { 0 }, least = { 0 }, most = { 0 };
        uint64_t seed = 1;

        (void)state;
        for (int i = 0; i < 8000; i++) {
                const struct mt_wan_vm vm = { uniform(&seed, 32000, 64000), 0, uniform(&seed, 0.1, 500), 0.75, 0.5 };
                const double limit = uniform(&seed, 0.5, 1.5);

                add(&mapped, vm, mt_wan_algorithm1(&vm, limit, 1, &paper, 20, true).R, limit);
                add(&stepped, vm, mt_wan_delta_increment(&vm, limit, 25, 0.1, 20, 0, 10000), limit);
                add(&least, vm, mt_wan_min_bandwidth(vm.D, 50), limit);
                add(&most, vm, mt_wan_max_bandwidth(vm.D, 10000), limit);
        }
        assert_true(fabs(mapped.R / 897 - 1) < 0.02);
        assert_true(fabs(stepped.R / 368 - 1) < 0.02);
        assert_true(fabs(least.R / 300 - 1) < 0.02);
        assert_true(most.n < mapped.n && mapped.n < stepped.n && stepped.n <= least.n);
        assert_true(least.W > stepped.W && stepped.W > mapped.W && mapped.W > most.W);
}

/* Properties that hold for every row of cases. */
#define FOR_ALL_CASES 5

int main(void)
{
        static const struct {
                const char *name;
                CMUnitTestFunction run;
        } properties[FOR_ALL_CASES] = { { "recursion", test_recursion },
                                        { "printed", test_printed },
                                        { "min_n", test_min_n },
                                        { "n_real", test_n_real },
                                        { "floor", test_floor } };
        static const struct CMUnitTest rest[] = {
                cmocka_unit_test(test_nothing_dirtied_meets_tg),
                cmocka_unit_test(test_n_real_edges),
                cmocka_unit_test(test_overflow_is_infinite),
                cmocka_unit_test(test_printed_pole),
                cmocka_unit_test(test_lambda),
                cmocka_unit_test(test_algorithm1),
                cmocka_unit_test(test_delta_increment),
                cmocka_unit_test(test_delta_increment_caps),
                cmocka_unit_test(test_random_vms),
                cmocka_unit_test(test_section_v),
        };
        static char names[FOR_ALL_CASES * MT_ARRAY_SIZE(cases)][64];
        struct CMUnitTest tests[FOR_ALL_CASES * MT_ARRAY_SIZE(cases) + MT_ARRAY_SIZE(rest)];
        size_t n = 0;

        for (size_t p = 0; p < FOR_ALL_CASES; p++) {
                for (size_t i = 0; i < MT_ARRAY_SIZE(cases); i++) {
                        if (properties[p].run == test_printed && fabs(cases[i].vm.D / cases[i].vm.R - 1.0) < 1e-3)
                                continue;
                        (void)snprintf(names[n], sizeof(names[n]), "%s, %s", properties[p].name, cases[i].name);
                        tests[n] = (struct CMUnitTest){ .name = names[n],
                                                        .test_func = properties[p].run,
                                                        .initial_state = (void *)(uintptr_t)&cases[i] };
                        n++;
                }
        }
        memcpy(&tests[n], rest, sizeof(rest));
        return _cmocka_run_group_tests("wan", tests, n + MT_ARRAY_SIZE(rest), NULL, NULL);
}
