/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CALM, cost-aware live migration (the slides), with the algorithms it is compared with: Clark's and Xen's.
 *
 * Units: pages and pages per unit of time. M: pages of the VM; B: bandwidth of service and migration together; Bm: of the
 * migration; Bs = B - Bm: of the service; p: probability that a page is updated within a unit of time, 0 <= p < 1, q = 1 -
 * p; N: clean pages, copied and not updated since; F(Bs): probability that the service misses its SLA, F(0) = 1.
 *
 * The slides hold their formulas as pictures; these are derived from their words, with the convention that pages copied
 * within a unit of time are not updated in it: N(t+1) = q*N(t) + Bm. Pure: no I/O, no allocation.
 */
#ifndef MT_MODEL_CALM_H
#define MT_MODEL_CALM_H

#include <stdbool.h>

/* F(Bs). */
enum mt_calm_cost_function {
        MT_CALM_EXP,    /* e^(-Bs/C) */
        MT_CALM_RATIO,  /* min(1, C/Bs) */
        MT_CALM_HYPER,  /* 1/(1 + Bs/C) */
        MT_CALM_LINEAR, /* 1 - Bs/B; C has no part in it */
        MT_CALM_TABLE,  /* measured points, straight lines between them; C has no part in it */
};

/* "exp" "ratio" "hyper" "linear" "table". */
const char *mt_calm_cost_function_name(enum mt_calm_cost_function function);

#define MT_CALM_POINTS 8

/* F as measured: 1 at Bs = 0, then through the points, and as the last one beyond it. */
struct mt_calm_table {
        unsigned n;                /* 1 to MT_CALM_POINTS */
        double Bs[MT_CALM_POINTS]; /* pages per unit, > 0, rising */
        double F[MT_CALM_POINTS];  /* 0 to 1, not rising */
};

struct mt_calm {
        double B; /* pages per unit, > 0 */
        double p; /* 0 <= p < 1 */
        enum mt_calm_cost_function F;
        double C;                          /* pages per unit, > 0: the scale of F */
        const struct mt_calm_table *table; /* of MT_CALM_TABLE; the caller's */
};

/* F at service bandwidth Bs, 0 <= Bs <= B. */
double mt_calm_violation(const struct mt_calm *calm, double Bs);

/* Clean pages after t units, from N1 at first; _cont: with e^(-p*t) in place of q^t. */
double mt_calm_clean_after(double N1, double t, double Bm, double p);
double mt_calm_clean_after_cont(double N1, double t, double Bm, double p);
/* Time to come from N1 to N2 >= N1 clean pages; INFINITY where Bm <= p*N2 (and N2 > N1). */
double mt_calm_time(double N1, double N2, double Bm, double p);
double mt_calm_time_cont(double N1, double N2, double Bm, double p);

/* Cost of pre-copy to N clean pages at Bm, then stop-and-copy of the other M - N at B. 0 <= N <= M, 0 <= Bm <= B. */
double mt_calm_total_cost(const struct mt_calm *calm, double M, double N, double Bm);
/* The N that costs least at Bm, in [0, M]. */
double mt_calm_best_N(const struct mt_calm *calm, double M, double Bm);

struct mt_calm_fixed {
        double cost;
        double Bm;
        double N;
        double total_time;
        double downtime;
};
/* The best fixed bandwidth among B*1/steps, B*2/steps, ... B, each with its best N; the least of equals. */
struct mt_calm_fixed mt_calm_best_fixed(const struct mt_calm *calm, double M, unsigned steps);

/* Cost of the step from i to i + 1 clean pages at bandwidth b; INFINITY where b <= p*(i+1). */
double mt_calm_step_cost(const struct mt_calm *calm, double i, double b);
/* The bandwidth at which that step costs least, within tol*B; B where no bandwidth up to B makes the step. */
double mt_calm_best_step(const struct mt_calm *calm, double i, double tol);
/* The closed forms for small p: p*i + C, (B + p*i)/2 (of C/Bs, not cut at 1), (B + C + p*i)/2, B; cut at B. */
double mt_calm_best_step_closed(const struct mt_calm *calm, double i);

/*
 * The same without a fixed grid: to 1e-4 of B in about a hundred evaluations, and exact at a table's points.
 */
struct mt_calm_fixed mt_calm_search_fixed(const struct mt_calm *calm, double M);
/*
 * Clean pages at which CALM goes over to stop-and-copy: the first step that costs no less than to leave its page for the
 * stop, or M. A step's cost rises with the clean pages, so this is a bisection.
 */
double mt_calm_stop_point(const struct mt_calm *calm, double M);

struct mt_calm_run {
        double N; /* clean pages when pre-copy ends */
        double cost;
        double precopy_time;
        double downtime;
        double total_time;
        double B_first, B_last; /* bandwidth of the first and last step; NAN when there was none */
};
/*
 * CALM: each step at its best bandwidth, while it costs less than to stop and copy one page, F(0)/B. M: whole; stride >= 1:
 * the step of every stride-th page stands for the stride pages from it.
 */
struct mt_calm_run mt_calm_simulate(const struct mt_calm *calm, unsigned M, unsigned stride);

enum mt_calm_stop { MT_CALM_STOP_FEW, MT_CALM_STOP_MAX_BANDWIDTH, MT_CALM_STOP_ROUNDS };

struct mt_calm_clark_rule {
        double b0;         /* bandwidth of the first round, > 0, <= B */
        double add;        /* fixed addition to the dirty rate */
        double bmax;       /* stop rather than exceed it; <= B */
        double stop_pages; /* stop when fewer are dirty */
        unsigned max_rounds;
};
struct mt_calm_clark_run {
        unsigned rounds;
        enum mt_calm_stop stop;
        double cost;
        double downtime;
        double total_time;
        double sent; /* pages, the last copy included */
};
/*
 * Clark's rule: all M pages at b0, then the dirty ones at (dirtied / time of the round) + add. A round of t units leaves
 * M*(1 - q^t) dirty. Tested in the order few, max-bandwidth, rounds; stop-and-copy at B.
 */
struct mt_calm_clark_run mt_calm_clark(const struct mt_calm *calm, double M, const struct mt_calm_clark_rule *rule);
/* "few" "max-bandwidth" "rounds". */
const char *mt_calm_stop_name(enum mt_calm_stop stop);

/*
 * Xen's stop rule, tested in this order: "dirty" (< 50 pages dirtied in the last round), "iterations" (29 done), "sent"
 * (> 3 times the RAM); NULL: go on.
 */
const char *mt_calm_xen_stop(double dirtied_last, unsigned iterations, double pages_sent, double ram_pages);

#endif
