/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Life of trees and classes of our own, with tc as the witness. */
#include "cleanup.h"
#include "shape_fixture.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_egress_tree(void **state)
{
        const struct fixture *f = *state;
        const struct mt_flows flows = flow_of("10.0.0.1", 1000, "10.0.0.2", 49152);
        const uint16_t minor = add(f, &f->egress, 100, 250, &flows);

        assert_int_equal(minor, 2);
        assert_true(netns_shows("qdisc htb 4d54: root", "tc qdisc show dev v0"));
        assert_true(netns_shows("default 0xfffe", "tc qdisc show dev v0"));
        assert_class("v0", "4d54:1", "root rate 1Gbit ceil 1Gbit");
        assert_class("v0", "4d54:2", "parent 4d54:1 prio 0 rate 100Mbit ceil 250Mbit");
        assert_class("v0", "4d54:fffe", "parent 4d54:1 prio 0 rate 900Mbit ceil 1Gbit");
        drop(f, &f->egress, minor);
        assert_unchanged(f);
}

static void test_two_share_a_tree(void **state)
{
        const struct fixture *f = *state;
        const struct mt_flows a = flow_of("10.0.0.1", 1000, "10.0.0.2", 49152),
                              b = flow_of("fd00::1", 1001, "fd00::2", 49153);
        const uint16_t first = add(f, &f->egress, 100, 250, &a), second = add(f, &f->egress, 200, 1000, &b);

        assert_int_not_equal(first, second);
        assert_class("v0", "4d54:fffe", "rate 700Mbit ceil 1Gbit");
        drop(f, &f->egress, first);
        assert_class("v0", "4d54:fffe", "rate 800Mbit ceil 1Gbit");
        assert_class("v0", "4d54:3", "rate 200Mbit ceil 1Gbit");
        assert_false(netns_shows("4d54:2", "tc filter show dev v0"));
        assert_true(netns_shows("4d54:3", "tc filter show dev v0"));
        drop(f, &f->egress, second);
        assert_unchanged(f);
}

/* The last ifb goes in the background; a class that is wanted meanwhile waits for that and gets a whole tree. */
static void test_background_deletion(void **state)
{
        const struct fixture *f = *state;

        mt_shaper_delete_in_background(f->shaper);
        for (int i = 0; i < 20; i++) {
                const uint16_t minor = add(f, &f->ingress, 100, 250, NULL);

                if (i % 5 == 0) {
                        assert_true(netns_shows("4d54:2",
                                                "tc class show dev $(ip -br link show type ifb | awk '{ print $1 }')"));
                        assert_true(netns_shows("mirred", "tc filter show dev v0 ingress"));
                }
                drop(f, &f->ingress, minor);
        }
        assert_int_equal(mt_shape_sweep(f->shaper, NULL, NULL, NULL), 0); /* waits, and finds nothing */
        assert_unchanged(f);
}

static void test_default_keeps_one_percent(void **state)
{
        const struct fixture *f = *state;
        const uint16_t first = add(f, &f->egress, 600, 1000, NULL), second = add(f, &f->egress, 600, 1000, NULL);

        assert_class("v0", "4d54:fffe", "rate 10Mbit ceil 1Gbit");
        drop(f, &f->egress, first);
        assert_class("v0", "4d54:fffe", "rate 400Mbit ceil 1Gbit");
        drop(f, &f->egress, second);
        assert_unchanged(f);
}

static void test_low_priority(void **state)
{
        const struct fixture *f = *state;
        struct mt_class_spec spec = spec_of(100, 250);
        struct mt_class_state got;
        uint16_t minor;

        spec.low_priority = true;
        assert_int_equal(mt_shape_add(f->shaper, &f->egress, &spec, NULL, &minor, NULL), 0);
        assert_class("v0", "4d54:2", "prio 1 ");
        assert_int_equal(mt_shape_query(f->shaper, &f->egress, minor, &got, NULL), 0);
        assert_true(got.spec.low_priority);
        spec.low_priority = false;
        assert_int_equal(mt_shape_change(f->shaper, &f->egress, minor, &spec, NULL), 0);
        assert_class("v0", "4d54:2", "prio 0 ");
}

