/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/calibrate/show.h"

#include <stdbool.h>

/* Points of the picture. A panel is an axes' box with room around it. */
#define PANEL_WIDTH 410u
#define PANEL_HEIGHT 350u
#define LEAST_WIDTH 680u /* for the title and the key */
#define LEFT 90u         /* of all panels, for the axis's title */
#define BOTTOM 50u
#define TOP 75u        /* for title and key */
#define BOX_RIGHT 50u  /* beside a panel's box */
#define BOX_TOP 50u    /* above it, for its title */
#define BOX_BOTTOM 40u /* below it, for the numbers */

/* Colours of Okabe and Ito's palette: blue points, a vermilion fit, the built-in in black. */
#define POINT_COLOUR "#800072B2"
#define FIT_COLOUR "#D55E00"

#define MANY_POINTS 200 /* are drawn smaller */

static bool is_drawn(const struct mt_model_fit *fit)
{
        return fit->points >= MT_CALIBRATION_LEAST;
}

unsigned mt_calibrate_panels(const struct mt_calibrated *calibrated)
{
        unsigned n = 0;

        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned k = 0; k < MT_TRAFFIC_CLASSES; k++)
                        n += is_drawn(&calibrated->learnt.calibration.model[t][k]) ? 1 : 0;
        return n;
}

static unsigned columns(unsigned panels)
{
        return panels <= 3 ? panels : panels == 4 ? 2 : 3;
}

static unsigned rows(unsigned panels)
{
        return (panels + columns(panels) - 1) / columns(panels);
}

static unsigned panel_width(unsigned panels)
{
        return columns(panels) == 1 ? LEAST_WIDTH - LEFT : PANEL_WIDTH;
}

void mt_calibrate_plot_size(unsigned panels, unsigned *ret_width, unsigned *ret_height)
{
        *ret_width = LEFT + columns(panels) * panel_width(panels);
        *ret_height = TOP + rows(panels) * PANEL_HEIGHT + BOTTOM;
}

/* Ends of each segment, an empty line between two: a jump is no line. */
static void write_fit(const struct mt_segments *segments, struct mt_plot *plot)
{
        double from = segments->from;

        mt_plot(plot, "$fit << EOD\n");
        for (unsigned i = 0; i < segments->n; i++) {
                const struct mt_segment *segment = &segments->segment[i];

                mt_plot(plot, "%.6f %.6f\n%.6f %.6f\n\n", from, segment->slope * from + segment->intercept, segment->until,
                        segment->slope * segment->until + segment->intercept);
                from = segment->until;
        }
        mt_plot(plot, "EOD\n");
}

static void write_data(const struct mt_evidence_window *window, enum mt_technique technique, enum mt_traffic_class traffic,
                       const struct mt_model_fit *fit, struct mt_plot *plot)
{
        mt_plot(plot, "$points << EOD\n");
        for (size_t i = 0; i < window->n; i++)
                mt_plot(plot, "%.3f %.3f\n", window->entry[i].o.x[0], window->entry[i].o.y);
        mt_plot(plot, "EOD\n$builtin << EOD\n");
        for (unsigned x = 0; x <= 1000; x += 2)
                mt_plot(plot, "%u %.3f\n", x, mt_traffic_model(technique, traffic, x));
        mt_plot(plot, "EOD\n");
        if (fit->fitted)
                write_fit(&fit->segments, plot);
}

/* The box of the i-th of n panels; titles of the axes stand only at the left and at the bottom. */
static void place_panel(unsigned i, unsigned n, struct mt_plot *plot)
{
        const unsigned column = i % columns(n), row = i / columns(n);
        const unsigned left = LEFT + column * panel_width(n);
        unsigned width, height;

        mt_calibrate_plot_size(n, &width, &height);
        mt_plot(plot, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n", (double)left / width,
                (double)(left + panel_width(n) - BOX_RIGHT) / width);
        mt_plot(plot, "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
                1.0 - (double)(TOP + row * PANEL_HEIGHT + BOX_TOP) / height,
                1.0 - (double)(TOP + (row + 1) * PANEL_HEIGHT - BOX_BOTTOM) / height);
        mt_plot(plot, "set ylabel '%s'\n", column == 0 ? "got, Mbit/s on the wire" : "");
        mt_plot(plot, "set xlabel \"%s\"\n", i + columns(n) >= n ? "the VM's own traffic, Mbit/s" : "");
}

