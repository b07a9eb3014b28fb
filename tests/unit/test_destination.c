/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* With libvirt's test driver for the other host: it has a domain, without interfaces. */
#include "cleanup.h"
#include "clock.h"
#include "measure/destination.h"
#include "scratch.h"
#include "table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MBIT UINT64_C(125000)
#define PATIENCE_MS 5000
#define AT_ONCE_MS                                                                                                          \
        20000 /* no promise: what would hang here hangs for ever, and a busy machine may stand still for seconds */

static struct sockaddr_storage peer_of(const char *text)
{
        struct sockaddr_storage peer = { 0 };
        struct sockaddr_in *in4 = (struct sockaddr_in *)&peer;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&peer;

        if (inet_pton(AF_INET, text, &in4->sin_addr) == 1) {
                peer.ss_family = AF_INET;
        } else {
                peer.ss_family = AF_INET6;
                assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
        }
        return peer;
}

static struct mt_share_sample sample_of(const char *text, uint64_t in_bytes_s)
{
        const struct sockaddr_storage peer = peer_of(text);
        const struct mt_share_uplink uplink = { .device = "eth0", .n = 1, .known = true, .in_bytes_s = in_bytes_s };
        struct mt_share_sample sample = { .n = 1, .uplink = { uplink } };

        assert_true(mt_share_address((const struct sockaddr *)&peer, &sample.uplink[0].address[0]));
        return sample;
}

/* Asks until it is known (or, with known false, is not), and at most PATIENCE_MS. */
static struct mt_traffic_fact wait_for(struct mt_destination *destination, const char *text, bool known)
{
        const struct timespec moment = { .tv_nsec = 20000000 };
        const struct sockaddr_storage peer = peer_of(text);
        uint64_t until = mt_now_ms() + PATIENCE_MS;
        struct mt_traffic_fact fact;

        while ((fact = mt_destination_get(destination, &peer)).known != known && mt_now_ms() < until)
                (void)nanosleep(&moment, NULL);
        return fact;
}

static bool wait_complaint(struct mt_destination *destination, struct mt_err *ret)
{
        const struct timespec moment = { .tv_nsec = 20000000 };
        uint64_t until = mt_now_ms() + PATIENCE_MS;
        bool any;

        while (!(any = mt_destination_tick(destination, ret)) && mt_now_ms() < until)
                (void)nanosleep(&moment, NULL);
        return any;
}

static const struct uri_case {
        const char *name;
        const char *uri, *address, *want; /* NULL: too long */
} uri_cases[] = {
        { "IPv4", "qemu+tcp://%a/system", "10.0.0.2", "qemu+tcp://10.0.0.2/system" },
        { "IPv6 in brackets", "qemu+tcp://%a/system", "fd00::2", "qemu+tcp://[fd00::2]/system" },
        { "IPv4 mapped into IPv6", "qemu+tcp://%a/system", "::ffff:10.0.0.2", "qemu+tcp://10.0.0.2/system" },
        { "with a port and a user", "qemu+ssh://m@%a:22/system?no_tty=1", "fd00::2",
          "qemu+ssh://m@[fd00::2]:22/system?no_tty=1" },
        { "twice", "x://%a/%a", "10.0.0.2", "x://10.0.0.2/10.0.0.2" },
        { "never", "test:///default", "10.0.0.2", "test:///default" },
        { "other percents", "x://%b/%25%a%", "10.0.0.2", "x://%b/%2510.0.0.2%" },
        { "too long", "x://0123456789012345678901234567890123456789012345678901234567890123456789/%a", "10.0.0.2", NULL },
};

static void test_uri(void **state)
{
        const struct uri_case *c = *state;
        const struct sockaddr_storage peer = peer_of(c->address);
        struct in6_addr address;
        char uri[64] = "";

        assert_true(mt_share_address((const struct sockaddr *)&peer, &address));
        assert_int_equal(mt_destination_uri(c->uri, &address, uri, sizeof(uri)), c->want != NULL ? 0 : -ENAMETOOLONG);
        if (c->want != NULL)
                assert_string_equal(uri, c->want);
}

static void test_neither(void **state)
{
        const struct sockaddr_storage peer = peer_of("10.0.0.2");
        const struct mt_share_sample sample = sample_of("10.0.0.1", MBIT);
        struct mt_destination *destination = NULL;
        struct mt_err err;

        (void)state;
        assert_int_equal(mt_destination_start("", "", "a", &destination, &err), 0);
        mt_destination_publish(destination, &sample);
        assert_false(mt_destination_get(destination, &peer).known);
        assert_false(mt_destination_tick(destination, &err));
        mt_destination_stop(destination);
}