static void test_change(void **state)
{
        const struct fixture *f = *state;
        const uint16_t first = add(f, &f->egress, 100, 250, NULL), second = add(f, &f->egress, 100, 250, NULL);
        const struct mt_class_spec spec = spec_of(300, 1000), lower = spec_of(50, 60);

        assert_int_equal(mt_shape_change(f->shaper, &f->egress, first, &spec, NULL), 0);
        assert_class("v0", "4d54:2", "rate 300Mbit ceil 1Gbit");
        assert_class("v0", "4d54:3", "rate 100Mbit ceil 250Mbit");
        assert_class("v0", "4d54:fffe", "rate 600Mbit ceil 1Gbit");
        assert_int_equal(mt_shape_change(f->shaper, &f->egress, first, &lower, NULL), 0);
        assert_class("v0", "4d54:2", "rate 50Mbit ceil 60Mbit");
        assert_class("v0", "4d54:fffe", "rate 850Mbit ceil 1Gbit");
        drop(f, &f->egress, second);
        assert_class("v0", "4d54:fffe", "rate 950Mbit ceil 1Gbit");
}

static void test_link_rate_changes(void **state)
{
        const struct fixture *f = *state;
        const uint16_t minor = add(f, &f->egress, 100, 250, NULL);
        struct mt_link wider = f->egress;
        const struct mt_class_spec spec = spec_of(200, 2500);

        wider.rate_bytes_s = 2500 * MBIT;
        assert_int_equal(mt_shape_change(f->shaper, &wider, minor, &spec, NULL), 0);
        assert_class("v0", "4d54:1", "rate 2500Mbit ceil 2500Mbit");
        assert_class("v0", "4d54:fffe", "rate 2300Mbit ceil 2500Mbit");
}

/* More than 32 bits of bytes a second: 40 of 100 Gbit/s. */
static void test_wide_link(void **state)
{
        const struct fixture *f = *state;
        struct mt_link wide = f->egress;
        const struct mt_class_spec spec = spec_of(40000, 80000);
        struct mt_class_state got;
        uint16_t minor;

        wide.rate_bytes_s = 100000 * MBIT;
        assert_int_equal(mt_shape_add(f->shaper, &wide, &spec, NULL, &minor, NULL), 0);
        assert_class("v0", "4d54:2", "rate 40Gbit ceil 80Gbit");
        assert_class("v0", "4d54:fffe", "rate 60Gbit ceil 100Gbit");
        assert_int_equal(mt_shape_query(f->shaper, &wide, minor, &got, NULL), 0);
        assert_true(got.spec.rate_bytes_s == spec.rate_bytes_s && got.spec.ceil_bytes_s == spec.ceil_bytes_s);
}

static const struct bad_case {
        const char *name;
        uint64_t rate, ceil, link;
        const char *device;
        int result;
} bad_cases[] = {
        { "rate 0", 0, 100, 1000, "v0", -EINVAL },
        { "ceil 0", 0, 0, 1000, "v0", -EINVAL },
        { "rate above ceil", 101, 100, 1000, "v0", -EINVAL },
        { "ceil above link", 100, 1001, 1000, "v0", -EINVAL },
        { "link 0", 100, 100, 0, "v0", -EINVAL },
        { "link unknown", 100, 100, UINT64_MAX, "v0", -EINVAL },
        { "no such device", 100, 100, 1000, "nope", -ENODEV },
        { "no device", 100, 100, 1000, "", -EINVAL },
};

static void check_bad(void **state, const struct bad_case *c)
{
        const struct fixture *f = *state;
        struct mt_link link = { .rate_bytes_s = c->link == UINT64_MAX ? c->link : c->link * MBIT };
        const struct mt_class_spec spec = spec_of(c->rate, c->ceil);
        struct mt_err err = { 0 };
        uint16_t minor = 77;

        (void)snprintf(link.device, sizeof(link.device), "%s", c->device);
        if (mt_shape_add(f->shaper, &link, &spec, NULL, &minor, &err) != c->result)
                fail_msg("%s: '%s'", c->name, err.msg);
        assert_int_equal(minor, 77);
        assert_int_equal(err.code, -c->result);
        assert_true(err.msg[0] != '\0');
        assert_unchanged(f);
}

static void test_bad_requests(void **state)
{
        for (size_t i = 0; i < MT_ARRAY_SIZE(bad_cases); i++)
                check_bad(state, &bad_cases[i]);
}

