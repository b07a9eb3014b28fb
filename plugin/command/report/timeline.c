/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * One migration over its time, in two boxes that share that axis: rates above, what remained below. Lines differ in colour
 * and in dashes, and each has its name at its right end, where names are moved apart (place.h). Above the boxes stand the
 * numbers of the rounds where they began, between them what happened: the guest stopped or moved, the migration failed or
 * was cancelled.
 *
 *   y = 0    rounds
 *   RATES    +----------------------------+ carried
 *            |                            | planned
 *   MARKS    +----------------------------+
 *   LEFT_TOP +----------------------------+ remaining
 *   BOTTOM   +----------------------------+
 *            0    2    4    6    8   10    time, s
 */
#include "array.h"
#include "cleanup.h"
#include "command/quantity.h"
#include "command/report/picture.h"
#include "command/report/place.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define WIDTH 560.0
#define HEIGHT 344.0
#define LEFT 64.0
#define RIGHT 468.0
#define RATES_TOP 24.0
#define RATES_BOTTOM 168.0
#define REMAINING_TOP 196.0
#define REMAINING_BOTTOM 296.0
#define MARKS 182.0
#define NAME_APART 15.0
#define ROUND_APART 20.0
#define LINES_APART 7.0
#define ABOVE 2.0 /* the dirty rate may stretch the axis by so much; what is more leaves the box */

static const struct mt_picture_box rates_box = { WIDTH, HEIGHT, LEFT, RIGHT, RATES_TOP, RATES_BOTTOM };
static const struct mt_picture_box remaining_box = { WIDTH, HEIGHT, LEFT, RIGHT, REMAINING_TOP, REMAINING_BOTTOM };

/* A line of the upper box. */
static const struct line {
        const char *name, *style, *colour;
        size_t offset; /* in struct mt_course_sample */
} lines[] = {
        { "others", "lw 1.5 dt (9,4)", MT_SVG_GREEN, offsetof(struct mt_course_sample, others_mbps) },
        { "dirtied", "lw 1.5 dt (2,3)", MT_SVG_VERMILION, offsetof(struct mt_course_sample, dirtied_mbps) },
        { "planned", "lw 1.5 dt (6,3,2,3)", MT_SVG_INK, offsetof(struct mt_course_sample, planned_mbps) },
        { "carried", "lw 2.5 dt 1", MT_SVG_BLUE, offsetof(struct mt_course_sample, carried_mbps) },
};
#define LINES MT_ARRAY_SIZE(lines)
#define DIRTIED 1u

/* What a number is divided by to be shown, and the unit it then has. */
struct scale {
        double by;
        const char *unit;
};

struct timeline {
        const struct mt_course *course;
        struct scale time, rate, size;
        double rate_top, size_top; /* of the axes, scaled */
};

static struct scale scale_of(double most, const struct scale *scales, size_t n)
{
        size_t i = n - 1;

        while (i > 0 && most < 2.0 * scales[i].by)
                i--;
        return scales[i];
}

static double value_of(const struct mt_course_sample *sample, const struct line *line)
{
        double value;

        (void)memcpy(&value, (const char *)sample + line->offset, sizeof(value));
        return value;
}

static double most_of(const struct mt_course *course, const struct line *line)
{
        double most = 0.0;

        for (size_t i = 0; i < course->n; i++)
                most = fmax(most, value_of(&course->sample[i], line));
        return most;
}

/* The last known value; NAN: there is none. */
static double last_of(const struct mt_course *course, const struct line *line)
{
        double last = (double)NAN;

        for (size_t i = 0; i < course->n; i++)
                if (!isnan(value_of(&course->sample[i], line)))
                        last = value_of(&course->sample[i], line);
        return last;
}

