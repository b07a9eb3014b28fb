/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulator against oracles that are slow and plain: paths against Floyd and Warshall, the links' occupancy against
 * a list of everything that runs; and against the WAN paper's figures.
 */
#include "array.h"
#include "simulate_paper.h"
#include "table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GBIT UINT64_C(1000000000)

static void open_builtin(unsigned i, uint64_t capacity_bps, struct mt_sim_network *ret)
{
        assert_int_equal(mt_sim_network_builtin(i, capacity_bps, ret, NULL), 0);
}

static struct mt_sim_result simulate(const struct mt_sim_network *network, const struct mt_sim_workload *workload,
                                     enum mt_strategy strategy, uint64_t requests, uint64_t seed)
{
        const struct mt_sim_setup setup = {
                .network = network, .workload = workload, .policy = &policy, .requests = requests, .seed = seed
        };
        struct mt_sim_result result;

        assert_int_equal(mt_sim_run(&setup, strategy, &result, NULL), 0);
        return result;
}

static const struct network_case {
        const char *name;
        unsigned i, nodes, links, datacenters;
} networks[] = {
        { "usnet", 0, 24, 43, 11 },
        { "nsfnet", 1, 14, 21, 8 },
};

/* The path leads where it should, along links that are there, with the hops that the table says. */
static void check_path(const struct mt_sim_network *network, unsigned from, unsigned to, unsigned distance)
{
        uint32_t arcs[MT_SIM_NODES];
        const unsigned n = mt_sim_network_path(network, from, to, arcs);
        unsigned node = network->datacenters[to];

        assert_int_equal(n, distance);
        assert_int_equal(mt_sim_network_hops(network, from, to), distance);
        for (unsigned i = 0; i < n; i++) {
                const struct mt_sim_link *link = &network->links[arcs[i] / 2];

                assert_true(arcs[i] < 2 * network->n_links);
                assert_int_equal(arcs[i] % 2 == 0 ? link->b : link->a, node);
                node = arcs[i] % 2 == 0 ? link->a : link->b;
        }
        assert_int_equal(node, network->datacenters[from]);
}

static void test_routing(void **state)
{
        const struct network_case *c = *state;
        static unsigned distance[24][24];
        struct mt_sim_network network;

        open_builtin(c->i, 100 * GBIT, &network);
        assert_string_equal(network.name, c->name);
        assert_int_equal(network.n_nodes, c->nodes);
        assert_int_equal(network.n_links, c->links);
        assert_int_equal(network.n_datacenters, c->datacenters);
        for (unsigned i = 0; i < c->nodes; i++)
                for (unsigned j = 0; j < c->nodes; j++)
                        distance[i][j] = i == j ? 0 : 1000;
        for (unsigned i = 0; i < c->links; i++)
                distance[network.links[i].a][network.links[i].b] = distance[network.links[i].b][network.links[i].a] = 1;
        for (unsigned k = 0; k < c->nodes; k++)
                for (unsigned i = 0; i < c->nodes; i++)
                        for (unsigned j = 0; j < c->nodes; j++)
                                if (distance[i][k] + distance[k][j] < distance[i][j])
                                        distance[i][j] = distance[i][k] + distance[k][j];
        for (unsigned i = 0; i < c->datacenters; i++)
                for (unsigned j = 0; j < c->datacenters; j++)
                        if (i != j)
                                check_path(&network, i, j, distance[network.datacenters[i]][network.datacenters[j]]);
        mt_sim_network_done(&network);
}

