/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How migrations share budgets: by hand for what can be reckoned so, and what must hold of any sharing for random ones. */
#include "noise.h"
#include "policy/ledger.h"
#include "table.h"

#include <math.h>

#define HIGH MT_URGENCY_HIGH
#define MEDIUM MT_URGENCY_MEDIUM
#define LOW MT_URGENCY_LOW
#define MAX 8
#define CLOSE 1e-6

static const struct share_case {
        const char *name;
        size_t n;
        struct {
                double floor, need, wanted;
                enum mt_urgency urgency;
                uint64_t draws_on;
                uint64_t spared_by;      /* of those, do not stop it */
                uint64_t need_spared_by; /* likewise what it needs */
        } entry[MAX];
        size_t n_budgets;
        struct mt_ledger_budget budget[4];
        double want[MAX];
} cases[] = {
        { "nobody", 0, { { 0, 0, 0, LOW, 0 } }, 1, { { 100 } }, { 0 } },
        { "one has what it wants", 1, { { 8, 50, 600, LOW, 1 } }, 1, { { 984 } }, { 600 } },
        { "one has what there is", 1, { { 8, 50, 600, LOW, 1 } }, 1, { { 400 } }, { 400 } },
        { "enough for all", 2, { { 8, 50, 400, LOW, 1 }, { 8, 50, 500, HIGH, 1 } }, 1, { { 984 } }, { 400, 500 } },
        { "equals share alike", 2, { { 8, 50, 800, LOW, 1 }, { 8, 50, 800, LOW, 1 } }, 1, { { 900 } }, { 450, 450 } },
        { "twice the urgency, twice the share",
          2,
          { { 0, 0, 800, HIGH, 1 }, { 0, 0, 800, LOW, 1 } },
          1,
          { { 900 } },
          { 600, 300 } },
        { "in proportion to what is wanted",
          2,
          { { 0, 0, 800, LOW, 1 }, { 0, 0, 400, LOW, 1 } },
          1,
          { { 600 } },
          { 400, 200 } },
        { "what one does not want, others get",
          3,
          { { 0, 0, 100, HIGH, 1 }, { 0, 0, 900, LOW, 1 }, { 0, 0, 900, LOW, 1 } },
          1,
          { { 1000 } },
          { 100, 450, 450 } },
        { "needs before wishes", 2, { { 0, 500, 500, LOW, 1 }, { 0, 0, 900, HIGH, 1 } }, 1, { { 900 } }, { 500, 400 } },
        { "the higher urgency's need first",
          2,
          { { 8, 600, 600, LOW, 1 }, { 8, 600, 600, HIGH, 1 } },
          1,
          { { 700 } },
          { 100, 600 } },
        { "needs that do not fit, by what is missing",
          2,
          { { 0, 600, 600, LOW, 1 }, { 0, 300, 600, LOW, 1 } },
          1,
          { { 600 } },
          { 400, 200 } },
        { "a running one moves, whatever the budget",
          2,
          { { 8, 50, 90, LOW, 1 }, { 8, 50, 90, LOW, 1 } },
          1,
          { { 5 } },
          { 8, 8 } },
        { "a destination's budget binds those that go there",
          3,
          { { 0, 0, 900, LOW, 3 }, { 0, 0, 900, LOW, 3 }, { 0, 0, 900, LOW, 5 } },
          3,
          { { 900 }, { 200 }, { 900 } },
          { 100, 100, 700 } },
        { "what the SLA leaves to low urgency",
          2,
          { { 0, 0, 900, HIGH, 1 }, { 0, 0, 900, LOW, 3 } },
          2,
          { { 900 }, { 100 } },
          { 800, 100 } },
        { "an empty budget stops nobody else",
          2,
          { { 1, 10, 900, LOW, 3 }, { 1, 10, 300, LOW, 1 } },
          2,
          { { 900 }, { 0 } },
          { 1, 300 } },
        { "what nobody else uses stops low urgency alone",
          2,
          { { 0, 0, 600, HIGH, 3, 2 }, { 0, 0, 600, LOW, 3 } },
          2,
          { { 984 }, { 484 } },
          { 600, 0 } },
        { "and not what a deadline needs",
          2,
          { { 0, 0, 600, HIGH, 3, 2 }, { 0, 300, 600, LOW, 3, 0, 2 } },
          2,
          { { 984 }, { 284 } },
          { 600, 300 } },
        { "the SLA stops the wishes of high urgency, too",
          2,
          { { 0, 100, 900, HIGH, 3, 0, 2 }, { 0, 100, 900, MEDIUM, 3 } },
          2,
          { { 984 }, { 500 } },
          { 271.428571428571, 228.571428571429 } },
        { "and not what high urgency needs",
          2,
          { { 0, 600, 900, HIGH, 3, 0, 2 }, { 8, 100, 900, MEDIUM, 3 } },
          2,
          { { 984 }, { 500 } },
          { 600, 8 } },
};

