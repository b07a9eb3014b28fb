/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation. With k = Rh/H, how often a second the hot set is written, U(t) = Dc*t + H*(1 - exp(-k*t)) is linear
 * in Dc and H: so for each k of a grid both follow from weighted least squares, kept within what can be (Dc >= 0,
 * 0 <= H <= memory), and the k with the least distance from the points is then refined between its neighbours.
 *
 * What can be told. Windows in which the hot set is written over and over tell H and Dc, as U(t) = H + Dc*t there; with two
 * of them every large k fits alike. Windows much shorter than 1/k tell only the sum Rh + Dc. Only lengths around 1/k tell k
 * itself: the late iterations of a migration are so short, sampling windows are not. So k has a weak prior, 3/s (the hot set
 * is nearly exhausted, to 95 %, in a window of 1 s) within a factor of 4.5: it decides where the points do not, as with two
 * windows. There Dc is nearly (U2 - U1)/(t2 - t1), and H nearly U1 - Dc*t1.
 *
 * Noise. QEMU samples 512 pages a GiB (seen with QEMU 10.0), so a sampled page stands for 2 MiB, and U has the spread of
 * a count of such pages; besides, guests do not do the same all the time. How far the points are from one rate for all pages
 * is measured against the spread at the middle between what was seen and what was expected: close to the likelihood ratio of
 * counts, also of few. A hot set is believed if it brings the points nearer than that by SIGNIFICANT, in chi squared.
 *
 * A point that shows (nearly) all memory dirtied only says "at least", so it is left out where others suffice.
 */
#include "model/hot.h"

#include <math.h>

#define SAMPLED 16.777216 /* Mbit that a sampled page stands for: 1 GiB / 512 */
#define UNSTEADY 0.1      /* how much a guest's own doings differ from one window to the next, as a part */
#define SIGNIFICANT 7.0
#define USUAL_K 3.0  /* 1/s */
#define K_SPREAD 1.5 /* of its logarithm */
#define GRID 12
#define REFINEMENTS 8
#define PASSES 3 /* of least squares whose weights follow from the result */
#define SINGULAR 1e-12
#define LEAST_T 1e-6    /* s */
#define LEAST_RATIO 1.5 /* of the longest to the shortest window */
#define NEARLY_ALL 0.98 /* of the memory */
#define GOLDEN_RATIO 0.6180339887498949

/* Which points are taken, and the lengths they span. */
struct sample {
        const struct mt_hot_point *points;
        size_t n;
        double memory;
        double below; /* points that dirtied more are left out */
        double shortest, longest;
};

struct fit {
        double k, hot, cold;
        double distance; /* of the points from it, and of k from its prior: as chi squared */
};

static bool is_taken(const struct sample *sample, const struct mt_hot_point *point)
{
        return point->t >= LEAST_T && point->t < HUGE_VAL && point->weight > 0.0 && point->dirtied >= 0.0 &&
               point->dirtied <= sample->below;
}

/* False where the lengths do not differ enough. */
static bool measure_span(struct sample *sample)
{
        sample->shortest = HUGE_VAL;
        sample->longest = 0.0;
        for (size_t i = 0; i < sample->n; i++)
                if (is_taken(sample, &sample->points[i])) {
                        sample->shortest = fmin(sample->shortest, sample->points[i].t);
                        sample->longest = fmax(sample->longest, sample->points[i].t);
                }
        return sample->longest >= LEAST_RATIO * sample->shortest;
}

/* Of a point, at a level of dirtied memory. */
static double variance(const struct mt_hot_point *point, double level)
{
        return SAMPLED * fmax(level, SAMPLED) / fmin(point->weight, MT_HOT_COUNTED) + UNSTEADY * UNSTEADY * level * level;
}

/* Sums over the points, of t, of s = the part of the hot set that is written within t, and of u = what was dirtied. */
struct sums {
        double tt, ts, ss, tu, su, uu;
};

/* expected_rate < 0: nothing is expected, a point's variance is that at what it shows. */
static struct sums sum_up(const struct sample *sample, double k, double expected_rate)
{
        struct sums sums = { 0 };

        for (size_t i = 0; i < sample->n; i++) {
                const struct mt_hot_point *point = &sample->points[i];
                double t = point->t, s = -expm1(-k * t), u = fmin(point->dirtied, sample->memory);
                double w;

                if (!is_taken(sample, point))
                        continue;
                w = 1.0 / variance(point, expected_rate >= 0.0 ? 0.5 * (u + expected_rate * t) : u);
                sums.tt += w * t * t;
                sums.ts += w * t * s;
                sums.ss += w * s * s;
                sums.tu += w * t * u;
                sums.su += w * s * u;
                sums.uu += w * u * u;
        }
        return sums;
}

