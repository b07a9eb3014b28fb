/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * With sums of x, y, x^2, xy and y^2 over all points before each one, the sum of squared residuals of the best line through
 * any run of points takes a dozen operations. The sums are about the means, so that they do not lose the residuals in
 * the points' distance from zero. Two segments: the best of n places for the break. Three: for each place of the second
 * break the best two segments before it, n^2/2 tries. The figures that are reported are then computed anew from the points.
 */
#include "segments.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

struct fitting {
        const double *x, *y;
        size_t n;
        double mean_x, mean_y;
        const struct mt_segments_rules *rules;
        struct mt_segments_work *work;
};

/* A line through a run of points, and how well. */
struct line {
        double slope, intercept, sse;
};

static void sum_up(struct fitting *f)
{
        struct mt_segments_work *sum = f->work;

        f->mean_x = f->mean_y = 0.0;
        for (size_t i = 0; i < f->n; i++) {
                f->mean_x += f->x[i] / (double)f->n;
                f->mean_y += f->y[i] / (double)f->n;
        }
        sum[0] = (struct mt_segments_work){ .x = 0.0 };
        for (size_t i = 0; i < f->n; i++) {
                const double x = f->x[i] - f->mean_x;
                const double y = f->y[i] - f->mean_y;

                sum[i + 1] = (struct mt_segments_work){ .x = sum[i].x + x,
                                                        .y = sum[i].y + y,
                                                        .xx = sum[i].xx + x * x,
                                                        .xy = sum[i].xy + x * y,
                                                        .yy = sum[i].yy + y * y };
        }
}

/* May a segment be made of the points from..to-1? Points of the same x stay together. */
static bool may_be_segment(const struct fitting *f, size_t from, size_t to)
{
        return to - from >= f->rules->segment_points && f->x[to - 1] - f->x[from] >= f->rules->segment_spread &&
               (from == 0 || f->x[from - 1] < f->x[from]) && (to == f->n || f->x[to - 1] < f->x[to]);
}

/* The line of least squares through the points from..to-1, which may be a segment. */
static struct line line_through(const struct fitting *f, size_t from, size_t to)
{
        const struct mt_segments_work *a = &f->work[from], *b = &f->work[to];
        const double n = (double)(to - from);
        const double x = (b->x - a->x) / n, y = (b->y - a->y) / n;
        const double xx = b->xx - a->xx - n * x * x;
        const double xy = b->xy - a->xy - n * x * y;
        const double yy = b->yy - a->yy - n * y * y;
        struct line line = { .slope = xx > 0.0 ? xy / xx : 0.0 };

        line.intercept = y + f->mean_y - line.slope * (x + f->mean_x);
        line.sse = fmax(yy - line.slope * xy, 0.0);
        return line;
}

static double sse_of(const struct fitting *f, size_t from, size_t to)
{
        return may_be_segment(f, from, to) ? line_through(f, from, to).sse : (double)INFINITY;
}

/* Fills in the best one and two segments of the points before each `to`. */
static void best_beginnings(const struct fitting *f)
{
        const size_t least = f->rules->segment_points;

        for (size_t to = 0; to <= f->n; to++) {
                struct mt_segments_work *best = &f->work[to];

                best->one = to >= least ? sse_of(f, 0, to) : (double)INFINITY;
                best->two = (double)INFINITY;
                for (size_t at = least; at + least <= to; at++) {
                        const double first = f->work[at].one;
                        const double sse = first < best->two ? first + sse_of(f, at, to) : first; /* else it cannot help */

                        if (sse < best->two) {
                                best->two = sse;
                                best->two_at = at;
                        }
                }
        }
}

/*
 * Where a break lies between two neighbouring points: where the lines cross, if that is between them (then the function
 * has no jump), else in the middle.
 */
static double break_between(const struct line *left, const struct line *right, double a, double b)
{
        const double crossing = (right->intercept - left->intercept) / (left->slope - right->slope);
        const double middle = a + (b - a) / 2.0;

        if (crossing >= a && crossing < b) /* false for parallel lines */
                return crossing;
        return middle < b ? middle : a;
}

