/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who leaves a host first, and when all have left; and which destination each goes to. */
#include "command/migrate/places.h"
#include "command/migrate/schedule.h"
#include "array.h"
#include "table.h"
#include "units.h"

#define MAX 6
#define HIGH MT_URGENCY_HIGH
#define MEDIUM MT_URGENCY_MEDIUM
#define LOW MT_URGENCY_LOW
#define IDLE MT_TRAFFIC_IDLE
#define IN MT_TRAFFIC_INBOUND
#define OUT MT_TRAFFIC_OUTBOUND
#define MIXED MT_TRAFFIC_MIXED
#define NEVER UINT64_MAX

static const struct order_case {
        const char *name;
        size_t n;
        struct mt_schedule_item item[MAX];
        size_t want[MAX];
} orders[] = {
        { "as given among equals", 3, { { LOW, IDLE }, { LOW, IDLE }, { LOW, IDLE } }, { 0, 1, 2 } },
        { "urgency first", 3, { { LOW, OUT }, { MEDIUM, IN }, { HIGH, IN } }, { 2, 1, 0 } },
        { "outbound and idle, mixed, inbound",
          5,
          { { LOW, IN }, { LOW, MIXED }, { LOW, OUT }, { LOW, IDLE }, { LOW, IN } },
          { 2, 3, 1, 0, 4 } },
        { "traffic within an urgency",
          6,
          { { LOW, IDLE }, { HIGH, IN }, { MEDIUM, MIXED }, { HIGH, IDLE }, { MEDIUM, OUT }, { LOW, IN } },
          { 3, 1, 4, 2, 0, 5 } },
};

static void test_order(void **state)
{
        const struct order_case *c = *state;
        size_t got[MAX] = { 0 };

        mt_schedule_order(c->item, c->n, got);
        for (size_t i = 0; i < c->n; i++)
                assert_int_equal(got[i], c->want[i]);
}

/* Each would have 400 Mbit/s and take 10 s alone; the queue counts it for 600. The link has 984 for all, 67 is the least. */
#define ANY(u, share, total, state, left)                                                                                   \
        {                                                                                                                   \
                (u), IDLE, 400, (share), (total), (state), (left)                                                           \
        }
#define ITEM(u) ANY(u, 600, 10000, MT_SCHEDULE_PENDING, 0)
#define RUNS(u, left) ANY(u, 600, 10000, MT_SCHEDULE_RUNNING, left)
#define GONE(u) ANY(u, 600, 10000, MT_SCHEDULE_ENDED, 0)

static const struct forecast_case {
        const char *name;
        unsigned slots;
        bool alone; /* nobody arbitrates */
        size_t n;
        struct mt_schedule_item item[MAX];
        uint64_t want_ms;
        struct mt_schedule_times want[MAX];
} forecasts[] = {
        { "nobody", 8, false, 0, { { 0 } }, 0, { { 0 } } },
        { "one", 8, false, 1, { ITEM(MEDIUM) }, 10000, { { 0, 10000 } } },
        { "low urgency, one after another",
          8,
          false,
          3,
          { ITEM(LOW), ITEM(LOW), ITEM(LOW) },
          30000,
          { { 0, 10000 }, { 10000, 20000 }, { 20000, 30000 } } },
        { "medium waits where two do not fit",
          8,
          false,
          2,
          { ITEM(MEDIUM), ITEM(MEDIUM) },
          20000,
          { { 0, 10000 }, { 10000, 20000 } } },
        { "medium goes beside where they do",
          8,
          false,
          2,
          { ANY(MEDIUM, 400, 10000, MT_SCHEDULE_PENDING, 0), ANY(MEDIUM, 400, 10000, MT_SCHEDULE_PENDING, 0) },
          10000,
          { { 0, 10000 }, { 0, 10000 } } },
        { "high urgency at the same time; the third has what is left, and takes longer",
          8,
          false,
          3,
          { ITEM(HIGH), ITEM(HIGH), ITEM(HIGH) },
          21739, /* 10 s * 400 / 184 */
          { { 0, 10000 }, { 0, 10000 }, { 0, 21739 } } },
        { "high before low", 8, false, 2, { ITEM(LOW), ITEM(HIGH) }, 20000, { { 10000, 20000 }, { 0, 10000 } } },
        { "one slot", 1, false, 2, { ITEM(HIGH), ITEM(HIGH) }, 20000, { { 0, 10000 }, { 10000, 20000 } } },
        { "nobody arbitrates, two slots",
          2,
          true,
          3,
          { ITEM(LOW), ITEM(LOW), ITEM(LOW) },
          20000,
          { { 0, 10000 }, { 0, 10000 }, { 10000, 20000 } } },
        { "one runs, one ended, one is to come",
          8,
          false,
          3,
          { RUNS(LOW, 4000), GONE(LOW), ITEM(LOW) },
          14000,
          { { 0, 4000 }, { 0, 0 }, { 4000, 14000 } } },
        { "all ended", 8, false, 2, { GONE(LOW), GONE(HIGH) }, 0, { { 0, 0 }, { 0, 0 } } },
        { "one never ends",
          8,
          false,
          2,
          { ANY(LOW, 600, NEVER, MT_SCHEDULE_PENDING, 0), ITEM(LOW) },
          NEVER,
          { { 0, NEVER }, { 0, 10000 } } },
        { "one that runs may not end", 8, false, 1, { RUNS(LOW, NEVER) }, NEVER, { { 0, NEVER } } },
        { "an absurdly long one",
          8,
          false,
          2,
          { RUNS(LOW, NEVER - 1), ITEM(LOW) },
          NEVER,
          { { 0, NEVER - 1 }, { NEVER - 1, NEVER } } },
};

