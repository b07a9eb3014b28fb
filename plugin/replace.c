/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *text, size_t size)
{
        while (size > 0) {
                ssize_t n = write(fd, text, size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        text += n;
                        size -= (size_t)n;
                }
        }
        return 0;
}

static int write_fresh(int dir_fd, const char *name, const char *text, size_t size, mode_t mode)
{
        int fd, r;

        if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
                return -errno;
        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd < 0)
                return -errno;
        r = fchmod(fd, mode) < 0 ? -errno : write_all(fd, text, size);
        if (close(fd) < 0 && r == 0)
                r = -errno;
        return r;
}

int mt_replace_at(int dir_fd, const char *name, const char *text, size_t size, mode_t mode)
{
        char fresh[NAME_MAX + 1];
        int r;

        if (snprintf(fresh, sizeof(fresh), ".%s.new", name) >= (int)sizeof(fresh))
                return -ENAMETOOLONG;
        r = write_fresh(dir_fd, fresh, text, size, mode);
        if (r == 0 && renameat(dir_fd, fresh, dir_fd, name) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(dir_fd, fresh, 0);
        return r;
}