static void test_unknown_class(void **state)
{
        const struct fixture *f = *state;
        const struct mt_class_spec spec = spec_of(100, 250);
        const struct mt_flows flows = flow_of("10.0.0.1", 1000, "10.0.0.2", 49152);
        struct mt_class_state got = { .bytes = 77 }, everything_else = { .bytes = 77 };

        for (int tree = 0; tree < 2; tree++) {
                assert_int_equal(mt_shape_query(f->shaper, &f->egress, 9, &got, NULL), -ENOENT);
                assert_int_equal(mt_shape_change(f->shaper, &f->egress, 9, &spec, NULL), -ENOENT);
                assert_int_equal(mt_shape_match(f->shaper, &f->egress, 9, &flows, NULL), -ENOENT);
                assert_int_equal(mt_shape_query(f->shaper, &f->egress, 1, &got, NULL), -ENOENT);
                /* the default class is the tree's, there when the tree is */
                assert_int_equal(mt_shape_query(f->shaper, &f->egress, 0xfffe, &everything_else, NULL),
                                 tree == 0 ? -ENOENT : 0);
                assert_int_equal(got.bytes, 77);
                assert_int_equal(mt_shape_remove(f->shaper, &f->egress, 9, NULL), 0);
                assert_int_equal(mt_shape_remove(f->shaper, &f->egress, 0xfffe, NULL), 0);
                if (tree == 0)
                        assert_int_equal(add(f, &f->egress, 100, 250, NULL), 2);
        }
        assert_int_equal(everything_else.spec.rate_bytes_s, 900 * MBIT);
        assert_class("v0", "4d54:2", "rate 100Mbit"); /* what was asked for in vain took nothing along */
        assert_class("v0", "4d54:fffe", "rate 900Mbit");
}

static void test_device_gone(void **state)
{
        const struct fixture *f = *state;
        const uint16_t minor = add(f, &f->egress, 100, 250, NULL);

        netns_run("ip link del v0");
        assert_int_equal(mt_shape_remove(f->shaper, &f->egress, minor, NULL), 0);
}

static void test_ingress_tree(void **state)
{
        const struct fixture *f = *state;
        const struct mt_flows flows = flow_of("10.0.0.1", 49152, "10.0.0.2", 1000);
        const uint16_t minor = add(f, &f->ingress, 100, 250, &flows);
        char *ifindex = netns_output("cat /sys/class/net/v0/ifindex"), ifb[32];
        uint16_t second;

        (void)snprintf(ifb, sizeof(ifb), MT_IFB_PREFIX "%d", atoi(ifindex));
        free(ifindex);
        assert_true(netns_shows("UP", "ip link show %s", ifb));
        assert_true(netns_shows("qlen 1000", "ip link show %s", ifb));
        assert_true(netns_shows("qdisc htb 4d54: root", "tc qdisc show dev %s", ifb));
        assert_class(ifb, "4d54:2", "parent 4d54:1 prio 0 rate 100Mbit ceil 250Mbit");
        assert_true(netns_shows("Egress Redirect to device mtifb", "tc filter show dev v0 ingress"));
        second = add(f, &f->ingress, 100, 250, NULL);
        assert_class(ifb, "4d54:fffe", "rate 800Mbit");
        drop(f, &f->ingress, minor);
        assert_true(netns_shows("Redirect", "tc filter show dev v0 ingress"));
        assert_class(ifb, "4d54:fffe", "rate 900Mbit");
        drop(f, &f->ingress, second);
        assert_unchanged(f);
}

static void test_both_directions(void **state)
{
        const struct fixture *f = *state;
        const uint16_t in = add(f, &f->ingress, 100, 250, NULL), out = add(f, &f->egress, 300, 400, NULL);

        assert_class("v0", "4d54:2", "rate 300Mbit");
        drop(f, &f->ingress, in);
        assert_class("v0", "4d54:2", "rate 300Mbit");
        drop(f, &f->egress, out);
        assert_unchanged(f);
}

static const struct foreign_case {
        const char *name, *make;
        bool ingress;
        const char *words;
} foreign_cases[] = {
        { "htb", "tc qdisc add dev v0 root handle 1: htb default 10", false, "'htb 1:'" },
        { "tbf", "tc qdisc add dev v0 root tbf rate 1gbit burst 64k limit 1m", false, "'tbf " },
        { "pfifo with a handle", "tc qdisc add dev v0 root handle 7: pfifo", false, "'pfifo 7:'" },
        { "pfifo, kernel's choice of handle", "tc qdisc add dev v0 root pfifo", false, "'pfifo " },
        { "our handle, another kind", "tc qdisc add dev v0 root handle 4d54: pfifo", false, "'pfifo 4d54:'" },
        { "ingress", "tc qdisc add dev v0 ingress && tc filter add dev v0 ingress prio 1 protocol ip u32 match u32 0 0",
          true, "'ingress ffff:'" },
        { "empty ingress", "tc qdisc add dev v0 ingress", true, "'ingress ffff:'" },
        { "clsact", "tc qdisc add dev v0 clsact", true, "'clsact ffff:'" },
        { "another device with the ifb's name",
          "ip link add mtifb$(cat /sys/class/net/v0/ifindex) type veth peer name other", true, "is not an ifb" },
};

