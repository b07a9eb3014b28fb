/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The simulator's random numbers: the generators' known values, the distributions' moments, the streams' independence. */
#include "array.h"
#include "noise.h"
#include "simulate/random.h"
#include "simulate/workload.h"
#include "table.h"

#include <math.h>
#include <string.h>

#define DRAWS 400000

static unsigned draws; /* DRAWS, or fewer under valgrind */
static double spread;  /* how much further means of those lie from the truth */

/* Vigna's reference implementations give these. */
static void test_xoshiro_reference(void **state)
{
        static const uint64_t want[] = {
                UINT64_C(11520),
                UINT64_C(0),
                UINT64_C(1509978240),
                UINT64_C(1215971899390074240),
                UINT64_C(1216172134540287360),
                UINT64_C(607988272756665600),
                UINT64_C(16172922978634559625),
                UINT64_C(8476171486693032832),
                UINT64_C(10595114339597558777),
                UINT64_C(2904607092377533576),
        };
        struct mt_random random = { { 1, 2, 3, 4 } };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(want); i++)
                assert_true(mt_random_next(&random) == want[i]);
}

static void test_splitmix_reference(void **state)
{
        static const uint64_t want[] = {
                UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),  UINT64_C(9817491932198370423),
                UINT64_C(4593380528125082431), UINT64_C(16408922859458223821),
        };
        uint64_t at = 1234567;

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(want); i++)
                assert_true(mt_random_splitmix(&at) == want[i]);
}

static void test_seeds_and_streams_differ(void **state)
{
        struct mt_random a, b;

        (void)state;
        mt_random_seed(&a, 7, 1);
        mt_random_seed(&b, 7, 1);
        assert_memory_equal(&a, &b, sizeof(a));
        for (uint64_t seed = 0; seed < 50; seed++)
                for (uint64_t stream = 0; stream < 6; stream++) {
                        if (seed == 7 && stream == 1)
                                continue;
                        mt_random_seed(&b, seed, stream);
                        for (unsigned i = 0; i < 4; i++)
                                assert_true(a.s[i] != b.s[i]);
                }
}

static void test_unit_and_below(void **state)
{
        static unsigned counts[11];
        struct mt_random random;

        (void)state;
        mt_random_seed(&random, 1, 0);
        for (unsigned i = 0; i < draws; i++) {
                const double unit = mt_random_unit(&random);
                const uint32_t below = mt_random_below(&random, 11);

                assert_true(unit >= 0.0 && unit < 1.0);
                assert_true(below < 11);
                counts[below]++;
                assert_int_equal(mt_random_below(&random, 1), 0);
        }
        for (unsigned i = 0; i < 11; i++) /* five standard deviations of a count */
                assert_true(fabs(counts[i] - draws / 11.0) < 5.0 * sqrt(draws / 11.0));
}

/* Of 3 * 2^30 numbers, every third would come twice as often if 2^32 were simply spread over them. */
static void test_below_is_fair(void **state)
{
        unsigned counts[3] = { 0 };
        struct mt_random random;

        (void)state;
        mt_random_seed(&random, 2, 0);
        for (unsigned i = 0; i < draws; i++)
                counts[mt_random_below(&random, UINT32_C(3) << 30) % 3]++;
        for (unsigned i = 0; i < 3; i++)
                assert_true(fabs(counts[i] - draws / 3.0) < 5.0 * sqrt(draws / 3.0));
}

/* The laws of the dirty rates between 0.1 and 500 Mbit/s: moments of their densities, by numerical integration. */
static const struct law_case {
        const char *name;
        enum mt_sim_law law;
        double sd;
        double mean, deviation; /* of the result */
} laws[] = {
        { "uniform", MT_SIM_UNIFORM, 1, 250.05, 144.3087 },
        { "normal, the paper's", MT_SIM_NORMAL, 83.3, 250.05, 82.19 },
        { "normal, wide: nearly uniform", MT_SIM_NORMAL, 5000, 250.05, 144.27 },
        { "normal, as wide as the range", MT_SIM_NORMAL, 500, 250.05, 141.91 },
        { "normal, narrow", MT_SIM_NORMAL, 1, 250.05, 1.0 },
        { "exponential", MT_SIM_EXPONENTIAL, 1, 171.79, 131.48 },
        { "exponential, clamped", MT_SIM_EXPONENTIAL_CLAMPED, 1, 216.2, 167.4 },
};

