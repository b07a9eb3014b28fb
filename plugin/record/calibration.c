/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/calibration.h"
#include "err.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A segment of a bandwidth model: the thesis's shortest has 35 Mbit/s. */
#define SEGMENT_POINTS 6
#define SEGMENT_SPREAD_MBPS 25.0
#define NOISE_MBPS 1.0 /* a migration's bandwidth is not known better */

#define SURE_MS 5.0       /* a standard error that does no harm */
#define SURE_PART 0.25    /* nor does one of this part of the value */
#define MOST_MS 10000.0   /* beyond this it is no delay but something else */
#define LEAST_GROWTH 0.25 /* seconds that a second's worth of bytes must cost */

static void MT_PRINTF(2, 3) refuse(char *why, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void)vsnprintf(why, sizeof(((struct mt_estimate *)NULL)->why), format, args);
        va_end(args);
}

struct point {
        double x, y;
};

static int by_x(const void *a, const void *b)
{
        const struct point *p = a, *q = b;

        return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->y > q->y) - (p->y < q->y);
}

/* Copies a window's points out, sorted; x and y have room for MT_EVIDENCE_WINDOW. */
static void sort_points(const struct mt_evidence_window *window, double *x, double *y)
{
        struct point point[MT_EVIDENCE_WINDOW];

        for (size_t i = 0; i < window->n; i++)
                point[i] = (struct point){ .x = window->entry[i].o.x[0], .y = window->entry[i].o.y };
        if (window->n > 0)
                qsort(point, window->n, sizeof(*point), by_x);
        for (size_t i = 0; i < window->n; i++) {
                x[i] = point[i].x;
                y[i] = point[i].y;
        }
}

static double builtin_sse(enum mt_technique technique, enum mt_traffic_class traffic, const double *x, const double *y,
                          size_t n)
{
        double sse = 0.0;

        for (size_t i = 0; i < n; i++) {
                const double off = y[i] - mt_traffic_model(technique, traffic, x[i]);

                sse += off * off;
        }
        return sse;
}

static void fit_model(const struct mt_evidence_window *window, enum mt_technique technique, enum mt_traffic_class traffic,
                      struct mt_model_fit *fit)
{
        static const struct mt_segments_rules rules = { .points = MT_CALIBRATION_LEAST,
                                                        .segment_points = SEGMENT_POINTS,
                                                        .spread = MT_CALIBRATION_SPREAD_MBPS,
                                                        .segment_spread = SEGMENT_SPREAD_MBPS,
                                                        .noise = NOISE_MBPS };
        struct mt_segments_work work[MT_EVIDENCE_WINDOW + 1];
        double x[MT_EVIDENCE_WINDOW], y[MT_EVIDENCE_WINDOW], sse;
        const size_t n = window->n;
        int r;

        *fit = (struct mt_model_fit){ .judged = true, .points = n };
        if (n == 0) {
                refuse(fit->why, "no migrations");
                return;
        }
        sort_points(window, x, y);
        fit->from = x[0];
        fit->until = x[n - 1];
        sse = builtin_sse(technique, traffic, x, y, n);
        fit->builtin_rmse = sqrt(sse / (double)n);
        r = mt_segments_fit(x, y, n, &rules, work, &fit->segments, &fit->quality);
        fit->fitted = r == 0;
        if (r == -ENODATA)
                refuse(fit->why, "%zu migration%s, %d needed", n, n == 1 ? "" : "s", MT_CALIBRATION_LEAST);
        else if (r < 0)
                refuse(fit->why, "its background is spread over %.0f Mbit/s, %.0f needed", fit->until - fit->from,
                       MT_CALIBRATION_SPREAD_MBPS);
        else if (fit->quality.rmse >= fit->builtin_rmse)
                refuse(fit->why, "%zu migrations, RMSE %.1f is not better than the built-in's %.1f", n, fit->quality.rmse,
                       fit->builtin_rmse);
        else if (!(fit->quality.bic < mt_segments_bic(sse, n, 0, NOISE_MBPS)))
                refuse(fit->why,
                       "%zu migrations, RMSE %.1f to the built-in's %.1f: no more than %u parameters gain by chance", n,
                       fit->quality.rmse, fit->builtin_rmse, mt_segments_parameters(fit->segments.n));
        else
                fit->good = true;
}

