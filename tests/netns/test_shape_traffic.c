/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real TCP through a veth wire between two namespaces: the class gets the migration's bytes, and nobody else's. Counters
 * are compared, not speeds: a busy machine must not fail this.
 */
#include "cleanup.h"
#include "measure/sockets.h"
#include "shape_fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAYLOAD (4u << 20)
#define MOST (PAYLOAD + PAYLOAD / 8) /* headers of 1500-byte packets are 4.6 %, and acknowledgements of the other way */

static const struct traffic_case {
        const char *name;
        enum mt_direction direction;
        bool v6;
        bool range; /* the class is for the port range, the connection is not known in advance */
} cases[] = {
        { "egress ipv4", MT_EGRESS, false, false },        { "egress ipv6", MT_EGRESS, true, false },
        { "ingress ipv4", MT_INGRESS, false, false },      { "ingress ipv6", MT_INGRESS, true, false },
        { "ingress range ipv4", MT_INGRESS, false, true }, { "ingress range ipv6", MT_INGRESS, true, true },
};

static socklen_t size_of(const struct sockaddr_storage *address)
{
        return address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static int listen_at(const struct sockaddr_storage *address)
{
        const int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

        assert_true(fd >= 0);
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        assert_int_equal(bind(fd, (const void *)address, size_of(address)), 0);
        assert_int_equal(listen(fd, 4), 0);
        return fd;
}

static void read_to_end(int fd)
{
        static char data[65536];
        size_t total = 0;
        ssize_t n;

        while ((n = read(fd, data, sizeof(data))) > 0)
                total += (size_t)n;
        assert_int_equal(total, PAYLOAD);
}

static void write_payload(int fd)
{
        static char data[65536];

        for (size_t total = 0; total < PAYLOAD;) {
                const ssize_t n = write(fd, data, sizeof(data));

                assert_true(n > 0);
                total += (size_t)n;
        }
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
}

/* The far host: connects to where we listen and, told to go by one byte, sends; or accepts and reads. */
static pid_t start_far_end(int far_ns, int listener, const struct sockaddr_storage *to, bool sends)
{
        const pid_t pid = fork();
        char go;
        int fd;

        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not wait for it */
        netns_switch(far_ns);
        if (sends) {
                fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert_int_equal(connect(fd, (const void *)to, size_of(to)), 0);
                assert_int_equal(read(fd, &go, 1), 1);
                write_payload(fd);
        } else {
                fd = accept(listener, NULL, NULL);
                read_to_end(fd);
        }
        _exit(0);
}

/* One transfer towards port of the receiver, in the case's direction. */
static void transfer(const struct traffic_case *c, int far_ns, uint16_t port, void (*connected)(void *), void *ctx)
{
        const bool inward = c->direction == MT_INGRESS;
        const struct sockaddr_storage receiver =
                address_of(c->v6 ? (inward ? "fd09::1" : "fd09::2") : (inward ? "10.9.0.1" : "10.9.0.2"), port);
        int listener, fd, status;
        pid_t pid;

        if (!inward)
                netns_switch(far_ns);
        listener = listen_at(&receiver);
        netns_switch(netns_home());
        pid = start_far_end(far_ns, listener, &receiver, inward);
        if (inward) {
                fd = accept(listener, NULL, NULL);
                assert_true(fd >= 0);
        } else {
                fd = socket(receiver.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert_int_equal(connect(fd, (const void *)&receiver, size_of(&receiver)), 0);
        }
        (void)close(listener);
        if (connected != NULL)
                connected(ctx);
        if (inward) {
                assert_int_equal(write(fd, "g", 1), 1);
                read_to_end(fd);
        } else {
                write_payload(fd);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        (void)close(fd);
        assert_int_equal(status, 0);
}

struct steering {
        const struct fixture *f;
        const struct traffic_case *c;
        const struct mt_link *link;
        uint16_t minor;
};

/* As the watcher does it: find the connection among the process's sockets, match it. */
static void steer(void *ctx)
{
        const struct steering *s = ctx;
        struct mt_flows flows;

        if (s->c->direction == MT_EGRESS)
                assert_int_equal(mt_sockets_outgoing(getpid(), &flows, NULL), 0);
        else
                assert_int_equal(mt_sockets_incoming(getpid(), &flows, NULL), 0);
        assert_int_equal(flows.n, 1);
        assert_int_equal(mt_shape_match(s->f->shaper, s->link, s->minor, &flows, NULL), 0);
}

static uint64_t bytes_of(const struct steering *s)
{
        struct mt_class_state state;

        assert_int_equal(mt_shape_query(s->f->shaper, s->link, s->minor, &state, NULL), 0);
        return state.bytes;
}

static void test_traffic(void **state)
{
        const struct traffic_case *c = *state;
        const int far_ns = netns_peer();
        struct steering s = { .c = c };
        void *fixture;
        uint64_t before;

        (void)fixture_setup(&fixture);
        s.f = fixture;
        s.link = c->direction == MT_EGRESS ? &s.f->egress : &s.f->ingress;
        netns_run("ip link set v1 netns /proc/%ld/fd/%d; ip addr add 10.9.0.1/24 dev v0; ip -6 addr add fd09::1/64 dev v0 "
                  "nodad",
                  (long)getpid(), far_ns);
        netns_switch(far_ns);
        netns_run("ip addr add 10.9.0.2/24 dev v1; ip -6 addr add fd09::2/64 dev v1 nodad; ip link set v1 up");
        netns_switch(netns_home());
        s.minor = add(s.f, s.link, 500, 900, NULL);
        if (c->range)
                assert_int_equal(mt_shape_match_port_range(s.f->shaper, s.link, s.minor, NULL), 0);
        transfer(c, far_ns, 49160, c->range ? NULL : steer, &s);
        before = bytes_of(&s);
        assert_in_range(before, PAYLOAD, MOST);
        transfer(c, far_ns, 5300, NULL, NULL);
        assert_in_range(bytes_of(&s), before, before + 4096); /* the last FIN at most */
        drop(s.f, s.link, s.minor);
        (void)close(far_ns);
        (void)fixture_teardown(&fixture);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(cases)];
        const int status = netns_enter();

        if (status != 0 || netns_home() < 0)
                return status;
        for (size_t i = 0; i < MT_ARRAY_SIZE(cases); i++)
                tests[i] = (struct CMUnitTest){ .name = cases[i].name,
                                                .test_func = test_traffic,
                                                .initial_state = (void *)(uintptr_t)&cases[i] };
        return cmocka_run_group_tests_name("shape_traffic", tests, NULL, NULL);
}
