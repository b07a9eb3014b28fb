/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sink.h"
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define RECORD_MARK "@cee: "

enum kind { TO_STDERR, TO_SYSLOG, TO_FILE };

static struct {
        enum kind kind;
        bool debug;
        int fd; /* TO_FILE */
        char path[256];
        pthread_mutex_t lock; /* of fd */
} sink = { .kind = TO_STDERR, .fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

static int open_file(const char *path)
{
        return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
}

int mt_sink_open(const char *where, bool debug, char *error, unsigned error_size)
{
        const char *path = strncmp(where, "file:", 5) == 0 ? where + 5 : NULL;
        int fd;

        if (strcmp(where, "stderr") == 0) {
                sink.kind = TO_STDERR;
        } else if (strcmp(where, "syslog") == 0) {
                openlog("migtune", LOG_PID, LOG_DAEMON);
                sink.kind = TO_SYSLOG;
        } else if (path != NULL && path[0] == '/' && strlen(path) < sizeof(sink.path)) {
                fd = open_file(path);
                if (fd < 0) {
                        int code = errno;

                        (void)snprintf(error, error_size, "--log: open %s: %s", path, strerror(code));
                        return -code;
                }
                if (sink.fd >= 0)
                        (void)close(sink.fd);
                sink.fd = fd;
                (void)snprintf(sink.path, sizeof(sink.path), "%s", path);
                sink.kind = TO_FILE;
        } else {
                (void)snprintf(error, error_size,
                               "--log: expected syslog, stderr or file:PATH with an absolute path, not '%s'", where);
                return -EINVAL;
        }
        sink.debug = debug;
        return 0;
}

static const char *level(int32_t priority)
{
        if (priority <= LOG_ERR)
                return "error: ";
        if (priority == LOG_WARNING)
                return "warning: ";
        return priority >= LOG_DEBUG ? "debug: " : "";
}

/* After logrotate has renamed the file, lines go to the new one. A failure keeps the old one: better there than lost. */
static void follow_rotation(void)
{
        struct stat opened, named;
        int fd;

        if (fstat(sink.fd, &opened) < 0 ||
            (stat(sink.path, &named) == 0 && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino))
                return;
        fd = open_file(sink.path);
        if (fd < 0)
                return;
        (void)close(sink.fd);
        sink.fd = fd;
}

static void write_stamped(const char *prefix, const char *text)
{
        char stamp[64], zone[16];
        struct timespec now;
        struct tm tm;
        char *line = NULL;
        int n;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        (void)localtime_r(&now.tv_sec, &tm);
        (void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
        (void)strftime(zone, sizeof(zone), "%z", &tm); /* +hhmm; RFC 3339 wants +hh:mm */
        n = asprintf(&line, "%s.%03ld%.3s:%s %s%s\n", stamp, now.tv_nsec / 1000000, zone, zone + 3, prefix, text);
        if (n < 0)
                return;
        (void)pthread_mutex_lock(&sink.lock);
        follow_rotation();
        if (write(sink.fd, line, (size_t)n) < 0) {
                /* The disk is full: there is nowhere left to say so. */
        }
        (void)pthread_mutex_unlock(&sink.lock);
        free(line);
}

static void put_line(int32_t priority, const char *prefix, const char *text)
{
        switch (sink.kind) {
        case TO_SYSLOG:
                syslog((int)priority, "%s%s", prefix, text);
                break;
        case TO_FILE:
                write_stamped(prefix, text);
                break;
        case TO_STDERR:
        default:
                (void)fprintf(stderr, "migtune: %s%s\n", prefix, text);
                break;
        }
}

void mt_sink_log(void *ctx, int32_t priority, const char *message)
{
        (void)ctx;
        if (priority >= LOG_DEBUG && !sink.debug)
                return;
        put_line(priority, sink.kind == TO_SYSLOG ? "" : level(priority), message); /* syslog keeps the priority itself */
}

void mt_sink_record(void *ctx, const char *json)
{
        (void)ctx;
        put_line(LOG_INFO, RECORD_MARK, json);
}

void mt_sink_record_fields(void *ctx, const char *json, const char *const *fields)
{
        bool to_journal = sink.kind == TO_SYSLOG   ? mt_journal_has_syslog()
                          : sink.kind == TO_STDERR ? mt_journal_has_stderr()
                                                   : false;
        char *message = NULL;

        if (to_journal && asprintf(&message, RECORD_MARK "%s", json) >= 0) {
                to_journal = mt_journal_send(message, fields);
                free(message);
                if (to_journal)
                        return;
        }
        mt_sink_record(ctx, json);
}

void mt_sink_print(void *ctx, int32_t stream, const char *text)
{
        FILE *f = stream == 2 ? stderr : stdout;

        (void)ctx;
        (void)fputs(text, f);
        (void)fflush(f); /* progress and --follow are read as they come */
}
