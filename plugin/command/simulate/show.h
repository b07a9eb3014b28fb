/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `migtune simulate` found, in its four forms. */
#ifndef MT_COMMAND_SIMULATE_SHOW_H
#define MT_COMMAND_SIMULATE_SHOW_H

#include "command/plot.h"
#include "command/simulate/options.h"

/* One strategy under one law. */
struct mt_simulated {
        enum mt_sim_law law;
        enum mt_strategy strategy;
        double mean[MT_SIM_METRICS]; /* over the runs */
        double sd[MT_SIM_METRICS];   /* between the runs; 0 of one */
};

struct mt_simulation {
        const struct mt_simulate_options *options;
        const struct mt_sim_network *network;
        const struct mt_simulated *cells; /* law by law, in the options' order, all strategies of each */
        unsigned n_cells;
};

/* Tables for people, and what the comparison with the paper gives. */
void mt_simulate_print_table(const struct mt_simulation *simulation);
/* One JSON object on one line. -ENOMEM. */
int mt_simulate_print_json(const struct mt_simulation *simulation, struct mt_err *err);
/* A line of names, then one line a strategy and law. */
void mt_simulate_print_csv(const struct mt_simulation *simulation);

/* Writes the paper's figures 7 to 10 into a picture that was begun (of MT_SIMULATE_PLOT_WIDTH x _HEIGHT). */
void mt_simulate_plot(const struct mt_simulation *simulation, struct mt_plot *plot);
#define MT_SIMULATE_PLOT_WIDTH 1100u
#define MT_SIMULATE_PLOT_HEIGHT 800u

#endif
