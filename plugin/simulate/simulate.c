/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Time moves from arrival to arrival. Before each, the migrations that ended meanwhile release what they had reserved. Then
 * the request's bandwidth is reserved on every arc of its path for as long as it takes, or, where one of them has less
 * left, it is blocked and leaves no trace in the network ("we provision migration bandwidth as soon as a request arrives").
 * A strategy that changes its bandwidth has its mean reserved throughout.
 *
 * Bandwidths are reserved in whole bit/s: what is added and taken away again leaves exactly nothing, so the links are empty
 * at the end, and a link is full at its capacity and not at a rounding error below.
 */
#include "simulate/simulate.h"
#include "simulate/ends.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define PROGRESS_EVERY 16384u

struct state {
        const struct mt_sim_network *network;
        struct mt_sim_ends ends;
        uint64_t *reserved; /* [arc] bit/s */
        uint32_t *path;     /* room for the longest path */
        double total;       /* bit/s reserved on all arcs together; whole numbers, exact up to 2^53 */
        double area;        /* its integral over time */
        double now_s;
        double peak; /* highest share of a link */
        uint64_t most_running;
};

static void state_done(struct state *state)
{
        mt_sim_ends_done(&state->ends);
        free(state->reserved);
        free(state->path);
}

static int state_begin(struct state *state, const struct mt_sim_network *network)
{
        *state = (struct state){ .network = network };
        state->reserved = calloc(2 * (size_t)network->n_links, sizeof(*state->reserved));
        state->path = calloc(network->n_nodes, sizeof(*state->path));
        return state->reserved != NULL && state->path != NULL ? 0 : -ENOMEM;
}

static void move_to(struct state *state, double now_s)
{
        state->area += state->total * (now_s - state->now_s);
        state->now_s = now_s;
}

/* Releases what ended until then. */
static void release(struct state *state, double until_s)
{
        struct mt_sim_end end;

        while (mt_sim_ends_take(&state->ends, until_s, &end)) {
                const unsigned hops = mt_sim_network_path(state->network, end.from, end.to, state->path);

                move_to(state, end.at_s);
                for (unsigned i = 0; i < hops; i++)
                        state->reserved[state->path[i]] -= end.bps;
                state->total -= (double)end.bps * hops;
        }
}

/* Whole bit/s, rounded up to one at least; more than any link has where it does not fit. */
static uint64_t whole_bps(double mbps)
{
        return mbps < 1e12 ? (uint64_t)fmax(ceil(mbps * 1e6), 1.0) : UINT64_MAX;
}

static uint64_t capacity_of(const struct state *state, uint32_t arc)
{
        return state->network->links[arc / 2].capacity_bps;
}

/* Reserves bps on the arcs path[0..hops). False: one of them has not as much left. */
static bool reserve(struct state *state, unsigned hops, uint64_t bps)
{
        for (unsigned i = 0; i < hops; i++)
                if (capacity_of(state, state->path[i]) - state->reserved[state->path[i]] < bps)
                        return false;
        for (unsigned i = 0; i < hops; i++) {
                uint64_t *reserved = &state->reserved[state->path[i]];

                *reserved += bps;
                state->peak = fmax(state->peak, (double)*reserved / (double)capacity_of(state, state->path[i]));
        }
        state->total += (double)bps * hops;
        return true;
}

/* Brings one migration into the network. 1: it runs; 0: it is blocked; -ENOMEM. */
static int admit(struct state *state, const struct mt_sim_request *request, const struct mt_sim_migration *migration)
{
        const unsigned hops = mt_sim_network_path(state->network, request->from, request->to, state->path);
        const struct mt_sim_end end = { .at_s = request->arrival_s + migration->duration_s,
                                        .bps = whole_bps(migration->mbps),
                                        .from = (uint16_t)request->from,
                                        .to = (uint16_t)request->to };

        if (!reserve(state, hops, end.bps))
                return 0;
        if (mt_sim_ends_add(&state->ends, &end) < 0)
                return -ENOMEM;
        if (state->ends.n > state->most_running)
                state->most_running = state->ends.n;
        return 1;
}

static void count(struct mt_sim_result *sums, const struct mt_sim_migration *migration, unsigned hops)
{
        sums->metric[MT_SIM_BANDWIDTH] += migration->mbps;
        sums->metric[MT_SIM_ITERATIONS] += migration->iterations;
        sums->metric[MT_SIM_DURATION] += migration->duration_s;
        sums->metric[MT_SIM_DOWNTIME] += migration->downtime_s;
        sums->metric[MT_SIM_RESERVED] += migration->reserved_mbit;
        sums->metric[MT_SIM_RESERVED_HOPS] += migration->reserved_mbit * hops;
        sums->metric[MT_SIM_SENT] += migration->sent_mbit;
        sums->metric[MT_SIM_UNMET] += migration->met ? 0.0 : 1.0;
}

/* All requests. The sums, not yet divided, go to *sums. */
static int run(const struct mt_sim_setup *setup, enum mt_strategy strategy, struct state *state, struct mt_sim_result *sums)
{
        struct mt_sim_stream stream;
        struct mt_sim_request request;
        struct mt_sim_migration migration;

        mt_sim_stream_begin(&stream, setup->workload, setup->network->n_datacenters, setup->seed);
        for (uint64_t i = 0; i < setup->requests; i++) {
                int r;

                if (setup->progress != NULL && i % PROGRESS_EVERY == 0)
                        setup->progress(setup->ctx, (double)i / (double)setup->requests);
                mt_sim_stream_next(&stream, &request);
                release(state, request.arrival_s);
                move_to(state, request.arrival_s);
                mt_sim_migrate(strategy, setup->policy, &request, &migration);
                count(sums, &migration, mt_sim_network_hops(setup->network, request.from, request.to));
                r = admit(state, &request, &migration);
                if (r < 0)
                        return r;
                sums->metric[MT_SIM_BLOCKED] += r == 0 ? 1.0 : 0.0;
        }
        return 0;
}

static void average(const struct mt_sim_setup *setup, struct state *state, struct mt_sim_result *sums)
{
        const struct mt_sim_network *network = setup->network;
        double capacity = 0.0;

        for (unsigned i = 0; i < network->n_links; i++)
                capacity += 2.0 * (double)network->links[i].capacity_bps;
        for (unsigned i = 0; i < MT_SIM_METRICS; i++)
                sums->metric[i] /= (double)setup->requests;
        sums->metric[MT_SIM_PEAK_LOAD] = state->peak;
        sums->metric[MT_SIM_MEAN_LOAD] = state->now_s > 0.0 ? state->area / state->now_s / capacity : 0.0;
        sums->most_running = state->most_running;
        release(state, INFINITY);
        for (unsigned i = 0; i < 2 * network->n_links; i++)
                sums->left_bps += state->reserved[i];
}

int mt_sim_run(const struct mt_sim_setup *setup, enum mt_strategy strategy, struct mt_sim_result *ret, struct mt_err *err)
{
        struct mt_sim_result sums = { .left_bps = 0 };
        struct state state;
        int r = state_begin(&state, setup->network);

        if (r == 0)
                r = run(setup, strategy, &state, &sums);
        if (r == 0) {
                average(setup, &state, &sums);
                *ret = sums;
        }
        state_done(&state);
        return r == 0 ? 0 : mt_fail(err, ENOMEM, "out of memory for the migrations that run at once");
}
