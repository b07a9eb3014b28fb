/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The strategies that follow the copy: what they ask for in each round, and what is predicted of them. */
#include "cleanup.h"
#include "policy/copy.h"
#include "policy/strategy.h"
#include "table.h"

#include <math.h>
#include <string.h>

static struct mt_inputs inputs(double D)
{
        struct mt_inputs in = { .memory = 8590,
                                .resident = 6000,
                                .D = D,
                                .link = 1000,
                                .link_known = true,
                                .free = 984,
                                .granted = INFINITY,
                                .available = 984,
                                .tau = 0.005,
                                .tg = 0.06,
                                .limit = 0.3,
                                .DL = 0.1,
                                .DH = 500,
                                .lL = 0.1,
                                .lH = 0.4,
                                .min_bandwidth = 10,
                                .max_iterations = 20,
                                .urgency = MT_URGENCY_HIGH,
                                .now = { .i = 1 },
                                .clark_initial = 200,
                                .clark_addition = 50,
                                .clark_maximum = 500,
                                .deadline_bandwidth = 1 };

        in.cost = (struct mt_calm){ .B = in.link, .p = D / in.resident, .F = MT_CALM_EXP, .C = 200 };
        return in;
}

static void assert_close(double got, double want, double part)
{
        if (!(fabs(got - want) <= part * fabs(want)))
                fail_msg("got %.6g, wanted %.6g", got, want);
}

static void test_clark_rounds(void **state)
{
        const struct mt_inputs in = inputs(100);
        static const struct {
                struct mt_round round;
                double R;
        } rounds[] = {
                { { .i = 1, .last_rate = 0 }, 200 },
                { { .i = 2, .last_rate = 100 }, 150 },
                { { .i = 3, .last_rate = 280 }, 330 },
                { { .i = 4, .last_rate = 600 }, 500 }, /* clark.maximum */
        };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rounds); i++)
                assert_close(mt_strategy_demand(MT_CLARK, &in, &rounds[i].round, NULL), rounds[i].R, 1e-12);
}

/* Clark's recursion, told again: R_1 = b0, R_k+1 = dirtied/time + addition. */
static void test_clark_copy(void **state)
{
        const struct mt_inputs in = inputs(150);
        const struct mt_way way = { MT_PRE_COPY, MT_CLARK };
        const struct mt_bandwidth now = { .R = 1.0, .expected = 1.0, .switchover = 984 }; /* not what the rounds have */
        struct mt_copy copy = mt_copy_until(60.0, 20, &way, &in, &now);
        double send = in.resident, R = 200, seconds = 0, sent = 0;
        unsigned n = 0;

        (void)state;
        do {
                double t = send / (R * MT_PAYLOAD) + in.tau;

                sent += send;
                seconds += t;
                send = fmin(in.D * t, in.resident);
                R = fmin(send / t + 50, 500);
                n++;
        } while (send > 60.0);
        assert_int_equal(copy.rounds, n);
        assert_true(n > 5);
        assert_close(copy.to_send, send, 1e-9);
        assert_close(copy.seconds, seconds, 1e-9);
        assert_close(copy.sent, sent, 1e-9);
}

/* Low first, then more; by the closed form of e^(-Bs/C): what is dirtied, p*i, and C. */
static void test_cost_aware_rises(void **state)
{
        const struct mt_inputs in = inputs(100);
        double before = 0.0;

        (void)state;
        for (double clean = 0; clean <= in.resident; clean += 500) {
                double R = mt_strategy_demand(MT_COST_AWARE, &in, &(struct mt_round){ .i = 3, .clean = clean }, NULL);

                assert_close(R, in.cost.p * clean + in.cost.C, 0.01);
                assert_true(R > before);
                before = R;
        }
}