static void test_refused_networks(void **state)
{
        struct mt_sim_network network = { .n_nodes = 0 };
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(mt_sim_network_link(&network, "a", "a", GBIT, &err), -EINVAL);
        assert_int_equal(mt_sim_network_link(&network, "a", "b", 0, &err), -EINVAL);
        assert_int_equal(mt_sim_network_link(&network, "a", "", GBIT, &err), -EINVAL);
        assert_int_equal(mt_sim_network_link(&network, "a", "a name of more than thirty-one bytes", GBIT, &err), -EINVAL);
        assert_int_equal(mt_sim_network_link(&network, "a", "b", GBIT, &err), 0);
        assert_int_equal(mt_sim_network_link(&network, "b", "a", GBIT, &err), -EINVAL);
        assert_int_equal(mt_sim_network_link(&network, "c", "d", GBIT, &err), 0);
        assert_int_equal(mt_sim_network_datacenter(&network, "e", &err), -EINVAL);
        assert_int_equal(mt_sim_network_datacenter(&network, "a", &err), 0);
        assert_int_equal(mt_sim_network_datacenter(&network, "a", &err), -EINVAL);
        assert_int_equal(mt_sim_network_route(&network, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "at least two datacenters"));
        assert_int_equal(mt_sim_network_datacenter(&network, "d", &err), 0);
        assert_int_equal(mt_sim_network_route(&network, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "no path leads from the datacenter 'a' to 'd'"));
        assert_int_equal(mt_sim_network_link(&network, "b", "c", GBIT, &err), 0);
        assert_int_equal(mt_sim_network_route(&network, &err), 0);
        assert_int_equal(mt_sim_network_hops(&network, 0, 1), 3);
        mt_sim_network_done(&network);
}

struct running {
        double until;
        uint64_t bps;
        uint32_t arcs[24];
        unsigned hops;
};

static uint64_t capacity_of(const struct mt_sim_network *network, uint32_t arc)
{
        return network->links[arc / 2].capacity_bps;
}

/* Everything that is in the network when the request arrives, arc by arc, and whether it still fits. Counts the blocked. */
static unsigned occupy(const struct mt_sim_network *network, struct running *list, unsigned n, const struct running *next,
                       double now, double *peak)
{
        bool fits = true;

        for (unsigned h = 0; h < next->hops; h++) {
                uint64_t used = next->bps;

                for (unsigned i = 0; i < n; i++)
                        for (unsigned k = 0; k < list[i].hops && list[i].until > now; k++)
                                used += list[i].arcs[k] == next->arcs[h] ? list[i].bps : 0;
                fits = fits && used <= capacity_of(network, next->arcs[h]);
        }
        if (!fits)
                return 1;
        list[n] = *next;
        for (unsigned h = 0; h < next->hops; h++) {
                uint64_t used = 0;

                for (unsigned i = 0; i <= n; i++)
                        for (unsigned k = 0; k < list[i].hops && list[i].until > now; k++)
                                used += list[i].arcs[k] == next->arcs[h] ? list[i].bps : 0;
                *peak = fmax(*peak, (double)used / (double)capacity_of(network, next->arcs[h]));
        }
        return 0;
}

static const struct occupancy_case {
        const char *name;
        enum mt_strategy strategy;
        uint64_t capacity_bps;
        double arrivals_s;
        bool blocks; /* some, but not all */
} occupancies[] = {
        { "lambda-range, wide links", MT_LAMBDA_RANGE, 100 * GBIT, 1.0, false },
        { "lambda-range, narrow links", MT_LAMBDA_RANGE, 2 * GBIT, 1.0, true },
        { "min-bandwidth, many at once", MT_MIN_BANDWIDTH, 5 * GBIT, 2.0, true },
        { "max-bandwidth, one fills a link", MT_MAX_BANDWIDTH, 10 * GBIT, 1.0, true },
        { "clark, narrow links", MT_CLARK, 1 * GBIT, 1.0, true },
};

