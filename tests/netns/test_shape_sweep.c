/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a crash may leave is found and goes; what is kept or foreign stays. */
#include "cleanup.h"
#include "shape_fixture.h"

#define MAX_SEEN 16

struct seen {
        unsigned n;
        struct mt_link link[MAX_SEEN];
        uint16_t minor[MAX_SEEN];
        uint16_t keep; /* this minor */
};

static bool see(void *ctx, const struct mt_link *link, uint16_t minor)
{
        struct seen *seen = ctx;

        assert_true(seen->n < MAX_SEEN);
        seen->link[seen->n] = *link;
        seen->minor[seen->n++] = minor;
        return minor == seen->keep;
}

static int sweep(const struct fixture *f, struct seen *seen)
{
        struct mt_err err = { 0 };
        const int r = mt_shape_sweep(f->shaper, seen != NULL ? see : NULL, seen, &err);

        if (r < 0)
                fail_msg("sweep: %s", err.msg);
        return r;
}

static void test_nothing_there(void **state)
{
        struct seen seen = { 0 };

        assert_int_equal(sweep(*state, &seen), 0);
        assert_int_equal(seen.n, 0);
        assert_unchanged(*state);
}

static void test_everything_goes(void **state)
{
        const struct fixture *f = *state;
        struct mt_link other = f->egress;

        (void)snprintf(other.device, sizeof(other.device), "v1");
        (void)add(f, &f->egress, 10, 20, NULL);
        (void)add(f, &f->egress, 10, 20, NULL);
        (void)add(f, &f->ingress, 10, 20, NULL);
        (void)add(f, &other, 10, 20, NULL);
        assert_int_equal(sweep(f, NULL), 4 + 3); /* classes and trees */
        assert_unchanged(f);
        assert_int_equal(sweep(f, NULL), 0);
}

static void test_keeps_what_it_is_told(void **state)
{
        const struct fixture *f = *state;
        struct seen seen = { .keep = 3 };

        for (int i = 0; i < 3; i++) {
                (void)add(f, &f->egress, 10, 20, NULL);
                (void)add(f, &f->ingress, 10, 20, NULL);
        }
        assert_int_equal(sweep(f, &seen), 4);
        assert_int_equal(seen.n, 6);
        for (unsigned i = 0; i < seen.n; i++) {
                assert_string_equal(seen.link[i].device, "v0");
                assert_int_equal(seen.link[i].rate_bytes_s, f->egress.rate_bytes_s);
                assert_int_equal(seen.link[i].direction, i < 3 ? MT_EGRESS : MT_INGRESS);
                assert_int_equal(seen.minor[i], 2 + i % 3);
        }
        assert_true(netns_shows("3\n", "tc class show dev v0 | wc -l"));
        assert_class("v0", "4d54:fffe", "rate 990Mbit");
        assert_true(netns_shows("Redirect", "tc filter show dev v0 ingress"));
        drop(f, &f->egress, 3);
        drop(f, &f->ingress, 3);
        assert_unchanged(f);
}

static void test_keeps_all(void **state)
{
        const struct fixture *f = *state;
        struct seen seen = { .keep = 2 };
        char *before, *after;

        (void)add(f, &f->egress, 10, 20, NULL);
        (void)add(f, &f->ingress, 10, 20, NULL);
        before = netns_snapshot();
        assert_int_equal(sweep(f, &seen), 0);
        after = netns_snapshot();
        assert_string_equal(after, before);
        free(before);
        free(after);
}

static void test_under_an_operators_class(void **state)
{
        struct fixture *f = *state;
        struct mt_link link = f->egress;
        struct seen seen = { .keep = 0x4d03 };

        netns_run("tc qdisc add dev v0 root handle 1a: htb r2q 1000; tc class add dev v0 parent 1a: classid 1a:1 htb rate "
                  "1gbit;"
                  " tc class add dev v0 parent 1a:1 classid 1a:10 htb rate 500mbit");
        free(f->before);
        f->before = netns_snapshot();
        (void)snprintf(link.parent, sizeof(link.parent), "1a:10");
        (void)add(f, &link, 10, 20, NULL);
        (void)add(f, &link, 10, 20, NULL);
        assert_int_equal(sweep(f, &seen), 1);
        assert_int_equal(seen.n, 2);
        assert_string_equal(seen.link[0].parent, "1a:10");
        assert_int_equal(seen.link[0].direction, MT_EGRESS);
        drop(f, &link, 0x4d03);
        assert_unchanged(f);
}

/* States that a crash between two requests can leave, or an operator's command; each must be gone after one sweep. */
static const struct leftover_case {
        const char *name;
        bool ingress; /* made from a whole tree of this direction */
        const char *make;
        int removed;
} leftover_cases[] = {
        { "qdisc without classes", false, "tc qdisc del dev v0 root; tc qdisc add dev v0 root handle 4d54: htb default fffe",
          1 },
        { "qdisc without migrations", false,
          "tc qdisc del dev v0 root; tc qdisc add dev v0 root handle 4d54: htb default fffe r2q 10000;"
          " tc class add dev v0 parent 4d54: classid 4d54:1 htb rate 1gbit",
          1 },
        { "class whose filters went", false, "tc filter del dev v0", 2 },
        { "ifb without a tree", true, "tc qdisc del dev v0 ingress; tc qdisc del dev mtifb$N root", 1 },
        { "ifb without a redirection", true, "tc qdisc del dev v0 ingress", 2 },
        { "ifb beside an empty ingress qdisc", true, "tc filter del dev v0 ingress", 2 },
        { "redirection without its ifb", true, "ip link del mtifb$N", 1 },
        { "redirection to an ifb without a tree", true, "tc qdisc del dev mtifb$N root", 1 },
        { "ifb that is down", true, "ip link set mtifb$N down", 2 },
};

