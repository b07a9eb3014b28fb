/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long a million simulated requests take under each strategy, and how much memory they need beside what a tenth of them
 * needs: it should be the same. JSON lines, as bench_shape.c.
 */
#include "bench.h"
#include "../unit/simulate_paper.h"

#include <string.h>
#include <sys/resource.h>

#define MILLION UINT64_C(1000000)

static double simulate(const struct mt_sim_network *network, enum mt_strategy strategy, uint64_t requests)
{
        const struct mt_sim_setup setup = {
                .network = network, .workload = &paper, .policy = &policy, .requests = requests, .seed = 1
        };
        const double start = bench_now_us();
        struct mt_sim_result result;

        if (mt_sim_run(&setup, strategy, &result, NULL) < 0)
                exit(EXIT_FAILURE);
        return (bench_now_us() - start) / 1e6;
}

static double resident_mib(void)
{
        struct rusage usage;

        (void)getrusage(RUSAGE_SELF, &usage);
        return (double)usage.ru_maxrss / 1024.0;
}

static void report(const char *name, const char *unit, double median, double least, double most, unsigned n)
{
        printf("{\"bench\": \"%s\", \"unit\": \"%s\", \"n\": %u, \"median\": %.2f, \"p5\": %.2f, \"p95\": %.2f}\n", name,
               unit, n, median, least, most);
        (void)fflush(stdout);
}

int main(void)
{
        struct mt_sim_network network;
        double tenth;

        if (mt_sim_network_builtin(0, UINT64_C(100000000000), &network, NULL) < 0)
                return EXIT_FAILURE;
        for (unsigned strategy = 0; strategy < MT_STRATEGIES; strategy++)
                (void)simulate(&network, (enum mt_strategy)strategy, MILLION / 10);
        tenth = resident_mib();
        for (unsigned strategy = 0; strategy < MT_STRATEGIES; strategy++) {
                double seconds[5];
                char name[64];

                for (size_t i = 0; i < BENCH_SIZE(seconds); i++)
                        seconds[i] = simulate(&network, (enum mt_strategy)strategy, MILLION);
                qsort(seconds, BENCH_SIZE(seconds), sizeof(seconds[0]), bench_compare);
                (void)snprintf(name, sizeof(name), "simulate a million: %s", mt_strategy_name((enum mt_strategy)strategy));
                report(name, "s", seconds[2], seconds[0], seconds[4], BENCH_SIZE(seconds));
        }
        report("simulate a tenth: resident at most", "MiB", tenth, tenth, tenth, 1);
        report("simulate a million: resident at most", "MiB", resident_mib(), resident_mib(), resident_mib(), 1);
        mt_sim_network_done(&network);
        return 0;
}