static void test_occupancy(void **state)
{
        enum { REQUESTS = 1500 };
        const struct occupancy_case *c = *state;
        struct running *list = calloc(REQUESTS, sizeof(*list));
        struct mt_sim_workload workload = paper;
        struct mt_sim_network network;
        struct mt_sim_stream stream;
        struct mt_sim_request request;
        struct mt_sim_result got;
        unsigned n = 0, blocked = 0;
        double peak = 0;

        assert_non_null(list);
        workload.arrivals_s = c->arrivals_s;
        open_builtin(1, c->capacity_bps, &network);
        mt_sim_stream_begin(&stream, &workload, network.n_datacenters, 5);
        for (unsigned i = 0; i < REQUESTS; i++) {
                struct mt_sim_migration migration;
                struct running next = { .hops = 0 };
                unsigned full;

                mt_sim_stream_next(&stream, &request);
                mt_sim_migrate(c->strategy, &policy, &request, &migration);
                next.until = request.arrival_s + migration.duration_s;
                next.bps = (uint64_t)ceil(migration.mbps * 1e6);
                next.hops = mt_sim_network_path(&network, request.from, request.to, next.arcs);
                full = occupy(&network, list, n, &next, request.arrival_s, &peak);
                blocked += full;
                n += full == 0 ? 1 : 0;
        }
        got = simulate(&network, &workload, c->strategy, REQUESTS, 5);
        assert_true(fabs(got.metric[MT_SIM_BLOCKED] * REQUESTS - blocked) < 1e-6);
        assert_true(c->blocks ? blocked > 0 && blocked < REQUESTS : blocked == 0);
        assert_true(fabs(got.metric[MT_SIM_PEAK_LOAD] - peak) < 1e-12);
        assert_true(peak > 0.0 && peak <= 1.0);
        assert_true(got.metric[MT_SIM_MEAN_LOAD] > 0.0 && got.metric[MT_SIM_MEAN_LOAD] < peak);
        assert_true(got.left_bps == 0);
        assert_true(got.most_running > 0 && got.most_running <= n);
        mt_sim_network_done(&network);
        free(list);
}

/* A link too narrow for anything: all are blocked, nothing is ever reserved, and the averages are what they are without. */
static void test_tiny_capacity(void **state)
{
        struct mt_sim_network tiny, wide;
        struct mt_sim_result none, all;

        (void)state;
        open_builtin(0, 1000, &tiny);
        open_builtin(0, 100 * GBIT, &wide);
        none = simulate(&tiny, &paper, MT_LAMBDA_RANGE, 2000, 1);
        all = simulate(&wide, &paper, MT_LAMBDA_RANGE, 2000, 1);
        assert_true(none.metric[MT_SIM_BLOCKED] == 1.0 && all.metric[MT_SIM_BLOCKED] == 0.0);
        assert_true(none.metric[MT_SIM_PEAK_LOAD] == 0.0 && none.metric[MT_SIM_MEAN_LOAD] == 0.0);
        assert_true(none.most_running == 0 && none.left_bps == 0);
        assert_memory_equal(none.metric, all.metric, MT_SIM_BLOCKED * sizeof(none.metric[0]));
        mt_sim_network_done(&tiny);
        mt_sim_network_done(&wide);
}

static void test_deterministic(void **state)
{
        struct mt_sim_network network;

        (void)state;
        open_builtin(0, 20 * GBIT, &network);
        for (unsigned strategy = 0; strategy < MT_STRATEGIES; strategy++) {
                const struct mt_sim_result a = simulate(&network, &paper, strategy, 3000, 17);
                const struct mt_sim_result b = simulate(&network, &paper, strategy, 3000, 17);
                const struct mt_sim_result other = simulate(&network, &paper, strategy, 3000, 18);

                assert_memory_equal(a.metric, b.metric, sizeof(a.metric));
                assert_true(a.metric[MT_SIM_RESERVED] != other.metric[MT_SIM_RESERVED]);
        }
        mt_sim_network_done(&network);
}

/*
 * What the WAN paper's model gives, by a Monte Carlo computation of its own with 8000 VMs: mean bandwidth (the paper prints
 * 800 to 1000, about 400, about 300 and 10000), iterations, and resource consumption.
 */
