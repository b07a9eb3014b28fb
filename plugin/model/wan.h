/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lambda-range mapping (the WAN paper): bandwidth, iterations, downtime and consumption of one pre-copy migration.
 *
 * Units: sizes Mbit, rates Mbit/s, times s. R: migration bandwidth; D: dirty rate; tau: delay between iterations; tg:
 * reconfiguration time, part of the downtime; n >= 1: pre-copy rounds; lambda = D/R. The paper assumes lambda < 1; here
 * every lambda >= 0 gives what the recursion T_i = lambda * T_(i-1) + tau gives. Pure: no I/O, no allocation.
 */
#ifndef MT_MODEL_WAN_H
#define MT_MODEL_WAN_H

#include <stdbool.h>

struct mt_wan_vm {
        double vm_mb; /* memory, Mbit, > 0 */
        double R;     /* Mbit/s, > 0 */
        double D;     /* Mbit/s, >= 0 */
        double tau;   /* s, >= 0 */
        double tg;    /* s, >= 0 */
};

/* Eq (1): duration of round i (1-based), tau included. */
double mt_wan_round(const struct mt_wan_vm *vm, unsigned i);
/* Eq (3): downtime after n rounds, tg included. */
double mt_wan_tdown(const struct mt_wan_vm *vm, unsigned n);
/* Eq (2) with its exponents corrected (printed n + 1, right n): rounds plus downtime. */
double mt_wan_tmig(const struct mt_wan_vm *vm, unsigned n);
/* Eq (2) as printed, for comparison only; infinite at lambda = 1, where it has a pole. */
double mt_wan_tmig_printed(const struct mt_wan_vm *vm, unsigned n);
/* Eq (4): Tmig * R, Mbit reserved. */
double mt_wan_wmig(const struct mt_wan_vm *vm, unsigned n);
/* Mbit really sent: vm_mb + D * sum of the rounds. */
double mt_wan_sent(const struct mt_wan_vm *vm, unsigned n);
/* Limit of Eq (3) for n -> infinity; INFINITY where lambda >= 1. */
double mt_wan_tdown_floor(const struct mt_wan_vm *vm);
/* Least n in [n_min, max_n], 1 <= n_min <= max_n, with tdown <= limit. False and max_n where there is none. */
bool mt_wan_min_n(const struct mt_wan_vm *vm, double limit, unsigned max_n, unsigned n_min, unsigned *ret_n);
/*
 * Eq (3) solved for n, before rounding up. INFINITY where limit <= floor; NAN where more rounds do not lower the downtime
 * (lambda >= 1, or vm_mb/R <= lambda*tau/(1-lambda)): mt_wan_min_n is right there, too.
 */
double mt_wan_n_real(const struct mt_wan_vm *vm, double limit);

struct mt_wan_range {
        double DL, DH; /* dirty-rate range, Mbit/s, DL < DH */
        double lL, lH; /* lambda range, 0 < lL <= lH < 1 */
};
/* Eq (5): lambda(D); clamp keeps it in [lL, lH] for D outside [DL, DH] (the paper extrapolates past 1). */
double mt_wan_lambda(double D, const struct mt_wan_range *range, bool clamp);

struct mt_wan_parameters {
        double lambda;
        double R; /* Mbit/s */
        unsigned n;
        bool met; /* false: no n up to max_n holds the limit, n is max_n */
};
/*
 * Algorithm 1: lambda from D, R = D/lambda, least n for limit (<= 0: default_limit). vm->R is ignored. D = 0 gives R = 0 and
 * met = false: callers keep R above a minimum of their own.
 */
struct mt_wan_parameters mt_wan_algorithm1(const struct mt_wan_vm *vm, double limit, double default_limit,
                                           const struct mt_wan_range *range, unsigned max_n, bool clamp);

/* The paper's other strategies: R in Mbit/s. */
double mt_wan_min_bandwidth(double D, double delta);
double mt_wan_max_bandwidth(double D, double cap);
/*
 * First R of D + Delta, D + 2 Delta, ... where another Delta would shorten Tmig by too small a share; cap when none is
 * below cap or within 100000 steps. vm->R is ignored; fixed_n 0: at each R the least n that meets limit, at most max_n.
 */
double mt_wan_delta_increment(const struct mt_wan_vm *vm, double limit, double Delta, double eps, unsigned max_n,
                              unsigned fixed_n, double cap);

#endif
