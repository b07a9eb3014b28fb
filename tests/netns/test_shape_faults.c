/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fault sweep: the n-th netlink request fails, for n = 0, 1, 2 ... until the call succeeds; after each failure the
 * namespace is as it was, and the message says something. Linked with --wrap=send,--wrap=recvmsg: the fault is at the
 * socket, all above it is real.
 *
 * Three ways to fail: it cannot be sent; the kernel refuses it (a message type it does not know); the answer is lost, so
 * that nobody knows whether it was carried out (it was).
 */
#include "cleanup.h"
#include "netlink.h"
#include "shape_fixture.h"

#include <errno.h>
#include <sys/socket.h>

enum fault { CANNOT_SEND, REFUSED, ANSWER_LOST, FAULTS };

static const char *const fault_name[] = { "cannot send", "refused", "answer lost" };

_Static_assert(MT_ARRAY_SIZE(fault_name) == FAULTS, "one name a fault");

static int fail_at = -1, requests;
static enum fault fault;
static bool lose_answer;

ssize_t __real_send(int fd, const void *buffer, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *buffer, size_t size, int flags);
ssize_t __real_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);

ssize_t __wrap_send(int fd, const void *buffer, size_t size, int flags)
{
        static char copy[65536];

        if (requests++ != fail_at)
                return __real_send(fd, buffer, size, flags);
        switch (fault) {
        case CANNOT_SEND:
                errno = ENOBUFS;
                return -1;
        case REFUSED:
                assert_in_range(size, sizeof(struct nlmsghdr), sizeof(copy));
                (void)memcpy(copy, buffer, size);
                ((struct nlmsghdr *)(void *)copy)->nlmsg_type = 0x7ffe;
                return __real_send(fd, copy, size, flags);
        default:
                lose_answer = true;
                return __real_send(fd, buffer, size, flags);
        }
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
        if (lose_answer) { /* it stays in the queue, or the dump goes on: nothing for the next request to trip over */
                lose_answer = false;
                errno = EAGAIN;
                return -1;
        }
        return __real_recvmsg(fd, m, flags);
}

/* What fails, from which state, and how that state is made. */
struct operation {
        const char *name;
        bool ingress, parent;
        unsigned before; /* classes that there are already */
        int (*run)(const struct fixture *f, const struct mt_link *link, struct mt_err *err);
        bool removes; /* a failure may leave less; a repetition must then leave nothing */
};

static int run_add(const struct fixture *f, const struct mt_link *link, struct mt_err *err)
{
        const struct mt_class_spec spec = spec_of(100, 250);
        struct mt_flows flows = flow_of("10.0.0.1", 1000, "10.0.0.2", 49152);
        uint16_t minor = 77;
        int r;

        flows.n = 2;
        flows.flow[1] = flow_of("fd00::1", 1000, "fd00::2", 49152).flow[0];
        r = mt_shape_add(f->shaper, link, &spec, &flows, &minor, err);
        assert_true((r == 0) == (minor != 77));
        return r;
}

static uint16_t first_minor(const struct mt_link *link)
{
        return link->parent[0] != '\0' ? 0x4d02 : 2;
}

static int run_change(const struct fixture *f, const struct mt_link *link, struct mt_err *err)
{
        struct mt_link wider = *link;
        const struct mt_class_spec spec = spec_of(300, 400);

        wider.rate_bytes_s *= 2;
        return mt_shape_change(f->shaper, &wider, first_minor(link), &spec, err);
}

static int run_match(const struct fixture *f, const struct mt_link *link, struct mt_err *err)
{
        struct mt_flows flows = flow_of("10.0.0.1", 2000, "10.0.0.3", 49152);

        flows.n = 2;
        flows.flow[1] = flow_of("10.0.0.1", 2001, "10.0.0.3", 49152).flow[0];
        return mt_shape_match(f->shaper, link, first_minor(link), &flows, err);
}

static int run_remove(const struct fixture *f, const struct mt_link *link, struct mt_err *err)
{
        return mt_shape_remove(f->shaper, link, first_minor(link), err);
}

static int run_sweep(const struct fixture *f, const struct mt_link *link, struct mt_err *err)
{
        int r = mt_shape_sweep(f->shaper, NULL, NULL, err);

        (void)link;
        return r < 0 ? r : 0;
}

