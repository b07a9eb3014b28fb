/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This process plays QEMU: it holds listeners and connections, of which the right ones must be found. 10.1.0.1, 10.1.0.2
 * and their IPv6 twins are addresses of lo, so connections are real but need no second host.
 */
#include "cleanup.h"
#include "measure/sockets.h"
#include "netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define MAX_FDS 128
#define UUID "5d1f6a52-0f9e-4d0c-8a51-6d7c1f1a0001"

static int fds[MAX_FDS];
static int n_fds;

static int keep(int fd)
{
        assert_true(fd >= 0 && n_fds < MAX_FDS);
        fds[n_fds++] = fd;
        return fd;
}

static int close_all(void **state)
{
        (void)state;
        while (n_fds > 0)
                (void)close(fds[--n_fds]);
        return 0;
}

static socklen_t make_address(struct sockaddr_storage *s, const char *text, uint16_t port)
{
        struct sockaddr_in *in = (void *)s;
        struct sockaddr_in6 *in6 = (void *)s;

        *s = (struct sockaddr_storage){ 0 };
        if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
                in->sin_family = AF_INET;
                in->sin_port = htons(port);
                return sizeof(*in);
        }
        assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        return sizeof(*in6);
}

static int listen_on(const char *address, uint16_t port)
{
        struct sockaddr_storage s;
        const socklen_t size = make_address(&s, address, port);
        const int fd = keep(socket(s.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)), on = 1;

        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        assert_int_equal(bind(fd, (void *)&s, size), 0);
        assert_int_equal(listen(fd, 64), 0);
        return fd;
}

/* from_port 0: any. */
static int connect_to(const char *from, uint16_t from_port, const char *to, uint16_t port)
{
        struct sockaddr_storage a, b;
        const socklen_t a_size = make_address(&a, from, from_port), b_size = make_address(&b, to, port);
        const int fd = keep(socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)), on = 1;

        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        assert_int_equal(bind(fd, (void *)&a, a_size), 0);
        assert_int_equal(connect(fd, (void *)&b, b_size), 0);
        return fd;
}

static void assert_address(const struct sockaddr_storage *got, const char *text, uint16_t port)
{
        struct sockaddr_storage want;
        const socklen_t size = make_address(&want, text, port);

        assert_memory_equal(got, &want, size);
}