static void choose_scales(struct timeline *timeline)
{
        static const struct scale times[] = { { 1e3, "s" }, { 6e4 * 5, "min" }, { 36e5, "h" } };
        static const struct scale rates[] = { { 1.0, "Mbit/s" }, { 1e3, "Gbit/s" } };
        static const struct scale sizes[] = { { 0x1p20, "MiB" }, { 0x1p30, "GiB" } };
        double most = 0.0, remaining = 0.0;

        for (size_t i = 0; i < LINES; i++)
                if (i != DIRTIED)
                        most = fmax(most, most_of(timeline->course, &lines[i]));
        most = fmax(most, fmin(most_of(timeline->course, &lines[DIRTIED]), most > 0.0 ? ABOVE * most : INFINITY));
        for (size_t i = 0; i < timeline->course->n; i++)
                remaining = fmax(remaining, timeline->course->sample[i].remaining_bytes);
        timeline->time = scale_of(timeline->course->end_ms, times, MT_ARRAY_SIZE(times));
        if (timeline->time.by > 1e3 && timeline->time.by < 36e5)
                timeline->time.by = 6e4;
        timeline->rate = scale_of(most, rates, MT_ARRAY_SIZE(rates));
        timeline->size = scale_of(remaining, sizes, MT_ARRAY_SIZE(sizes));
        timeline->rate_top = most > 0.0 ? 1.06 * most / timeline->rate.by : 1.0;
        timeline->size_top = remaining > 0.0 ? 1.06 * remaining / timeline->size.by : 1.0;
}

static double end_of(const struct timeline *timeline)
{
        return timeline->course->end_ms / timeline->time.by;
}

static void write_samples(const struct timeline *timeline, struct mt_plot *plot)
{
        mt_plot(plot, "$samples << EOD\n");
        for (size_t i = 0; i < timeline->course->n; i++) {
                const struct mt_course_sample *sample = &timeline->course->sample[i];

                mt_plot(plot, "%.6g", sample->ms / timeline->time.by);
                for (size_t k = 0; k < LINES; k++)
                        mt_plot(plot, isnan(value_of(sample, &lines[k])) ? " ?" : " %.5g",
                                value_of(sample, &lines[k]) / timeline->rate.by);
                mt_plot(plot, isnan(sample->remaining_bytes) ? " ?\n" : " %.5g\n",
                        sample->remaining_bytes / timeline->size.by);
        }
        mt_plot(plot, "EOD\nset datafile missing '?'\n");
}

/* Thin lines where rounds begin, in both boxes; their numbers above, where there is room. */
static void set_rounds(const struct timeline *timeline, bool numbers, struct mt_plot *plot)
{
        const double width = (RIGHT - LEFT) / fmax(end_of(timeline), 1e-9);
        double free_from = LEFT - ROUND_APART, line_from = LEFT;
        unsigned before = 0;

        for (size_t i = 0; i < timeline->course->n; i++) {
                const struct mt_course_sample *sample = &timeline->course->sample[i];
                const double t = sample->ms / timeline->time.by, x = LEFT + t * width;

                if (sample->iteration == before)
                        continue;
                before = sample->iteration;
                if (x > line_from + LINES_APART) {
                        mt_plot(plot,
                                "set arrow from %.6g,graph 0 to %.6g,graph 1 nohead back lw 1 dt 1 lc rgb '" MT_SVG_GRID
                                "'\n",
                                t, t);
                        line_from = x;
                }
                if (numbers && x >= free_from + ROUND_APART) {
                        mt_plot(plot,
                                "set label '%u' at first %.6g, screen %.5f center font ',11' tc rgb '" MT_SVG_FAINT "'\n",
                                sample->iteration, t, 1.0 - (RATES_TOP - 9.0) / HEIGHT);
                        free_from = x + (sample->iteration >= 90 ? 8.0 : 0.0);
                }
        }
        if (numbers)
                mt_plot(plot, "set label 'round' at screen %.5f,%.5f right font ',11' tc rgb '" MT_SVG_FAINT "'\n",
                        (LEFT - 10.0) / WIDTH, 1.0 - (RATES_TOP - 9.0) / HEIGHT);
}

