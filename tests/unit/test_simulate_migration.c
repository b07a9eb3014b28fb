/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a request becomes under each strategy, against the recursions summed round by round, and against model/calm.h. */
#include "model/calm.h"
#include "simulate_paper.h"
#include "table.h"

#include <math.h>

/* The WAN model's rounds one by one: T_i = lambda * T_(i-1) + tau, tdown = lambda * T_n + tg. */
static void check_wan(const struct mt_sim_request *request, double R, const struct mt_sim_migration *got)
{
        const double lambda = request->dirty_mbps / R;
        double t = 0, total = 0, sent = request->memory_mbit;
        unsigned n = 0;

        do {
                t = n == 0 ? request->memory_mbit / R + policy.tau : lambda * t + policy.tau;
                total += t;
                sent += request->dirty_mbps * t;
                n++;
        } while (lambda * t + policy.tg > request->limit_s && n < policy.max_iterations);
        total += lambda * t + policy.tg;
        assert_true(fabs(got->mbps / R - 1.0) < 1e-12);
        assert_int_equal(got->iterations, n);
        assert_int_equal(got->met, lambda * t + policy.tg <= request->limit_s);
        assert_true(fabs(got->duration_s / total - 1.0) < 1e-9);
        assert_true(fabs(got->downtime_s / (lambda * t + policy.tg) - 1.0) < 1e-9);
        assert_true(fabs(got->reserved_mbit / (total * R) - 1.0) < 1e-9);
        assert_true(fabs(got->sent_mbit / sent - 1.0) < 1e-9);
}

static void test_wan_strategies(void **state)
{
        struct mt_sim_stream stream;
        struct mt_sim_request request;
        struct mt_sim_migration got;

        (void)state;
        mt_sim_stream_begin(&stream, &paper, 5, 4);
        for (unsigned i = 0; i < 2000; i++) {
                double D, R;

                mt_sim_stream_next(&stream, &request);
                D = request.dirty_mbps;
                mt_sim_migrate(MT_LAMBDA_RANGE, &policy, &request, &got);
                check_wan(&request, D / (0.1 + 0.3 * (D - 0.1) / 499.9), &got);
                mt_sim_migrate(MT_MIN_BANDWIDTH, &policy, &request, &got);
                check_wan(&request, D + 50.0, &got);
                mt_sim_migrate(MT_MAX_BANDWIDTH, &policy, &request, &got);
                check_wan(&request, 10000.0, &got);
                mt_sim_migrate(MT_DELTA_INCREMENT, &policy, &request, &got);
                R = got.mbps;
                check_wan(&request, R, &got);
                assert_true(fabs((R - D) / 25.0 - round((R - D) / 25.0)) < 1e-9 && R > D);
        }
}

/* Without the WAN model's delays, Clark's rule is model/calm.h's; F = 1 - Bs/B makes its cost W/B. */
static void test_clark_is_the_model(void **state)
{
        struct mt_sim_policy bare = policy;
        struct mt_sim_stream stream;
        struct mt_sim_request request;
        struct mt_sim_migration got;

        (void)state;
        bare.tau = bare.tg = 0.0;
        mt_sim_stream_begin(&stream, &paper, 5, 6);
        for (unsigned i = 0; i < 2000; i++) {
                const unsigned few_at = i % 3 == 0 ? 5 : 1;
                struct mt_calm_clark_run want;

                mt_sim_stream_next(&stream, &request);
                bare.clark_max_mbps = i % 5 == 0 ? 300.0 : 10000.0;
                request.limit_s /= few_at;
                want = mt_calm_clark(&(struct mt_calm){ .B = 10000.0,
                                                        .p = -expm1(-request.dirty_mbps / request.memory_mbit),
                                                        .F = MT_CALM_LINEAR,
                                                        .C = 1.0 },
                                     request.memory_mbit,
                                     &(struct mt_calm_clark_rule){ .b0 = 100.0,
                                                                   .add = 50.0,
                                                                   .bmax = bare.clark_max_mbps,
                                                                   .stop_pages = request.limit_s * 10000.0,
                                                                   .max_rounds = 20 });
                mt_sim_migrate(MT_CLARK, &bare, &request, &got);
                assert_int_equal(got.iterations, want.rounds);
                assert_true(fabs(got.duration_s / want.total_time - 1.0) < 1e-9);
                assert_true(fabs(got.downtime_s - want.downtime) < 1e-9 * want.total_time);
                assert_true(fabs(got.sent_mbit / want.sent - 1.0) < 1e-9);
                assert_true(fabs(got.reserved_mbit / (want.cost * 10000.0) - 1.0) < 1e-9);
                assert_true(fabs(got.mbps * got.duration_s / got.reserved_mbit - 1.0) < 1e-12);
                assert_int_equal(got.met, want.stop == MT_CALM_STOP_FEW);
        }
}

/* CALM's step from i to i + 1 clean pages at b = min(p*i + C, B): is it worth its cost? F(0)/B is what a page left costs. */
static bool is_worth_it(double p, double i, double b, double B, double C)
{
        return exp(-(B - b) / C) * log((b - p * (i + 1.0)) / (b - p * i)) / log(1.0 - p) < 1.0 / B;
}

/* The rounds one by one; where B is near what is dirtied, CALM ends them before the limit is met. */
static void test_cost_aware(void **state)
{
        struct mt_sim_policy of[2] = { policy, policy };
        struct mt_sim_stream stream;
        struct mt_sim_request request;
        struct mt_sim_migration got;
        unsigned n_given_up = 0;

        (void)state;
        of[1].max_mbps = 1000.0;
        of[1].cost_scale_mbps = 500.0;
        mt_sim_stream_begin(&stream, &paper, 5, 8);
        for (unsigned i = 0; i < 4000; i++) {
                const double B = of[i % 2].max_mbps, C = of[i % 2].cost_scale_mbps;
                double M, p, b, clean = 0, T = 0, W = 0, down = INFINITY;
                unsigned n = 0;

                mt_sim_stream_next(&stream, &request);
                M = request.memory_mbit;
                p = request.dirty_mbps / M;
                for (b = C; down > request.limit_s && n < 20 && is_worth_it(p, clean, b, B, C); b = fmin(p * clean + C, B)) {
                        const double t = (M - clean) / b + 0.75;

                        T += t;
                        W += t * b;
                        clean = M * exp(-p * t);
                        down = (M - clean) / B + 0.5;
                        n++;
                }
                mt_sim_migrate(MT_COST_AWARE, &of[i % 2], &request, &got);
                assert_int_equal(got.iterations, n);
                assert_true(fabs(got.duration_s / (T + down) - 1.0) < 1e-9);
                assert_true(fabs(got.reserved_mbit / (W + down * B) - 1.0) < 1e-9);
                assert_int_equal(got.met, down <= request.limit_s);
                n_given_up += !got.met && n < 20 ? 1 : 0;
        }
        assert_true(n_given_up > 100);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_wan_strategies),
                cmocka_unit_test(test_clark_is_the_model),
                cmocka_unit_test(test_cost_aware),
        };

        return cmocka_run_group_tests_name("simulate_migration", tests, NULL, NULL);
}
