/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Piecewise fits: against every partition there is, and on functions whose segments are known. */
#include "array.h"
#include "model/segments.h"
#include "noise.h"
#include "table.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MANY 600

static const struct mt_segments_rules loose = {
        .points = 4, .segment_points = 2, .spread = 1e-9, .segment_spread = 1e-9, .noise = 1e-6
};
static const struct mt_segments_rules usual = {
        .points = 12, .segment_points = 6, .spread = 100.0, .segment_spread = 25.0, .noise = 1.0
};

static double x[MANY], y[MANY];
static struct mt_segments_work work[MANY + 1];
static uint64_t seed;

/* Squares about the line of least squares through the points from..to-1, two passes, nothing clever. */
static double sse_of_run(size_t from, size_t to)
{
        double mx = 0.0, my = 0.0, xx = 0.0, xy = 0.0, sse = 0.0, slope;

        for (size_t i = from; i < to; i++) {
                mx += x[i] / (double)(to - from);
                my += y[i] / (double)(to - from);
        }
        for (size_t i = from; i < to; i++) {
                xx += (x[i] - mx) * (x[i] - mx);
                xy += (x[i] - mx) * (y[i] - my);
        }
        slope = xx > 0.0 ? xy / xx : 0.0;
        for (size_t i = from; i < to; i++) {
                const double off = y[i] - my - slope * (x[i] - mx);

                sse += off * off;
        }
        return sse;
}

static bool may_be(size_t from, size_t to, size_t n, const struct mt_segments_rules *rules)
{
        return to >= from + rules->segment_points && x[to - 1] - x[from] >= rules->segment_spread &&
               (from == 0 || x[from - 1] < x[from]) && (to == n || x[to - 1] < x[to]);
}

/* The least sum of squares of `left` segments over the points from..n-1, by trying all. */
static double least_sse(size_t from, size_t n, unsigned left, const struct mt_segments_rules *rules)
{
        double best = (double)INFINITY;

        if (left == 1)
                return may_be(from, n, n, rules) ? sse_of_run(from, n) : best;
        for (size_t to = from + 1; to < n; to++)
                if (may_be(from, to, n, rules))
                        best = fmin(best, sse_of_run(from, to) + least_sse(to, n, left - 1, rules));
        return best;
}

static void test_against_brute_force(void **state)
{
        unsigned of[MT_MAX_SEGMENTS + 1] = { 0 };

        (void)state;
        seed = 11;
        for (unsigned round = 0; round < 300; round++) {
                const size_t n = 6 + (size_t)(noise_uniform(&seed) * 18.0);
                const double jump = noise_uniform(&seed) < 0.7 ? 30.0 * noise_uniform(&seed) : 0.0,
                             turn = 10.0 * noise_uniform(&seed);
                struct mt_segments fit = { .n = 0 };
                struct mt_segments_quality quality;
                double best = (double)INFINITY;
                unsigned segments = 0;

                for (size_t i = 0; i < n; i++) { /* some x are equal */
                        x[i] = (i > 0 ? x[i - 1] : 0.0) + (noise_uniform(&seed) < 0.2 ? 0.0 : noise_uniform(&seed));
                        y[i] = 1e3 + (i > n / 3 ? jump : 0.0) + turn * fabs(x[i] - 4.0) + noise_normal(&seed);
                }
                if (!(x[n - 1] > x[0]))
                        continue;
                assert_int_equal(mt_segments_fit(x, y, n, &loose, work, &fit, &quality), 0);
                for (unsigned k = 1; k <= MT_MAX_SEGMENTS; k++) {
                        const double sse = least_sse(0, n, k, &loose);
                        const double bic = mt_segments_bic(sse, n, mt_segments_parameters(k), loose.noise);

                        if (isfinite(sse) && bic < best - 1e-9) {
                                best = bic;
                                segments = k;
                        }
                }
                assert_int_equal(fit.n, segments);
                if (fabs(quality.bic - best) > 1e-6)
                        fail_msg("round %u, %zu points: BIC %.9f, by trying all %.9f", round, n, quality.bic, best);
                of[fit.n]++;
        }
        for (unsigned k = 1; k <= MT_MAX_SEGMENTS; k++) /* else it proved little */
                assert_true(of[k] > 10);
}