/* Names at the right ends of the lines, each with a piece of its line. */
static void set_names(const struct timeline *timeline, struct mt_plot *plot)
{
        double y[LINES];
        size_t which[LINES], n = 0;

        for (size_t i = 0; i < LINES; i++) {
                const double last = last_of(timeline->course, &lines[i]) / timeline->rate.by / timeline->rate_top;

                if (isnan(last))
                        continue;
                which[n] = i;
                y[n++] = RATES_BOTTOM - fmin(last, 1.0) * (RATES_BOTTOM - RATES_TOP);
        }
        mt_place_apart(y, n, NAME_APART, RATES_TOP + 4.0, RATES_BOTTOM - 3.0);
        for (size_t i = 0; i < n; i++) {
                const struct line *line = &lines[which[i]];
                const bool leaves = most_of(timeline->course, line) / timeline->rate.by > timeline->rate_top;

                mt_plot(plot, "set arrow from screen %.5f,%.5f to screen %.5f,%.5f nohead %s lc rgb '%s'\n",
                        (RIGHT + 6.0) / WIDTH, 1.0 - y[i] / HEIGHT, (RIGHT + 28.0) / WIDTH, 1.0 - y[i] / HEIGHT, line->style,
                        line->colour);
                mt_plot(plot, "set label '%s%s' at screen %.5f,%.5f left tc rgb '%s'\n", line->name, leaves ? " ↑" : "",
                        (RIGHT + 33.0) / WIDTH, 1.0 - y[i] / HEIGHT, line->colour);
        }
}

/* Lines through both boxes where something happened, and what that was, between them. */
static void set_marks(const struct timeline *timeline, bool text, struct mt_plot *plot)
{
        const struct mt_course *course = timeline->course;
        const bool ended = course->result == MT_REPORT_FAILED || course->result == MT_REPORT_CANCELLED;
        const bool stopped = course->result == MT_REPORT_COMPLETED && course->stopped_ms <= course->end_ms;
        const double t = (stopped ? course->stopped_ms : course->end_ms) / timeline->time.by;
        char what[96], downtime[MT_QUANTITY_SIZE];

        if (!stopped && !ended)
                return;
        if (stopped && course->downtime_ms > 0.0)
                mt_plot(plot,
                        "set object rectangle from %.6g,graph 0 to %.6g,graph 1 back fc rgb '" MT_SVG_HATCH
                        "' fs solid noborder\n",
                        t, fmin(t + course->downtime_ms / timeline->time.by, end_of(timeline)));
        mt_plot(plot, "set arrow from %.6g,graph 0 to %.6g,graph 1 nohead front lw 1.5 dt 1 lc rgb '" MT_SVG_VERMILION "'\n",
                t, t);
        if (!text)
                return;
        (void)snprintf(what, sizeof(what), "%s%s%s",
                       !stopped            ? mt_report_result_name(course->result)
                       : course->post_copy ? "post-copy from here"
                                           : "guest stopped",
                       stopped && !isnan(course->downtime_ms) ? ", blackout " : "",
                       stopped && !isnan(course->downtime_ms)
                               ? mt_quantity_time(downtime, sizeof(downtime), course->downtime_ms)
                               : "");
        mt_plot(plot, "set label '%s' at first %.6g, screen %.5f %s tc rgb '" MT_SVG_VERMILION "'\n", what, t,
                1.0 - MARKS / HEIGHT, t > 0.5 * end_of(timeline) ? "right" : "left");
}