static void test_foreign(void **state)
{
        struct fixture *f = *state;
        const struct mt_class_spec spec = spec_of(100, 250);

        for (size_t i = 0; i < MT_ARRAY_SIZE(foreign_cases); i++) {
                const struct foreign_case *c = &foreign_cases[i];
                const struct mt_link *link = c->ingress ? &f->ingress : &f->egress;
                struct mt_err err = { 0 };
                uint16_t minor = 77;

                netns_run("ip link del v0; ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
                netns_run("%s", c->make);
                free(f->before);
                f->before = netns_snapshot();
                assert_int_equal(mt_shape_add(f->shaper, link, &spec, NULL, &minor, &err), -EBUSY);
                assert_int_equal(minor, 77);
                assert_int_equal(err.code, EBUSY);
                if (strstr(err.msg, c->words) == NULL)
                        fail_msg("%s: '%s'", c->name, err.msg);
                assert_unchanged(f);
                if (strstr(c->name, "ifb") == NULL)
                        assert_int_equal(mt_shape_remove(f->shaper, link, 2, NULL), 0);
                assert_int_equal(mt_shape_sweep(f->shaper, NULL, NULL, &err), 0);
                assert_unchanged(f);
        }
}

/* Devices whose default qdisc has a queue get it back, and meanwhile the default class has one of its kind. */
static const struct default_case {
        const char *name, *make, *root, *leaf;
} default_cases[] = {
        { "noqueue", "ip link add d0 type veth peer name d1", "qdisc noqueue 0:", NULL },
        { "pfifo_fast", "ip link add d0 type ifb", "qdisc pfifo_fast 0:", "qdisc pfifo_fast" },
        { "mq", "ip link add name d0 numtxqueues 4 type ifb", "qdisc mq 0:", "qdisc pfifo_fast" },
        { "no room in the device's queue", "ip link add name d0 txqueuelen 0 type veth peer name d1",
          "qdisc noqueue 0:", "pfifo" },
};

static void test_default_qdiscs(void **state)
{
        const struct fixture *f = *state;

        for (size_t i = 0; i < MT_ARRAY_SIZE(default_cases); i++) {
                const struct default_case *c = &default_cases[i];
                struct mt_link link = f->egress;
                char *before, *after;
                uint16_t minor;

                (void)snprintf(link.device, sizeof(link.device), "d0");
                netns_run("%s && ip link set d0 up", c->make);
                if (!netns_shows(c->root, "tc qdisc show dev d0")) {
                        printf("# another default than %s here\n", c->name);
                        netns_run("ip link del d0");
                        continue;
                }
                before = netns_snapshot();
                minor = add(f, &link, 100, 250, NULL);
                if (c->leaf != NULL)
                        assert_true(netns_shows(c->leaf, "tc qdisc show dev d0 | grep 'parent 4d54:fffe'"));
                if (strstr(c->make, "txqueuelen 0") != NULL)
                        assert_true(netns_shows("limit 1000p", "tc qdisc show dev d0 | grep 'parent 4d54:2 '"));
                drop(f, &link, minor);
                after = netns_snapshot();
                assert_string_equal(after, before);
                free(before);
                free(after);
                netns_run("ip link del d0");
        }
}

/* What one process made, the next one goes on with. */
static void test_adoption(void **state)
{
        struct fixture *f = *state;
        const struct mt_flows flows = flow_of("10.0.0.1", 1000, "10.0.0.2", 49152);
        const uint16_t first = add(f, &f->egress, 100, 250, &flows);
        const struct mt_class_spec spec = spec_of(200, 300);
        struct mt_class_state got;
        uint16_t second;

        mt_shaper_free(f->shaper);
        f->shaper = NULL;
        assert_int_equal(mt_shaper_new(&f->shaper, NULL), 0);
        assert_int_equal(mt_shape_query(f->shaper, &f->egress, first, &got, NULL), 0);
        assert_true(got.spec.rate_bytes_s == 100 * MBIT && got.spec.ceil_bytes_s == 250 * MBIT && !got.spec.low_priority);
        second = add(f, &f->egress, 300, 400, NULL);
        assert_int_not_equal(first, second);
        assert_class("v0", "4d54:fffe", "rate 600Mbit"); /* the old reservation counts */
        assert_int_equal(mt_shape_change(f->shaper, &f->egress, first, &spec, NULL), 0);
        assert_class("v0", "4d54:fffe", "rate 500Mbit");
        drop(f, &f->egress, first);
        drop(f, &f->egress, second);
        assert_unchanged(f);
}

static void test_free_minors_are_used_again(void **state)
{
        const struct fixture *f = *state;
        uint16_t minor[3];

        for (int i = 0; i < 3; i++)
                minor[i] = add(f, &f->egress, 10, 20, NULL);
        drop(f, &f->egress, minor[1]);
        assert_int_equal(add(f, &f->egress, 10, 20, NULL), minor[1]);
}

static void test_five_hundred(void **state)
{
        const struct fixture *f = *state;
        static uint16_t minor[500];
        struct mt_err err = { 0 };

        for (unsigned i = 0; i < MT_ARRAY_SIZE(minor); i++) {
                const struct mt_flows flows = flow_of("10.0.0.1", (uint16_t)(1000 + i), "10.0.0.2", 49152);

                minor[i] = add(f, &f->egress, 1, 100, &flows);
        }
        assert_true(netns_shows("502\n", "tc class show dev v0 | wc -l"));
        assert_true(netns_shows("500\n", "tc filter show dev v0 | grep -c flowid"));
        assert_class("v0", "4d54:fffe", "rate 500Mbit");
        drop(f, &f->egress, minor[250]);
        assert_true(netns_shows("499\n", "tc filter show dev v0 | grep -c flowid"));
        assert_false(netns_shows("flowid 4d54:fc ", "tc filter show dev v0"));
        assert_int_equal(mt_shape_sweep(f->shaper, NULL, NULL, &err), 500);
        assert_unchanged(f);
}

/* Four processes at once: every class is there afterwards, once. */
static void test_processes_at_once(void **state)
{
        struct fixture *f = *state;

        for (int p = 0; p < 4; p++) {
                const pid_t pid = fork();

                assert_true(pid >= 0);
                if (pid == 0) {
                        const struct mt_class_spec spec = spec_of(10, 20);
                        struct mt_shaper *shaper;
                        uint16_t minor;
                        int failed = mt_shaper_new(&shaper, NULL);

                        for (int i = 0; i < 10 && failed == 0; i++)
                                failed = mt_shape_add(shaper, &f->egress, &spec, NULL, &minor, NULL);
                        _exit(failed != 0 ? 1 : 0);
                }
        }
        for (int p = 0; p < 4; p++) {
                int status;

                assert_true(wait(&status) > 0);
                assert_int_equal(status, 0);
        }
        assert_true(netns_shows("42\n", "tc class show dev v0 | wc -l"));
}

static void test_without_privilege(void **state)
{
        const struct fixture *f = *state;
        const pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                const struct mt_class_spec spec = spec_of(10, 20);
                struct mt_err err = { 0 };
                uint16_t minor;

                if (setgid(65534) != 0 || setuid(65534) != 0)
                        _exit(2);
                _exit(mt_shape_add(f->shaper, &f->egress, &spec, NULL, &minor, &err) == -EPERM && err.code == EPERM &&
                                      strstr(err.msg, "not permitted") != NULL
                              ? 0
                              : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WEXITSTATUS(status) == 2)
                printf("# not tried: a user namespace with one user\n");
        else
                assert_int_equal(status, 0);
        assert_unchanged(f);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                ROW(test_egress_tree),
                ROW(test_two_share_a_tree),
                ROW(test_background_deletion),
                ROW(test_default_keeps_one_percent),
                ROW(test_low_priority),
                ROW(test_change),
                ROW(test_link_rate_changes),
                ROW(test_wide_link),
                ROW(test_bad_requests),
                ROW(test_unknown_class),
                ROW(test_device_gone),
                ROW(test_ingress_tree),
                ROW(test_both_directions),
                ROW(test_foreign),
                ROW(test_default_qdiscs),
                ROW(test_adoption),
                ROW(test_free_minors_are_used_again),
                ROW(test_five_hundred),
                ROW(test_processes_at_once),
                ROW(test_without_privilege),
        };
        const int status = netns_enter();

        return status != 0 || netns_home() < 0 ? status : cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
