/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune simulate: runs every strategy under every law, and shows what came out. */
#include "cleanup.h"
#include "command/arguments.h"
#include "command/commands.h"
#include "command/progress.h"
#include "command/simulate/network.h"
#include "command/simulate/options.h"
#include "command/simulate/show.h"
#include "log.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* How far all of it is: the simulation of one seed is one of `of` steps. */
struct progress {
        struct mt_progress bar;
        char what[64];
        uint64_t done, of;
};

static void advance(void *ctx, double share)
{
        struct progress *progress = ctx;

        mt_progress_show(&progress->bar, ((double)progress->done + share) / (double)progress->of);
}

static int open_network(const struct mt_simulate_options *options, struct mt_sim_network *ret, struct mt_err *err)
{
        const uint64_t capacity_bps = (uint64_t)(options->capacity_mbps * 1e6 + 0.5);

        for (unsigned i = 0; mt_sim_network_name(i) != NULL; i++)
                if (strcmp(mt_sim_network_name(i), options->network) == 0)
                        return mt_sim_network_builtin(i, capacity_bps, ret, err);
        return mt_simulate_network_read(options->network, capacity_bps, ret, err);
}

/* One strategy under one law: all its runs. Mean and deviation are updated run by run (Welford). */
static int simulate_cell(const struct mt_simulate_options *options, const struct mt_sim_network *network,
                         struct progress *progress, struct mt_simulated *cell, struct mt_err *err)
{
        struct mt_sim_workload workload = options->workload;
        struct mt_sim_setup setup = { .network = network,
                                      .workload = &workload,
                                      .policy = &options->policy,
                                      .requests = options->requests,
                                      .progress = advance,
                                      .ctx = progress };
        struct mt_sim_result result;

        workload.law = cell->law;
        (void)snprintf(progress->what, sizeof(progress->what), "%s, %s", mt_sim_law_name(cell->law),
                       mt_strategy_name(cell->strategy));
        for (uint64_t run = 0; run < options->runs; run++, progress->done++) {
                int r;

                setup.seed = options->seed + run;
                r = mt_sim_run(&setup, cell->strategy, &result, err);
                if (r < 0)
                        return r;
                for (unsigned i = 0; i < MT_SIM_METRICS; i++) {
                        const double from_mean = result.metric[i] - cell->mean[i];

                        cell->mean[i] += from_mean / ((double)run + 1.0);
                        cell->sd[i] += from_mean * (result.metric[i] - cell->mean[i]);
                }
        }
        for (unsigned i = 0; i < MT_SIM_METRICS; i++)
                cell->sd[i] = options->runs > 1 ? sqrt(cell->sd[i] / ((double)options->runs - 1.0)) : 0.0;
        return 0;
}

/* Fills cells[], law by law. */
static int simulate_all(const struct mt_host_ops *host, const struct mt_simulate_options *options,
                        const struct mt_sim_network *network, struct mt_simulated *cells, struct mt_err *err)
{
        struct progress progress = { .of = options->runs * options->n_laws * options->n_strategies };
        struct mt_simulated *cell = cells;
        int r = 0;

        mt_progress_begin(&progress.bar, host, progress.what);
        for (unsigned law = 0; law < options->n_laws && r == 0; law++)
                for (unsigned strategy = 0; strategy < options->n_strategies && r == 0; strategy++, cell++) {
                        *cell = (struct mt_simulated){ .law = (enum mt_sim_law)options->laws[law],
                                                       .strategy = (enum mt_strategy)options->strategies[strategy] };
                        r = simulate_cell(options, network, &progress, cell, err);
                }
        mt_progress_end(&progress.bar);
        return r;
}

static int show(const struct mt_simulation *simulation, struct mt_plot *plot, struct mt_err *err)
{
        int r = 0;

        switch (simulation->options->format) {
        case MT_SIMULATE_TABLE:
                mt_simulate_print_table(simulation);
                break;
        case MT_SIMULATE_CSV:
                mt_simulate_print_csv(simulation);
                break;
        case MT_SIMULATE_JSON:
                r = mt_simulate_print_json(simulation, err);
                break;
        }
        if (r < 0 || simulation->options->plot == NULL)
                return r;
        mt_simulate_plot(simulation, plot);
        return mt_plot_finish(plot, err);
}

/* Prints one line for an error, whatever bytes the arguments held. Returns the exit status. */
static int refuse(struct mt_err *err, int status)
{
        for (char *c = err->msg; *c != '\0'; c++)
                if ((unsigned char)*c < ' ' || *c == 0x7f)
                        *c = '?';
        mt_print_err("migtune simulate: %s%s\n", err->msg, status == 2 ? "; see migtune simulate --help" : "");
        return status;
}

int mt_command_simulate(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        MT_CLEANUP(mt_sim_network_done) struct mt_sim_network network = { .n_nodes = 0 };
        MT_CLEANUP(mt_plot_done) struct mt_plot plot = { .host = NULL };
        struct mt_simulated cells[MT_SIM_LAWS * MT_STRATEGIES];
        struct mt_simulate_options options;
        struct mt_simulation simulation = { .options = &options, .network = &network, .cells = cells };
        struct mt_err err = { 0 };

        if (mt_help_wanted(argc, argv)) {
                mt_simulate_help();
                return 0;
        }
        if (mt_simulate_options_read(argc, argv, &options, &err) < 0)
                return refuse(&err, 2);
        simulation.n_cells = options.n_laws * options.n_strategies;
        if (options.plot != NULL &&
            mt_plot_begin(&plot, host, options.plot, MT_SIMULATE_PLOT_WIDTH, MT_SIMULATE_PLOT_HEIGHT, &err) < 0)
                return refuse(&err, err.code == EINVAL ? 2 : 1);
        if (open_network(&options, &network, &err) < 0)
                return refuse(&err, err.code == ENOMEM ? 1 : 2);
        if (simulate_all(host, &options, &network, cells, &err) < 0 || show(&simulation, &plot, &err) < 0)
                return refuse(&err, 1);
        return 0;
}
