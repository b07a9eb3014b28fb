/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CALM's searches, and F as a table, against scans that look at everything. */
#include "cleanup.h"
#include "model/calm.h"
#include "table.h"

#include <math.h>

static const struct mt_calm_table measured = { .n = 3, .Bs = { 100, 300, 700 }, .F = { 0.5, 0.1, 0.01 } };

static const struct machine {
        const char *name;
        struct mt_calm calm;
        double M;
} machines[] = {
        { "exp", { .B = 1000, .p = 0.001, .F = MT_CALM_EXP, .C = 100 }, 10000 },
        { "exp, busy", { .B = 1000, .p = 0.05, .F = MT_CALM_EXP, .C = 50 }, 10000 },
        { "exp, idle", { .B = 1000, .p = 0.0, .F = MT_CALM_EXP, .C = 100 }, 3000 },
        { "ratio", { .B = 1000, .p = 0.001, .F = MT_CALM_RATIO, .C = 100 }, 10000 },
        { "hyper", { .B = 1000, .p = 0.01, .F = MT_CALM_HYPER, .C = 100 }, 8000 },
        { "linear", { .B = 1000, .p = 0.01, .F = MT_CALM_LINEAR, .C = 1 }, 8000 },
        { "table", { .B = 1000, .p = 0.001, .F = MT_CALM_TABLE, .C = 1, .table = &measured }, 10000 },
        { "table, busy", { .B = 1000, .p = 0.05, .F = MT_CALM_TABLE, .C = 1, .table = &measured }, 10000 },
        { "table wider than the link", { .B = 250, .p = 0.001, .F = MT_CALM_TABLE, .C = 1, .table = &measured }, 10000 },
        { "ratio, scale above the link", { .B = 100, .p = 0.001, .F = MT_CALM_RATIO, .C = 200 }, 1000 },
};

static void assert_close(double got, double want, double part, const char *what)
{
        if (!(fabs(got - want) <= part * fabs(want) + 1e-12))
                fail_msg("%s: got %.9g, wanted %.9g", what, got, want);
}

/* No bandwidth of a fine grid makes a step cheaper than the one that was found. */
static void test_best_step(void **state)
{
        const struct machine *m = *state;

        for (double i = 0; i < m->M; i += m->M / 7.3) {
                double b = mt_calm_best_step(&m->calm, i, 1e-9), cost = mt_calm_step_cost(&m->calm, i, b), least = INFINITY;

                for (unsigned k = 1; k <= 20000; k++)
                        least = fmin(least, mt_calm_step_cost(&m->calm, i, m->calm.B * k / 20000.0));
                assert_true(b > 0.0 && b <= m->calm.B);
                assert_true(cost <= least * (1.0 + 1e-6));
        }
}

static void test_fixed(void **state)
{
        const struct machine *m = *state;
        struct mt_calm_fixed found = mt_calm_search_fixed(&m->calm, m->M),
                             scanned = mt_calm_best_fixed(&m->calm, m->M, 20000);

        assert_true(found.cost <= scanned.cost * (1.0 + 1e-4));
        assert_close(mt_calm_total_cost(&m->calm, m->M, found.N, found.Bm), found.cost, 1e-9, "cost at what was found");
        assert_close(found.total_time, mt_calm_time(0.0, found.N, found.Bm, m->calm.p) + found.downtime, 1e-9, "time");
}

/* The first step that does not pay, page by page. */
static void test_stop_point(void **state)
{
        const struct machine *m = *state;
        double leave = mt_calm_violation(&m->calm, 0.0) / m->calm.B, i = 0.0;

        while (i < m->M && mt_calm_step_cost(&m->calm, i, mt_calm_best_step(&m->calm, i, 1e-6)) < leave)
                i++;
        if (fabs(mt_calm_stop_point(&m->calm, m->M) - i) > 1e-3 * m->M + 2.0)
                fail_msg("got %.1f, wanted %.1f", mt_calm_stop_point(&m->calm, m->M), i);
}

static void test_table(void **state)
{
        const struct mt_calm calm = { .B = 1000, .F = MT_CALM_TABLE, .table = &measured };
        static const struct {
                double Bs, F;
        } points[] = { { 0, 1 },     { 50, 0.75 },   { 100, 0.5 },  { 200, 0.3 },
                       { 300, 0.1 }, { 500, 0.055 }, { 700, 0.01 }, { 1000, 0.01 } };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(points); i++)
                assert_close(mt_calm_violation(&calm, points[i].Bs), points[i].F, 1e-12, "F");
}

int main(void)
{
        struct CMUnitTest tests[3 * MT_ARRAY_SIZE(machines) + 1];
        size_t n = 0;

        ADD_ROWS(tests, n, machines, test_best_step);
        ADD_ROWS(tests, n, machines, test_fixed);
        ADD_ROWS(tests, n, machines, test_stop_point);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_table);
        return _cmocka_run_group_tests("calm_search", tests, n, NULL, NULL);
}
