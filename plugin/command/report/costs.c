/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes saved: what the alternatives would have sent, beside what was sent. A bar each, to the right where more. */
#include "cleanup.h"
#include "command/report/picture.h"
#include "command/report/place.h"

#include <inttypes.h>
#include <math.h>

#define WIDTH 500u
#define ROW 26u
#define TOP 12u
#define BOTTOM 56u
#define LEFT 204.0
#define LEAST_SHARE 0.04 /* the axis reaches at least so far */
#define MOST_SHARE 2.0   /* and no further */

/* What one row shows; as shares of what was sent. */
struct row {
        const char *technique, *way;
        double more;
};

static size_t make_rows(const struct mt_report_sums *sums, struct row *rows)
{
        size_t n = 0;

        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned s = 0; s < MT_REPORT_WAYS; s++) {
                        const struct mt_report_cost *cost = &sums->cost[t][s];

                        if (cost->n > 0 && cost->actual_bytes > 0.0)
                                rows[n++] = (struct row){ mt_technique_name((enum mt_technique)t), mt_report_way_name(s),
                                                          cost->bytes / cost->actual_bytes - 1.0 };
                }
        return n;
}

static void set_axes(const struct row *rows, size_t n, unsigned height, struct mt_plot *plot)
{
        const struct mt_picture_box box = { WIDTH, height, LEFT, WIDTH - 16.0, TOP, height - BOTTOM };
        double least = -LEAST_SHARE, most = LEAST_SHARE, room;

        for (size_t i = 0; i < n; i++) {
                least = fmin(least, fmax(rows[i].more, -1.0));
                most = fmax(most, fmin(rows[i].more, MOST_SHARE));
        }
        room = 0.4 * (most - least);
        least = least < -LEAST_SHARE ? least - room : least;
        most += room;
        mt_plot(plot, "set xrange [%.6g:%.6g]\nset yrange [%zu:0]\nset xtics %.6g\nset format x '%%.0f %%%%'\n",
                100.0 * least, 100.0 * most, n, 100.0 * mt_place_step(most - least, 5));
        mt_plot(plot, "set border 1\nset grid noytics\n");
        mt_picture_place(plot, &box);
        mt_picture_titles(plot, &box, "more or less than what was sent", NULL);
        mt_plot(plot, "set arrow 1 from 0,0 to 0,%zu nohead front lw 2 lc rgb '" MT_SVG_INK "'\nset ytics scale 0 (", n);
        for (size_t i = 0; i < n; i++)
                mt_plot(plot, "%s'%s, %s' %.1f", i > 0 ? ", " : "", rows[i].technique, rows[i].way, (double)i + 0.5);
        mt_plot(plot, ")\n");
}

static void write_rows(const struct row *rows, size_t n, struct mt_plot *plot)
{
        for (unsigned less = 0; less < 2; less++) {
                mt_plot(plot, "$%s << EOD\n", less ? "less" : "more");
                for (size_t i = 0; i < n; i++)
                        if ((rows[i].more < 0.0) == (less == 1))
                                mt_plot(plot, "%.6g %.1f\n", 100.0 * fmin(rows[i].more, MOST_SHARE), (double)i + 0.5);
                mt_plot(plot, "NaN NaN\nEOD\n"); /* so that none is empty */
        }
        for (size_t i = 0; i < n; i++)
                mt_plot(plot, "set label %zu '%+.1f %%' at %.6g,%.1f %s offset %s,0\n", i + 1, 100.0 * rows[i].more,
                        100.0 * fmin(rows[i].more, MOST_SHARE), (double)i + 0.5, rows[i].more < 0.0 ? "right" : "left",
                        rows[i].more < 0.0 ? "-0.6" : "0.6");
}

int mt_report_costs(const struct mt_host_ops *host, FILE *out, const struct mt_report_sums *sums, struct mt_err *err)
{
        MT_CLEANUP(mt_plot_done) struct mt_plot plot = { .host = NULL };
        struct row rows[MT_TECHNIQUES * MT_REPORT_WAYS];
        const size_t n = make_rows(sums, rows);
        const unsigned height = TOP + BOTTOM + ROW * (unsigned)n;
        static const struct mt_svg_label label = {
                .id = "bytes",
                .title = "Bytes that the alternatives would have sent, beside what was sent",
                .description =
                        "Bars to the right: the alternative would have sent more. The table beside it has the numbers.",
        };
        int r = mt_picture_begin(&plot, host, WIDTH, height, err);

        if (r < 0)
                return r;
        set_axes(rows, n, height, &plot);
        write_rows(rows, n, &plot);
        mt_plot(&plot, "plot $more using ($1/2):2:($1/2):(0.3) with boxxyerror lc rgb '" MT_SVG_BLUE
                       "', $less using ($1/2):2:($1/2):(0.3) with boxxyerror lc rgb '" MT_SVG_HATCH "'\n");
        return mt_picture_finish(&plot, out, &label, err);
}