/* What is predicted against the same copy in steps of a ten-thousandth of the memory, where what is clean decays by p. */
static void test_cost_aware_copy(void **state)
{
        const struct mt_inputs in = inputs(100);
        const struct mt_way way = { MT_PRE_COPY, MT_COST_AWARE };
        const struct mt_bandwidth now = { .R = 200, .expected = 200, .switchover = 984 };
        struct mt_copy copy = mt_copy_until(200.0, 20, &way, &in, &now);
        double seconds = 0, sent = 0, clean = 0, chunk = in.resident * 1e-4;
        unsigned n = 0;

        (void)state;
        for (double left = in.resident; left > 200.0; n++, left = in.resident - clean) {
                for (double done = 0; done < left; done += chunk) {
                        double t = chunk / ((in.cost.p * clean + in.cost.C) * MT_PAYLOAD);

                        seconds += t;
                        sent += chunk;
                        clean += chunk - in.cost.p * clean * t;
                }
                seconds += in.tau;
                clean -= in.cost.p * clean * in.tau;
        }
        assert_int_equal(copy.rounds, n);
        assert_close(copy.seconds, seconds, 0.03);
        assert_close(copy.sent, sent, 0.03);
        assert_close(copy.to_send, in.resident - clean, 0.10);
}

static void test_cost_aware_fixed(void **state)
{
        struct mt_inputs in = inputs(100);
        double R;

        (void)state;
        in.cost_fixed = true;
        R = mt_strategy_demand(MT_COST_AWARE, &in, &in.now, NULL);
        assert_close(R, mt_calm_best_fixed(&in.cost, in.resident, 4000).Bm, 0.01);
        assert_close(mt_strategy_demand(MT_COST_AWARE, &in, &(struct mt_round){ .i = 5, .clean = 5000 }, NULL), R, 1e-12);
        assert_int_equal(mt_strategy_follows(MT_COST_AWARE, &in), MT_FOLLOWS_NOTHING);
}

/* It stops where copying on does not pay, unless max_downtime wants less to remain; never below alpha.floor. */
static void test_cost_aware_stop(void **state)
{
        struct mt_inputs in = inputs(100);
        double own = (in.resident - mt_calm_stop_point(&in.cost, in.resident)) / in.memory;

        (void)state;
        assert_true(own < 0.5);
        assert_close(mt_strategy_stop(MT_COST_AWARE, &in, 0.5, 0.002, NULL), fmax(own, 0.002), 1e-9);
        assert_close(mt_strategy_stop(MT_COST_AWARE, &in, 0.001, 0.0005, NULL), fmin(0.001, fmax(own, 0.0005)), 1e-9);
        assert_close(mt_strategy_stop(MT_LAMBDA_RANGE, &in, 0.5, 0.002, NULL), 0.5, 1e-12);
        in.cost.F = MT_CALM_LINEAR; /* nothing gained by copying: stop at once, as far as the limit lets it */
        assert_close(mt_strategy_stop(MT_COST_AWARE, &in, 0.5, 0.002, NULL), 0.5, 1e-12);
}

/* The other four ask for the same whatever the round. */
static void test_others_follow_nothing(void **state)
{
        const struct mt_inputs in = inputs(100);

        (void)state;
        for (enum mt_strategy s = MT_LAMBDA_RANGE; s <= MT_MAX_BANDWIDTH; s++) {
                const struct mt_round late = { .i = 7, .clean = 5500, .last_rate = 321 };

                assert_int_equal(mt_strategy_follows(s, &in), MT_FOLLOWS_NOTHING);
                assert_close(mt_strategy_demand(s, &in, &late, NULL), mt_strategy_demand(s, &in, &in.now, NULL), 1e-12);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_clark_rounds),          cmocka_unit_test(test_clark_copy),
                cmocka_unit_test(test_cost_aware_rises),      cmocka_unit_test(test_cost_aware_copy),
                cmocka_unit_test(test_cost_aware_fixed),      cmocka_unit_test(test_cost_aware_stop),
                cmocka_unit_test(test_others_follow_nothing),
        };

        return cmocka_run_group_tests_name("strategy", tests, NULL, NULL);
}
