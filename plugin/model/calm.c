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
 * convex part, and the end, b = B, is compared with what it finds. Through a table F is a straight line in b between two
 * points, F = x + y*b, and the cost (p small) is F/(b - p*i): monotone on each line, so only the points are compared.
 */
#include "calm.h"

#include <math.h>
#include <stddef.h>

/* Ends a search whose tolerance is below what doubles resolve. */
#define SEARCH_STEPS 200

/* Costs that differ by a smaller share are equal. */
#define EQUAL 1e-12

static double between_points(const struct mt_calm_table *table, double Bs)
{
        double left = 0.0, at_left = 1.0;

        for (unsigned i = 0; i < table->n; i++) {
                if (Bs <= table->Bs[i])
                        return at_left + (table->F[i] - at_left) * (Bs - left) / (table->Bs[i] - left);
                left = table->Bs[i];
                at_left = table->F[i];
        }
        return at_left;
}

double mt_calm_violation(const struct mt_calm *calm, double Bs)
{
        switch (calm->F) {
        case MT_CALM_TABLE:
                return between_points(calm->table, Bs);
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

/* Takes Bm over into *best if it costs less. */
static void try_fixed(const struct mt_calm *calm, double M, double Bm, struct mt_calm_fixed *best)
{
        const double N = mt_calm_best_N(calm, M, Bm);
        const double cost = mt_calm_total_cost(calm, M, N, Bm);

        if (cost < best->cost)
                *best = (struct mt_calm_fixed){ .cost = cost, .Bm = Bm, .N = N };
}

struct mt_calm_fixed mt_calm_best_fixed(const struct mt_calm *calm, double M, unsigned steps)
{
        struct mt_calm_fixed best = { .cost = INFINITY };

        for (unsigned j = 1; j <= steps; j++)
                try_fixed(calm, M, calm->B * j / steps, &best);
        best.downtime = (M - best.N) / calm->B;
        best.total_time = mt_calm_time(0.0, best.N, best.Bm, calm->p) + best.downtime;
        return best;
}

/* A coarse grid, refined around its best point: the cost has one valley, though flat ends (pure stop-and-copy). */
struct mt_calm_fixed mt_calm_search_fixed(const struct mt_calm *calm, double M)
{
        struct mt_calm_fixed best = { .cost = INFINITY };
        double step = calm->B / 64.0;

        for (unsigned j = 1; j <= 64; j++)
                try_fixed(calm, M, step * j, &best);
        for (unsigned k = 0; calm->F == MT_CALM_TABLE && k < calm->table->n; k++)
                if (calm->table->Bs[k] < calm->B)
                        try_fixed(calm, M, calm->B - calm->table->Bs[k], &best);
        for (step /= 2.0; step > 1e-4 * calm->B; step /= 2.0) {
                const double middle = best.Bm;

                try_fixed(calm, M, middle - step, &best);
                try_fixed(calm, M, fmin(middle + step, calm->B), &best);
        }
        best.downtime = (M - best.N) / calm->B;
        best.total_time = mt_calm_time(0.0, best.N, best.Bm, calm->p) + best.downtime;
        return best;
}

double mt_calm_step_cost(const struct mt_calm *calm, double i, double b)
{
        return precopy_cost(calm, i, i + 1.0, b);
}

/* ln of the step's cost: it still tells two bandwidths apart where F itself rounds to 0 (exp, B more than 745 times C). */
static double log_step_cost(const struct mt_calm *calm, double i, double b)
{
        const double t = mt_calm_time(i, i + 1.0, b, calm->p), Bs = calm->B - b;

        if (isinf(t))
                return t;
        return log(t) + (calm->F == MT_CALM_EXP ? -Bs / calm->C : log(mt_calm_violation(calm, Bs)));
}

/* Golden-section search of the logarithm of the step's cost, convex on [low, high]. */
static double search(const struct mt_calm *calm, double i, double low, double high, double width)
{
        const double golden = 0.61803398874989484820;
        double left = high - golden * (high - low), right = low + golden * (high - low);
        double cost_left = log_step_cost(calm, i, left), cost_right = log_step_cost(calm, i, right);

        for (int k = 0; k < SEARCH_STEPS && high - low > width; k++) {
                if (cost_left <= cost_right) {
                        high = right;
                        right = left;
                        cost_right = cost_left;
                        left = high - golden * (high - low);
                        cost_left = log_step_cost(calm, i, left);
                } else {
                        low = left;
                        left = right;
                        cost_left = cost_right;
                        right = low + golden * (high - low);
                        cost_right = log_step_cost(calm, i, right);
                }
        }
        return 0.5 * (low + high);
}

/* The cheapest of a table's points. */
static double best_point(const struct mt_calm *calm, double i)
{
        double best = calm->B, least = mt_calm_step_cost(calm, i, calm->B);

        for (unsigned k = 0; k < calm->table->n && calm->table->Bs[k] < calm->B; k++) {
                const double b = calm->B - calm->table->Bs[k];
                const double cost = mt_calm_step_cost(calm, i, b);

                if (cost < least) {
                        least = cost;
                        best = b;
                }
        }
        return best;
}

double mt_calm_best_step(const struct mt_calm *calm, double i, double tol)
{
        const double low = calm->p * (i + 1.0);
        const double high = calm->F == MT_CALM_RATIO ? calm->B - calm->C : calm->B;
        double found;

        if (calm->F == MT_CALM_TABLE)
                return best_point(calm, i);
        if (high <= low)
                return calm->B;
        found = search(calm, i, low, high, tol * calm->B);
        /* where all bandwidths cost the same (linear, p = 0) the one found is rounding's choice */
        return mt_calm_step_cost(calm, i, found) < mt_calm_step_cost(calm, i, calm->B) * (1.0 - EQUAL) ? found : calm->B;
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
        case MT_CALM_TABLE:
                return best_point(calm, i);
        case MT_CALM_LINEAR:
                break;
        }
        return calm->B;
}

/* Is the step from i clean pages worth it? */
static bool is_worth_it(const struct mt_calm *calm, double i)
{
        return mt_calm_step_cost(calm, i, mt_calm_best_step(calm, i, 1e-4)) < stop_cost(calm);
}

double mt_calm_stop_point(const struct mt_calm *calm, double M)
{
        double worth = 0.0, not_worth = M;

        if (M <= 1.0 || !is_worth_it(calm, 0.0))
                return 0.0;
        if (is_worth_it(calm, M - 1.0))
                return M;
        while (not_worth - worth > fmax(1.0, 1e-3 * M)) {
                const double middle = 0.5 * (worth + not_worth);

                if (is_worth_it(calm, middle))
                        worth = middle;
                else
                        not_worth = middle;
        }
        return worth;
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

const char *mt_calm_cost_function_name(enum mt_calm_cost_function function)
{
        static const char *const names[] = { "exp", "ratio", "hyper", "linear", "table" };

        return (size_t)function < sizeof(names) / sizeof(names[0]) ? names[function] : "?";
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
