/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "measure/route.h"
#include "netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct route_case {
        const char *name;
        const char *needs;  /* left out unless this command works */
        const char *make;   /* builds the devices */
        const char *to;     /* an address, or "dev NAME" */
        const char *device; /* the uplink; NULL: it must fail */
        int result;
        const char *words; /* of the message */
} cases[] = {
        { "direct", NULL,
          "ip link add e0 type veth peer name e1; ip addr add 10.1.0.1/24 dev e0; ip link set e0 up; ip link set e1 up",
          "10.1.0.9", "e0", 0, NULL },
        { "through a gateway", NULL,
          "ip link add e0 type veth peer name e1; ip addr add 10.1.0.1/24 dev e0; ip link set e0 up; ip link set e1 up;"
          " ip route add default via 10.1.0.254",
          "192.0.2.1", "e0", 0, NULL },
        { "ipv6", NULL,
          "ip link add e0 type veth peer name e1; ip -6 addr add fd01::1/64 dev e0 nodad; ip link set e0 up; ip link set e1 "
          "up",
          "fd01::9", "e0", 0, NULL },
        { "a route of its own", NULL,
          "ip link add e0 type veth peer name e1; ip link add f0 type veth peer name f1; ip addr add 10.1.0.1/24 dev e0;"
          " ip addr add 10.2.0.1/24 dev f0; for d in e0 e1 f0 f1; do ip link set $d up; done;"
          " ip route add 10.1.0.128/25 via 10.2.0.254",
          "10.1.0.200", "f0", 0, NULL },
        { "bridge with taps", NULL,
          "ip link add e0 type veth peer name e1; ip link add br0 type bridge; ip link set e0 master br0;"
          " for t in vnet0 vnet1; do ip tuntap add $t mode tap; ip link set $t master br0 up; done;"
          " ip addr add 10.1.0.1/24 dev br0; for d in e0 e1 br0; do ip link set $d up; done",
          "10.1.0.9", "e0", 0, NULL },
        { "bridge with taps, by name", NULL,
          "ip link add e0 type veth peer name e1; ip link add br0 type bridge; ip link set e0 master br0;"
          " ip tuntap add vnet0 mode tap; ip link set vnet0 master br0; ip link set br0 up",
          "dev br0", "e0", 0, NULL },
        { "bridge of several, next hop learnt", NULL,
          "for d in e f g; do ip link add ${d}0 type veth peer name ${d}1; done; ip link add br0 type bridge;"
          " for d in e0 f0 g0; do ip link set $d master br0; done; ip addr add 10.1.0.1/24 dev br0;"
          " for d in e0 e1 f0 f1 g0 g1 br0; do ip link set $d up; done;"
          " ip neigh replace 10.1.0.9 lladdr 02:00:00:00:00:09 dev br0; bridge fdb add 02:00:00:00:00:09 dev f0 master "
          "static",
          "10.1.0.9", "f0", 0, NULL },
        { "bridge of several, gateway learnt", NULL,
          "for d in e f g; do ip link add ${d}0 type veth peer name ${d}1; done; ip link add br0 type bridge;"
          " for d in e0 f0 g0; do ip link set $d master br0; done; ip addr add 10.1.0.1/24 dev br0;"
          " for d in e0 e1 f0 f1 g0 g1 br0; do ip link set $d up; done; ip route add default via 10.1.0.254;"
          " ip neigh replace 10.1.0.254 lladdr 02:00:00:00:00:fe dev br0; bridge fdb add 02:00:00:00:00:fe dev g0 master "
          "static",
          "198.51.100.7", "g0", 0, NULL },
        { "bridge of several, nothing learnt", NULL,
          "for d in e f; do ip link add ${d}0 type veth peer name ${d}1; done; ip link add br0 type bridge;"
          " for d in e0 f0; do ip link set $d master br0; done; ip addr add 10.1.0.1/24 dev br0;"
          " for d in e0 e1 f0 f1 br0; do ip link set $d up; done",
          "10.1.0.9", NULL, -ENOTUNIQ, "bridge 'br0' has 2 ports" },
        { "bridge without an uplink", NULL,
          "ip link add br0 type bridge; ip tuntap add vnet0 mode tap; ip link set vnet0 master br0; ip addr add 10.1.0.1/24 "
          "dev br0;"
          " ip link set br0 up; ip link set vnet0 up",
          "10.1.0.9", NULL, -ENODEV, "'br0'" },
        { "vlan", "ip link add e0 type veth peer name e1 && ip link add link e0 name e0.7 type vlan id 7",
          "ip link add e0 type veth peer name e1; ip link add link e0 name e0.7 type vlan id 7; ip addr add 10.1.0.1/24 dev "
          "e0.7;"
          " for d in e0 e1 e0.7; do ip link set $d up; done",
          "10.1.0.9", "e0", 0, NULL },
        { "macvlan", "ip link add e0 type veth peer name e1 && ip link add link e0 name m0 type macvlan",
          "ip link add e0 type veth peer name e1; ip link add link e0 name m0 type macvlan; ip addr add 10.1.0.1/24 dev m0;"
          " for d in e0 e1 m0; do ip link set $d up; done",
          "10.1.0.9", "e0", 0, NULL },
        { "bridge over macvlan", "ip link add e0 type veth peer name e1 && ip link add link e0 name m0 type macvlan",
          "ip link add e0 type veth peer name e1; ip link add link e0 name m0 type macvlan; ip link add br0 type bridge;"
          " ip link set m0 master br0; ip addr add 10.1.0.1/24 dev br0; for d in e0 e1 m0 br0; do ip link set $d up; done",
          "10.1.0.9", "e0", 0, NULL },
        { "veth whose peer's number is ours as well", NULL,
          "ip link add e0 type veth peer name e1; ip addr add 10.1.0.1/24 dev e0; ip link set e0 up; ip link set e1 up",
          "dev e0", "e0", 0, NULL },
        { "no route", NULL, "true", "192.0.2.1", NULL, -ENETUNREACH, "192.0.2.1" },
        { "blackhole", NULL, "ip route add blackhole 192.0.2.0/24", "192.0.2.1", NULL, -EINVAL, "192.0.2.1" },
        { "ourselves", NULL, "ip link add e0 type veth peer name e1; ip addr add 10.1.0.1/24 dev e0; ip link set e0 up",
          "10.1.0.1", NULL, -EADDRNOTAVAIL, "own address" },
        { "no such device", NULL, "true", "dev nope", NULL, -ENODEV, "'nope'" },
};

