/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Several processes may append (the watcher, a shim): each takes flock() on the file, looks whether the file is still the
 * one at that path (another may have rotated it), and writes one line with O_APPEND. A lock that cannot be had within
 * 100 ms is done without: the record may then be lost to another's rotation, but no migration waits. Rotation, done only
 * under the lock, writes the newest records to a new file and renames it over the old one, so a reader sees one or the
 * other, whole.
 */
#include "record/history.h"
#include "cleanup.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define LOCK_WAIT_MS 100
#define LOCK_POLL_MS 1
#define LEAST_RECORD_BYTES 256 /* real ones have 2 KiB and more: below keep times this, nothing needs to be counted */

static int make_directory(const char *file)
{
        char dir[PATH_MAX];
        const char *slash = strrchr(file, '/');

        if (slash == NULL || slash == file)
                return 0;
        if (snprintf(dir, sizeof(dir), "%.*s", (int)(slash - file), file) >= (int)sizeof(dir))
                return -ENAMETOOLONG;
        return mkdir(dir, 0750) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_history(const char *file)
{
        int fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
        int r;

        if (fd >= 0 || errno != ENOENT)
                return fd >= 0 ? fd : -errno;
        r = make_directory(file);
        if (r < 0)
                return r;
        fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
        return fd >= 0 ? fd : -errno;
}

static bool lock_file(int fd, uint64_t until_ms)
{
        const struct timespec wait = { .tv_nsec = LOCK_POLL_MS * 1000000L };

        do {
                if (flock(fd, LOCK_EX | LOCK_NB) == 0)
                        return true;
                if (errno != EWOULDBLOCK && errno != EINTR)
                        return false;
                (void)nanosleep(&wait, NULL);
        } while (mt_now_ms() < until_ms);
        return false;
}

static bool is_still_there(int fd, const char *file)
{
        struct stat mine, there;

        if (fstat(fd, &mine) < 0 || stat(file, &there) < 0)
                return false;
        return mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

/* Opens and locks the file that is at the path once the lock is held. *ret_locked: whether it could be had in time. */
static int open_locked(const char *file, bool *ret_locked)
{
        uint64_t until_ms = mt_now_ms() + LOCK_WAIT_MS;

        for (;;) {
                MT_CLEANUP(mt_closep) int fd = open_history(file);
                int got = fd;
                bool locked, there;

                if (fd < 0)
                        return fd;
                locked = lock_file(fd, until_ms);
                there = is_still_there(fd, file);
                if (!there && mt_now_ms() < until_ms)
                        continue;
                *ret_locked = locked && there; /* the lock of a file that was rotated away protects nothing */
                fd = -1;                       /* handed over */
                return got;
        }
}

static int write_line(int fd, const char *record)
{
        /* writev takes no const; the iovecs are only read */
        union {
                const char *from;
                char *to;
        } start = { .from = "\n" }, text = { .from = record };
        struct iovec parts[3] = { { start.to, 0 }, { text.to, strlen(record) }, { start.to, 1 } };
        off_t end = lseek(fd, 0, SEEK_END);
        char last = '\n';
        ssize_t n, whole;

        if (end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n')
                parts[0].iov_len = 1; /* what a crash left half written gets a line of its own */
        whole = (ssize_t)(parts[0].iov_len + parts[1].iov_len + 1);
        n = writev(fd, parts, 3);
        if (n < 0)
                return -errno;
        return n == whole ? 0 : -ENOSPC;
}

/* Reads exactly the bytes from..from+size. Returns 0 or -errno. */
static int read_at(int fd, char *buffer, size_t size, off_t from)
{
        while (size > 0) {
                ssize_t n = pread(fd, buffer, size, from);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                buffer += n;
                from += n;
                size -= (size_t)n;
        }
        return 0;
}

static int write_all(int fd, const char *text, size_t size)
{
        while (size > 0) {
                ssize_t n = write(fd, text, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text += n;
                size -= (size_t)n;
        }
        return 0;
}

/* Where the newest keep lines of the text begin, if there are more than limit lines; else NULL. */
static const char *newest_lines(const char *text, size_t size, unsigned keep, unsigned limit)
{
        const char *end = text + size, *from = NULL;
        unsigned lines = 0;

        while (end > text) {
                const char *newline = memrchr(text, '\n', (size_t)(end - text - 1)); /* its own newline is at end - 1 */

                lines++;
                end = newline != NULL ? newline + 1 : text;
                if (lines == keep)
                        from = end;
                if (lines > limit)
                        return from;
        }
        return NULL;
}

static int replace(const char *file, const struct stat *old, const char *text, size_t size)
{
        MT_CLEANUP(mt_closep) int fd = -1;
        char fresh[PATH_MAX];
        int r;

        if (snprintf(fresh, sizeof(fresh), "%s.new", file) >= (int)sizeof(fresh))
                return -ENAMETOOLONG;
        (void)unlink(fresh); /* of a run that died here */
        fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = write_all(fd, text, size);
        if (r == 0 && fchown(fd, old->st_uid, old->st_gid) < 0 && errno != EPERM)
                r = -errno;
        if (r == 0 && (fchmod(fd, old->st_mode & 0777) < 0 || rename(fresh, file) < 0))
                r = -errno;
        if (r < 0)
                (void)unlink(fresh);
        return r;
}

/*
 * Counting the records means reading the whole file (30 ms for 70 MB), so it is done once for each 64th to 32nd part that
 * the file grows by: with every record while it is small, every few hundred records when it is large.
 */
static bool is_due(size_t before, size_t after)
{
        size_t step = 1;

        while (step <= after / 64)
                step *= 2;
        return before / step != after / step;
}

/* appended: the size of what was just written. */
static int rotate(const char *file, int fd, unsigned keep, size_t appended)
{
        MT_CLEANUP(mt_freep) char *text = NULL;
        unsigned limit = keep + (keep / 10 > 0 ? keep / 10 : 1);
        const char *from;
        struct stat st;
        size_t size;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        size = (size_t)st.st_size;
        if (size / LEAST_RECORD_BYTES <= keep || !is_due(size > appended ? size - appended : 0, size))
                return 0;
        text = malloc(size);
        if (text == NULL)
                return -ENOMEM;
        r = read_at(fd, text, size, 0);
        if (r < 0)
                return r;
        from = newest_lines(text, size, keep, limit);
        return from != NULL ? replace(file, &st, from, size - (size_t)(from - text)) : 0;
}

int mt_history_append(const char *file, const char *record, unsigned keep, struct mt_err *err)
{
        bool locked = false;
        MT_CLEANUP(mt_closep) int fd = open_locked(file, &locked);
        int r;

        if (fd < 0)
                return mt_fail(err, -fd, "history %s: %s", file, strerror(-fd));
        r = write_line(fd, record);
        if (r < 0)
                return mt_fail(err, -r, "history %s: append: %s", file, strerror(-r));
        r = locked ? rotate(file, fd, keep, strlen(record) + 1) : 0;
        if (r < 0)
                return mt_fail(err, -r, "history %s: keep the newest %u: %s", file, keep, strerror(-r));
        return 0;
}

static json_object *parse_line(json_tokener *tokener, const char *line, size_t length)
{
        json_object *o;

        json_tokener_reset(tokener);
        o = json_tokener_parse_ex(tokener, line, (int)length);
        if (o != NULL && json_tokener_get_error(tokener) == json_tokener_success &&
            json_object_is_type(o, json_type_object) && json_tokener_get_parse_end(tokener) == length)
                return o;
        json_object_put(o);
        return NULL;
}

static void free_tokenerp(json_tokener **tokener)
{
        if (*tokener != NULL)
                json_tokener_free(*tokener);
}

/* Reads the last max_bytes, less what is before the first newline there. */
static int read_tail(const char *file, size_t max_bytes, char **ret_text, size_t *ret_size)
{
        MT_CLEANUP(mt_closep) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        MT_CLEANUP(mt_freep) char *text = NULL;
        struct stat st;
        size_t size, skip = 0;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        size = (size_t)st.st_size;
        if (max_bytes > 0 && size > max_bytes)
                size = max_bytes;
        text = malloc(size + 1);
        if (text == NULL)
                return -ENOMEM;
        r = read_at(fd, text, size, st.st_size - (off_t)size);
        if (r < 0)
                return r;
        if (size < (size_t)st.st_size) {
                const char *newline = memchr(text, '\n', size);

                skip = newline != NULL ? (size_t)(newline - text) + 1 : size;
        }
        (void)memmove(text, text + skip, size - skip);
        *ret_text = MT_STEAL(&text);
        *ret_size = size - skip;
        return 0;
}

int mt_history_newest(const char *file, size_t max_bytes, const char *containing, mt_history_fn fn, void *ctx,
                      unsigned *ret_broken)
{
        MT_CLEANUP(free_tokenerp) json_tokener *tokener = json_tokener_new();
        MT_CLEANUP(mt_freep) char *text = NULL;
        unsigned broken = 0;
        size_t end = 0;
        int r = tokener != NULL ? read_tail(file, max_bytes, &text, &end) : -ENOMEM;

        if (r < 0 && r != -ENOENT)
                return r;
        while (end > 0) {
                const char *newline;
                size_t start, length;
                json_object *record;
                bool more;

                if (text[end - 1] == '\n')
                        end--;
                newline = memrchr(text, '\n', end);
                start = newline != NULL ? (size_t)(newline - text) + 1 : 0;
                length = end - start;
                end = start;
                if (length == 0 || length > INT_MAX ||
                    (containing != NULL && memmem(text + start, length, containing, strlen(containing)) == NULL))
                        continue;
                record = parse_line(tokener, text + start, length);
                if (record == NULL) {
                        broken++;
                        continue;
                }
                more = fn(ctx, record);
                json_object_put(record);
                if (!more)
                        break;
        }
        if (ret_broken != NULL)
                *ret_broken = broken;
        return 0;
}
