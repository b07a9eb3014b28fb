/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * libconfig's scanner calls exit() when a read fails, which reading a directory does, be it the file itself or one that it
 * includes (libconfig 1.5; 1.7.2 and later look first). A plugin must never end its host, so files are read here and
 * given to libconfig as a string, and what @include lines name is looked at before libconfig opens it.
 */
#include "cleanup.h"
#include "config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILE_BYTES ((size_t)1024 * 1024)
#define MAX_INCLUDE_DEPTH 10 /* libconfig's own */
#define MAX_INCLUDES 100u

/* Reads fd to its end, as far as size goes. Returns the number of bytes or -errno. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
        size_t used = 0;

        while (used < size) {
                ssize_t n = read(fd, buffer + used, size - used);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                used += (size_t)n;
        }
        return (ssize_t)used;
}

static int read_text(const char *path, char **ret_text, struct mt_err *err)
{
        /* O_NONBLOCK: opening a fifo must not wait for a writer */
        MT_CLEANUP(mt_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        MT_CLEANUP(mt_freep) char *text = NULL;
        struct stat st;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0)
                return mt_fail(err, errno, "%s: %s", path, strerror(errno));
        if (!S_ISREG(st.st_mode))
                return mt_fail(err, EINVAL, "%s: expected a regular file", path);
        text = malloc(MAX_FILE_BYTES + 2);
        if (text == NULL)
                return mt_fail(err, ENOMEM, "%s: out of memory", path);
        n = read_all(fd, text, MAX_FILE_BYTES + 1);
        if (n < 0)
                return mt_fail(err, (int)-n, "%s: %s", path, strerror((int)-n));
        if ((size_t)n > MAX_FILE_BYTES)
                return mt_fail(err, EFBIG, "%s: expected at most %zu KiB", path, MAX_FILE_BYTES / 1024);
        if (memchr(text, '\0', (size_t)n) != NULL)
                return mt_fail(err, EINVAL, "%s: expected text, found a NUL character", path);
        text[n] = '\0';
        *ret_text = MT_STEAL(&text);
        return 0;
}

/* If the line is @include "NAME", puts the file it means into path. */
static bool include_line(const char *line, const char *dir, char *path, size_t size)
{
        const char *end;
        int n;

        line += strspn(line, " \t");
        if (strncmp(line, "@include", 8) != 0)
                return false;
        line += 8;
        line += strspn(line, " \t");
        end = *line == '"' ? strchr(line + 1, '"') : NULL;
        if (end == NULL)
                return false;
        line++;
        n = snprintf(path, size, "%s%s%.*s", *line == '/' ? "" : dir, *line == '/' ? "" : "/", (int)(end - line), line);
        return n > 0 && (size_t)n < size;
}

/* budget: how many more files may be looked at, since a file may include another many times over. */
static int check_includes(const char *path, const char *dir, const char *text, unsigned depth, unsigned *budget,
                          struct mt_err *err)
{
        unsigned number = 1;

        for (const char *line = text, *end; line != NULL; line = end != NULL ? end + 1 : NULL, number++) {
                MT_CLEANUP(mt_freep) char *inner = NULL;
                char included[PATH_MAX];
                int r;

                end = strchr(line, '\n');
                if (!include_line(line, dir, included, sizeof(included)) || depth >= MAX_INCLUDE_DEPTH)
                        continue; /* too deep: libconfig will say so */
                r = (*budget)-- > 0 ? read_text(included, &inner, err)
                                    : mt_fail(err, EINVAL, "expected at most %u included files", MAX_INCLUDES);
                if (r < 0) {
                        (void)mt_wrap(err, "%s:%u: @include", path, number);
                        err->code = EINVAL; /* not ENOENT: the configuration is there, what it says is wrong */
                        return -EINVAL;
                }
                r = check_includes(included, dir, inner, depth + 1, budget, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int mt_config_file_text(const char *path, const char *dir, char **ret_text, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *text = NULL;
        unsigned budget = MAX_INCLUDES;
        int r = read_text(path, &text, err);

        if (r < 0)
                return r;
        r = check_includes(path, dir, text, 0, &budget, err);
        if (r < 0)
                return r;
        *ret_text = MT_STEAL(&text);
        return 0;
}