/* The same moments from the density: 200000 slices, and the tails at the bounds where they are clamped. */
static void moments(const struct law_case *c, double *ret_mean, double *ret_deviation)
{
        const double low = 0.1, high = 500.0, middle = 0.5 * (low + high);
        double weight = 0, first = 0, second = 0;

        for (unsigned i = 0; i < 200000; i++) {
                const double x = low + (high - low) * (i + 0.5) / 200000.0;
                double density = (high - low) / 200000.0;

                if (c->law == MT_SIM_NORMAL)
                        density *= exp(-0.5 * pow((x - middle) / c->sd, 2.0));
                else if (c->law != MT_SIM_UNIFORM)
                        density *= exp(-x / middle) / middle;
                weight += density;
                first += density * x;
                second += density * x * x;
        }
        if (c->law == MT_SIM_EXPONENTIAL_CLAMPED) {
                const double below = -expm1(-low / middle), above = exp(-high / middle);

                weight += below + above;
                first += below * low + above * high;
                second += below * low * low + above * high * high;
        }
        *ret_mean = first / weight;
        *ret_deviation = sqrt(second / weight - *ret_mean * *ret_mean);
}

static void test_law(void **state)
{
        const struct law_case *c = *state;
        const struct mt_sim_workload workload = { .law = c->law,
                                                  .arrivals_s = 2.0,
                                                  .memory_mbit = { 32000, 64000 },
                                                  .dirty_mbps = { 0.1, 500.0 },
                                                  .dirty_sd_mbps = c->sd,
                                                  .limit_s = { 0.5, 1.5 } };
        double sum = 0, squares = 0, mean, deviation;
        struct mt_sim_request request;
        struct mt_sim_stream stream;

        moments(c, &mean, &deviation);
        assert_true(fabs(mean - c->mean) < 0.01 * c->mean && fabs(deviation - c->deviation) < 0.01 * c->deviation);
        mt_sim_stream_begin(&stream, &workload, 5, 3);
        for (unsigned i = 0; i < draws; i++) {
                mt_sim_stream_next(&stream, &request);
                assert_true(request.dirty_mbps >= 0.1 && request.dirty_mbps <= 500.0);
                sum += request.dirty_mbps;
                squares += request.dirty_mbps * request.dirty_mbps;
        }
        sum /= draws;
        assert_true(fabs(sum - mean) < 5.0 * deviation / sqrt(draws));
        assert_true(fabs(sqrt(squares / draws - sum * sum) - deviation) < 0.01 * spread * deviation);
}

/* Arrivals are Poisson, sizes and limits uniform, places even; and none of them depends on the law. */
static void test_requests(void **state)
{
        struct mt_sim_workload workload = { .law = MT_SIM_UNIFORM,
                                            .arrivals_s = 4.0,
                                            .memory_mbit = { 32000, 64000 },
                                            .dirty_mbps = { 0.1, 500.0 },
                                            .dirty_sd_mbps = 83.3,
                                            .limit_s = { 0.5, 1.5 } },
                               other = workload;
        static unsigned pairs[5][5];
        double memory = 0, limit = 0, gaps = 0, last = 0;
        struct mt_sim_stream stream, under_other;
        struct mt_sim_request a, b;

        (void)state;
        other.law = MT_SIM_NORMAL;
        mt_sim_stream_begin(&stream, &workload, 5, 9);
        mt_sim_stream_begin(&under_other, &other, 5, 9);
        for (unsigned i = 0; i < draws; i++) {
                mt_sim_stream_next(&stream, &a);
                mt_sim_stream_next(&under_other, &b);
                assert_true(a.arrival_s == b.arrival_s && a.memory_mbit == b.memory_mbit && a.limit_s == b.limit_s);
                assert_true(a.from == b.from && a.to == b.to && a.from != a.to && a.from < 5 && a.to < 5);
                assert_true(a.arrival_s >= last);
                gaps += (a.arrival_s - last) * (a.arrival_s - last);
                last = a.arrival_s;
                memory += a.memory_mbit;
                limit += a.limit_s;
                pairs[a.from][a.to]++;
        }
        assert_true(fabs(last / draws * 4.0 - 1.0) < 0.01 * spread);
        assert_true(fabs(gaps / draws * 16.0 / 2.0 - 1.0) < 0.02 * spread); /* of an exponential: twice the mean squared */
        assert_true(fabs(memory / draws - 48000.0) < 100.0 * spread);
        assert_true(fabs(limit / draws - 1.0) < 0.005 * spread);
        for (unsigned from = 0; from < 5; from++)
                for (unsigned to = 0; to < 5; to++)
                        assert_true(from == to ? pairs[from][to] == 0
                                               : fabs(pairs[from][to] - draws / 20.0) < 5.0 * sqrt(draws / 20.0));
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(laws) + 6];
        size_t n = 0;

        draws = noise_draws(DRAWS);
        spread = sqrt((double)DRAWS / draws);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_xoshiro_reference);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_splitmix_reference);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_seeds_and_streams_differ);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_unit_and_below);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_below_is_fair);
        ADD_ROWS(tests, n, laws, test_law);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_requests);
        return _cmocka_run_group_tests("simulate_random", tests, n, NULL, NULL);
}
