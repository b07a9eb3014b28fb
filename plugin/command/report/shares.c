/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How blackouts lie against their limits: bars left and right of a line. */
#include "cleanup.h"
#include "command/report/picture.h"
#include "command/report/place.h"

#include <inttypes.h>
#include <math.h>

#define WIDTH 500u
#define HEIGHT 306u

static const struct mt_picture_box box = { WIDTH, HEIGHT, 64.0, 490.0, 12.0, 250.0 };

static uint64_t most_in_a_bin(const struct mt_histogram *histogram)
{
        uint64_t most = 1;

        for (size_t i = 0; i < MT_HISTOGRAM_BINS; i++)
                most = histogram->count[i] > most ? histogram->count[i] : most;
        return most;
}

static void set_axes(const struct mt_report_sums *sums, double top, struct mt_plot *plot)
{
        const double all = (double)(sums->held + sums->broken);

        mt_plot(plot, "set xrange [0:2.1]\nset yrange [0:%.6g]\nset ytics %.6g\nset grid noxtics\n", top,
                fmax(mt_place_step(top, 5), 1.0));
        mt_plot(plot, "set xtics ('0' 0, '25 %%%%' 0.25, '50 %%%%' 0.5, '75 %%%%' 0.75, '100 %%%%' 1, '125 %%%%' 1.25, '150 "
                      "%%%%' 1.5, "
                      "'175 %%%%' 1.75, 'more' 2.05)\n");
        mt_picture_place(plot, &box);
        mt_picture_titles(plot, &box, "blackout, as share of its limit", "migrations");
        mt_plot(plot, "set arrow 1 from 1,0 to 1,%.6g nohead front lw 2 lc rgb '" MT_SVG_INK "'\n", top);
        mt_plot(plot, "set label 1 'held: %" PRIu64 " (%.0f %%)' at 0.97,%.6g right\n", sums->held,
                100.0 * (double)sums->held / all, 0.94 * top);
        mt_plot(plot, "set label 2 'limit' at 0.97,%.6g right tc rgb '" MT_SVG_FAINT "'\n", 0.86 * top);
        mt_plot(plot, "set label 3 'not held: %" PRIu64 " (%.0f %%)' at 1.03,%.6g left\n", sums->broken,
                100.0 * (double)sums->broken / all, 0.94 * top);
}

static void write_bins(const struct mt_histogram *histogram, size_t from, size_t until, const char *name,
                       struct mt_plot *plot)
{
        mt_plot(plot, "$%s << EOD\n", name);
        for (size_t i = from; i < until; i++)
                mt_plot(plot, "%.3f %" PRIu64 "\n", ((double)i + 0.5) * MT_HISTOGRAM_WIDTH, histogram->count[i]);
        mt_plot(plot, "EOD\n");
}

int mt_report_shares(const struct mt_host_ops *host, FILE *out, const struct mt_report_sums *sums, struct mt_err *err)
{
        MT_CLEANUP(mt_plot_done) struct mt_plot plot = { .host = NULL };
        char text[256];
        const struct mt_svg_label label = { .id = "limits", .title = "Blackouts against their limits", .description = text };
        const int r = mt_picture_begin(&plot, host, WIDTH, HEIGHT, err);

        if (r < 0)
                return r;
        set_axes(sums, (double)most_in_a_bin(&sums->shares) * 1.35, &plot);
        write_bins(&sums->shares, 0, MT_HISTOGRAM_LIMIT, "held", &plot);
        write_bins(&sums->shares, MT_HISTOGRAM_LIMIT, MT_HISTOGRAM_BINS, "broken", &plot);
        mt_plot(&plot,
                "set boxwidth %.3f\nplot $held with boxes lc rgb '" MT_SVG_BLUE "', $broken with boxes lc rgb '" MT_SVG_HATCH
                "'",
                0.86 * MT_HISTOGRAM_WIDTH);
        mt_plot(&plot, ", $held using 1:2:($2 > 0 ? sprintf('%%.0f', $2) : '') with labels offset 0,0.5 font ',11', "
                       "$broken using 1:2:($2 > 0 ? sprintf('%%.0f', $2) : '') with labels offset 0,0.5 font ',11'\n");
        (void)snprintf(text, sizeof(text),
                       "Histogram of %" PRIu64 " completed migrations: in %" PRIu64
                       " the blackout stayed within its limit, in %" PRIu64 " it did not.",
                       sums->shares.n, sums->held, sums->broken);
        return mt_picture_finish(&plot, out, &label, err);
}