/* Two hosts that share a directory. */
static void test_share(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_share_sample sample = sample_of("10.0.0.2", 500 * MBIT);
        struct mt_destination *a = NULL, *b = NULL;
        struct mt_traffic_fact fact;
        struct mt_err err;

        (void)state;
        assert_int_equal(mt_destination_start(scratch.dir, "", "b", &b, &err), 0);
        mt_destination_publish(b, &sample);
        assert_int_equal(mt_destination_start(scratch.dir, "", "a", &a, &err), 0);
        fact = wait_for(a, "10.0.0.2", true);
        assert_true(fact.known && fact.source == MT_TRAFFIC_SHARE && fact.in_bytes_s == 500 * MBIT);
        assert_false(wait_for(a, "10.0.0.3", false).known);
        mt_destination_stop(b);
        assert_int_equal(access(scratch_path(&scratch, "migtune-b.json"), F_OK), -1); /* it has taken its sample along */
        assert_false(wait_for(a, "10.0.0.2", false).known);
        assert_false(mt_destination_tick(a, &err));
        mt_destination_stop(a);
        assert_int_equal(rmdir(scratch.dir), 0);
        scratch.dir[0] = '\0';
}

/* `migtune plan` without a watcher. */
static void test_only_asking_writes_nothing(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_share_sample sample = sample_of("10.0.0.2", MBIT);
        struct mt_destination *a = NULL;

        (void)state;
        assert_int_equal(mt_share_write(scratch.dir, "b", &sample, mt_wall_ms(), NULL), 0);
        assert_int_equal(mt_destination_start(scratch.dir, "", "", &a, NULL), 0);
        mt_destination_publish(a, &sample);
        assert_true(wait_for(a, "10.0.0.2", true).known);
        mt_destination_stop(a);
        assert_int_equal(mt_share_remove(scratch.dir, "b", NULL), 0);
        assert_int_equal(rmdir(scratch.dir), 0);
        scratch.dir[0] = '\0';
}

static void test_fifo_in_the_directory(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_share_sample sample = sample_of("10.0.0.2", MBIT);
        struct mt_destination *a = NULL;
        struct mt_err err;

        (void)state;
        assert_int_equal(mkfifo(scratch_path(&scratch, "migtune-fifo.json"), 0644), 0);
        assert_int_equal(mt_share_write(scratch.dir, "b", &sample, mt_wall_ms(), NULL), 0);
        assert_int_equal(mt_destination_start(scratch.dir, "", "a", &a, NULL), 0);
        assert_true(wait_for(a, "10.0.0.2", true).known);
        assert_true(wait_complaint(a, &err));
        assert_non_null(strstr(err.msg, "'migtune-fifo.json' is not a regular file"));
        assert_false(mt_destination_tick(a, &err)); /* said once */
        mt_destination_stop(a);
}

static void test_directory_that_comes_and_goes(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *dir = scratch_path(&scratch, "share");
        const struct mt_share_sample sample = sample_of("10.0.0.1", MBIT);
        struct mt_destination *a = NULL;
        struct mt_err err;
        uint64_t until;

        (void)state;
        assert_int_equal(mt_destination_start(dir, "", "a", &a, &err), 0); /* a mount may come late */
        assert_true(wait_complaint(a, &err));
        assert_non_null(strstr(err.msg, dir));
        assert_int_equal(mkdir(dir, 0755), 0);
        until = mt_now_ms() + PATIENCE_MS;
        while (access(scratch_path(&scratch, "share/migtune-a.json"), F_OK) != 0) {
                const struct timespec moment = { .tv_nsec = 50000000 };

                assert_true(mt_now_ms() < until);
                mt_destination_publish(a, &sample);
                (void)nanosleep(&moment, NULL);
        }
        mt_destination_stop(a);
}

static void test_libvirt(void **state)
{
        struct mt_destination *a = NULL;
        struct mt_traffic_fact fact;
        struct mt_err err;

        (void)state;
        assert_int_equal(mt_destination_start("", "test:///default", "a", &a, &err), 0);
        fact = wait_for(a, "10.0.0.2", true);
        assert_true(fact.known && fact.source == MT_TRAFFIC_LIBVIRT && fact.in_bytes_s == 0 && fact.out_bytes_s == 0);
        assert_false(mt_destination_tick(a, &err));
        mt_destination_stop(a);
}

/* Somebody says how the other host can be reached, where the configuration does not. */
static void test_offer(void **state)
{
        const struct sockaddr_storage peer = peer_of("10.0.0.2"), other = peer_of("10.0.0.3");
        struct mt_destination *a = NULL;
        struct mt_err err;
        uint64_t until = mt_now_ms() + PATIENCE_MS;

        (void)state;
        assert_int_equal(mt_destination_start("", "", "a", &a, &err), 0);
        assert_false(mt_destination_pending(a, &peer));
        mt_destination_offer(a, &peer, "test:///default");
        mt_destination_offer(a, &peer, "qemu+tcp://127.0.0.1:1/system"); /* it is asked already */
        while (mt_destination_pending(a, &peer) && mt_now_ms() < until)
                (void)nanosleep(&(const struct timespec){ .tv_nsec = 20000000 }, NULL);
        assert_true(mt_destination_get(a, &peer).known);
        assert_false(mt_destination_get(a, &other).known);
        mt_destination_offer(a, &other, "test:///there/is/none.xml");
        assert_true(wait_complaint(a, &err));
        assert_false(mt_destination_pending(a, &other)); /* it has failed: nobody need wait for it */
        mt_destination_offer(NULL, &peer, "test:///default");
        assert_false(mt_destination_pending(NULL, &peer));
        mt_destination_stop(a);
}

