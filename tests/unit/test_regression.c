/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "array.h"
#include "model/regression.h"
#include "noise.h"
#include "table.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define MANY 400

static struct mt_observation o[MANY];
static double work[MANY];
static uint64_t seed;

/* Truth, and what disturbs it. */
static const struct row {
        const char *name;
        unsigned coefficients;
        size_t n;
        double truth[MT_MAX_COEFFICIENTS];
        double noise, wild; /* standard deviation; part of the observations that are wild */
        double tolerance;   /* of each coefficient */
} rows[] = {
        { "exact line", 2, 20, { 0.05, 1.1 }, 0.0, 0.0, 1e-9 },
        { "exact plane", 3, 20, { 1.0, 0.1, 0.03 }, 0.0, 0.0, 1e-9 },
        { "line with noise", 2, 200, { 0.05, 1.1 }, 0.01, 0.0, 0.01 },
        { "plane with noise", 3, 400, { 1.0, 0.1, 0.03 }, 0.01, 0.0, 0.01 },
        { "a fifth is wild", 2, 200, { 0.05, 1.1 }, 0.01, 0.2, 0.01 },
        { "exact but for a few", 2, 40, { 0.05, 1.1 }, 0.0, 0.1, 1e-4 },
        { "negative", 2, 100, { -3.0, -2.0 }, 0.01, 0.0, 0.01 },
};

static void test_row(void **state)
{
        const struct row *c = *state;
        struct mt_regression fit;

        seed = 17;
        for (size_t i = 0; i < c->n; i++) {
                o[i] = (struct mt_observation){ .x = { noise_uniform(&seed), 2.0 * noise_uniform(&seed) } };
                o[i].y = c->truth[0] + c->truth[1] * o[i].x[0] + c->noise * noise_normal(&seed);
                if (c->coefficients == 3)
                        o[i].y += c->truth[2] * o[i].x[1];
                if (noise_uniform(&seed) < c->wild)
                        o[i].y += 5.0; /* stalls: always upwards */
        }
        assert_int_equal(mt_regression_fit(o, c->n, c->coefficients, work, &fit), 0);
        for (unsigned k = 0; k < c->coefficients; k++) {
                if (fabs(fit.coefficient[k] - c->truth[k]) > c->tolerance)
                        fail_msg("coefficient %u: %.9f, want %.9f", k, fit.coefficient[k], c->truth[k]);
                assert_true(fit.error[k] >= 0.0 && isfinite(fit.error[k]));
        }
        if (c->wild == 0.0 && c->noise > 0.0)
                assert_true(fabs(fit.spread - c->noise) < 0.2 * c->noise);
}

/* The standard error is what it says: over many samples the estimates spread by as much. */
static void test_errors_are_honest(void **state)
{
        double squares = 0.0, claimed = 0.0;

        (void)state;
        seed = 23;
        for (unsigned round = 0; round < 300; round++) {
                struct mt_regression fit;

                for (size_t i = 0; i < 60; i++) {
                        o[i] = (struct mt_observation){ .x = { noise_uniform(&seed) } };
                        o[i].y = 0.05 + 1.1 * o[i].x[0] + 0.01 * noise_normal(&seed);
                }
                assert_int_equal(mt_regression_fit(o, 60, 2, work, &fit), 0);
                squares += (fit.coefficient[0] - 0.05) * (fit.coefficient[0] - 0.05);
                claimed += fit.error[0];
        }
        assert_true(fabs(sqrt(squares / 300.0) / (claimed / 300.0) - 1.0) < 0.2);
}

static const struct refused_case {
        const char *name;
        unsigned coefficients;
        size_t n;
        double step, other; /* of x[0]; x[1] = other * x[0] */
        int want;
} refused[] = {
        { "too few for a line", 2, 3, 1.0, 0.0, -ENODATA },  { "enough for a line", 2, 4, 1.0, 0.0, 0 },
        { "too few for a plane", 3, 4, 1.0, 0.0, -ENODATA }, { "x does not vary", 2, 20, 0.0, 0.0, -EDOM },
        { "both x vary together", 3, 20, 1.0, 3.0, -EDOM },  { "the second x does not vary", 3, 20, 1.0, 0.0, -EDOM },
};

static void test_refused(void **state)
{
        const struct refused_case *c = *state;
        struct mt_regression fit = { .spread = 7.0 };

        for (size_t i = 0; i < c->n; i++)
                o[i] = (struct mt_observation){ .y = (double)i,
                                                .x = { (double)i * c->step, (double)i * c->step * c->other } };
        assert_int_equal(mt_regression_fit(o, c->n, c->coefficients, work, &fit), c->want);
        if (c->want < 0)
                assert_true(fit.spread == 7.0); /* untouched */
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(rows) + MT_ARRAY_SIZE(refused) + 1];
        size_t n = 0;

        ADD_ROWS(tests, n, rows, test_row);
        ADD_ROWS(tests, n, refused, test_refused);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_errors_are_honest);
        return _cmocka_run_group_tests("regression", tests, n, NULL, NULL);
}
