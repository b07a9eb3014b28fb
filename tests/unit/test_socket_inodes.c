/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process's sockets by inode number, of this process and of another user's, with all and with few rights. */
#include "measure/socket_inodes.h"

#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define SOCKETS 300 /* more than the list grows by at once */

static uint32_t inode_of(int fd)
{
        struct stat s;

        assert_int_equal(fstat(fd, &s), 0);
        return (uint32_t)s.st_ino;
}

static void test_own(void **state)
{
        struct mt_socket_inodes got = { 0 };
        uint32_t inode[SOCKETS], gone, file;
        int fd[SOCKETS], other;

        (void)state;
        for (size_t i = 0; i < SOCKETS; i++) {
                fd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert_true(fd[i] >= 0);
                inode[i] = inode_of(fd[i]);
        }
        gone = inode[0];
        (void)close(fd[0]);
        other = memfd_create("file", MFD_CLOEXEC);
        assert_true(other >= 0);
        file = inode_of(other);
        assert_int_equal(mt_socket_inodes_read(getpid(), &got), 0);
        for (size_t i = 1; i < SOCKETS; i++) {
                assert_true(mt_socket_inodes_have(&got, inode[i]));
                (void)close(fd[i]);
        }
        assert_false(mt_socket_inodes_have(&got, gone));
        assert_false(mt_socket_inodes_have(&got, file));
        (void)close(other);
        mt_socket_inodes_done(&got);
}

static void test_no_process(void **state)
{
        struct mt_socket_inodes got = { 0 };
        const pid_t pid = fork();

        (void)state;
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(mt_socket_inodes_read(pid, &got), -ESRCH);
        assert_false(mt_socket_inodes_have(&got, 1));
        mt_socket_inodes_done(&got);
}

/* A process of another user that holds a socket, of which it tells the number. */
static pid_t start_other(uint32_t *ret_inode)
{
        int fd = socket(AF_UNIX, SOCK_STREAM, 0), ready[2];
        char byte = 0;
        pid_t pid;

        assert_true(fd >= 0);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        *ret_inode = inode_of(fd);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0 /* as after an exec */ ||
                    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || write(ready[1], &byte, 1) != 1)
                        _exit(1);
                for (;;)
                        (void)pause();
        }
        (void)close(fd);
        (void)close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)close(ready[0]);
        return pid;
}

/* From now on this process has only these of root's powers. */
static bool keep_capabilities(uint32_t mask)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { { .effective = mask, .permitted = mask } };

        return syscall(SYS_capset, &header, data) == 0;
}

static const struct rights_case {
        const char *name;
        uint32_t capabilities;
        int want;
} rights_cases[] = {
        { "all that is needed for the links", 1u << CAP_SYS_PTRACE | 1u << CAP_DAC_READ_SEARCH, 0 },
        { "what the service has", 1u << CAP_SYS_PTRACE | 1u << CAP_NET_ADMIN, 0 },
        { "without CAP_SYS_PTRACE", 1u << CAP_NET_ADMIN, -EACCES },
};

static void test_rights(void **state)
{
        const struct rights_case *c = *state;
        uint32_t inode = 0;
        pid_t other, child;
        int status;

        if (geteuid() != 0)
                skip();
        other = start_other(&inode);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                struct mt_socket_inodes got = { 0 };
                int r = keep_capabilities(c->capabilities) ? mt_socket_inodes_read(other, &got) : 1;
                bool right = r == c->want && mt_socket_inodes_have(&got, inode) == (r == 0);

                mt_socket_inodes_done(&got);
                _exit(right ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(kill(other, SIGKILL), 0);
        assert_int_equal(waitpid(other, NULL, 0), other);
        assert_int_equal(status, 0);
}

int main(void)
{
        struct CMUnitTest tests[16] = { cmocka_unit_test(test_own), cmocka_unit_test(test_no_process) };
        size_t n = 2;

        ADD_ROWS(tests, n, rights_cases, test_rights);
        return _cmocka_run_group_tests("socket_inodes", tests, n, NULL, NULL);
}
