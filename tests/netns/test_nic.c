/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "measure/nic.h"
#include "netns.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Sends n datagrams of size bytes out of v0 (to an address of its network that answers no ARP would queue: so static). */
static void send_datagrams(int n, size_t size)
{
        const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(0x0a000002) } };
        char data[1400] = { 0 };
        MT_CLEANUP(mt_closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        for (int i = 0; i < n; i++)
                assert_int_equal(sendto(fd, data, size, 0, (const void *)&to, sizeof(to)), size);
}

static int make_wire(void **state)
{
        netns_run("ip link add v0 type veth peer name v1 && ip link set v0 addrgenmode none && ip link set v1 addrgenmode "
                  "none && ip addr add 10.0.0.1/24 dev v0 && ip link set v0 up && ip link set v1 up"
                  " && ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev v0");
        return mt_nic_table_new((struct mt_nic_table **)state, NULL);
}

static int drop_wire(void **state)
{
        mt_nic_table_free(*state);
        return system("ip link del v0 2>/dev/null || true") < 0;
}

/* How long veth has sent what was given to it: at once; how much: the payload and 42 bytes of headers a datagram. */
static void test_first_rate_is_the_difference(void **state)
{
        struct mt_nic_table *table = *state;
        struct mt_nic_rate r;
        uint64_t tx, sent;

        assert_int_equal(mt_nic_sample(table, 1000, NULL), 0);
        assert_false(mt_nic_rate(table, "v0", 1000).known);
        tx = mt_nic_rate(table, "v0", 1000).tx_bytes;
        send_datagrams(100, 1000);
        assert_int_equal(mt_nic_sample(table, 2000, NULL), 0);
        r = mt_nic_rate(table, "v0", 2500);
        sent = r.tx_bytes - tx;
        assert_true(r.known);
        assert_int_equal(r.age_ms, 500);
        assert_int_equal(sent, 100 * 1042);
        assert_int_equal(r.out_bytes_s, sent); /* in one second */
        assert_int_equal(mt_nic_rate(table, "v1", 2500).in_bytes_s, mt_nic_rate(table, "v1", 2500).rx_bytes);
}

static void test_smoothed_by_two_seconds(void **state)
{
        struct mt_nic_table *table = *state;
        uint64_t first, second, before;
        double want;

        assert_int_equal(mt_nic_sample(table, 0, NULL), 0);
        send_datagrams(50, 1000);
        assert_int_equal(mt_nic_sample(table, 1000, NULL), 0);
        first = mt_nic_rate(table, "v0", 1000).out_bytes_s;
        before = mt_nic_rate(table, "v0", 1000).tx_bytes;
        send_datagrams(150, 1000);
        assert_int_equal(mt_nic_sample(table, 2000, NULL), 0);
        second = mt_nic_rate(table, "v0", 2000).tx_bytes - before;
        want = (double)first + (1 - exp(-0.5)) * ((double)second - (double)first);
        assert_true(fabs((double)mt_nic_rate(table, "v0", 2000).out_bytes_s - want) < 2);
}

static void test_stale_after_five_seconds(void **state)
{
        struct mt_nic_table *table = *state;

        assert_int_equal(mt_nic_sample(table, 1000, NULL), 0);
        assert_int_equal(mt_nic_sample(table, 2000, NULL), 0);
        assert_true(mt_nic_rate(table, "v0", 6999).known);
        assert_false(mt_nic_rate(table, "v0", 7000).known);
}

static void test_gone_device_is_forgotten(void **state)
{
        struct mt_nic_table *table = *state;

        assert_int_equal(mt_nic_sample(table, 1000, NULL), 0);
        assert_int_equal(mt_nic_sample(table, 2000, NULL), 0);
        assert_true(mt_nic_rate(table, "v0", 2000).known);
        netns_run("ip link del v0");
        assert_int_equal(mt_nic_sample(table, 3000, NULL), 0);
        assert_false(mt_nic_rate(table, "v0", 3000).known);
        assert_int_equal(mt_nic_rate(table, "v0", 3000).tx_bytes, 0);
}

/* A device of the same name is another one: its counters begin at nothing, which is no rate of minus a million. */
static void test_replaced_device_starts_again(void **state)
{
        struct mt_nic_table *table = *state;

        send_datagrams(100, 1000);
        assert_int_equal(mt_nic_sample(table, 1000, NULL), 0);
        assert_int_equal(mt_nic_sample(table, 2000, NULL), 0);
        netns_run("ip link del v0 && ip link add v0 type veth peer name v1");
        assert_int_equal(mt_nic_sample(table, 3000, NULL), 0);
        assert_false(mt_nic_rate(table, "v0", 3000).known);
        assert_int_equal(mt_nic_sample(table, 4000, NULL), 0);
        assert_true(mt_nic_rate(table, "v0", 4000).known);
        assert_int_equal(mt_nic_rate(table, "v0", 4000).out_bytes_s, 0);
}

static void test_renamed_device_is_followed(void **state)
{
        struct mt_nic_table *table = *state;

        assert_int_equal(mt_nic_sample(table, 1000, NULL), 0);
        netns_run("ip link set v0 down && ip link set v0 name w0");
        assert_int_equal(mt_nic_sample(table, 2000, NULL), 0);
        assert_true(mt_nic_rate(table, "w0", 2000).known);
        assert_false(mt_nic_rate(table, "v0", 2000).known);
        netns_run("ip link del w0");
}

static void test_clock_that_stands_still(void **state)
{
        struct mt_nic_table *table = *state;

        assert_int_equal(mt_nic_sample(table, 1000, NULL), 0);
        send_datagrams(10, 1000);
        assert_int_equal(mt_nic_sample(table, 1000, NULL), 0); /* no division by zero, and nothing is lost: */
        assert_false(mt_nic_rate(table, "v0", 1000).known);
        assert_int_equal(mt_nic_sample(table, 2000, NULL), 0);
        assert_true(mt_nic_rate(table, "v0", 2000).out_bytes_s >= 10 * 1042);
}

static void test_many_devices(void **state)
{
        struct mt_nic_table *table = *state;

        netns_run("for i in $(seq 100); do echo link add m$i type veth peer name n$i; done | ip -batch -");
        for (uint64_t now = 1000; now <= 3000; now += 1000)
                assert_int_equal(mt_nic_sample(table, now, NULL), 0);
        for (int i = 1; i <= 100; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "n%d", i);
                assert_true(mt_nic_rate(table, name, 3000).known);
        }
        netns_run("for i in $(seq 100); do echo link del m$i; done | ip -batch -");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, make_wire, drop_wire)

int main(void)
{
        const struct CMUnitTest tests[] = {
                ROW(test_first_rate_is_the_difference), ROW(test_smoothed_by_two_seconds),
                ROW(test_stale_after_five_seconds),     ROW(test_gone_device_is_forgotten),
                ROW(test_replaced_device_starts_again), ROW(test_renamed_device_is_followed),
                ROW(test_clock_that_stands_still),      ROW(test_many_devices),
        };
        const int status = netns_enter();

        return status != 0 || netns_home() < 0 ? status : cmocka_run_group_tests_name("nic", tests, NULL, NULL);
}
