/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Least-squares fit of a piecewise linear function of one to three segments, the form of the thesis's bandwidth models
 * (section 3.3). Pure: no I/O, no allocation, no clock; x and y have any unit.
 *
 * Segments are sorted by x, a break belongs to the segment on its left, and the segments need not meet, all as in the
 * thesis's models. Outside the x that were fitted nothing is extrapolated: the value at the nearer end holds.
 */
#ifndef MT_MODEL_SEGMENTS_H
#define MT_MODEL_SEGMENTS_H

#include <stddef.h>

#define MT_MAX_SEGMENTS 3

/* y = slope * x + intercept for x up to and including `until` (and above the segment before). */
struct mt_segment {
        double until, slope, intercept;
};

struct mt_segments {
        unsigned n;  /* 1..MT_MAX_SEGMENTS; 0: nothing was fitted */
        double from; /* the least x that was fitted; the last segment's `until` is the greatest */
        struct mt_segment segment[MT_MAX_SEGMENTS];
};

/* What a fit must keep. */
struct mt_segments_rules {
        size_t points, segment_points; /* at least so many points in all, and in each segment (>= 2) */
        double spread, segment_spread; /* x must span at least so much in all, and in each segment (> 0) */
        double noise;                  /* y's own resolution, > 0: coming closer to the points than this proves nothing */
};

struct mt_segments_quality {
        size_t points;
        double r2;     /* share of y's variance that the fit explains; 0 where y does not vary */
        double rmse;   /* sqrt(sum of squared residuals / points) */
        double spread; /* standard deviation of the residuals: the same with the fit's parameters taken off the points */
        double bic;    /* see mt_segments_bic */
};

/* Room to work in; the caller gives points + 1 of them and need not look inside. */
struct mt_segments_work {
        double x, y, xx, xy, yy; /* sums over the points before this one, about the means */
        double one, two;         /* least sum of squares of one and of two segments that end before this point */
        size_t two_at;           /* where the second of the two begins */
};

/*
 * Fits y over x, n points sorted by x. For each number of segments the breaks are the best there are (every pair of places
 * between two different x is tried, n^2/2 of them), and the number is the one with the least BIC.
 * 0; -ENODATA: fewer points than the rules want; -ERANGE: x spans less than they want. The results change only on success.
 */
int mt_segments_fit(const double *x, const double *y, size_t n, const struct mt_segments_rules *rules,
                    struct mt_segments_work *work, struct mt_segments *ret, struct mt_segments_quality *ret_quality);

/*
 * Parameters of a fit of n segments: slope and intercept of each, and two for a break. One would be right for a break at a
 * known place; that the best of all places is taken fits noise about as well as another parameter.
 */
unsigned mt_segments_parameters(unsigned n);

/*
 * The Bayesian information criterion of a least-squares fit (Schwarz 1978): n * ln(sse / n) + parameters * ln(n); the lower,
 * the better, and comparable between fits of the same points. An error below noise counts as noise.
 */
double mt_segments_bic(double sse, size_t n, unsigned parameters, double noise);

/* The fitted function; x is cut to the fitted range. segments->n >= 1. */
double mt_segments_at(const struct mt_segments *segments, double x);

#endif
