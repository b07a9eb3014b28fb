/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When pre-copy may stop (the alpha paper, EPEW 2013): at most the fraction alpha of a VM's pages may remain.
 *
 * Units: sizes pages (Ps) and KB a page (S), rates KB/s (B) and pages/s (D), times s. tau = S/B: time to send a page;
 * rho = D * tau: pages dirtied for each page sent, 0 < alpha <= rho < 1. The paper counts rounds from 0, so n here is one
 * less than the number of pre-copy rounds (the WAN paper's n). Pure: no I/O, no allocation.
 */
#ifndef MT_MODEL_ALPHA_H
#define MT_MODEL_ALPHA_H

#include <stdbool.h>

/*
 * Eq (11): least n >= 0 with rho^(n+1) <= alpha (strict: < alpha, the left limit that gives the paper's table 3).
 * Equality is judged within 1e-12, so that alpha = rho^k typed with 17 digits counts as equal. 0 where alpha >= rho
 * already; UINT_MAX where there is none (alpha <= 0, or rho >= 1 with alpha < 1).
 */
unsigned mt_alpha_n(double alpha, double rho, bool strict);

enum mt_alpha_case {
        MT_ALPHA_UNIFORM, /* every page is dirtied alike */
        MT_ALPHA_HOT1,    /* hot pages are copied in every round */
        MT_ALPHA_HOT2,    /* hot pages are left for the stop */
};

struct mt_alpha_vm {
        double Ps;   /* pages, > 0 */
        double D;    /* uniform: pages/s */
        double Dnh;  /* hot I and II: dirty rate of the pages that are not hot, pages/s */
        double Dh;   /* hot I: dirty rate of the hot pages, pages/s */
        double beta; /* hot I and II: fraction of hot pages, 0 <= beta < 1 */
        double S;    /* KB a page, > 0 */
        double B;    /* KB/s, > 0 */
};

/* "uniform" "hot1" "hot2". */
const char *mt_alpha_case_name(enum mt_alpha_case which);
/* The paper's table 2: S 16, B 60, D 2, Dnh 1.8, Dh 4, beta 0.1; Ps pages. */
struct mt_alpha_vm mt_alpha_table2(double Ps);
/* rho, rho_eff (Eq 17) or rho_nh, by case. */
double mt_alpha_rho(enum mt_alpha_case which, const struct mt_alpha_vm *vm);

struct mt_alpha_result {
        double rho;
        unsigned n;
        double Tdown;       /* Eq (6), (18), (25); s */
        double Tprecopy;    /* Eq (7), (20), (27); s */
        double Ttotal;      /* Eq (8): their sum; s */
        double PTotalMig;   /* Eq (13), (21), (28): pages, counting alpha * Ps for the stop; whole */
        double PActual;     /* pages really sent: rho^(n+1) for the stop where the paper counts alpha */
        double G;           /* Eq (14), (22), (29): downtime without live migration over downtime with it */
        double Unet;        /* Eq (16), (23), (31): as printed, the stop counts for more than 1 */
        double Unet_capped; /* the same with the stop counted as 1 */
};
/* All of the model at one alpha. 0 < alpha and rho < 1, else the result is meaningless; strict as in mt_alpha_n. */
struct mt_alpha_result mt_alpha_evaluate(enum mt_alpha_case which, const struct mt_alpha_vm *vm, double alpha, bool strict);

/* Greatest lower bound of Unet, for alpha -> 0, never reached. beta 0: uniform and hot I; else hot II. */
double mt_alpha_unet_infimum(double rho, double beta);

/*
 * Least Tdown, then least Unet, subject to Unet <= Umax (capped: Unet_capped <= Umax), over alpha_min and every power of
 * rho above it (within a step Unet only rises with alpha). 0 < alpha_min <= rho < 1. False where no alpha satisfies Umax.
 * Costs ln(alpha_min)/ln(rho) evaluations.
 */
bool mt_alpha_optimise(enum mt_alpha_case which, const struct mt_alpha_vm *vm, double Umax, double alpha_min, bool capped,
                       double *ret_alpha, struct mt_alpha_result *ret_result);

#endif
