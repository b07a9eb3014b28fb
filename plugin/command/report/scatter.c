/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Predicted against actual. Both axes are logarithmic and the same, and the box is a square, so that the diagonal is where
 * predictions come true, and a parallel to it a factor.
 */
#include "array.h"
#include "cleanup.h"
#include "command/quantity.h"
#include "command/report/picture.h"
#include "command/report/place.h"

#include <math.h>

#define WIDTH 500u
#define HEIGHT 502u
#define LEGEND 18.0 /* its middle */
#define LEAST_MS 1.0f
#define TICKS 9

static const struct mt_picture_box box = { WIDTH, HEIGHT, 80.0, 484.0, 36.0, 440.0 }; /* a square */

/* How a technique is marked: by its form first, then by its colour. */
static const struct {
        const char *name;
        unsigned form;
        const char *colour;
} marks[MT_TECHNIQUES + 1] = {
        [MT_PRE_COPY] = { "pre-copy", 6, MT_SVG_BLUE },
        [MT_POST_COPY] = { "post-copy", 8, MT_SVG_VERMILION },
        [MT_HYBRID] = { "hybrid", 4, MT_SVG_GREEN },
        [MT_TECHNIQUES] = { "unknown", 2, MT_SVG_FAINT },
};

struct range {
        double from, until; /* ms */
};

static float predicted(const struct mt_report_pair *pair, bool blackout)
{
        return blackout ? pair->predicted_downtime_ms : pair->predicted_ms;
}

static float actual(const struct mt_report_pair *pair, bool blackout)
{
        return blackout ? pair->downtime_ms : pair->total_ms;
}

static bool is_drawn(const struct mt_report_pair *pair, bool blackout)
{
        return isfinite(predicted(pair, blackout)) && isfinite(actual(pair, blackout));
}

size_t mt_report_scattered(const struct mt_report_sums *sums, bool blackout)
{
        size_t n = 0;

        for (size_t i = 0; i < sums->drawn; i++)
                n += is_drawn(&sums->pair[i], blackout) ? 1 : 0;
        return n;
}

static struct range range_of(const struct mt_report_sums *sums, bool blackout)
{
        float least = INFINITY, most = LEAST_MS;

        for (size_t i = 0; i < sums->drawn; i++) {
                const struct mt_report_pair *pair = &sums->pair[i];

                if (!is_drawn(pair, blackout))
                        continue;
                least = fminf(least, fminf(predicted(pair, blackout), actual(pair, blackout)));
                most = fmaxf(most, fmaxf(predicted(pair, blackout), actual(pair, blackout)));
        }
        least = fmaxf(least, LEAST_MS);
        return (struct range){ (double)least / 1.5, fmax((double)most * 1.5, (double)least * 8.0) };
}

static void set_axes(const struct range *range, struct mt_plot *plot)
{
        struct mt_place_tick ticks[MT_PLACE_TICKS];
        const size_t n = mt_place_time_ticks(range->from, range->until, TICKS, ticks);

        mt_plot(plot, "set logscale xy\nset xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\n", range->from, range->until,
                range->from, range->until);
        mt_picture_place(plot, &box);
        mt_picture_titles(plot, &box, "predicted", "actual");
        for (unsigned axis = 0; axis < 2; axis++) {
                mt_plot(plot, "set %stics (", axis == 0 ? "x" : "y");
                for (size_t i = 0; i < n; i++)
                        mt_plot(plot, "%s'%s' %.0f", i > 0 ? ", " : "", ticks[i].label, ticks[i].ms);
                mt_plot(plot, ")\n");
        }
}

/* The diagonal and a factor of two at either side; each with its name along it. */
static void set_lines(const struct range *range, struct mt_plot *plot)
{
        static const struct {
                double factor;
                const char *name, *dashes;
        } lines[] = { { 2.0, "twice as long", "(6,4)" }, { 1.0, "as predicted", "1" }, { 0.5, "half", "(2,4)" } };
        const double decades = log10(range->until / range->from);

        for (size_t i = 0; i < MT_ARRAY_SIZE(lines); i++) {
                const double off = log10(lines[i].factor) / decades;
                const double from = fmax(0.0, -off), until = fmin(1.0, 1.0 - off);

                mt_plot(plot, "set arrow %zu from graph %.5f,%.5f to graph %.5f,%.5f nohead back lw 1 dt %s lc rgb '%s'\n",
                        i + 1, from, from + off, until, until + off, lines[i].dashes,
                        lines[i].factor == 1.0 ? MT_SVG_INK : MT_SVG_FAINT);
                mt_plot(plot,
                        "set label %zu '%s' at graph %.5f,%.5f right rotate by 45 font ',11' tc rgb '" MT_SVG_FAINT "'\n",
                        i + 1, lines[i].name, until - 0.035, until - 0.035 + off + 0.022);
        }
}

