/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hot and cold pages: a set of pages that a guest writes over and over, beside the others that it dirties steadily.
 *
 * In t seconds a guest dirties U(t) = Dc*t + H*(1 - exp(-Rh*t/H)) of distinct memory, at most all that it has: cold pages
 * at the rate Dc, and of the hot set H what random writes at the rate Rh reach. Page sampling over a window of t seconds
 * measures U(t) (and calls U(t)/t a rate: the longer the window, the lower); a pre-copy iteration of t seconds leaves U(t)
 * to send.
 *
 * In the alpha paper's terms (EPEW 2013, Eq 17) the share of hot pages is beta = H/memory, and its rates, which are weighted
 * by page share, are Dnh = Dc/(1 - beta) and Dh = Rh/beta: rho_eff = (Dnh*(1 - beta) + Dh*beta)*tau = (Dc + Rh)*tau.
 *
 * Units: sizes Mbit, rates Mbit/s, times s. Pure: no I/O, no allocation.
 */
#ifndef MT_MODEL_HOT_H
#define MT_MODEL_HOT_H

#include <stdbool.h>
#include <stddef.h>

/* The weight of what was counted instead of sampled, as what an iteration left to send; the greatest. */
#define MT_HOT_COUNTED 1000.0

/* What was dirtied in one window or iteration. One with t or weight <= 0, dirtied < 0 or NaN is passed over. */
struct mt_hot_point {
        double t;       /* length, s */
        double dirtied; /* distinct memory, Mbit; what exceeds the memory is cut */
        double weight;  /* of how many windows of QEMU's page sampling it is the mean; MT_HOT_COUNTED */
};

struct mt_hot_pages {
        double hot;       /* H, Mbit; 0: none seen */
        double hot_rate;  /* Rh, Mbit/s; 0 where hot is 0 */
        double cold_rate; /* Dc, Mbit/s; where hot is 0, the mean rate of all pages */
};

/*
 * The hot and cold pages that explain the points best. Where they do not show a hot set beyond their noise: none. Two
 * windows of about a second and more do not tell Rh, only that it is enough to write the hot set once in the shorter one:
 * then Rh = 3*H/s is assumed. memory: Mbit, > 0. False, and nothing set, without two points whose lengths differ by half.
 * Costs about
 * a microsecond a point.
 */
bool mt_hot_fit(const struct mt_hot_point *points, size_t n, double memory, struct mt_hot_pages *ret);

/* U(t), Mbit; 0 for t <= 0. */
double mt_hot_dirtied(const struct mt_hot_pages *pages, double memory, double t);

/* beta: the hot share of the memory, 0 to 1. */
double mt_hot_beta(const struct mt_hot_pages *pages, double memory);

#endif
