/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which packets a class gets: the filters, told by tc's listing, word for word. Under an operator's HTB too. */
#include "cleanup.h"
#include "shape_fixture.h"

#include <errno.h>

/* The words that tc lists for the class's filters, one filter a line. */
static char *filters_of(const char *device, const char *class)
{
        return netns_output(
                "tc filter show dev %s | awk '/flowid/ { if (on) print \"\"; on = index($0, \"flowid %s \") > 0 }"
                " on && /match/ { printf \"%%s@%%s \", $2, $4 } END { if (on) print \"\" }'",
                device, class);
}

#define V4 "45000000/ff000000@0 00000000/00001fff@4 00060000/00ff0000@8 "
#define V6 "60000000/f0000000@0 00000600/0000ff00@4 "

static const struct match_case {
        const char *name;
        enum mt_direction direction;
        const char *local;
        uint16_t local_port;
        const char *peer;
        uint16_t peer_port;
        const char *want; /* NULL: refused */
} cases[] = {
        { "egress ipv4", MT_EGRESS, "10.0.0.1", 1000, "10.0.0.2", 49152,
          V4 "0a000001/ffffffff@12 0a000002/ffffffff@16 03e8c000/ffffffff@20 \n" },
        { "egress ipv6", MT_EGRESS, "fd00::1", 1000, "fd00::abcd:2", 49152,
          V6 "fd000000/ffffffff@8 00000000/ffffffff@12 00000000/ffffffff@16 00000001/ffffffff@20 fd000000/ffffffff@24 "
             "00000000/ffffffff@28 00000000/ffffffff@32 abcd0002/ffffffff@36 03e8c000/ffffffff@40 \n" },
        { "egress, own port unknown", MT_EGRESS, "10.0.0.1", 0, "10.0.0.2", 49152,
          V4 "0a000001/ffffffff@12 0a000002/ffffffff@16 0000c000/0000ffff@20 \n" },
        { "ingress ipv4", MT_INGRESS, "10.0.0.1", 49152, "10.0.0.2", 1000,
          V4 "0a000002/ffffffff@12 0a000001/ffffffff@16 03e8c000/ffffffff@20 \n" },
        { "ingress listener", MT_INGRESS, "10.0.0.1", 49152, NULL, 0, V4 "0a000001/ffffffff@16 0000c000/0000ffff@20 \n" },
        { "ingress listener on any ipv4", MT_INGRESS, "0.0.0.0", 49152, NULL, 0, V4 "0000c000/0000ffff@20 \n" },
        { "ingress listener on any", MT_INGRESS, "::", 49152, NULL, 0,
          V6 "0000c000/0000ffff@40 \n" V4 "0000c000/0000ffff@20 \n" },
        { "ingress listener ipv6", MT_INGRESS, "fd00::1", 49152, NULL, 0,
          V6 "fd000000/ffffffff@24 00000000/ffffffff@28 00000000/ffffffff@32 00000001/ffffffff@36 0000c000/0000ffff@40 \n" },
        { "no port at all", MT_EGRESS, "10.0.0.1", 0, "10.0.0.2", 0, NULL },
        { "between families", MT_EGRESS, "10.0.0.1", 1000, "fd00::2", 49152, NULL },
        { "nothing known", MT_EGRESS, NULL, 0, "10.0.0.2", 49152, NULL },
};

static const char *device_of(const struct mt_link *link, char *text, size_t size)
{
        char *ifindex;

        if (link->direction == MT_EGRESS)
                return "v0";
        ifindex = netns_output("cat /sys/class/net/v0/ifindex");
        (void)snprintf(text, size, MT_IFB_PREFIX "%d", atoi(ifindex));
        free(ifindex);
        return text;
}

static void check_refused(const struct fixture *f, const struct mt_link *link, const struct mt_flows *flows)
{
        const struct mt_class_spec spec = spec_of(10, 20);
        struct mt_err err = { 0 };
        char *before, *after;
        uint16_t minor;

        assert_int_equal(mt_shape_add(f->shaper, link, &spec, flows, &minor, &err), -EINVAL);
        assert_int_equal(err.code, EINVAL);
        assert_unchanged(f);
        minor = add(f, link, 10, 20, NULL);
        before = netns_snapshot();
        assert_int_equal(mt_shape_match(f->shaper, link, minor, flows, NULL), -EINVAL);
        after = netns_snapshot();
        assert_string_equal(after, before);
        free(before);
        free(after);
}

/* Given with the class, or afterwards: the same filters. */
static void check_filters(const struct fixture *f, const struct mt_link *link, const struct mt_flows *flows,
                          const char *want)
{
        static const char *const class[] = { "4d54:2", "4d54:3" };
        char ifb[32];

        (void)add(f, link, 10, 20, flows);
        assert_int_equal(mt_shape_match(f->shaper, link, add(f, link, 10, 20, NULL), flows, NULL), 0);
        for (int i = 0; i < 2; i++) {
                char *got = filters_of(device_of(link, ifb, sizeof(ifb)), class[i]);

                assert_string_equal(got, want);
                free(got);
        }
}

