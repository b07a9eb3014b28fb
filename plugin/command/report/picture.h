/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pictures of a report, each written to the page whole. 0 or -errno with a message. They have numbers and our own words
 * alone in them: what a record calls itself stays out of gnuplot's script.
 */
#ifndef MT_COMMAND_REPORT_PICTURE_H
#define MT_COMMAND_REPORT_PICTURE_H

#include "command/plot.h"
#include "command/report/course.h"
#include "command/report/sums.h"
#include "command/report/svg.h"
#include "err.h"

#include <migtune/plugin.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Begins a picture with axes as all of them have; lengths are points. */
int mt_picture_begin(struct mt_plot *plot, const struct mt_host_ops *host, unsigned width, unsigned height,
                     struct mt_err *err);

/* Where a picture's axes are: points, from its upper left corner. */
struct mt_picture_box {
        double width, height; /* of the picture */
        double left, right, top, bottom;
};

/* The axes drawn from now on are there. */
void mt_picture_place(struct mt_plot *plot, const struct mt_picture_box *box);

/* Titles of the axes, where gnuplot's own would depend on how wide it takes the numbers to be; NULL: none. */
void mt_picture_titles(struct mt_plot *plot, const struct mt_picture_box *box, const char *x, const char *y);

/* Draws it into the page. */
int mt_picture_finish(struct mt_plot *plot, FILE *out, const struct mt_svg_label *label, struct mt_err *err);

/* Predicted against actual: the time, or the blackout. */
int mt_report_scatter(const struct mt_host_ops *host, FILE *out, const struct mt_report_sums *sums, bool blackout,
                      struct mt_err *err);

/* Pairs that such a picture has: both known, predicted to end. */
size_t mt_report_scattered(const struct mt_report_sums *sums, bool blackout);

/* How blackouts lie against their limits. */
int mt_report_shares(const struct mt_host_ops *host, FILE *out, const struct mt_report_sums *sums, struct mt_err *err);

/* Bytes that the alternatives would have sent beside what was sent. */
int mt_report_costs(const struct mt_host_ops *host, FILE *out, const struct mt_report_sums *sums, struct mt_err *err);

/* One migration over its time (mt_course_drawable); number: its own in the page. */
int mt_report_timeline(const struct mt_host_ops *host, FILE *out, const struct mt_course *course, uint64_t number,
                       struct mt_err *err);

#endif