/* True functions: slopes and intercepts as in the thesis; what must come out, from points with noise. */
static const struct known_case {
        const char *name;
        unsigned n;
        struct mt_segment segment[MT_MAX_SEGMENTS];
        double noise;
} known[] = {
        { "one flat", 1, { { 1000, 0.0002, 903.47 } }, 10.0 },
        { "one steep", 1, { { 1000, -0.7, 903.47 } }, 10.0 },
        { "two that meet", 2, { { 480, -0.91, 906.8 }, { 1000, 0.0, 470.0 } }, 10.0 },
        { "two with a jump up", 2, { { 476, -0.90, 897.66 }, { 1000, -0.01, 520.0 } }, 10.0 },
        { "three", 3, { { 150, -0.05, 905.0 }, { 500, -1.2, 1077.5 }, { 1000, -0.05, 502.5 } }, 5.0 },
        { "no noise at all", 3, { { 150, -0.05, 905.0 }, { 500, -1.2, 1077.5 }, { 1000, -0.05, 502.5 } }, 0.0 },
};

static double value(const struct known_case *c, double at)
{
        unsigned k = 0;

        while (at > c->segment[k].until)
                k++;
        return c->segment[k].slope * at + c->segment[k].intercept;
}

static void test_known(void **state)
{
        const struct known_case *c = *state;
        const size_t n = 300;
        struct mt_segments fit;
        struct mt_segments_quality quality;

        seed = 5;
        for (size_t i = 0; i < n; i++) {
                x[i] = (double)i * 1000.0 / (double)n;
                y[i] = value(c, x[i]) + c->noise * noise_normal(&seed);
        }
        assert_int_equal(mt_segments_fit(x, y, n, &usual, work, &fit, &quality), 0);
        assert_int_equal(fit.n, c->n);
        assert_true(fit.from == x[0] && fit.segment[fit.n - 1].until == x[n - 1]);
        for (unsigned k = 0; k + 1 < fit.n; k++)
                assert_true(fabs(fit.segment[k].until - c->segment[k].until) < 25.0);
        for (unsigned k = 0; k < fit.n; k++)
                assert_true(fabs(fit.segment[k].slope - c->segment[k].slope) < 0.01 * c->noise + 1e-6);
        for (double at = 0.0; at <= x[n - 1]; at += 10.0)
                if (fabs(at - c->segment[0].until) > 25.0 && fabs(at - c->segment[1].until) > 25.0)
                        assert_true(fabs(mt_segments_at(&fit, at) - value(c, at)) < 0.5 * c->noise + 1e-6);
        assert_true(fabs(quality.rmse - c->noise) <= 0.1 * c->noise + 1e-6);
        assert_true(quality.spread >= quality.rmse && quality.spread < 1.05 * quality.rmse + 1e-9);
        assert_true(quality.points == n && quality.r2 >= 0.0 && quality.r2 <= 1.0);
        if (c->segment[0].slope < -0.5)
                assert_true(quality.r2 > 0.98);
}

/* Noise alone is one segment, nearly always: the number of segments is not a matter of luck. */
static void test_noise_makes_no_segments(void **state)
{
        unsigned more = 0;

        (void)state;
        seed = 3;
        for (unsigned round = 0; round < 100; round++) {
                struct mt_segments fit;
                struct mt_segments_quality quality;

                for (size_t i = 0; i < 60; i++) {
                        x[i] = (double)i * 16.0;
                        y[i] = 900.0 + 30.0 * noise_normal(&seed);
                }
                assert_int_equal(mt_segments_fit(x, y, 60, &usual, work, &fit, &quality), 0);
                more += fit.n > 1 ? 1 : 0;
        }
        assert_true(more <= 5);
}