static void test_forecast(void **state)
{
        const struct forecast_case *c = *state;
        const struct mt_schedule_link link = {
                .available = 984, .left = 984, .least = 67, .slots = c->slots, .arbitrated = !c->alone
        };
        struct mt_schedule_times got[MAX] = { { 0 } };
        size_t order[MAX];

        mt_schedule_order(c->item, c->n, order);
        assert_true(mt_schedule_forecast(c->item, order, c->n, &link, got) == c->want_ms);
        for (size_t i = 0; i < c->n; i++) {
                if (got[i].begin_ms != c->want[i].begin_ms || got[i].end_ms != c->want[i].end_ms)
                        fail_msg("item %zu: got %llu to %llu, wanted %llu to %llu", i, (unsigned long long)got[i].begin_ms,
                                 (unsigned long long)got[i].end_ms, (unsigned long long)c->want[i].begin_ms,
                                 (unsigned long long)c->want[i].end_ms);
        }
}

/* More domains than slots and than the queue can hold: it ends, and nobody is left out. */
static void test_many(void **state)
{
        static struct mt_schedule_item items[1000];
        static struct mt_schedule_times times[1000];
        static size_t order[1000];
        const struct mt_schedule_link link = {
                .available = 984, .left = 984, .least = 67, .slots = MT_SCHEDULE_SLOTS, .arbitrated = true
        };
        uint64_t end_ms;

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(items); i++)
                items[i] = (struct mt_schedule_item){ .urgency = (enum mt_urgency)(i % 3),
                                                      .traffic = (enum mt_traffic_class)(i % 4),
                                                      .bandwidth = 100,
                                                      .share = 200,
                                                      .total_ms = 1000 };
        mt_schedule_order(items, MT_ARRAY_SIZE(items), order);
        end_ms = mt_schedule_forecast(items, order, MT_ARRAY_SIZE(items), &link, times);
        assert_true(end_ms >= 333 * 1000 && end_ms < 1000 * 1000);
        for (size_t i = 0; i < MT_ARRAY_SIZE(items); i++)
                assert_true(times[i].end_ms > times[i].begin_ms && times[i].end_ms <= end_ms);
}

static const struct left_case {
        const char *name;
        uint64_t predicted_ms, elapsed_ms, remaining_bytes, rate_bytes_s, want_ms;
} lefts[] = {
        { "by the prediction", 10000, 4000, 0, 0, 6000 },
        { "by the bytes, where these take longer", 10000, 9000, 5000000, 1000000, 5000 },
        { "late", 10000, 12000, 2000000, 1000000, 2000 },
        { "late, and nothing remains", 10000, 12000, 0, 1000000, 0 },
        { "no prediction", NEVER, 4000, 3000000, 1000000, 3000 },
        { "nothing is known", NEVER, 4000, 3000000, 0, NEVER },
};

static void test_left(void **state)
{
        const struct left_case *c = *state;

        assert_true(mt_schedule_left(c->predicted_ms, c->elapsed_ms, c->remaining_bytes, c->rate_bytes_s) == c->want_ms);
}

#define G(n) ((n)*MT_GIB)

static const struct place_case {
        const char *name;
        size_t n;
        struct mt_place place[MAX];
        uint64_t needed;
        bool overcommit;
        size_t want;
} places[] = {
        { "the only one", 1, { { true, G(8), 0 } }, G(4), false, 0 },
        { "the one with the most", 3, { { true, G(8), 0 }, { true, G(16), 0 }, { true, G(12), 0 } }, G(4), false, 1 },
        { "the first of several", 2, { { true, G(8), 0 }, { true, G(8), 0 } }, G(4), false, 0 },
        { "what is promised does not count", 2, { { true, G(16), G(10) }, { true, G(8), 0 } }, G(4), false, 1 },
        { "more promised than free", 2, { { true, G(4), G(10) }, { true, G(2), 0 } }, G(1), false, 1 },
        { "none has room", 2, { { true, G(4), G(2) }, { true, G(3), 0 } }, G(4), false, MT_PLACE_NONE },
        { "none has room, all the same", 2, { { true, G(4), G(2) }, { true, G(3), 0 } }, G(4), true, 1 },
        { "just enough", 1, { { true, G(4), 0 } }, G(4), false, 0 },
        { "the only one does not tell", 1, { { false } }, G(4), false, 0 },
        { "one that tells before one that does not", 2, { { false }, { true, G(5), 0 } }, G(4), false, 1 },
        { "none tells: in turn", 2, { { false, 0, G(4) }, { false, 0, G(2) } }, G(4), false, 1 },
        { "one that tells and has no room", 2, { { false }, { true, G(1), 0 } }, G(4), false, MT_PLACE_NONE },
};

static void test_place(void **state)
{
        const struct place_case *c = *state;

        assert_true(mt_place_choose(c->place, c->n, c->needed, c->overcommit) == c->want);
}

int main(void)
{
        struct CMUnitTest
                tests[MT_ARRAY_SIZE(orders) + MT_ARRAY_SIZE(forecasts) + MT_ARRAY_SIZE(lefts) + MT_ARRAY_SIZE(places) + 1];
        size_t n = 0;

        ADD_ROWS(tests, n, orders, test_order);
        ADD_ROWS(tests, n, forecasts, test_forecast);
        ADD_ROWS(tests, n, lefts, test_left);
        ADD_ROWS(tests, n, places, test_place);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_many);
        return _cmocka_run_group_tests("schedule", tests, n, NULL, NULL);
}