static void draw_panel(const struct mt_evidence_window *window, enum mt_technique technique, enum mt_traffic_class traffic,
                       const struct mt_model_fit *fit, struct mt_plot *plot)
{
        write_data(window, technique, traffic, fit, plot);
        mt_plot(plot, "set title \"{/:Bold %s, VM %s}, %zu migrations\\n{/*0.85 ", mt_technique_name(technique),
                mt_traffic_class_name(traffic), fit->points);
        if (fit->fitted)
                mt_plot(plot, "RMSE of the fit %.1f, of the built-in model %.1f Mbit/s}\"\n", fit->quality.rmse,
                        fit->builtin_rmse);
        else
                mt_plot(plot, "RMSE of the built-in model %.1f Mbit/s; x is spread over %.0f only}\"\n", fit->builtin_rmse,
                        fit->until - fit->from);
        mt_plot(plot,
                "plot $points using 1:2 with points pt 7 ps %s lc rgb '" POINT_COLOUR "' notitle, "
                "$builtin using 1:2 with lines lw 2 dt 2 lc rgb 'black' notitle",
                fit->points > MANY_POINTS ? "0.35" : "0.6");
        if (fit->fitted)
                mt_plot(plot, ", $fit using 1:2 with lines lw 3 dt %s lc rgb '" FIT_COLOUR "' notitle",
                        fit->good ? "1" : "(2,3)");
        mt_plot(plot, "\nunset label\nunset arrow\n"); /* the key stays with the first panel */
}

/* The key of all panels, on one line below the title. */
static void write_key(unsigned panels, struct mt_plot *plot)
{
        /* gnuplot's svg takes over the dashes of the line before where the colour is the same: the two fits stand apart */
        static const char *const line[] = { "lw 3 dt 1 lc rgb '" FIT_COLOUR "'", "lw 2 dt 2 lc rgb 'black'",
                                            "lw 3 dt (2,3) lc rgb '" FIT_COLOUR "'" };
        static const char *const text[] = { "fit", "built-in model", "fit that is not used" };
        static const unsigned at[] = { 140, 230, 400 };
        unsigned width, height;
        double y, left;

        mt_calibrate_plot_size(panels, &width, &height);
        y = 1.0 - 55.0 / height;
        left = (width - 600.0) / 2.0;
        mt_plot(plot, "set label 1 '' at screen %.5f,%.5f point pt 7 ps 0.6 lc rgb '" POINT_COLOUR "'\n",
                (left + 15.0) / width, y);
        mt_plot(plot, "set label 5 'migrations' at screen %.5f,%.5f left\n", (left + 25.0) / width, y);
        for (unsigned i = 0; i < 3; i++) {
                mt_plot(plot, "set arrow %u from screen %.5f,%.5f to screen %.5f,%.5f nohead %s\n", i + 1,
                        (left + at[i]) / width, y, (left + at[i] + 35.0) / width, y, line[i]);
                mt_plot(plot, "set label %u '%s' at screen %.5f,%.5f left\n", i + 2, text[i], (left + at[i] + 42.0) / width,
                        y);
        }
}

void mt_calibrate_plot(const struct mt_calibrated *calibrated, struct mt_plot *plot)
{
        const struct mt_learnt *learnt = &calibrated->learnt;
        const unsigned panels = mt_calibrate_panels(calibrated);
        unsigned drawn = 0;

        mt_plot(plot, "set multiplot title \"Bandwidth that migrations got beside their VM's own traffic, on a link of 1000 "
                      "Mbit/s\" font ',14'\n");
        mt_plot(plot, "set xrange [0:1000]\nset yrange [0:1000]\nset tics scale 0.5\n"
                      "set grid xtics ytics lc rgb '#dddddd' lw 1 lt 1 dt 1\nunset key\n");
        write_key(panels, plot);
        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned k = 0; k < MT_TRAFFIC_CLASSES; k++) {
                        const struct mt_model_fit *fit = &learnt->calibration.model[t][k];

                        if (!is_drawn(fit))
                                continue;
                        place_panel(drawn++, panels, plot);
                        draw_panel(&learnt->evidence.bandwidth[t][k], (enum mt_technique)t, (enum mt_traffic_class)k, fit,
                                   plot);
                }
        mt_plot(plot, "unset multiplot\n");
}