/* Few points, x as far apart as told; what must come out. */
static const struct refused_case {
        const char *name;
        size_t n;
        double step;
        int want;
} refused[] = {
        { "none", 0, 10.0, -ENODATA },          { "one too few", 11, 50.0, -ENODATA },       { "just enough", 12, 10.0, 0 },
        { "all the same x", 12, 0.0, -ERANGE }, { "x spread too little", 12, 9.0, -ERANGE },
};

static void test_refused(void **state)
{
        const struct refused_case *c = *state;
        struct mt_segments fit = { .n = 7 };
        struct mt_segments_quality quality = { .points = 7 };

        for (size_t i = 0; i < c->n; i++) {
                x[i] = (double)i * c->step;
                y[i] = 500.0;
        }
        assert_int_equal(mt_segments_fit(x, y, c->n, &usual, work, &fit, &quality), c->want);
        if (c->want < 0)
                assert_true(fit.n == 7 && quality.points == 7); /* untouched */
        else
                assert_true(fit.n == 1 && quality.r2 == 0.0 &&
                            quality.rmse < 1e-9); /* y does not vary: nothing to explain */
}

static void test_each_segment_keeps_the_rules(void **state)
{
        struct mt_segments fit;
        struct mt_segments_quality quality;

        (void)state;
        for (size_t i = 0; i < 100; i++) { /* a step after 4 points, which are too few for a segment */
                x[i] = (double)i * 10.0;
                y[i] = i < 4 ? 900.0 : 100.0;
        }
        assert_int_equal(mt_segments_fit(x, y, 100, &usual, work, &fit, &quality), 0);
        for (unsigned k = 0; k < fit.n; k++) {
                const double from = k == 0 ? -1.0 : fit.segment[k - 1].until;
                size_t points = 0;

                for (size_t i = 0; i < 100; i++)
                        points += x[i] > from && x[i] <= fit.segment[k].until ? 1 : 0;
                assert_true(points >= usual.segment_points);
        }
}

/* A break belongs to the left; beyond the fitted range the ends hold. */
static void test_at(void **state)
{
        static const struct mt_segments segments = { .n = 2,
                                                     .from = 100.0,
                                                     .segment = { { 200.0, 1.0, 0.0 }, { 300.0, 0.0, 50.0 } } };
        static const struct {
                double at, want;
        } rows[] = { { -5.0, 100.0 },   { 100.0, 100.0 }, { 150.0, 150.0 }, { 200.0, 200.0 },
                     { 200.001, 50.0 }, { 300.0, 50.0 },  { 1e9, 50.0 } };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++)
                assert_true(mt_segments_at(&segments, rows[i].at) == rows[i].want);
}

static void test_bic(void **state)
{
        (void)state;
        assert_true(mt_segments_parameters(1) == 2 && mt_segments_parameters(2) == 6 && mt_segments_parameters(3) == 10);
        /* 100 ln(400/100) + 2 ln(100) */
        assert_true(fabs(mt_segments_bic(400.0, 100, 2, 0.1) - 147.83977649) < 1e-6);
        /* an error below the noise counts as noise: no parameter pays there */
        assert_true(mt_segments_bic(1e-9, 100, 2, 1.0) < mt_segments_bic(0.0, 100, 3, 1.0));
        assert_true(isfinite(mt_segments_bic(0.0, 100, 2, 1.0)));
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_against_brute_force),
                cmocka_unit_test(test_noise_makes_no_segments),
                cmocka_unit_test(test_each_segment_keeps_the_rules),
                cmocka_unit_test(test_at),
                cmocka_unit_test(test_bic),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(known) + MT_ARRAY_SIZE(refused) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, known, test_known);
        ADD_ROWS(tests, n, refused, test_refused);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("segments", tests, n, NULL, NULL);
}
