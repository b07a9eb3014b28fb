/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The WAN paper's section V as the simulator takes it; Clark's and CALM's values for a link of the paper's. */
#ifndef MT_TEST_SIMULATE_PAPER_H
#define MT_TEST_SIMULATE_PAPER_H

#include "simulate/simulate.h"

static const struct mt_sim_workload paper = { .law = MT_SIM_UNIFORM,
                                              .arrivals_s = 1.0,
                                              .memory_mbit = { 32000, 64000 },
                                              .dirty_mbps = { 0.1, 500.0 },
                                              .dirty_sd_mbps = 83.3,
                                              .limit_s = { 0.5, 1.5 } };
static const struct mt_sim_policy policy = { .tau = 0.75,
                                             .tg = 0.5,
                                             .max_iterations = 20,
                                             .range = { .DL = 0.1, .DH = 500.0, .lL = 0.1, .lH = 0.4 },
                                             .max_mbps = 10000.0,
                                             .min_addition_mbps = 50.0,
                                             .step_mbps = 25.0,
                                             .step_gain = 0.1,
                                             .clark_first_mbps = 100.0,
                                             .clark_addition_mbps = 50.0,
                                             .clark_max_mbps = 10000.0,
                                             .cost_scale_mbps = 1000.0 };

#endif