static struct sockaddr_storage address(const char *text)
{
        struct sockaddr_storage s = { 0 };
        struct sockaddr_in *in = (void *)&s;
        struct sockaddr_in6 *in6 = (void *)&s;

        if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
                s.ss_family = AF_INET;
        else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
                s.ss_family = AF_INET6;
        assert_int_not_equal(s.ss_family, 0);
        return s;
}

static int clean(void **state)
{
        (void)state;
        return system("for d in e0 f0 g0 br0 vnet0 vnet1; do ip link del $d; done 2>/dev/null;"
                      " ip route del blackhole 192.0.2.0/24 2>/dev/null; true");
}

static void test_uplink(void **state)
{
        const struct route_case *c = *state;
        struct mt_uplink got = { .device = "untouched" };
        struct mt_err err = { 0 };
        int r;

        netns_run("set -e; %s", c->make);
        if (strncmp(c->to, "dev ", 4) == 0) {
                r = mt_route_device(c->to + 4, &got, &err);
        } else {
                const struct sockaddr_storage to = address(c->to);

                r = mt_route_uplink(&to, &got, &err);
        }
        if (c->device != NULL && r < 0)
                print_message("%s\n", err.msg);
        assert_int_equal(r, c->result);
        assert_string_equal(got.device, c->device != NULL ? c->device : "untouched");
        if (c->device == NULL) {
                assert_int_equal(err.code, -c->result);
                assert_non_null(strstr(err.msg, c->words));
        } else {
                char *ifindex = netns_output("cat /sys/class/net/%s/ifindex", c->device);

                assert_int_equal(got.ifindex, atoi(ifindex));
                assert_true(got.tx_queues >= 1);
                free(ifindex);
        }
}

/* The driver tells its speed (veth says 10 Gbit/s) or not (bridge of nothing, tap). */
static void test_speed(void **state)
{
        struct mt_uplink got;

        (void)state;
        netns_run(
                "ip link add e0 type veth peer name e1; ip link set e0 up; ip link set e1 up; ip link add br0 type bridge");
        assert_int_equal(mt_route_device("e0", &got, NULL), 0);
        assert_int_equal(got.link_bytes_s, UINT64_C(1250000000));
        assert_int_equal(mt_route_device("lo", &got, NULL), 0);
        assert_int_equal(got.link_bytes_s, 0);
}

static void test_tx_queues(void **state)
{
        struct mt_uplink got;

        (void)state;
        netns_run("ip link add e0 numtxqueues 4 type veth peer name e1");
        assert_int_equal(mt_route_device("e0", &got, NULL), 0);
        assert_int_equal(got.tx_queues, 4);
}

static void test_is_local(void **state)
{
        const struct sockaddr_storage own = address("10.1.0.1"), own6 = address("fd01::1"), lo = address("127.0.0.1"),
                                      other = address("10.1.0.9"), unreachable = address("192.0.2.1");

        (void)state;
        netns_run("ip link add e0 type veth peer name e1; ip addr add 10.1.0.1/24 dev e0; ip -6 addr add fd01::1/64 dev e0 "
                  "nodad;"
                  " ip link set e0 up; ip link set e1 up");
        assert_true(mt_route_is_local(&own));
        assert_true(mt_route_is_local(&own6));
        assert_true(mt_route_is_local(&lo));
        assert_false(mt_route_is_local(&other));
        assert_false(mt_route_is_local(&unreachable));
}

/* cmocka's TAP calls a skipped test "not ok": so what this kernel has no device for is not among the tests. */
static bool can_run(const struct route_case *c)
{
        const bool able = c->needs == NULL || netns_can("%s", c->needs);

        if (c->needs != NULL)
                (void)clean(NULL);
        if (!able)
                printf("# left out, this kernel lacks what it takes: %s\n", c->name);
        return able;
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(cases) + 3];
        const int status = netns_enter();
        size_t n = 0;

        if (status != 0 || netns_home() < 0)
                return status;
        for (size_t i = 0; i < MT_ARRAY_SIZE(cases); i++)
                if (can_run(&cases[i]))
                        tests[n++] = (struct CMUnitTest){ .name = cases[i].name,
                                                          .test_func = test_uplink,
                                                          .teardown_func = clean,
                                                          .initial_state = (void *)(uintptr_t)&cases[i] };
        tests[n++] = (struct CMUnitTest)cmocka_unit_test_teardown(test_speed, clean);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test_teardown(test_tx_queues, clean);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test_teardown(test_is_local, clean);
        (void)memset(tests + n, 0,
                     (MT_ARRAY_SIZE(tests) - n) * sizeof(tests[0])); /* cmocka passes over what has no function */
        return cmocka_run_group_tests_name("route", tests, NULL, clean);
}