static void test_match(void **state)
{
        const struct match_case *c = *state;
        const struct mt_flows flows = flow_of(c->local, c->local_port, c->peer, c->peer_port);
        const struct fixture *f;
        void *fixture;

        (void)fixture_setup(&fixture);
        f = fixture;
        if (c->want == NULL)
                check_refused(f, c->direction == MT_EGRESS ? &f->egress : &f->ingress, &flows);
        else
                check_filters(f, c->direction == MT_EGRESS ? &f->egress : &f->ingress, &flows, c->want);
        (void)fixture_teardown(&fixture);
}

static void test_replaced_exactly(void **state)
{
        const struct fixture *f = *state;
        const struct mt_flows other = flow_of("10.0.0.1", 7, "10.0.0.9", 49160);
        const uint16_t bystander = add(f, &f->egress, 10, 20, &other), minor = add(f, &f->egress, 10, 20, NULL);
        char *got, want[128];

        assert_int_equal(bystander, 2);
        for (uint16_t round = 1; round <= 5; round++) { /* both slots, more than once */
                const struct mt_flows flows = flow_of("10.0.0.1", round, "10.0.0.2", 49152);

                assert_int_equal(mt_shape_match(f->shaper, &f->egress, minor, &flows, NULL), 0);
                (void)snprintf(want, sizeof(want), V4 "0a000001/ffffffff@12 0a000002/ffffffff@16 %04xc000/ffffffff@20 \n",
                               round);
                got = filters_of("v0", "4d54:3");
                assert_string_equal(got, want);
                free(got);
        }
        assert_int_equal(mt_shape_match(f->shaper, &f->egress, minor, &(struct mt_flows){ 0 }, NULL), 0);
        got = filters_of("v0", "4d54:3");
        assert_string_equal(got, "");
        free(got);
        got = filters_of("v0", "4d54:2");
        assert_string_equal(got, V4 "0a000001/ffffffff@12 0a000009/ffffffff@16 0007c008/ffffffff@20 \n");
        free(got);
        drop(f, &f->egress, minor);
        drop(f, &f->egress, bystander);
        assert_unchanged(f);
}

static void test_many_flows(void **state)
{
        const struct fixture *f = *state;
        struct mt_flows flows = { .n = MT_MAX_FLOWS };
        uint16_t minor;

        for (unsigned i = 0; i < flows.n; i++)
                flows.flow[i] = flow_of("10.0.0.1", (uint16_t)(1000 + i), "10.0.0.2", 49152).flow[0];
        minor = add(f, &f->egress, 10, 20, &flows);
        assert_true(netns_shows("32\n", "tc filter show dev v0 | grep -c 'flowid 4d54:2 '"));
        flows.n = MT_MAX_FLOWS + 1;
        assert_int_equal(mt_shape_match(f->shaper, &f->egress, minor, &flows, NULL), -EINVAL);
        drop(f, &f->egress, minor);
        assert_unchanged(f);
}

static void test_port_range(void **state)
{
        const struct fixture *f = *state;
        const uint16_t minor = add(f, &f->ingress, 10, 20, NULL);
        char *got, ifb[32];

        assert_int_equal(mt_shape_match_port_range(f->shaper, &f->ingress, minor, NULL), 0);
        got = filters_of(device_of(&f->ingress, ifb, sizeof(ifb)), "4d54:2");
        assert_string_equal(got, V4 "0000c000/0000ffc0@20 \n" V6 "0000c000/0000ffc0@40 \n");
        free(got);
        drop(f, &f->ingress, minor);
        assert_unchanged(f);
}

#define OPERATOR                                                                                                            \
        "tc qdisc add dev v0 root handle 1: htb default 20 r2q 1000; tc class add dev v0 parent 1: classid 1:1 htb rate "   \
        "1gbit;"                                                                                                            \
        " tc class add dev v0 parent 1:1 classid 1:10 htb rate 500mbit ceil 1gbit;"                                         \
        " tc class add dev v0 parent 1:1 classid 1:20 htb rate 500mbit ceil 1gbit;"                                         \
        " tc filter add dev v0 parent 1: prio 5 protocol ip u32 match ip dport 22 0xffff flowid 1:20"

static struct mt_link operators(struct fixture *f, const char *parent)
{
        struct mt_link link = f->egress;

        netns_run(OPERATOR);
        free(f->before);
        f->before = netns_snapshot();
        (void)snprintf(link.parent, sizeof(link.parent), "%s", parent);
        return link;
}