/* For a child: a test that fails does not come to stopping it. */
static void end_with_parent(void)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* A listener in another process: what it accepts is not ours. */
static pid_t listen_elsewhere(const char *address, uint16_t port)
{
        int pipe_fds[2];
        char ready;
        pid_t pid;

        assert_int_equal(pipe(pipe_fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                end_with_parent();
                n_fds = 0;
                (void)listen_on(address, port);
                (void)!write(pipe_fds[1], "x", 1);
                for (;;)
                        (void)pause();
        }
        assert_int_equal(read(pipe_fds[0], &ready, 1), 1);
        (void)close(pipe_fds[0]);
        (void)close(pipe_fds[1]);
        return pid;
}

static void stop(pid_t pid)
{
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

static const struct outgoing_case {
        const char *name, *from, *to;
        uint16_t port;
        int result;
} outgoing_cases[] = {
        { "outgoing ipv4", "10.1.0.1", "10.1.0.2", 49152, 0 },
        { "outgoing, last port of the range", "10.1.0.1", "10.1.0.2", 49215, 0 },
        { "outgoing, below the range", "10.1.0.1", "10.1.0.2", 49151, -ENOENT },
        { "outgoing, above the range", "10.1.0.1", "10.1.0.2", 49216, -ENOENT },
        { "outgoing ipv6", "fd01::1", "fd01::2", 49160, 0 },
        { "outgoing to loopback, for want of others", "127.0.0.1", "127.0.0.1", 49153, 0 },
        { "outgoing to ipv6 loopback, for want of others", "::1", "::1", 49153, 0 },
};

static void test_outgoing(void **state)
{
        const struct outgoing_case *c = *state;
        const pid_t listener = listen_elsewhere(c->to, c->port);
        struct mt_flows got = { .n = 77 };
        struct mt_err err = { 0 };

        (void)connect_to(c->from, 20001, c->to, c->port);
        assert_int_equal(mt_sockets_outgoing(getpid(), &got, &err), c->result);
        stop(listener);
        if (c->result < 0) {
                assert_int_equal(got.n, 77);
                assert_int_equal(err.code, -c->result);
                return;
        }
        assert_int_equal(got.n, 1);
        assert_false(got.guessed);
        assert_address(&got.flow[0].local, c->from, 20001);
        assert_address(&got.flow[0].peer, c->to, c->port);
        assert_in_range(got.flow[0].rtt_us, 1, 1000000);
}

static void test_mapped_is_ipv4(void **state)
{
        const pid_t listener = listen_elsewhere("10.1.0.2", 49152);
        struct mt_flows got;

        (void)state;
        (void)connect_to("::ffff:10.1.0.1", 20001, "::ffff:10.1.0.2", 49152);
        assert_int_equal(mt_sockets_outgoing(getpid(), &got, NULL), 0);
        stop(listener);
        assert_int_equal(got.n, 1);
        assert_address(&got.flow[0].local, "10.1.0.1", 20001);
        assert_address(&got.flow[0].peer, "10.1.0.2", 49152);
}

static void test_multifd_and_not_loopback(void **state)
{
        const pid_t a = listen_elsewhere("10.1.0.2", 49152), b = listen_elsewhere("127.0.0.1", 49152);
        struct mt_flows got;

        (void)state;
        for (uint16_t i = 0; i < 9; i++)
                (void)connect_to("10.1.0.1", (uint16_t)(20001 + i), "10.1.0.2", 49152);
        (void)connect_to("127.0.0.1", 20001, "127.0.0.1", 49152);
        assert_int_equal(mt_sockets_outgoing(getpid(), &got, NULL), 0);
        stop(a);
        stop(b);
        assert_int_equal(got.n, 9);
        for (unsigned i = 0; i < got.n; i++)
                assert_int_equal(got.flow[i].peer.ss_family, AF_INET);
}

static void test_no_more_than_fit(void **state)
{
        const pid_t listener = listen_elsewhere("10.1.0.2", 49152);
        struct mt_flows got;

        (void)state;
        for (uint16_t i = 0; i < MT_MAX_FLOWS + 8; i++)
                (void)connect_to("10.1.0.1", (uint16_t)(20001 + i), "10.1.0.2", 49152);
        assert_int_equal(mt_sockets_outgoing(getpid(), &got, NULL), 0);
        stop(listener);
        assert_int_equal(got.n, MT_MAX_FLOWS);
}

/* A VNC client whose own port happens to lie in the range is no migration. */
static void test_accepted_is_not_outgoing(void **state)
{
        const int vnc = listen_on("10.1.0.1", 5900);
        struct mt_flows got;
        pid_t client;

        (void)state;
        client = fork();
        assert_true(client >= 0);
        if (client == 0) {
                end_with_parent();
                close_all(NULL);
                (void)connect_to("10.1.0.2", 49200, "10.1.0.1", 5900);
                for (;;)
                        (void)pause();
        }
        (void)keep(accept(vnc, NULL, NULL));
        assert_int_equal(mt_sockets_outgoing(getpid(), &got, NULL), -ENOENT);
        stop(client);
}

static void test_other_process_not_seen(void **state)
{
        const pid_t listener = listen_elsewhere("10.1.0.2", 49152);
        struct mt_flows got;

        (void)state;
        (void)connect_to("10.1.0.1", 20001, "10.1.0.2", 49152);
        assert_int_equal(mt_sockets_outgoing(listener, &got, NULL), -ENOENT);
        stop(listener);
}

static void test_listening(void **state)
{
        struct mt_flows got;

        (void)state;
        (void)listen_on("::", 49153);
        (void)listen_on("10.1.0.1", 5900);
        assert_int_equal(mt_sockets_incoming(getpid(), &got, NULL), 0);
        assert_int_equal(got.n, 1);
        assert_address(&got.flow[0].local, "::", 49153);
        assert_int_equal(got.flow[0].peer.ss_family, AF_UNSPEC);
}

static void test_incoming_connected(void **state)
{
        const int listener = listen_on("10.1.0.2", 49153);
        struct mt_flows got;
        pid_t client;

        (void)state;
        client = fork();
        assert_true(client >= 0);
        if (client == 0) {
                end_with_parent();
                close_all(NULL);
                (void)connect_to("10.1.0.1", 20001, "10.1.0.2", 49153);
                for (;;)
                        (void)pause();
        }
        (void)keep(accept(listener, NULL, NULL));
        (void)close(listener);
        assert_int_equal(mt_sockets_incoming(getpid(), &got, NULL), 0);
        stop(client);
        assert_int_equal(got.n, 1);
        assert_address(&got.flow[0].local, "10.1.0.2", 49153);
        assert_address(&got.flow[0].peer, "10.1.0.1", 20001);
}

static void test_nothing_incoming(void **state)
{
        struct mt_flows got;
        struct mt_err err = { 0 };

        (void)state;
        (void)listen_on("10.1.0.2", 49216);
        assert_int_equal(mt_sockets_incoming(getpid(), &got, &err), -ENOENT);
        assert_int_equal(err.code, ENOENT);
}

static void test_no_such_process(void **state)
{
        const pid_t gone = listen_elsewhere("10.1.0.2", 49152);
        struct mt_flows got;

        (void)state;
        stop(gone);
        assert_int_equal(mt_sockets_outgoing(gone, &got, NULL), -ESRCH);
        assert_int_equal(mt_sockets_incoming(gone, &got, NULL), -ESRCH);
}

/* Who may not look into the process takes what goes to the range, and says so. Told by the child's exit status. */
static void test_guess_without_privilege(void **state)
{
        const pid_t listener = listen_elsewhere("10.1.0.2", 49152), self = getpid();
        int status;
        pid_t child;

        (void)state;
        (void)connect_to("10.1.0.1", 20001, "10.1.0.2", 49152);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                struct mt_flows got;

                if (setgid(65534) != 0 || setuid(65534) != 0)
                        _exit(2);
                _exit(mt_sockets_outgoing(self, &got, NULL) == 0 && got.guessed && got.n == 1 ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        stop(listener);
        if (WEXITSTATUS(status) == 2)
                printf("# not tried: a user namespace with one user\n");
        else
                assert_int_equal(status, 0);
}

/* Something with "-uuid UUID" among its arguments, as QEMU has. */
static pid_t spawn_qemu(const char *uuid)
{
        char sh[] = "sh", c[] = "-c", script[] = "sleep 60 & trap 'kill $!' TERM; wait", name[] = "-name",
             option[] = "-uuid", id[64];
        char *argv[] = { sh, c, script, name, option, id, NULL };
        pid_t pid;

        (void)snprintf(id, sizeof(id), "%s", uuid);
        assert_int_equal(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ), 0);
        for (int i = 0; i < 200 && !netns_shows("wait", "tr '\\0' ' ' </proc/%ld/cmdline", (long)pid); i++)
                (void)usleep(5000); /* until it has become sh */
        return pid;
}

static void end_qemu(pid_t pid)
{
        (void)kill(pid, SIGTERM);
        (void)waitpid(pid, NULL, 0);
}

static void test_pid_by_command_line(void **state)
{
        const pid_t other = spawn_qemu("5d1f6a52-0f9e-4d0c-8a51-6d7c1f1a0002"), qemu = spawn_qemu(UUID);
        pid_t got = -1;

        (void)state;
        assert_int_equal(mt_qemu_pid("vm1", UUID, &got, NULL), 0);
        assert_int_equal(got, qemu);
        end_qemu(qemu);
        assert_int_equal(mt_qemu_pid("vm1", UUID, &got, NULL), -ESRCH);
        end_qemu(other);
}

static void test_pid_file(void **state)
{
        const pid_t first = spawn_qemu(UUID), second = spawn_qemu(UUID);
        pid_t got = -1;

        (void)state;
        assert_int_equal(mount("tmpfs", "/run", "tmpfs", 0, NULL), 0);
        for (int i = 0; i < 2; i++) { /* the file decides between two that look alike */
                netns_run("mkdir -p /run/libvirt/qemu && echo %ld >/run/libvirt/qemu/vm1.pid",
                          (long)(i == 0 ? second : first));
                assert_int_equal(mt_qemu_pid("vm1", UUID, &got, NULL), 0);
                assert_int_equal(got, i == 0 ? second : first);
        }
        end_qemu(first);
        assert_int_equal(mt_qemu_pid("vm1", UUID, &got, NULL), 0); /* a stale file is not believed */
        assert_int_equal(got, second);
        netns_run("echo %ld >/run/libvirt/qemu/vm1.pid", (long)getpid());
        assert_int_equal(mt_qemu_pid("vm1", UUID, &got, NULL), 0);
        assert_int_equal(got, second);
        netns_run("echo nonsense >/run/libvirt/qemu/vm1.pid");
        assert_int_equal(mt_qemu_pid("vm1", UUID, &got, NULL), 0);
        end_qemu(second);
        assert_int_equal(umount("/run"), 0);
}

/* Source and destination host on one machine: each finds its own. */
static void test_pid_of_our_network(void **state)
{
        const int peer = netns_peer();
        pid_t theirs, got = -1, ours;

        (void)state;
        netns_switch(peer);
        theirs = spawn_qemu(UUID);
        netns_switch(netns_home());
        assert_int_equal(mt_qemu_pid("vm1", UUID, &got, NULL), -ESRCH);
        ours = spawn_qemu(UUID);
        assert_int_equal(mt_qemu_pid("vm1", UUID, &got, NULL), 0);
        assert_int_equal(got, ours);
        end_qemu(ours);
        end_qemu(theirs);
}

#define ROW(test) cmocka_unit_test_teardown(test, close_all)

int main(void)
{
        const struct CMUnitTest others[] = {
                ROW(test_mapped_is_ipv4),           ROW(test_multifd_and_not_loopback), ROW(test_no_more_than_fit),
                ROW(test_accepted_is_not_outgoing), ROW(test_other_process_not_seen),   ROW(test_listening),
                ROW(test_incoming_connected),       ROW(test_nothing_incoming),         ROW(test_no_such_process),
                ROW(test_guess_without_privilege),  ROW(test_pid_by_command_line),      ROW(test_pid_file),
                ROW(test_pid_of_our_network),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(outgoing_cases) + MT_ARRAY_SIZE(others)];
        const int status = netns_enter();

        if (status != 0 || netns_home() < 0)
                return status;
        for (size_t i = 0; i < MT_ARRAY_SIZE(outgoing_cases); i++)
                tests[i] = (struct CMUnitTest){ .name = outgoing_cases[i].name,
                                                .test_func = test_outgoing,
                                                .teardown_func = close_all,
                                                .initial_state = (void *)(uintptr_t)&outgoing_cases[i] };
        (void)memcpy(tests + MT_ARRAY_SIZE(outgoing_cases), others, sizeof(others));
        netns_run("ip addr add 10.1.0.1/32 dev lo; ip addr add 10.1.0.2/32 dev lo; ip -6 addr add fd01::1/128 dev lo nodad;"
                  " ip -6 addr add fd01::2/128 dev lo nodad");
        return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
