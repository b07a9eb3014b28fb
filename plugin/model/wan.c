/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A round sends what the round before it dirtied: T_1 = VM/R + tau, T_i = lambda * T_(i-1) + tau. Everything here follows
 * from two sums, written so that they hold for every lambda >= 0, lambda = 1 included, where the paper's closed forms
 * are 0/0:
 *
 *     S(n) = 1 + lambda + ... + lambda^(n-1)      (1 - lambda^n)/(1 - lambda) in the paper
 *     A(n) = S(1) + S(2) + ... + S(n)             (n - lambda*S(n))/(1 - lambda) in the paper
 *
 *     T_i   = VM/R * lambda^(i-1) + tau * S(i)                      Eq (1)
 *     tdown = VM/R * lambda^n + lambda * tau * S(n) + tg            Eq (3)
 *     Tmig  = VM/R * S(n) + tau * A(n) + tdown                      Eq (2), corrected
 *
 * Eq (2) is printed with the exponent n + 1 where the sum over i = 1..n gives n: it is too long by
 * VM/R * lambda^n - tau * lambda^(n+1)/(1 - lambda), which matters when there are few rounds.
 *
 * lambda - 1 is computed as (D - R)/R, exact to rounding where D and R are close; near 1 the sums go through expm1 or a
 * series instead of a difference of nearly equal numbers.
 */
#include "wan.h"

#include <math.h>

/* Below this n * |lambda - 1| the closed form of A(n) loses digits and its series needs fewer than 20 terms. */
#define SERIES_BELOW 0.25
#define SERIES_TERMS 24

/* Up to here the rounding of lambda is hardly seen in its n-th power. */
#define FEW_ROUNDS 64

/* The Delta rule gives up, at cap, after as many steps: a Delta this small is a mistake. */
#define DELTA_STEPS 100000

/* What must remain between a limit and the floor, relative to the floor, for the limit to count as above it. */
#define FLOOR_MARGIN 1e-12

/* lambda - 1. */
static double excess(const struct mt_wan_vm *vm)
{
        return (vm->D - vm->R) / vm->R;
}

/* lambda^n and S(n), which most formulas need both. */
struct powers {
        double power, sum;
};

/* Where 1 - lambda^n is no difference of nearly equal numbers, the power gives the sum, in a fraction of the time. */
static struct powers powers(const struct mt_wan_vm *vm, unsigned n)
{
        const double x = excess(vm);
        struct powers p = { .power = pow(vm->D / vm->R, n) };

        if (n == 0)
                return p;
        if (vm->D <= 0.0)
                p.sum = 1.0;
        else if (x == 0.0)
                p.sum = n;
        else if (n <= FEW_ROUNDS && p.power <= 0.5)
                p.sum = (p.power - 1.0) / x;
        else
                p.sum = expm1(n * log1p(x)) / x;
        return p;
}

/* A(n), with s = S(n). With x = lambda - 1, S(i) is the sum of C(i, k+1) x^k, so A(n) is the sum of C(n+1, k+2) x^k. */
static double accumulated(const struct mt_wan_vm *vm, unsigned n, double s)
{
        const double x = excess(vm), count = n;
        double term = 0.5 * count * (count + 1.0), sum = term;

        if (fabs(x) * count >= SERIES_BELOW)
                return (vm->D / vm->R * s - count) / x;
        for (int k = 1; k < SERIES_TERMS; k++) {
                term *= x * (count - k) / (k + 2.0);
                sum += term;
        }
        return sum;
}

/* delay * factor where factor may be infinite (lambda > 1, many rounds): no delay stays no delay. */
static double delayed(double delay, double factor)
{
        return delay > 0.0 ? delay * factor : 0.0;
}

/* Sum of the rounds 1..n; s = S(n). */
static double rounds(const struct mt_wan_vm *vm, unsigned n, double s)
{
        return vm->vm_mb / vm->R * s + delayed(vm->tau, accumulated(vm, n, s));
}

/* Eq (3), from its powers. */
static double tdown(const struct mt_wan_vm *vm, const struct powers *p)
{
        return vm->vm_mb / vm->R * p->power + delayed(vm->D / vm->R * vm->tau, p->sum) + vm->tg;
}

double mt_wan_round(const struct mt_wan_vm *vm, unsigned i)
{
        return vm->vm_mb / vm->R * pow(vm->D / vm->R, i - 1.0) + delayed(vm->tau, powers(vm, i).sum);
}

double mt_wan_tdown(const struct mt_wan_vm *vm, unsigned n)
{
        const struct powers p = powers(vm, n);

        return tdown(vm, &p);
}

double mt_wan_tmig(const struct mt_wan_vm *vm, unsigned n)
{
        const struct powers p = powers(vm, n);

        return rounds(vm, n, p.sum) + tdown(vm, &p);
}

double mt_wan_tmig_printed(const struct mt_wan_vm *vm, unsigned n)
{
        const double s = powers(vm, n + 1).sum;

        return vm->vm_mb / vm->R * s + delayed(vm->tau, (vm->D / vm->R * s - n) / excess(vm)) + mt_wan_tdown(vm, n);
}

double mt_wan_wmig(const struct mt_wan_vm *vm, unsigned n)
{
        return mt_wan_tmig(vm, n) * vm->R;
}