static void draw_rates(const struct timeline *timeline, struct mt_plot *plot)
{
        const char *before = "plot ";

        mt_picture_place(plot, &rates_box);
        mt_picture_titles(plot, &rates_box, NULL, timeline->rate.unit);
        mt_plot(plot, "set xrange [0:%.6g]\nset yrange [0:%.6g]\nset xtics %.6g\nset ytics %.6g\nset format x ''\n",
                fmax(end_of(timeline), 1e-6), timeline->rate_top, mt_place_step(fmax(end_of(timeline), 1e-6), 8),
                mt_place_step(timeline->rate_top, 5));
        set_rounds(timeline, /* numbers= */ true, plot);
        set_names(timeline, plot);
        set_marks(timeline, /* text= */ true, plot);
        for (size_t i = 0; i < LINES; i++) {
                if (isnan(last_of(timeline->course, &lines[i])))
                        continue;
                mt_plot(plot, "%s$samples using 1:%zu with lines %s lc rgb '%s'", before, i + 2, lines[i].style,
                        lines[i].colour);
                before = ", ";
        }
        mt_plot(plot, "%s\n", before[0] == 'p' ? "plot NaN" : "");
}

static void draw_remaining(const struct timeline *timeline, struct mt_plot *plot)
{
        char time[16];

        (void)snprintf(time, sizeof(time), "time, %s", timeline->time.unit);
        mt_plot(plot, "unset label\nunset arrow\nunset object\nset yrange [0:%.6g]\nset ytics %.6g\nset format x '%%g'\n",
                timeline->size_top, mt_place_step(timeline->size_top, 4));
        mt_picture_place(plot, &remaining_box);
        mt_picture_titles(plot, &remaining_box, time, timeline->size.unit);
        set_rounds(timeline, /* numbers= */ false, plot);
        set_marks(timeline, /* text= */ false, plot);
        mt_plot(plot, "set label 'remaining' at screen %.5f,%.5f left tc rgb '" MT_SVG_BLUE "'\n", (RIGHT + 6.0) / WIDTH,
                1.0 - (REMAINING_BOTTOM - 6.0) / HEIGHT);
        mt_plot(plot,
                "plot $samples using 1:%zu with filledcurves y1=0 lc rgb '" MT_SVG_BLUE_AREA
                "', $samples using 1:%zu with lines lw 2 dt 1 lc rgb '" MT_SVG_BLUE "'\n",
                LINES + 2, LINES + 2);
}

static void describe(const struct timeline *timeline, char *text, size_t size)
{
        const struct mt_course *course = timeline->course;
        char end[MT_QUANTITY_SIZE], carried[MT_QUANTITY_SIZE], remaining[MT_QUANTITY_SIZE];

        (void)snprintf(text, size,
                       "Two charts over %s, %u round%s: rates, the migration's at most %s; and what remained, at most %s.",
                       mt_quantity_time(end, sizeof(end), course->end_ms), course->sample[course->n - 1].iteration,
                       course->sample[course->n - 1].iteration == 1 ? "" : "s",
                       mt_quantity_rate(carried, sizeof(carried), most_of(course, &lines[LINES - 1])),
                       mt_quantity_bytes(remaining, sizeof(remaining), timeline->size_top / 1.06 * timeline->size.by));
}

int mt_report_timeline(const struct mt_host_ops *host, FILE *out, const struct mt_course *course, uint64_t number,
                       struct mt_err *err)
{
        MT_CLEANUP(mt_plot_done) struct mt_plot plot = { .host = NULL };
        char id[32], text[256];
        const struct mt_svg_label label = { .id = id, .title = "Course of the migration", .description = text };
        struct timeline timeline = { .course = course };
        int r = mt_picture_begin(&plot, host, (unsigned)WIDTH, (unsigned)HEIGHT, err);

        if (r < 0)
                return r;
        choose_scales(&timeline);
        write_samples(&timeline, &plot);
        mt_plot(&plot, "set multiplot\nset grid noxtics\n");
        draw_rates(&timeline, &plot);
        draw_remaining(&timeline, &plot);
        mt_plot(&plot, "unset multiplot\n");
        (void)snprintf(id, sizeof(id), "course%" PRIu64, number);
        describe(&timeline, text, sizeof(text));
        return mt_picture_finish(&plot, out, &label, err);
}
