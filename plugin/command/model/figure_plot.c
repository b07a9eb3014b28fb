/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "command/model/figure.h"
#include "command/plot.h"

#include <string.h>

#define WIDTH 600 /* of a panel */
#define HEIGHT 460
#define DIGITS 10

/* One block of data for all panels: x, then a column for each series; "-" where there is no value. */
static void write_data(struct mt_plot *plot, const struct mt_figure *figure)
{
        char text[32];
        double value;

        mt_plot(plot, "$data << EOD\n");
        for (unsigned point = 0; point <= (figure->x.rows - 1) * figure->x.finer; point++) {
                const double x = mt_figure_x(figure, (double)point / figure->x.finer);

                mt_plot(plot, "%s", mt_model_number_text(x, DIGITS, text, sizeof(text)));
                for (unsigned i = 0; i < MT_FIGURE_PANELS && figure->panels[i].y != NULL; i++)
                        for (const struct mt_figure_series *s = figure->panels[i].series; s->name != NULL; s++)
                                mt_plot(plot, " %s",
                                        figure->panels[i].value(s, x, &value)
                                                ? mt_model_number_text(value, DIGITS, text, sizeof(text))
                                                : "-");
                mt_plot(plot, "\n");
        }
        mt_plot(plot, "EOD\nset datafile missing '-'\n");
}

static void write_x(struct mt_plot *plot, const struct mt_figure_x *x)
{
        char low[32], high[32];

        mt_plot(plot, "set xlabel \"%s%s%s%s\"\nset xtics %s\n%s logscale x\nset xrange [%s:%s]\n", x->label,
                x->unit[0] != '\0' ? " (" : "", x->unit, x->unit[0] != '\0' ? ")" : "", x->tics, x->log ? "set" : "unset",
                mt_model_number_text(x->first, DIGITS, low, sizeof(low)),
                mt_model_number_text(x->last, DIGITS, high, sizeof(high)));
}

/* The panel whose first series is in that column of the data. Marks at every row, or at some when there are many. */
static void write_panel(struct mt_plot *plot, const struct mt_figure *figure, unsigned i, unsigned column)
{
        const struct mt_figure_panel *panel = &figure->panels[i];
        const unsigned every = figure->x.finer * (figure->x.rows > 40 ? 5 : figure->x.rows > 20 ? 2 : 1);

        mt_plot(plot, "%s\n",
                panel->log ? "set logscale y\nset yrange [*:*]\nunset offsets"
                           : "unset logscale y\nset yrange [0:*]\nset offsets 0, 0, graph 0.03, 0");
        mt_plot(plot, "set ylabel \"%s%s%s%s\"\n", panel->y, panel->unit[0] != '\0' ? " (" : "", panel->unit,
                panel->unit[0] != '\0' ? ")" : "");
        if (figure->panels[1].y != NULL)
                mt_plot(plot, "set title \"(%c)\"\n", i == 0 ? 'a' : 'b');
        for (unsigned s = 0; panel->series[s].name != NULL; s++)
                mt_plot(plot, "%s$data using 1:%u with linespoints ls %u pi %u title \"%s\"", s == 0 ? "plot " : ", \\\n  ",
                        column + s, s + 1, every, panel->series[s].name);
        mt_plot(plot, "\n");
}

static unsigned count_series(const struct mt_figure_panel *panel)
{
        unsigned n = 0;

        while (panel->series[n].name != NULL)
                n++;
        return n;
}

int mt_figure_plot(const struct mt_figure *figure, const struct mt_host_ops *host, const char *file, struct mt_err *err)
{
        MT_CLEANUP(mt_plot_done) struct mt_plot plot = { .host = NULL };
        const unsigned panels = figure->panels[1].y != NULL ? 2 : 1;
        int r = mt_plot_begin(&plot, host, file, panels * WIDTH, HEIGHT, err);

        if (r < 0)
                return r;
        write_data(&plot, figure);
        mt_plot(&plot, "set multiplot layout 1,%u title \"%s\" noenhanced\n", panels, figure->caption);
        mt_plot(&plot, "set key below center horizontal maxcols 3 samplen 3 spacing 1.2\nset bmargin 7\nset rmargin 4\nset "
                       "offsets 0, 0, graph 0.03, 0\n");
        write_x(&plot, &figure->x);
        for (unsigned i = 0, column = 2; i < panels; column += count_series(&figure->panels[i]), i++)
                write_panel(&plot, figure, i, column);
        mt_plot(&plot, "unset multiplot\n");
        return mt_plot_finish(&plot, err);
}