static void test_under_an_operators_class(void **state)
{
        struct fixture *f = *state;
        const struct mt_link link = operators(f, "1:10");
        const struct mt_flows flows = flow_of("10.0.0.1", 1000, "10.0.0.2", 49152);
        const struct mt_class_spec spec = spec_of(200, 900);
        const uint16_t first = add(f, &link, 100, 250, &flows), second = add(f, &link, 100, 250, &flows);
        struct mt_class_state got;
        char *words;

        assert_int_equal(first, 0x4d02);
        assert_int_equal(second, 0x4d03);
        assert_class("v0", "1:4d02", "parent 1:10 prio 0 rate 100Mbit ceil 250Mbit");
        assert_class("v0", "1:20", "rate 500Mbit ceil 1Gbit");
        words = filters_of("v0", "1:4d02");
        assert_string_equal(words, V4 "0a000001/ffffffff@12 0a000002/ffffffff@16 03e8c000/ffffffff@20 \n");
        free(words);
        assert_int_equal(mt_shape_change(f->shaper, &link, first, &spec, NULL), 0);
        assert_int_equal(mt_shape_query(f->shaper, &link, first, &got, NULL), 0);
        assert_true(got.spec.rate_bytes_s == 200 * MBIT && got.spec.ceil_bytes_s == 900 * MBIT);
        assert_int_equal(mt_shape_match(f->shaper, &link, first, &(struct mt_flows){ 0 }, NULL), 0);
        drop(f, &link, first);
        assert_true(netns_shows("flowid 1:4d03", "tc filter show dev v0"));
        drop(f, &link, second);
        assert_unchanged(f);
}

/* A priority that is taken is passed over, and what is there stays. */
static void test_operators_priority_in_our_range(void **state)
{
        struct fixture *f = *state;
        const struct mt_flows flows = flow_of("10.0.0.1", 1000, "10.0.0.2", 49152);
        const struct mt_link link = operators(f, "1:10");
        uint16_t minor;

        netns_run("tc filter add dev v0 parent 1: prio 19717 protocol ip u32 match ip dport 80 0xffff flowid 1:20;"
                  " tc class add dev v0 parent 1:1 classid 1:4d03 htb rate 1mbit");
        free(f->before);
        f->before = netns_snapshot();
        minor = add(f, &link, 100, 250, &flows);
        assert_int_equal(minor, 0x4d04);
        assert_int_equal(mt_shape_remove(f->shaper, &link, 0x4d03, NULL), 0); /* not ours, though in our range */
        drop(f, &link, minor);
        assert_unchanged(f);
        (void)add(f, &link, 100, 250, &flows);
        assert_int_equal(mt_shape_sweep(f->shaper, NULL, NULL, NULL), 1);
        assert_unchanged(f);
}

static const struct parent_case {
        const char *name, *parent;
        int result;
        const char *words;
} parent_cases[] = {
        { "no such class", "1:30", -ENOENT, "no class 1:30" },
        { "another major", "2:10", -EBUSY, "no root qdisc 'htb 2:'" },
        { "the default class", "1:20", -EBUSY, "unclassified" },
        { "nonsense", "ten", -EINVAL, "'ten'" },
        { "half", "1:", -EINVAL, "'1:'" },
        { "something behind", "1:10x", -EINVAL, "'1:10x'" },
};

static void test_bad_parents(void **state)
{
        struct fixture *f = *state;
        struct mt_link link = operators(f, "");
        const struct mt_class_spec spec = spec_of(100, 250);

        for (size_t i = 0; i < MT_ARRAY_SIZE(parent_cases); i++) {
                struct mt_err err = { 0 };
                uint16_t minor;

                (void)snprintf(link.parent, sizeof(link.parent), "%s", parent_cases[i].parent);
                assert_int_equal(mt_shape_add(f->shaper, &link, &spec, NULL, &minor, &err), parent_cases[i].result);
                if (strstr(err.msg, parent_cases[i].words) == NULL)
                        fail_msg("%s: '%s'", parent_cases[i].name, err.msg);
                assert_unchanged(f);
        }
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
        const struct CMUnitTest others[] = {
                ROW(test_replaced_exactly),
                ROW(test_many_flows),
                ROW(test_port_range),
                ROW(test_under_an_operators_class),
                ROW(test_operators_priority_in_our_range),
                ROW(test_bad_parents),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(cases) + MT_ARRAY_SIZE(others)];
        const int status = netns_enter();

        if (status != 0 || netns_home() < 0)
                return status;
        for (size_t i = 0; i < MT_ARRAY_SIZE(cases); i++)
                tests[i] = (struct CMUnitTest){ .name = cases[i].name,
                                                .test_func = test_match,
                                                .initial_state = (void *)(uintptr_t)&cases[i] };
        (void)memcpy(tests + MT_ARRAY_SIZE(cases), others, sizeof(others));
        return cmocka_run_group_tests_name("shape_match", tests, NULL, NULL);
}