static const struct operation operations[] = {
        { "first egress class", .run = run_add },
        { "second egress class", .before = 1, .run = run_add },
        { "first ingress class", .ingress = true, .run = run_add },
        { "second ingress class", .ingress = true, .before = 1, .run = run_add },
        { "class under an operator's", .parent = true, .run = run_add },
        { "change", .before = 2, .run = run_change },
        { "change under an operator's", .parent = true, .before = 1, .run = run_change },
        { "match", .before = 2, .run = run_match },
        { "match ingress", .ingress = true, .before = 1, .run = run_match },
        { "match under an operator's", .parent = true, .before = 1, .run = run_match },
        { "remove one of two", .before = 2, .run = run_remove, .removes = true },
        { "remove the last", .before = 1, .run = run_remove, .removes = true },
        { "remove one of two ingress", .ingress = true, .before = 2, .run = run_remove, .removes = true },
        { "remove the last ingress", .ingress = true, .before = 1, .run = run_remove, .removes = true },
        { "remove under an operator's", .parent = true, .before = 1, .run = run_remove, .removes = true },
        { "sweep", .before = 2, .run = run_sweep, .removes = true },
        { "sweep ingress", .ingress = true, .before = 2, .run = run_sweep, .removes = true },
        { "sweep under an operator's", .parent = true, .before = 2, .run = run_sweep, .removes = true },
};

static struct mt_link make_state(struct fixture *f, const struct operation *op)
{
        struct mt_link link = op->ingress ? f->ingress : f->egress;

        if (op->parent) {
                netns_run("tc qdisc replace dev v0 root handle 1: htb r2q 1000; tc class add dev v0 parent 1: classid 1:1 "
                          "htb rate 1gbit;"
                          " tc class add dev v0 parent 1:1 classid 1:10 htb rate 500mbit");
                (void)snprintf(link.parent, sizeof(link.parent), "1:10");
        }
        free(f->before);
        f->before = netns_snapshot();
        return link;
}

static void check_failure(const struct operation *op, int n, int r, const struct mt_err *err, const char *before)
{
        char *after;

        if (err->code != -r || err->msg[0] == '\0' || strstr(err->msg, "Success") != NULL)
                fail_msg("%s, request %d, %s: %d, code %d, '%s'", op->name, n, fault_name[fault], r, err->code, err->msg);
        after = netns_snapshot();
        if (strcmp(after, before) != 0 && !op->removes)
                fail_msg("%s, request %d, %s, '%s': not as before", op->name, n, fault_name[fault], err->msg);
        free(after);
}

/* One operation with its n-th request failing. True if it had none, and so succeeded. */
static bool attempt(const struct operation *op, const struct fixture *f, const struct mt_link *link, int n)
{
        struct mt_err err = { 0 };
        bool reached;
        char *before;
        int r;

        for (unsigned i = 0; i < op->before; i++)
                (void)run_add(f, link, NULL);
        before = netns_snapshot();
        requests = 0;
        fail_at = n;
        r = op->run(f, link, &err);
        reached = requests > n;
        fail_at = -1;
        assert_true(reached || r == 0);
        if (r < 0) {
                check_failure(op, n, r, &err, before);
                if (op->run(f, link, &err) != 0) /* but the next attempt goes through */
                        fail_msg("%s after request %d, %s: '%s'", op->name, n, fault_name[fault], err.msg);
        }
        free(before);
        if (mt_shape_sweep(f->shaper, NULL, NULL, &err) < 0)
                fail_msg("sweep: %s", err.msg);
        assert_unchanged(f);
        return !reached;
}

static void test_faults(void **state)
{
        const struct operation *op = *state;
        struct mt_link link;
        void *fixture;
        int n;

        (void)fixture_setup(&fixture);
        link = make_state(fixture, op);
        for (fault = 0; fault < FAULTS; fault++) {
                for (n = 0; n < 100 && !attempt(op, fixture, &link, n); n++)
                        ;
                assert_in_range(n, 3, 99); /* there were requests to fail, and an end of them */
        }
        (void)fixture_teardown(&fixture);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(operations)];
        const int status = netns_enter();

        if (status != 0 || netns_home() < 0)
                return status;
        for (size_t i = 0; i < MT_ARRAY_SIZE(operations); i++)
                tests[i] = (struct CMUnitTest){ .name = operations[i].name,
                                                .test_func = test_faults,
                                                .initial_state = (void *)(uintptr_t)&operations[i] };
        return cmocka_run_group_tests_name("shape_faults", tests, NULL, NULL);
}
