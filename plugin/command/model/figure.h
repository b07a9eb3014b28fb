/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Figures of the papers, drawn again from our own functions: `migtune model --figure`. The papers hold them as pictures, so
 * where they do not say which parameters a figure has, ours says what it took. A figure is data: figure_alpha.c and
 * figure_wan.c hold them, figure.c prints them, figure_plot.c draws them.
 */
#ifndef MT_COMMAND_MODEL_FIGURE_H
#define MT_COMMAND_MODEL_FIGURE_H

#include "err.h"
#include "command/model/options.h"

#include <migtune/plugin.h>
#include <stdbool.h>

#define MT_FIGURE_PANELS 2

/* One line of a panel, one column of its table. */
struct mt_figure_series {
        const char *name; /* "Ps = 4096"; NULL ends an array */
        int which;        /* these two are the panel's function's: a case, say, and pages or a dirty rate */
        double of;
};

struct mt_figure_panel {
        const char *y;    /* what the values are; NULL: the figure has no such panel */
        const char *unit; /* "" where it has none */
        bool log;         /* a logarithmic axis; else it begins at 0 */
        const struct mt_figure_series *series;
        /* The value at x. False where there is none: outside the model's condition. */
        bool (*value)(const struct mt_figure_series *series, double x, double *ret);
};

/* The values at which a figure is evaluated: rows of them, equally spaced, or by equal factors. */
struct mt_figure_x {
        const char *name;  /* "alpha" */
        const char *label; /* of the axis, with symbols */
        const char *unit;
        double first, last;
        unsigned rows;  /* at least 2 */
        unsigned finer; /* a picture has so many points for each row; a mark at the rows alone */
        bool log;
        const char *tics; /* gnuplot's */
};

struct mt_figure {
        const char *name; /* "alpha.1" */
        const char *caption;
        const char *source;       /* paper, figure and equations */
        const char *condition;    /* why cells may be empty; NULL: none is */
        const char *const *notes; /* what we took where the paper does not say, and where it is wrong; ends with NULL */
        struct mt_figure_x x;
        struct mt_figure_panel panels[MT_FIGURE_PANELS];
};

#define MT_ALPHA_FIGURES 4
#define MT_WAN_FIGURES 4
extern const struct mt_figure mt_alpha_figures[MT_ALPHA_FIGURES], mt_wan_figures[MT_WAN_FIGURES];

/* The figure at index i, in the order of the papers; NULL beyond the last. */
const struct mt_figure *mt_figure_at(size_t i);
/* The x at a row, which may lie between two: 0 to figure->x.rows - 1; free of the noise that adding up steps would bring. */
double mt_figure_x(const struct mt_figure *figure, double row);

/* Draws figure into file, as SVG. 0, or a negative errno with *err filled: see mt_plot_begin and mt_plot_finish. */
int mt_figure_plot(const struct mt_figure *figure, const struct mt_host_ops *host, const char *file, struct mt_err *err);

/* `migtune model --figure`: prints or draws what options name. Returns the exit status. */
int mt_model_figure(const struct mt_host_ops *host, const struct mt_model_options *options);

#endif
