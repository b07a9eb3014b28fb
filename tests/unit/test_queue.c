/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose turn it is, and which technique those take that go at the same time. */
#include "policy/decide.h"
#include "steer/queue.h"
#include "table.h"

#include <string.h>

#define MAX 8
#define HIGH MT_URGENCY_HIGH
#define MEDIUM MT_URGENCY_MEDIUM
#define LOW MT_URGENCY_LOW
#define IDLE MT_TRAFFIC_IDLE
#define IN MT_TRAFFIC_INBOUND
#define OUT MT_TRAFFIC_OUTBOUND
#define MIXED MT_TRAFFIC_MIXED

static const struct order_case {
        const char *name;
        size_t n;
        struct mt_waiter waiter[MAX];
        size_t want[MAX];
} orders[] = {
        { "one", 1, { { LOW, IN } }, { 0 } },
        { "by time among equals", 3, { { LOW, IDLE }, { LOW, IDLE }, { LOW, IDLE } }, { 0, 1, 2 } },
        { "outbound and idle, mixed, inbound",
          5,
          { { LOW, IN }, { LOW, MIXED }, { LOW, OUT }, { LOW, IDLE }, { LOW, IN } },
          { 2, 3, 1, 0, 4 } },
        { "medium before low, whatever the traffic", 3, { { LOW, IDLE }, { MEDIUM, IN }, { MEDIUM, MIXED } }, { 2, 1, 0 } },
        { "high, when it waits for room, before all", 3, { { MEDIUM, IDLE }, { LOW, OUT }, { HIGH, IN } }, { 2, 0, 1 } },
};

static void test_order(void **state)
{
        const struct order_case *c = *state;
        size_t got[MAX] = { 0 };

        mt_queue_order(c->waiter, c->n, got);
        for (size_t i = 0; i < c->n; i++)
                assert_int_equal(got[i], c->want[i]);
}

/* The one that asks is the last of the waiters. Shares of 600 Mbit/s, 67 to move at all. */
static const struct turn_case {
        const char *name;
        unsigned running;
        double available, left;
        size_t n;
        struct mt_waiter waiter[MAX];
        bool go;
        size_t position;
        const char *reason;
} turns[] = {
        { "nobody else", 0, 984, 984, 1, { { LOW, IN } }, true, 1, "" },
        { "nobody else, on a full link", 0, 10, 984, 1, { { MEDIUM, IDLE } }, true, 1, "" },
        { "high goes beside others", 3, 10, 100, 1, { { HIGH, IN } }, true, 1, "" },
        { "high does not mind who waits", 1, 984, 300, 3, { { LOW, IDLE }, { MEDIUM, IDLE }, { HIGH, IN } }, true, 1, "" },
        { "high waits where no room is left",
          2,
          984,
          60,
          1,
          { { HIGH, IDLE } },
          false,
          1,
          "what the 2 running ones need leaves 60 Mbit/s of the link, 67 are needed to move at all" },
        { "the ledger of nobody is not full", 0, 984, 0, 1, { { HIGH, IDLE } }, true, 1, "" },
        { "medium goes beside one where there is enough", 1, 1200, 600, 1, { { MEDIUM, IDLE } }, true, 1, "" },
        { "medium waits where there is not",
          1,
          1199,
          600,
          1,
          { { MEDIUM, IDLE } },
          false,
          1,
          "1199 Mbit/s available do not suffice for 1 that run and this one (1200); place 1 of 1" },
        { "medium overtakes low", 0, 984, 984, 2, { { LOW, IDLE }, { MEDIUM, IN } }, true, 1, "" },
        { "low waits for each that runs",
          1,
          9840,
          9000,
          1,
          { { LOW, IDLE } },
          false,
          1,
          "low urgency goes one after another, and 1 run; place 1 of 1" },
        { "low waits for low that asked before",
          0,
          984,
          984,
          2,
          { { LOW, IDLE }, { LOW, IDLE } },
          false,
          2,
          "1 that wait go first" },
        { "low, idle, goes before low, inbound", 0, 984, 984, 2, { { LOW, IN }, { LOW, IDLE } }, true, 1, "" },
        { "low behind two", 1, 984, 100, 3, { { LOW, OUT }, { MEDIUM, IN }, { LOW, MIXED } }, false, 3, "place 3 of 3" },
};

