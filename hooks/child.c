/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A descriptor from which text can be read: a file in memory, so that nobody waits for a reader. -errno: there is none. */
static int readable(const char *text)
{
        int fd = memfd_create("input", MFD_CLOEXEC);
        size_t left = strlen(text);

        if (fd < 0)
                return -errno;
        while (left > 0) {
                ssize_t n = write(fd, text, left);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        int code = errno;

                        (void)close(fd);
                        return -code;
                }
                text += n;
                left -= (size_t)n;
        }
        (void)lseek(fd, 0, SEEK_SET);
        return fd;
}

static int32_t wait_for(pid_t pid)
{
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int32_t mt_child_run(void *ctx, const char *const *argv, const char *input)
{
        posix_spawn_file_actions_t actions;
        pid_t pid;
        int fd = readable(input);
        int r;

        (void)ctx;
        if (fd < 0)
                return fd;
        r = posix_spawn_file_actions_init(&actions);
        if (r != 0) {
                (void)close(fd);
                return -r;
        }
        r = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
        if (r == 0) /* POSIX lacks a const that it honours */
                r = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)close(fd);
        return r != 0 ? -r : wait_for(pid);
}