/* The operator's own word on how to reach the others goes first. */
static void test_offer_besides_configuration(void **state)
{
        const struct sockaddr_storage peer = peer_of("10.0.0.2");
        struct mt_destination *a = NULL;

        (void)state;
        assert_int_equal(mt_destination_start("", "test:///default", "a", &a, NULL), 0);
        mt_destination_offer(a, &peer, "qemu+tcp://127.0.0.1:1/system");
        assert_true(wait_for(a, "10.0.0.2", true).known);
        mt_destination_stop(a);
}

/* The directory is asked first, libvirt for whom it does not know. */
static void test_share_before_libvirt(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_share_sample sample = sample_of("10.0.0.2", MBIT);
        struct mt_destination *a = NULL;

        (void)state;
        assert_int_equal(mt_share_write(scratch.dir, "b", &sample, mt_wall_ms(), NULL), 0);
        assert_int_equal(mt_destination_start(scratch.dir, "test:///default", "a", &a, NULL), 0);
        assert_int_equal(wait_for(a, "10.0.0.3", true).source, MT_TRAFFIC_LIBVIRT);
        assert_int_equal(wait_for(a, "10.0.0.2", true).source, MT_TRAFFIC_SHARE);
        mt_destination_stop(a);
}

static void test_nobody_answers(void **state)
{
        const struct sockaddr_storage peer = peer_of("127.0.0.2");
        struct mt_destination *a = NULL;
        struct mt_err err;
        uint64_t began;

        (void)state;
        /* %a cannot be loopback, so the URI names it: port 1 has no listener */
        assert_int_equal(mt_destination_start("", "qemu+tcp://127.0.0.1:1/system", "a", &a, &err), 0);
        assert_false(mt_destination_get(a, &peer).known); /* loopback is nobody's */
        assert_false(mt_destination_tick(a, &err));
        began = mt_now_ms();
        assert_false(mt_destination_get(a, &(struct sockaddr_storage){ .ss_family = AF_UNIX }).known);
        assert_false(wait_for(a, "10.0.0.2", false).known);
        assert_true(mt_now_ms() - began < AT_ONCE_MS);
        assert_true(wait_complaint(a, &err));
        assert_non_null(strstr(err.msg, "127.0.0.1:1"));
        assert_false(wait_for(a, "10.0.0.2", false).known);
        assert_false(mt_destination_tick(a, &err)); /* said once */
        mt_destination_stop(a);
}

/* A peer that accepts and says nothing: nobody waits for it. */
static void test_peer_that_hangs(void **state)
{
        struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_share_sample sample = sample_of("10.0.0.3", MBIT);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
        socklen_t size = sizeof(name);
        struct mt_destination *a = NULL;
        char uri[64];
        uint64_t began;

        (void)state;
        assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
        assert_int_equal(listen(fd, 4), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
        (void)snprintf(uri, sizeof(uri), "qemu+tcp://127.0.0.1:%u/system", (unsigned)ntohs(name.sin_port));
        assert_int_equal(mt_destination_start(scratch.dir, uri, "a", &a, NULL), 0);
        began = mt_now_ms();
        assert_false(wait_for(a, "10.0.0.2", false).known);
        assert_true(mt_now_ms() - began < AT_ONCE_MS);
        peer = accept(fd, NULL, NULL); /* its thread is in virConnectOpenReadOnly() now */
        assert_true(peer >= 0);
        assert_int_equal(mt_share_write(scratch.dir, "c", &sample, mt_wall_ms(), NULL), 0);
        assert_int_equal(wait_for(a, "10.0.0.3", true).source, MT_TRAFFIC_SHARE); /* the directory is read all the same */
        assert_false(wait_for(a, "10.0.0.2", false).known);
        began = mt_now_ms();
        mt_destination_stop(a);
        assert_true(mt_now_ms() - began < AT_ONCE_MS);
        (void)close(peer); /* which ends the thread */
        (void)close(fd);
        (void)nanosleep(&(const struct timespec){ .tv_nsec = 300000000 }, NULL);
}

static void say_nothing(void *ctx, virErrorPtr error)
{
        (void)ctx;
        (void)error;
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_neither),
                cmocka_unit_test(test_share),
                cmocka_unit_test(test_only_asking_writes_nothing),
                cmocka_unit_test(test_fifo_in_the_directory),
                cmocka_unit_test(test_directory_that_comes_and_goes),
                cmocka_unit_test(test_libvirt),
                cmocka_unit_test(test_offer),
                cmocka_unit_test(test_offer_besides_configuration),
                cmocka_unit_test(test_share_before_libvirt),
                cmocka_unit_test(test_nobody_answers),
                cmocka_unit_test(test_peer_that_hangs),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(uri_cases) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        if (virInitialize() < 0)
                return 1;
        virSetErrorFunc(NULL, say_nothing);
        ADD_ROWS(tests, n, uri_cases, test_uri);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("destination", tests, n, NULL, NULL);
}
