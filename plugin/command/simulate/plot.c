/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "array.h"
#include "command/simulate/show.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define LOG_FROM 20.0 /* a logarithmic axis where the greatest is as many times the least */

/* The paper's Figs. 7 to 10. */
static const struct panel {
        enum mt_sim_metric metric;
        const char *title, *axis;
        double scale;       /* from the metric to the axis */
        const char *format; /* of the numbers over the bars */
} panels[] = {
        { MT_SIM_BANDWIDTH, "Bandwidth", "Mbit/s", 1.0, "%.0f" },
        { MT_SIM_ITERATIONS, "Iterations", "pre-copy rounds", 1.0, "%.1f" },
        { MT_SIM_DURATION, "Migration duration", "s", 1.0, "%.0f" },
        { MT_SIM_RESERVED_HOPS, "Resource consumption (bandwidth × duration × hops)", "Gbit", 1e-3, "%.0f" },
};

static double value(const struct mt_simulation *simulation, unsigned law, unsigned strategy, const struct panel *panel)
{
        const struct mt_simulated *cell = &simulation->cells[law * simulation->options->n_strategies + strategy];

        return cell->mean[panel->metric] * panel->scale;
}

/* A block of data, one line a law: its name, then the strategies. */
static void write_data(const struct mt_simulation *simulation, const struct panel *panel, struct mt_plot *plot)
{
        const struct mt_simulate_options *options = simulation->options;

        mt_plot(plot, "$data << EOD\n");
        for (unsigned law = 0; law < options->n_laws; law++) {
                mt_plot(plot, "%s", mt_sim_law_name((enum mt_sim_law)options->laws[law]));
                for (unsigned strategy = 0; strategy < options->n_strategies; strategy++) {
                        const double number = value(simulation, law, strategy, panel);

                        if (isfinite(number))
                                mt_plot(plot, " %.9g", number);
                        else
                                mt_plot(plot, " ?");
                }
                mt_plot(plot, "\n");
        }
        mt_plot(plot, "EOD\n");
}

/* The axis begins at 0 or, where it is logarithmic, at a power of ten below the least bar; room for the numbers on top. */
static void set_axis(const struct mt_simulation *simulation, const struct panel *panel, struct mt_plot *plot)
{
        const struct mt_simulate_options *options = simulation->options;
        double least = INFINITY, most = 0.0;

        for (unsigned law = 0; law < options->n_laws; law++)
                for (unsigned strategy = 0; strategy < options->n_strategies; strategy++) {
                        const double number = value(simulation, law, strategy, panel);

                        if (isfinite(number)) {
                                least = fmin(least, number);
                                most = fmax(most, number);
                        }
                }
        mt_plot(plot, "set title '%s'\n", panel->title);
        if (least > 0.0 && most >= LOG_FROM * least)
                mt_plot(plot, "set logscale y\nset format y '10^{%%L}'\nset ylabel '%s (logarithmic)'\nset yrange [%g:%g]\n",
                        panel->axis, pow(10.0, floor(log10(0.9 * least))), most * pow(most / least, 0.15));
        else
                mt_plot(plot, "unset logscale y\nset format y '%%g'\nset ylabel '%s'\nset yrange [0:%g]\n", panel->axis,
                        most > 0.0 ? 1.15 * most : 1.0);
}

/* Bars stand side by side around each law's place, their numbers above them. */
static void draw_panel(const struct mt_simulation *simulation, const struct panel *panel, struct mt_plot *plot)
{
        const unsigned n = simulation->options->n_strategies;
        const double width = 1.0 / (n + 1.0);

        write_data(simulation, panel, plot);
        set_axis(simulation, panel, plot);
        mt_plot(plot, "set boxwidth %.6f\nplot ", 0.92 * width);
        for (unsigned i = 0; i < n; i++) {
                const double offset = (i + 1.0) * width - 0.5;

                mt_plot(plot, "$data using ($0%+.6f):%u with boxes lt %u, ", offset, i + 2, i + 1);
                mt_plot(plot,
                        "$data using ($0%+.6f):%u:(sprintf('%s',$%u)) with labels offset 0,0.5 font ',%u' tc rgb "
                        "'#333333', ",
                        offset, i + 2, panel->format, i + 2, n <= 4 ? 9 : 7);
        }
        mt_plot(plot, "$data using 0:(NaN):xtic(1)\n");
}

/* One legend for all panels, in one row: gnuplot's own would be as narrow as a panel. */
static void write_legend(const struct mt_simulation *simulation, struct mt_plot *plot)
{
        const unsigned n = simulation->options->n_strategies;
        const double width = 0.14;

        for (unsigned i = 0; i < n; i++) {
                const double left = 0.5 + (i - 0.5 * n) * width;

                mt_plot(plot,
                        "set object %u rectangle from screen %.4f,0.025 to screen %.4f,0.045 fc lt %u fs solid noborder\n",
                        i + 1, left, left + 0.015, i + 1);
                mt_plot(plot, "set label %u '%s' at screen %.4f,0.035 left noenhanced\n", i + 1,
                        mt_strategy_name((enum mt_strategy)simulation->options->strategies[i]), left + 0.02);
        }
}

/* The network's name as the title may show it: a file's may hold anything. */
static void write_title(const struct mt_simulation *simulation, struct mt_plot *plot)
{
        char name[MT_SIM_NAME];

        (void)snprintf(name, sizeof(name), "%s", simulation->network->name);
        for (char *c = name; *c != '\0'; c++)
                if ((unsigned char)*c < ' ' || (unsigned char)*c > '~' || *c == '\'' || *c == '\\')
                        *c = '?';
        mt_plot(plot,
                "set multiplot layout 2,2 title '%s, %u datacenters: %" PRIu64 " requests at %.4g/s' font ',14' noenhanced "
                "margins 0.085,0.985,0.13,0.88 spacing 0.09,0.14\n",
                name, simulation->network->n_datacenters, simulation->options->requests,
                simulation->options->workload.arrivals_s);
}

void mt_simulate_plot(const struct mt_simulation *simulation, struct mt_plot *plot)
{
        write_title(simulation, plot);
        write_legend(simulation, plot);
        mt_plot(plot,
                "unset key\nset style fill solid noborder\nset datafile missing '?'\nset xrange [-0.5:%g]\n"
                "set xtics scale 0 font ',11'\n",
                simulation->options->n_laws - 0.5);
        for (size_t i = 0; i < MT_ARRAY_SIZE(panels); i++) {
                draw_panel(simulation, &panels[i], plot);
                mt_plot(plot, "unset object\nunset label\n"); /* the legend stands there by now */
        }
        mt_plot(plot, "unset multiplot\n");
}