/* One rate for all pages. */
static struct fit fit_even(const struct sample *sample)
{
        struct fit fit = { .cold = -1.0 };
        struct sums sums;

        for (int pass = 0; pass < PASSES; pass++) {
                sums = sum_up(sample, 0.0, fit.cold);
                fit.cold = sums.tu / sums.tt;
                fit.distance = fmax(sums.uu - fit.cold * sums.tu, 0.0);
        }
        return fit;
}

/* The best hot and cold pages with this k, within bounds. */
static struct fit fit_at(const struct sample *sample, double k)
{
        const struct sums sums = sum_up(sample, k, -1.0);
        double determinant = sums.tt * sums.ss - sums.ts * sums.ts, prior = log(k / USUAL_K) / K_SPREAD;
        struct fit fit = { .k = k };

        if (determinant > SINGULAR * sums.tt * sums.ss)
                fit.hot = (sums.su * sums.tt - sums.tu * sums.ts) / determinant;
        fit.hot = fmin(fmax(fit.hot, 0.0), sample->memory);
        fit.cold = (sums.tu - fit.hot * sums.ts) / sums.tt;
        if (fit.cold < 0.0) {
                fit.cold = 0.0;
                fit.hot = fmin(sums.su / sums.ss, sample->memory);
        }
        fit.distance = sums.uu + fit.cold * fit.cold * sums.tt + fit.hot * fit.hot * sums.ss +
                       2.0 * (fit.cold * fit.hot * sums.ts - fit.cold * sums.tu - fit.hot * sums.su);
        fit.distance = fmax(fit.distance, 0.0) + prior * prior;
        return fit;
}

/* The best of all k: the best of a grid, then golden section between its neighbours. */
static struct fit fit_hot(const struct sample *sample)
{
        /* k so large that the shortest window exhausts the hot set, or so small that the longest begins to, tells nothing */
        double low = log(fmin(1.0 / sample->longest, USUAL_K)), high = log(fmax(5.0 / sample->shortest, USUAL_K));
        double step = (high - low) / (GRID - 1), left, right;
        struct fit best = { .distance = HUGE_VAL }, a, b;

        for (int i = 0; i < GRID; i++) {
                a = fit_at(sample, exp(low + i * step));
                if (a.distance < best.distance)
                        best = a;
        }
        left = fmax(log(best.k) - step, low);
        right = fmin(log(best.k) + step, high);
        a = fit_at(sample, exp(right - GOLDEN_RATIO * (right - left)));
        b = fit_at(sample, exp(left + GOLDEN_RATIO * (right - left)));
        for (int i = 0; i < REFINEMENTS; i++) {
                if (a.distance <= b.distance) {
                        right = log(b.k);
                        b = a;
                        a = fit_at(sample, exp(right - GOLDEN_RATIO * (right - left)));
                } else {
                        left = log(a.k);
                        a = b;
                        b = fit_at(sample, exp(left + GOLDEN_RATIO * (right - left)));
                }
        }
        a = a.distance <= b.distance ? a : b;
        return a.distance <= best.distance ? a : best;
}

bool mt_hot_fit(const struct mt_hot_point *points, size_t n, double memory, struct mt_hot_pages *ret)
{
        struct sample sample = { .points = points, .n = n, .memory = memory, .below = NEARLY_ALL * memory };
        struct fit even, uneven;

        if (!(memory > 0.0) || !isfinite(memory))
                return false;
        if (!measure_span(&sample)) {
                sample.below = HUGE_VAL;
                if (!measure_span(&sample))
                        return false;
        }
        even = fit_even(&sample);
        uneven = fit_hot(&sample);
        if (uneven.hot > 0.0 && even.distance - uneven.distance >= SIGNIFICANT)
                *ret = (struct mt_hot_pages){ .hot = uneven.hot,
                                              .hot_rate = uneven.k * uneven.hot,
                                              .cold_rate = uneven.cold };
        else
                *ret = (struct mt_hot_pages){ .cold_rate = even.cold };
        return true;
}

double mt_hot_dirtied(const struct mt_hot_pages *pages, double memory, double t)
{
        double dirtied = 0.0;

        if (!(t > 0.0))
                return 0.0;
        if (pages->cold_rate > 0.0)
                dirtied = pages->cold_rate * t;
        if (pages->hot > 0.0)
                dirtied -= pages->hot * expm1(-pages->hot_rate * t / pages->hot);
        return fmin(dirtied, memory);
}

double mt_hot_beta(const struct mt_hot_pages *pages, double memory)
{
        return memory > 0.0 ? fmin(fmax(pages->hot / memory, 0.0), 1.0) : 0.0;
}