/* Takes coefficient `which` of a regression that has its growth with the bytes in `growth`, in ms, or says why not. */
static void judge(const struct mt_regression *regression, unsigned which, unsigned growth, struct mt_estimate *estimate)
{
        estimate->ms = regression->coefficient[which] * 1e3;
        estimate->error_ms = regression->error[which] * 1e3;
        if (regression->coefficient[growth] < LEAST_GROWTH ||
            regression->coefficient[growth] < 2.0 * regression->error[growth])
                refuse(estimate->why, "the time does not grow with the bytes as it should (%.2f +- %.2f s a second's worth)",
                       regression->coefficient[growth], regression->error[growth]);
        else if (estimate->ms <= 0.0)
                refuse(estimate->why, "not positive: %.1f +- %.1f ms", estimate->ms, estimate->error_ms);
        else if (estimate->ms > MOST_MS)
                refuse(estimate->why, "beyond belief: %.0f +- %.0f ms", estimate->ms, estimate->error_ms);
        else if (estimate->error_ms > fmax(SURE_MS, SURE_PART * estimate->ms))
                refuse(estimate->why, "too uncertain: %.1f +- %.1f ms", estimate->ms, estimate->error_ms);
        else
                estimate->good = true;
}

/* One kind's migrations. coefficients 2: t_g is the intercept; 3: tau is the last. */
static struct mt_estimate estimate_of(const struct mt_evidence_window *window, enum mt_evidence_kind kind,
                                      unsigned coefficients)
{
        struct mt_estimate estimate = { .judged = true, .migrations = window->n, .kind = kind };
        struct mt_observation o[MT_EVIDENCE_WINDOW];
        double work[MT_EVIDENCE_WINDOW];
        struct mt_regression regression;

        if (window->n < MT_CALIBRATION_LEAST) {
                refuse(estimate.why, "%zu migration%s that tell%s, %d needed", window->n, window->n == 1 ? "" : "s",
                       window->n == 1 ? "s" : "", MT_CALIBRATION_LEAST);
                return estimate;
        }
        for (size_t i = 0; i < window->n; i++)
                o[i] = window->entry[i].o;
        if (mt_regression_fit(o, window->n, coefficients, work, &regression) < 0) {
                refuse(estimate.why, "%zu migrations are too much alike to tell it from the copying", window->n);
                return estimate;
        }
        judge(&regression, coefficients == 2 ? 0 : 2, coefficients == 2 ? 1 : 0, &estimate);
        estimate.spread = coefficients == 2 ? regression.spread * 1e3 : regression.spread;
        return estimate;
}

/* The surer of both kinds; where neither is good, the one with more to go by. */
static struct mt_estimate surer(const struct mt_evidence_window windows[MT_EVIDENCE_KINDS], unsigned coefficients)
{
        const struct mt_estimate shaped = estimate_of(&windows[MT_EVIDENCE_SHAPED], MT_EVIDENCE_SHAPED, coefficients);
        const struct mt_estimate unlimited = estimate_of(&windows[MT_EVIDENCE_FREE], MT_EVIDENCE_FREE, coefficients);

        if (shaped.good != unlimited.good)
                return shaped.good ? shaped : unlimited;
        if (shaped.good)
                return shaped.error_ms <= unlimited.error_ms ? shaped : unlimited;
        return shaped.migrations >= unlimited.migrations ? shaped : unlimited;
}

/* Has anything changed in these windows? From now on nothing has. */
static bool take_changes(struct mt_evidence_window *windows, unsigned n)
{
        bool changed = false;

        for (unsigned i = 0; i < n; i++) {
                changed |= windows[i].changed;
                windows[i].changed = false;
        }
        return changed;
}

void mt_calibrate(struct mt_evidence *evidence, struct mt_calibration *calibration)
{
        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned c = 0; c < MT_TRAFFIC_CLASSES; c++)
                        if (take_changes(&evidence->bandwidth[t][c], 1) || !calibration->model[t][c].judged)
                                fit_model(&evidence->bandwidth[t][c], (enum mt_technique)t, (enum mt_traffic_class)c,
                                          &calibration->model[t][c]);
        if (take_changes(evidence->rounds, MT_EVIDENCE_KINDS) || !calibration->tau.judged)
                calibration->tau = surer(evidence->rounds, 3);
        if (take_changes(evidence->standstill, MT_EVIDENCE_KINDS) || !calibration->tg.judged)
                calibration->tg = surer(evidence->standstill, 2);
}

struct mt_traffic_models mt_calibration_models(const struct mt_calibration *calibration)
{
        struct mt_traffic_models models = { 0 };

        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned c = 0; c < MT_TRAFFIC_CLASSES; c++) {
                        const struct mt_model_fit *fit = &calibration->model[t][c];

                        if (!fit->good)
                                continue;
                        models.fit[t][c].migrations = (unsigned)fit->points;
                        models.fit[t][c].segments = fit->segments;
                }
        return models;
}

uint64_t mt_calibration_tau_ms(const struct mt_calibration *calibration)
{
        return (uint64_t)(calibration->tau.ms + 0.5);
}

uint64_t mt_calibration_tg_ms(const struct mt_calibration *calibration)
{
        return (uint64_t)(calibration->tg.ms + 0.5) + MT_ANNOUNCEMENT_MS;
}