static void test_leftover(void **state)
{
        const struct leftover_case *c = *state;
        const struct mt_flows flows = flow_of("10.0.0.1", 1000, "10.0.0.2", 49152);
        const struct fixture *f;
        void *fixture;

        (void)fixture_setup(&fixture);
        f = fixture;
        (void)add(f, c->ingress ? &f->ingress : &f->egress, 10, 20, &flows);
        netns_run("N=$(cat /sys/class/net/v0/ifindex); %s", c->make);
        assert_int_equal(sweep(f, NULL), c->removed);
        assert_unchanged(f);
        (void)fixture_teardown(&fixture);
}

/* The same states are no obstacle to the next migration either, and its end leaves nothing. */
static void test_leftover_is_mended(void **state)
{
        const struct leftover_case *c = *state;
        const struct mt_flows flows = flow_of("10.0.0.1", 1000, "10.0.0.2", 49152);
        const struct mt_link *link;
        const struct fixture *f;
        void *fixture;
        uint16_t minor;

        (void)fixture_setup(&fixture);
        f = fixture;
        link = c->ingress ? &f->ingress : &f->egress;
        (void)add(f, link, 10, 20, &flows);
        netns_run("N=$(cat /sys/class/net/v0/ifindex); %s", c->make);
        minor = add(f, link, 10, 20, &flows);
        assert_true(netns_shows("4d54:fffe",
                                "for d in v0 mtifb$(cat /sys/class/net/v0/ifindex); do tc class show dev $d 2>&1; done"));
        if (c->ingress)
                assert_true(netns_shows("Redirect to device mtifb", "tc filter show dev v0 ingress"));
        drop(f, link, minor);
        drop(f, link, 2);
        assert_unchanged(f);
        (void)fixture_teardown(&fixture);
}

static void test_uplink_gone(void **state)
{
        struct fixture *f = *state;

        (void)add(f, &f->ingress, 10, 20, NULL);
        netns_run("ip link del v0");
        assert_true(netns_shows("mtifb", "ip link"));
        assert_int_equal(sweep(f, NULL), 1);
        assert_false(netns_shows("mtifb", "ip link"));
}

/* Names like ours that are not, and an operator's own objects of every sort. */
static void test_foreign_stays(void **state)
{
        struct fixture *f = *state;

        netns_run("ip link add mtifbx type ifb; ip link add mtifb99999 type veth peer name other; ip link add mtifb5z type "
                  "ifb;"
                  " ip link add ifb7 type ifb; tc qdisc add dev v0 root handle 1: htb r2q 1000;"
                  " tc class add dev v0 parent 1: classid 1:4d05 htb rate 1gbit;"
                  " tc filter add dev v0 parent 1: prio 19722 u32 match u32 0 0 flowid 1:4d05;"
                  " tc qdisc add dev v0 ingress; tc filter add dev v0 ingress prio 3 u32 match u32 0 0"
                  " action mirred egress redirect dev ifb7;"
                  " tc qdisc add dev v1 clsact; tc filter add dev v1 ingress prio 1 u32 match u32 0 0; tc qdisc add dev "
                  "ifb7 root pfifo");
        free(f->before);
        f->before = netns_snapshot();
        assert_int_equal(sweep(f, NULL), 0);
        assert_unchanged(f);
}

/* Somebody added a filter to the ingress qdisc that we had made: it keeps the qdisc. */
static void test_operators_filter_in_our_ingress(void **state)
{
        const struct fixture *f = *state;
        const uint16_t minor = add(f, &f->ingress, 10, 20, NULL);

        netns_run("tc filter add dev v0 ingress prio 9 protocol ip u32 match ip dport 22 0xffff action ok"
                  " || tc filter add dev v0 ingress prio 9 protocol ip u32 match ip dport 22 0xffff");
        drop(f, &f->ingress, minor);
        assert_true(netns_shows("pref 9 ", "tc filter show dev v0 ingress"));
        assert_false(netns_shows("Redirect", "tc filter show dev v0 ingress"));
        assert_false(netns_shows("mtifb", "ip link"));
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
        const struct CMUnitTest others[] = {
                ROW(test_nothing_there),
                ROW(test_everything_goes),
                ROW(test_keeps_what_it_is_told),
                ROW(test_keeps_all),
                ROW(test_under_an_operators_class),
                ROW(test_uplink_gone),
                ROW(test_foreign_stays),
                ROW(test_operators_filter_in_our_ingress),
        };
        struct CMUnitTest tests[2 * MT_ARRAY_SIZE(leftover_cases) + MT_ARRAY_SIZE(others)];
        const int status = netns_enter();
        size_t n = 0;

        if (status != 0 || netns_home() < 0)
                return status;
        for (size_t i = 0; i < MT_ARRAY_SIZE(leftover_cases); i++) {
                tests[n++] = (struct CMUnitTest){ .name = leftover_cases[i].name,
                                                  .test_func = test_leftover,
                                                  .initial_state = (void *)(uintptr_t)&leftover_cases[i] };
                tests[n++] = (struct CMUnitTest){ .name = leftover_cases[i].name,
                                                  .test_func = test_leftover_is_mended,
                                                  .initial_state = (void *)(uintptr_t)&leftover_cases[i] };
        }
        (void)memcpy(tests + n, others, sizeof(others));
        return cmocka_run_group_tests_name("shape_sweep", tests, NULL, NULL);
}