/* Marks with their names above the box, in one row. */
static void set_legend(const size_t *counts, struct mt_plot *plot)
{
        double x = box.left + 6.0;

        for (unsigned i = 0; i <= MT_TECHNIQUES; i++) {
                if (counts[i] == 0)
                        continue;
                mt_plot(plot,
                        "set label %u '%s (%zu)' at screen %.5f,%.5f left point pt %u ps 0.8 lc rgb '%s' offset 1.2,0\n",
                        i + 10, marks[i].name, counts[i], x / WIDTH, 1.0 - LEGEND / HEIGHT, marks[i].form, marks[i].colour);
                x += 136.0;
        }
}

/* A block of data for each technique. */
static void write_points(const struct mt_report_sums *sums, bool blackout, unsigned technique, struct mt_plot *plot)
{
        mt_plot(plot, "$points%u << EOD\n", technique);
        for (size_t i = 0; i < sums->drawn; i++) {
                const struct mt_report_pair *pair = &sums->pair[i];

                if (pair->technique == technique && is_drawn(pair, blackout))
                        mt_plot(plot, "%.6g %.6g\n", (double)fmaxf(predicted(pair, blackout), LEAST_MS),
                                (double)fmaxf(actual(pair, blackout), LEAST_MS));
        }
        mt_plot(plot, "EOD\n");
}

static void plot_all(const size_t *counts, size_t n, struct mt_plot *plot)
{
        const char *before = "plot ";

        for (unsigned i = 0; i <= MT_TECHNIQUES; i++) {
                if (counts[i] == 0)
                        continue;
                mt_plot(plot, "%s$points%u using 1:2 with points pt %u ps %s lc rgb '%s'", before, i, marks[i].form,
                        n > 300 ? "0.5" : "0.8", marks[i].colour);
                before = ", ";
        }
        mt_plot(plot, "\n");
}

static int finish(struct mt_plot *plot, FILE *out, const struct mt_report_sums *sums, bool blackout, struct mt_err *err)
{
        const double off = blackout ? mt_report_median_downtime(sums) : mt_report_median_time(sums) * 100.0;
        const size_t n = mt_report_scattered(sums, blackout);
        char text[256], quantity[MT_QUANTITY_SIZE], half[64] = "";
        const struct mt_svg_label label = { .id = blackout ? "blackouts" : "times",
                                            .title = blackout ? "Blackouts, predicted and actual"
                                                              : "Times, predicted and actual",
                                            .description = text };

        if (blackout)
                (void)mt_quantity_time(quantity, sizeof(quantity), off);
        else
                (void)snprintf(quantity, sizeof(quantity), "%.1f %%", off);
        if (isfinite(off))
                (void)snprintf(half, sizeof(half), " Half of them were predicted within %s.", quantity);
        (void)snprintf(text, sizeof(text), "Scatter plot of %zu migration%s, logarithmic axes.%s", n, n == 1 ? "" : "s",
                       half);
        return mt_picture_finish(plot, out, &label, err);
}

int mt_report_scatter(const struct mt_host_ops *host, FILE *out, const struct mt_report_sums *sums, bool blackout,
                      struct mt_err *err)
{
        MT_CLEANUP(mt_plot_done) struct mt_plot plot = { .host = NULL };
        const struct range range = range_of(sums, blackout);
        size_t counts[MT_TECHNIQUES + 1] = { 0 };
        const int r = mt_picture_begin(&plot, host, WIDTH, HEIGHT, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < sums->drawn; i++)
                if (is_drawn(&sums->pair[i], blackout))
                        counts[sums->pair[i].technique]++;
        set_axes(&range, &plot);
        set_lines(&range, &plot);
        set_legend(counts, &plot);
        for (unsigned i = 0; i <= MT_TECHNIQUES; i++)
                if (counts[i] > 0)
                        write_points(sums, blackout, i, &plot);
        plot_all(counts, mt_report_scattered(sums, blackout), &plot);
        return finish(&plot, out, sums, blackout, err);
}