double mt_wan_sent(const struct mt_wan_vm *vm, unsigned n)
{
        return vm->vm_mb + (vm->D > 0.0 ? vm->D * rounds(vm, n, powers(vm, n).sum) : 0.0);
}

double mt_wan_tdown_floor(const struct mt_wan_vm *vm)
{
        if (vm->D >= vm->R)
                return INFINITY;
        return vm->D * vm->tau / (vm->R - vm->D) + vm->tg;
}

/* Does the downtime fall with each round? tdown(n) - floor = (VM/R - (floor - tg)) * lambda^n. */
static bool falls(const struct mt_wan_vm *vm)
{
        return vm->D < vm->R && vm->vm_mb / vm->R > mt_wan_tdown_floor(vm) - vm->tg;
}

/*
 * Is limit held after n rounds? A falling downtime comes as near to its floor as rounding allows, but never reaches
 * it, so a limit at the floor is refused whatever the last digit says. With lambda = 0 one round does reach it.
 */
static bool holds(const struct mt_wan_vm *vm, double limit, unsigned n)
{
        const double floor = mt_wan_tdown_floor(vm);

        if (vm->D > 0.0 && falls(vm) && limit <= floor * (1.0 + FLOOR_MARGIN))
                return false;
        return mt_wan_tdown(vm, n) <= limit;
}

/*
 * The downtime falls with n, or never falls (lambda >= 1, or a VM so small that each round's tau dirties more than the
 * round clears): then n_min is best. Either way `holds` changes at most once, and bisection does not depend on the
 * logarithm of Eq (3), whose rounding to the nearest (Algorithm 1 says only "round") could break the limit.
 */
bool mt_wan_min_n(const struct mt_wan_vm *vm, double limit, unsigned max_n, unsigned n_min, unsigned *ret_n)
{
        unsigned low = n_min, high = max_n;

        *ret_n = max_n;
        if (holds(vm, limit, n_min)) {
                *ret_n = n_min;
                return true;
        }
        if (!holds(vm, limit, max_n))
                return false;
        while (high - low > 1) {
                const unsigned middle = low + (high - low) / 2;

                if (holds(vm, limit, middle))
                        high = middle;
                else
                        low = middle;
        }
        *ret_n = high;
        return true;
}

/* ln lambda: near 1 from lambda - 1, near 0, where that has no digits left, from lambda itself. */
static double log_lambda(const struct mt_wan_vm *vm)
{
        const double lambda = vm->D / vm->R;

        return lambda < 0.5 ? log(lambda) : log1p(excess(vm));
}

double mt_wan_n_real(const struct mt_wan_vm *vm, double limit)
{
        const double floor = mt_wan_tdown_floor(vm);

        if (!falls(vm))
                return NAN;
        if (vm->D <= 0.0)
                return limit >= floor ? 0.0 : INFINITY;
        if (limit <= floor)
                return INFINITY;
        return log((limit - floor) / (vm->vm_mb / vm->R - (floor - vm->tg))) / log_lambda(vm);
}

double mt_wan_lambda(double D, const struct mt_wan_range *range, bool clamp)
{
        const double lambda = range->lL + (range->lH - range->lL) * (D - range->DL) / (range->DH - range->DL);

        return clamp ? fmin(fmax(lambda, range->lL), range->lH) : lambda;
}

struct mt_wan_parameters mt_wan_algorithm1(const struct mt_wan_vm *vm, double limit, double default_limit,
                                           const struct mt_wan_range *range, unsigned max_n, bool clamp)
{
        struct mt_wan_parameters result = { .lambda = mt_wan_lambda(vm->D, range, clamp), .n = max_n };
        struct mt_wan_vm at = *vm;

        if (vm->D <= 0.0 || result.lambda <= 0.0)
                return result;
        result.R = at.R = vm->D / result.lambda;
        result.met = mt_wan_min_n(&at, limit > 0.0 ? limit : default_limit, max_n, 1, &result.n);
        return result;
}

double mt_wan_min_bandwidth(double D, double delta)
{
        return D + delta;
}

double mt_wan_max_bandwidth(double D, double cap)
{
        (void)D;
        return cap;
}

/* Tmig at R with the n that the Delta rule takes there. The paper does not say which: the least that meets the limit. */
static double tmig_at(const struct mt_wan_vm *vm, double R, double limit, unsigned max_n, unsigned fixed_n)
{
        struct mt_wan_vm at = *vm;
        unsigned n = fixed_n;

        at.R = R;
        if (fixed_n == 0)
                (void)mt_wan_min_n(&at, limit, max_n, 1, &n);
        return mt_wan_tmig(&at, n);
}

double mt_wan_delta_increment(const struct mt_wan_vm *vm, double limit, double Delta, double eps, unsigned max_n,
                              unsigned fixed_n, double cap)
{
        double here = tmig_at(vm, vm->D + Delta, limit, max_n, fixed_n);

        for (unsigned k = 1; k <= DELTA_STEPS && vm->D + k * Delta < cap; k++) {
                const double R = vm->D + k * Delta;
                const double next = tmig_at(vm, R + Delta, limit, max_n, fixed_n);

                if ((here - next) / here - Delta / R <= eps)
                        return R;
                here = next;
        }
        return cap;
}