/* The function with segments that begin at the points start[0..n-1], start[0] = 0. */
static struct mt_segments make(const struct fitting *f, unsigned n, const size_t *start)
{
        struct mt_segments made = { .n = n, .from = f->x[0] };
        struct line line[MT_MAX_SEGMENTS];

        for (unsigned k = 0; k < n; k++) {
                line[k] = line_through(f, start[k], k + 1 < n ? start[k + 1] : f->n);
                made.segment[k] = (struct mt_segment){ .until = f->x[f->n - 1],
                                                       .slope = line[k].slope,
                                                       .intercept = line[k].intercept };
        }
        for (unsigned k = 0; k + 1 < n; k++)
                made.segment[k].until = break_between(&line[k], &line[k + 1], f->x[start[k + 1] - 1], f->x[start[k + 1]]);
        return made;
}

static struct mt_segments_quality judge(const struct fitting *f, const struct mt_segments *segments)
{
        const unsigned parameters = mt_segments_parameters(segments->n);
        const double total = f->work[f->n].yy;
        const double rounding = DBL_EPSILON * (double)f->n * f->mean_y * f->mean_y;
        double sse = 0.0;

        for (size_t i = 0; i < f->n; i++) {
                const double off = f->y[i] - mt_segments_at(segments, f->x[i]);

                sse += off * off;
        }
        return (struct mt_segments_quality){
                .points = f->n,
                .r2 = total > rounding ? fmax(1.0 - sse / total, 0.0) : 0.0,
                .rmse = sqrt(sse / (double)f->n),
                .spread = f->n > parameters ? sqrt(sse / (double)(f->n - parameters)) : 0.0,
                .bic = mt_segments_bic(sse, f->n, parameters, f->rules->noise),
        };
}

/* Takes the candidate if it is better than what there is. */
static void consider(const struct fitting *f, unsigned n, const size_t *start, struct mt_segments *best,
                     struct mt_segments_quality *best_quality)
{
        const struct mt_segments candidate = make(f, n, start);
        const struct mt_segments_quality quality = judge(f, &candidate);

        if (best->n > 0 && !(quality.bic < best_quality->bic))
                return;
        *best = candidate;
        *best_quality = quality;
}

int mt_segments_fit(const double *x, const double *y, size_t n, const struct mt_segments_rules *rules,
                    struct mt_segments_work *work, struct mt_segments *ret, struct mt_segments_quality *ret_quality)
{
        struct fitting f = { .x = x, .y = y, .n = n, .rules = rules, .work = work };
        struct mt_segments best = { .n = 0 };
        struct mt_segments_quality quality = { .points = 0 };
        size_t start[MT_MAX_SEGMENTS] = { 0 };
        double least = (double)INFINITY;

        if (n < rules->points || n < 2)
                return -ENODATA;
        if (x[n - 1] - x[0] < rules->spread || !(x[n - 1] > x[0]))
                return -ERANGE;
        sum_up(&f);
        consider(&f, 1, start, &best, &quality);
        best_beginnings(&f);
        if (isfinite(work[n].two)) {
                start[1] = work[n].two_at;
                consider(&f, 2, start, &best, &quality);
        }
        for (size_t at = 2 * rules->segment_points; at + rules->segment_points <= n; at++) {
                const double sse = work[at].two + sse_of(&f, at, n);

                if (sse < least) {
                        least = sse;
                        start[1] = work[at].two_at;
                        start[2] = at;
                }
        }
        if (isfinite(least))
                consider(&f, 3, start, &best, &quality);
        *ret = best;
        *ret_quality = quality;
        return 0;
}

unsigned mt_segments_parameters(unsigned n)
{
        return 2 * n + 2 * (n - 1);
}

double mt_segments_bic(double sse, size_t n, unsigned parameters, double noise)
{
        return (double)n * log(fmax(sse / (double)n, noise * noise)) + (double)parameters * log((double)n);
}

double mt_segments_at(const struct mt_segments *segments, double x)
{
        const struct mt_segment *segment = segments->segment;
        const double at = fmin(fmax(x, segments->from), segments->segment[segments->n - 1].until);

        while (at > segment->until)
                segment++;
        return segment->slope * at + segment->intercept;
}
