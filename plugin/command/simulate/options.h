/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of `migtune simulate`. */
#ifndef MT_COMMAND_SIMULATE_OPTIONS_H
#define MT_COMMAND_SIMULATE_OPTIONS_H

#include "err.h"
#include "simulate/simulate.h"

#include <stdbool.h>

enum mt_simulate_format { MT_SIMULATE_TABLE, MT_SIMULATE_JSON, MT_SIMULATE_CSV };

#define MT_SIMULATE_OPTIONS 32u /* at least as many as there are that take a value */

struct mt_simulate_options {
        struct mt_sim_workload workload; /* but its law */
        struct mt_sim_policy policy;
        uint64_t requests, runs, seed, max_iterations;
        const char *network;  /* a built-in one's name, or a file's; texts belong to the caller */
        double capacity_mbps; /* of each link that does not say its own */
        unsigned laws[MT_SIM_LAWS], strategies[MT_STRATEGIES]; /* enum mt_sim_law, enum mt_strategy, in the order given */
        unsigned n_laws, n_strategies;                         /* > 0 */
        enum mt_simulate_format format;
        const char *plot;                       /* a file's name, or NULL */
        const char *texts[MT_SIMULATE_OPTIONS]; /* each option that takes a value, as it was given or its default */
};

/* Fills *ret from the arguments and the defaults, which are the WAN paper's. -EINVAL: *err says what was expected. */
int mt_simulate_options_read(int argc, const char *const *argv, struct mt_simulate_options *ret, struct mt_err *err);

/* The name of texts[i], "--memory"; NULL after the last. */
const char *mt_simulate_option_name(unsigned i);

/* Prints what --help says. */
void mt_simulate_help(void);

#endif