static void test_turn(void **state)
{
        const struct turn_case *c = *state;
        const struct mt_queue queue = {
                .running = c->running,
                .running_share = 600.0 * c->running,
                .share = 600,
                .available = c->available,
                .left = c->left,
                .least = 67,
                .n = c->n,
                .waiter = c->waiter,
                .asking = c->n - 1,
        };
        struct mt_turn turn = mt_queue_turn(&queue);

        assert_int_equal(turn.go, c->go);
        assert_int_equal(turn.position, c->position);
        if (c->go)
                assert_string_equal(turn.reason, "");
        else if (strstr(turn.reason, c->reason) == NULL)
                fail_msg("got '%s', wanted '%s'", turn.reason, c->reason);
}

/* Every place is given once, and somebody can go as soon as nobody runs. */
static void test_somebody_goes(void **state)
{
        (void)state;
        for (unsigned mask = 0; mask < 1u << (2 * 3); mask++) {
                struct mt_waiter waiter[3];
                unsigned went = 0, places = 0;

                for (unsigned i = 0; i < 3; i++)
                        waiter[i] = (struct mt_waiter){ .urgency = i == 0 ? MEDIUM : LOW,
                                                        .traffic = (enum mt_traffic_class)(mask >> (2 * i) & 3) };
                for (size_t i = 0; i < 3; i++) {
                        const struct mt_queue queue = {
                                .share = 600, .available = 500, .n = 3, .waiter = waiter, .asking = i
                        };
                        struct mt_turn turn = mt_queue_turn(&queue);

                        went += turn.go;
                        places |= 1u << turn.position;
                }
                assert_int_equal(went, 1);
                assert_int_equal(places, 2 | 4 | 8);
        }
}

/* Mbit/s in and out; the cell of algorithm 3's table where it differs from algorithm 1's. */
static const struct technique_case {
        const char *name;
        unsigned parallel;
        double src_in, src_out, dst_in, dst_out, vms_in, vms_out;
        enum mt_technique want;
        const char *reason;
} techniques[] = {
        { "alone: source inbound", 0, 500, 0, 0, 0, 0, 0, MT_PRE_COPY, "technique by traffic: source inbound" },
        { "in parallel: source inbound, VMs not", 1, 500, 0, 0, 0, 0, 0, MT_POST_COPY,
          "technique by traffic, 1 others in parallel: source inbound, destination idle, VMs idle -> post-copy" },
        { "in parallel: source and VMs inbound", 2, 500, 0, 0, 0, 300, 10, MT_PRE_COPY, "VMs inbound -> pre-copy" },
        { "alone: source mixed, destination inbound", 0, 500, 500, 500, 0, 0, 0, MT_POST_COPY, "source mixed" },
        { "in parallel: source mixed, destination inbound", 1, 500, 500, 500, 0, 0, 0, MT_PRE_COPY,
          "destination inbound, VMs idle -> pre-copy" },
};

static void test_technique(void **state)
{
        const struct technique_case *c = *state;
        struct mt_facts facts = {
                .memory_bytes = MT_GIB,
                .resident_bytes = MT_GIB,
                .link_bytes_s = mt_bytes_s(1000),
                .src = { .known = true, .in_bytes_s = mt_bytes_s(c->src_in), .out_bytes_s = mt_bytes_s(c->src_out) },
                .dst = { .known = true, .in_bytes_s = mt_bytes_s(c->dst_in), .out_bytes_s = mt_bytes_s(c->dst_out) },
                .parallel = c->parallel,
                .vms_in_bytes_s = mt_bytes_s(c->vms_in),
                .vms_out_bytes_s = mt_bytes_s(c->vms_out),
                .dirty_low_bytes_s = MT_AUTO,
                .dirty_high_bytes_s = MT_AUTO,
                .post_copy = MT_CALLER_YES,
        };
        struct mt_intent intent;
        struct mt_plan plan;
        bool said = false;

        mt_intent_defaults(&intent);
        mt_decide(&facts, &intent, &plan);
        assert_int_equal(plan.technique, c->want);
        for (unsigned i = 0; i < plan.reasons.n; i++)
                said = said || strstr(plan.reasons.text[i], c->reason) != NULL;
        assert_true(said);
}

int main(void)
{
        struct CMUnitTest tests[sizeof(orders) / sizeof(orders[0]) + sizeof(turns) / sizeof(turns[0]) +
                                sizeof(techniques) / sizeof(techniques[0]) + 1];
        size_t n = 0;

        ADD_ROWS(tests, n, orders, test_order);
        ADD_ROWS(tests, n, turns, test_turn);
        ADD_ROWS(tests, n, techniques, test_technique);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_somebody_goes);
        return _cmocka_run_group_tests("queue", tests, n, NULL, NULL);
}
