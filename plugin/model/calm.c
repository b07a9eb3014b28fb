/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Clean pages grow by Bm and decay by p: N(t+1) = q*N(t) + Bm, towards Bm/p. So Bm <= p*N2 never reaches N2, and
 *
 *     N(t) = N1*q^t + Bm*(1 - q^t)/p          T(N1 -> N2) = log_q((Bm - p*N2)/(Bm - p*N1))
 *
 * (t*ln q through log1p, 1 - q^t through expm1: p is small.) Pre-copy costs T*F(B - Bm), each page left for the stop
 * F(0)/B. Where the cost of one more clean page equals F(0)/B lies the best N. CALM chooses the bandwidth anew for each
 * clean page; the step's cost rises with the clean pages, so the first step not worth its cost is the place to stop.
 *
 * The best bandwidth of a step is found by golden-section search. That is right because the logarithm of the step's cost is
 * convex for every F except ratio, which is cut at 1 above B - C and merely falls from there; so the search covers the
 * convex part, and the end, b = B, is compared with what it finds.
 */
#include "calm.h"

#include <math.h>
#include <stddef.h>

/* Ends a search whose tolerance is below what doubles resolve. */
#define SEARCH_STEPS 200

double mt_calm_violation(const struct mt_calm *calm, double Bs)
{
        switch (calm->F) {
        case MT_CALM_EXP:
                return exp(-Bs / calm->C);
        case MT_CALM_RATIO:
                return Bs <= calm->C ? 1.0 : calm->C / Bs;
        case MT_CALM_HYPER:
                return 1.0 / (1.0 + Bs / calm->C);
        case MT_CALM_LINEAR:
                break;
        }
        return 1.0 - Bs / calm->B;
}

/* Clean pages after t units in which ln q (or -p) is `rate` a unit. */
static double clean_after(double N1, double t, double Bm, double p, double rate)
{
        if (p == 0.0)
                return N1 + Bm * t;
        return N1 * exp(t * rate) - Bm * expm1(t * rate) / p;
}

double mt_calm_clean_after(double N1, double t, double Bm, double p)
{
        return clean_after(N1, t, Bm, p, log1p(-p));
}

double mt_calm_clean_after_cont(double N1, double t, double Bm, double p)
{
        return clean_after(N1, t, Bm, p, -p);
}

static double time_between(double N1, double N2, double Bm, double p, double rate)
{
        if (N2 <= N1)
                return 0.0;
        if (Bm <= p * N2)
                return INFINITY;
        if (p == 0.0)
                return (N2 - N1) / Bm;
        return log1p(-p * (N2 - N1) / (Bm - p * N1)) / rate;
}

double mt_calm_time(double N1, double N2, double Bm, double p)
{
        return time_between(N1, N2, Bm, p, log1p(-p));
}

double mt_calm_time_cont(double N1, double N2, double Bm, double p)
{
        return time_between(N1, N2, Bm, p, -p);
}

/* Pre-copy that never ends costs without bound, even where F rounds to 0. */
static double precopy_cost(const struct mt_calm *calm, double N1, double N2, double b)
{
        const double t = mt_calm_time(N1, N2, b, calm->p);

        return isinf(t) ? t : t * mt_calm_violation(calm, calm->B - b);
}

/* What it costs to leave one page for the stop. */
static double stop_cost(const struct mt_calm *calm)
{
        return mt_calm_violation(calm, 0.0) / calm->B;
}

double mt_calm_total_cost(const struct mt_calm *calm, double M, double N, double Bm)
{
        return precopy_cost(calm, 0.0, N, Bm) + (M - N) * stop_cost(calm);
}

/* The cost's derivative in N is k*F(B - Bm)/(Bm - p*N) - F(0)/B, k = p/-ln q: it rises with N. */
double mt_calm_best_N(const struct mt_calm *calm, double M, double Bm)
{
        const double k = calm->p > 0.0 ? calm->p / -log1p(-calm->p) : 1.0;
        const double room = Bm - k * mt_calm_violation(calm, calm->B - Bm) / stop_cost(calm);

        if (room <= 0.0)
                return 0.0;
        return room >= calm->p * M ? M : room / calm->p;
}

struct mt_calm_fixed mt_calm_best_fixed(const struct mt_calm *calm, double M, unsigned steps)
{
        struct mt_calm_fixed best = { .cost = INFINITY };

        for (unsigned j = 1; j <= steps; j++) {
                const double Bm = calm->B * j / steps;
                const double N = mt_calm_best_N(calm, M, Bm);
                const double cost = mt_calm_total_cost(calm, M, N, Bm);

                if (cost < best.cost)
                        best = (struct mt_calm_fixed){ .cost = cost, .Bm = Bm, .N = N };
        }
        best.downtime = (M - best.N) / calm->B;
        best.total_time = mt_calm_time(0.0, best.N, best.Bm, calm->p) + best.downtime;
        return best;
}