static void test_share(void **state)
{
        const struct share_case *c = *state;
        struct mt_ledger_entry entry[MAX];

        for (size_t i = 0; i < c->n; i++)
                entry[i] = (struct mt_ledger_entry){ .floor = c->entry[i].floor,
                                                     .need = c->entry[i].need,
                                                     .wanted = c->entry[i].wanted,
                                                     .urgency = c->entry[i].urgency,
                                                     .draws_on = c->entry[i].draws_on,
                                                     .stopped_by = c->entry[i].draws_on & ~c->entry[i].spared_by,
                                                     .need_stopped_by = c->entry[i].draws_on & ~c->entry[i].spared_by &
                                                                        ~c->entry[i].need_spared_by };
        mt_ledger_share(entry, c->n, c->budget, c->n_budgets);
        for (size_t i = 0; i < c->n; i++)
                if (fabs(entry[i].granted - c->want[i]) > CLOSE)
                        fail_msg("%s: entry %zu has %.9g, want %.9g", c->name, i, entry[i].granted, c->want[i]);
}

#define ROUNDS 20000
#define ENTRIES 12
#define BUDGETS 5

struct sharing {
        size_t n;
        struct mt_ledger_entry entry[ENTRIES];
        struct mt_ledger_budget budget[BUDGETS];
};

static void make_random(uint64_t *seed, struct sharing *ret)
{
        *ret = (struct sharing){ .n = 0 };
        ret->n = 1 + (size_t)(noise_uniform(seed) * ENTRIES) % ENTRIES;
        for (size_t b = 0; b < BUDGETS; b++)
                ret->budget[b].rate = noise_uniform(seed) < 0.1 ? 0.0 : 1000.0 * noise_uniform(seed);
        for (size_t i = 0; i < ret->n; i++) {
                double wanted = 500.0 * noise_uniform(seed), need = wanted * noise_uniform(seed);

                ret->entry[i] = (struct mt_ledger_entry){ .floor = noise_uniform(seed) < 0.5 ? 0.0 : 0.05 * need,
                                                          .need = need,
                                                          .wanted = wanted,
                                                          .urgency = (enum mt_urgency)(3.0 * noise_uniform(seed)),
                                                          .draws_on = 1 | (uint64_t)(31.0 * noise_uniform(seed)) };
                ret->entry[i].stopped_by = ret->entry[i].need_stopped_by = ret->entry[i].draws_on;
        }
}

static bool draws_on(const struct mt_ledger_entry *entry, size_t budget)
{
        return (entry->draws_on >> budget & 1) != 0;
}

/* What a budget's members have together, and what their floors alone are. */
static double used(const struct sharing *sharing, size_t budget, double *ret_floors)
{
        double sum = 0.0;

        *ret_floors = 0.0;
        for (size_t i = 0; i < sharing->n; i++)
                if (draws_on(&sharing->entry[i], budget)) {
                        sum += sharing->entry[i].granted;
                        *ret_floors += sharing->entry[i].floor;
                }
        return sum;
}

static bool has_enough_or_is_stopped(const struct sharing *sharing, const struct mt_ledger_entry *entry)
{
        double floors;

        if (entry->granted >= entry->wanted - 1e-3)
                return true;
        for (size_t b = 0; b < BUDGETS; b++)
                if (draws_on(entry, b) && used(sharing, b, &floors) >= sharing->budget[b].rate - 1e-3)
                        return true;
        return false;
}

/* No budget is exceeded, nobody has more than it wants or less than its floor, and nothing that somebody could use is left. */
static void test_random(void **state)
{
        uint64_t seed = 4;

        (void)state;
        for (unsigned round = 0; round < noise_draws(ROUNDS); round++) {
                struct sharing sharing;

                make_random(&seed, &sharing);
                mt_ledger_share(sharing.entry, sharing.n, sharing.budget, BUDGETS);
                for (size_t b = 0; b < BUDGETS; b++) {
                        double floors, sum = used(&sharing, b, &floors);

                        assert_true(sum <= fmax(sharing.budget[b].rate, floors) + 1e-3);
                }
                for (size_t i = 0; i < sharing.n; i++) {
                        const struct mt_ledger_entry *entry = &sharing.entry[i];

                        assert_true(entry->granted >= entry->floor && entry->granted <= entry->wanted + CLOSE);
                        assert_true(has_enough_or_is_stopped(&sharing, entry));
                }
        }
}

/* The order in which they are asked does not matter. */
static void test_order(void **state)
{
        uint64_t seed = 5;

        (void)state;
        for (unsigned round = 0; round < noise_draws(ROUNDS); round++) {
                struct sharing sharing, reversed;

                make_random(&seed, &sharing);
                reversed = sharing;
                for (size_t i = 0; i < sharing.n; i++)
                        reversed.entry[i] = sharing.entry[sharing.n - 1 - i];
                mt_ledger_share(sharing.entry, sharing.n, sharing.budget, BUDGETS);
                mt_ledger_share(reversed.entry, sharing.n, sharing.budget, BUDGETS);
                for (size_t i = 0; i < sharing.n; i++)
                        assert_true(fabs(sharing.entry[i].granted - reversed.entry[sharing.n - 1 - i].granted) < 1e-3);
        }
}

int main(void)
{
        struct CMUnitTest tests[sizeof(cases) / sizeof(cases[0]) + 2];
        size_t n = 0;

        ADD_ROWS(tests, n, cases, test_share);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_random);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_order);
        return _cmocka_run_group_tests("ledger", tests, n, NULL, NULL);
}