static const struct figures {
        const char *name;
        enum mt_sim_law law;
        struct {
                double R, n, W;
        } lambda, delta, min, max;
} figures[] = {
        { "the paper's figures, uniform",
          MT_SIM_UNIFORM,
          { 897, 8.51, 74161 },
          { 368, 19.1, 156617 },
          { 300, 19.2, 295109 },
          { 10000, 1.52, 65907 } },
        { "the paper's figures, normal",
          MT_SIM_NORMAL,
          { 970, 8.38, 73064 },
          { 376, 19.7, 155644 },
          { 299, 20.0, 299555 },
          { 10000, 1.54, 66053 } },
        { "the paper's figures, exponential",
          MT_SIM_EXPONENTIAL,
          { 718, 7.18, 67160 },
          { 268, 18.2, 131437 },
          { 221, 18.1, 219793 },
          { 10000, 1.37, 64466 } },
        { "the paper's figures, exponential clamped",
          MT_SIM_EXPONENTIAL_CLAMPED,
          { 792, 8.07, 71701 },
          { 321, 18.5, 146637 },
          { 266, 18.4, 259524 },
          { 10000, 1.46, 65316 } },
};

static struct mt_sim_result close_to(const struct mt_sim_network *network, const struct mt_sim_workload *workload,
                                     enum mt_strategy strategy, double R, double n, double W)
{
        const struct mt_sim_result got = simulate(network, workload, strategy, 40000, 1);

        assert_true(fabs(got.metric[MT_SIM_BANDWIDTH] / R - 1.0) < 0.02);
        assert_true(fabs(got.metric[MT_SIM_ITERATIONS] - n) < 0.25);
        assert_true(fabs(got.metric[MT_SIM_RESERVED] / W - 1.0) < 0.02);
        assert_true(got.metric[MT_SIM_BLOCKED] < 1e-4); /* at the default rate */
        return got;
}

static void test_figures(void **state)
{
        const struct figures *f = *state;
        struct mt_sim_workload workload = paper;
        struct mt_sim_network network;
        struct mt_sim_result lambda, delta, min, max;

        workload.law = f->law;
        open_builtin(0, 100 * GBIT, &network);
        lambda = close_to(&network, &workload, MT_LAMBDA_RANGE, f->lambda.R, f->lambda.n, f->lambda.W);
        delta = close_to(&network, &workload, MT_DELTA_INCREMENT, f->delta.R, f->delta.n, f->delta.W);
        min = close_to(&network, &workload, MT_MIN_BANDWIDTH, f->min.R, f->min.n, f->min.W);
        max = close_to(&network, &workload, MT_MAX_BANDWIDTH, f->max.R, f->max.n, f->max.W);
        assert_true(min.metric[MT_SIM_RESERVED] > delta.metric[MT_SIM_RESERVED]);
        assert_true(delta.metric[MT_SIM_RESERVED] > lambda.metric[MT_SIM_RESERVED]);
        assert_true(lambda.metric[MT_SIM_RESERVED] > max.metric[MT_SIM_RESERVED]); /* where the paper prints 5-10 % less */
        assert_true(max.metric[MT_SIM_ITERATIONS] < lambda.metric[MT_SIM_ITERATIONS]);
        assert_true(lambda.metric[MT_SIM_ITERATIONS] < delta.metric[MT_SIM_ITERATIONS]);
        mt_sim_network_done(&network);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(networks) + MT_ARRAY_SIZE(occupancies) + MT_ARRAY_SIZE(figures) + 3];
        size_t n = 0;

        ADD_ROWS(tests, n, networks, test_routing);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_refused_networks);
        ADD_ROWS(tests, n, occupancies, test_occupancy);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_tiny_capacity);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_deterministic);
        ADD_ROWS(tests, n, figures, test_figures);
        return _cmocka_run_group_tests("simulate", tests, n, NULL, NULL);
}