double mt_calm_step_cost(const struct mt_calm *calm, double i, double b)
{
        return precopy_cost(calm, i, i + 1.0, b);
}

/* Golden-section search of the step's cost, convex in its logarithm on [low, high]. */
static double search(const struct mt_calm *calm, double i, double low, double high, double width)
{
        const double golden = 0.61803398874989484820;
        double left = high - golden * (high - low), right = low + golden * (high - low);
        double cost_left = mt_calm_step_cost(calm, i, left), cost_right = mt_calm_step_cost(calm, i, right);

        for (int k = 0; k < SEARCH_STEPS && high - low > width; k++) {
                if (cost_left <= cost_right) {
                        high = right;
                        right = left;
                        cost_right = cost_left;
                        left = high - golden * (high - low);
                        cost_left = mt_calm_step_cost(calm, i, left);
                } else {
                        low = left;
                        left = right;
                        cost_left = cost_right;
                        right = low + golden * (high - low);
                        cost_right = mt_calm_step_cost(calm, i, right);
                }
        }
        return 0.5 * (low + high);
}

double mt_calm_best_step(const struct mt_calm *calm, double i, double tol)
{
        const double low = calm->p * (i + 1.0);
        const double high = calm->F == MT_CALM_RATIO ? calm->B - calm->C : calm->B;
        double found;

        if (high <= low)
                return calm->B;
        found = search(calm, i, low, high, tol * calm->B);
        return mt_calm_step_cost(calm, i, found) < mt_calm_step_cost(calm, i, calm->B) ? found : calm->B;
}

double mt_calm_best_step_closed(const struct mt_calm *calm, double i)
{
        const double dirtied = calm->p * i;

        switch (calm->F) {
        case MT_CALM_EXP:
                return fmin(dirtied + calm->C, calm->B);
        case MT_CALM_RATIO:
                return fmin((calm->B + dirtied) / 2.0, calm->B);
        case MT_CALM_HYPER:
                return fmin((calm->B + calm->C + dirtied) / 2.0, calm->B);
        case MT_CALM_LINEAR:
                break;
        }
        return calm->B;
}

struct mt_calm_run mt_calm_simulate(const struct mt_calm *calm, unsigned M, unsigned stride)
{
        struct mt_calm_run run = { .B_first = NAN, .B_last = NAN };
        unsigned i = 0;

        while (i < M) {
                const unsigned pages = stride < M - i ? stride : M - i;
                const double b = mt_calm_best_step(calm, i, 1e-9);
                const double cost = mt_calm_step_cost(calm, i, b);

                if (!(cost < stop_cost(calm)))
                        break;
                if (i == 0)
                        run.B_first = b;
                run.B_last = b;
                run.cost += pages * cost;
                run.precopy_time += pages * mt_calm_time(i, i + 1.0, b, calm->p);
                i += pages;
        }
        run.N = i;
        run.cost += (M - i) * stop_cost(calm);
        run.downtime = (M - i) / calm->B;
        run.total_time = run.precopy_time + run.downtime;
        return run;
}

const char *mt_calm_stop_name(enum mt_calm_stop stop)
{
        static const char *const names[] = { "few", "max-bandwidth", "rounds" };

        return names[stop];
}

/* Does Clark's rule end pre-copy after these rounds, with `dirty` pages to send at `b`? */
static bool clark_stops(const struct mt_calm_clark_rule *rule, unsigned done, double dirty, double b,
                        enum mt_calm_stop *ret_stop)
{
        if (dirty < rule->stop_pages)
                *ret_stop = MT_CALM_STOP_FEW;
        else if (b > rule->bmax)
                *ret_stop = MT_CALM_STOP_MAX_BANDWIDTH;
        else if (done >= rule->max_rounds)
                *ret_stop = MT_CALM_STOP_ROUNDS;
        else
                return false;
        return true;
}

struct mt_calm_clark_run mt_calm_clark(const struct mt_calm *calm, double M, const struct mt_calm_clark_rule *rule)
{
        struct mt_calm_clark_run run = { .stop = MT_CALM_STOP_ROUNDS };
        double dirty = M, b = rule->b0;

        do {
                const double t = dirty / b;

                run.rounds++;
                run.cost += t * mt_calm_violation(calm, calm->B - b);
                run.total_time += t;
                run.sent += dirty;
                dirty = -M * expm1(t * log1p(-calm->p));
                b = dirty / t + rule->add;
        } while (!clark_stops(rule, run.rounds, dirty, b, &run.stop));
        run.downtime = dirty / calm->B;
        run.cost += dirty * stop_cost(calm);
        run.total_time += run.downtime;
        run.sent += dirty;
        return run;
}

const char *mt_calm_xen_stop(double dirtied_last, unsigned iterations, double pages_sent, double ram_pages)
{
        if (dirtied_last < 50.0)
                return "dirty";
        if (iterations >= 29)
                return "iterations";
        if (pages_sent > 3.0 * ram_pages)
                return "sent";
        return NULL;
}
