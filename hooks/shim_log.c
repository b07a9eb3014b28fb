/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: openlog() and syslog() belong to the program that the shim is in: its name, its facility, its
 * descriptor. So each line goes as one datagram of our own to the log daemon's socket, which is opened for it and closed
 * again: programs close descriptors that they do not know, and lines are few. A daemon that does not read loses lines;
 * nobody waits for it. The line has no time stamp (RFC 3164, 4.3.2: the receiver adds it), because making one would read
 * the time zone's file and variable.
 *
 * MIGTUNE_SHIM_LOG sends lines elsewhere, for tests and for looking at one program: "stderr" or "file:/PATH".
 */
#include "shim_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define CAUSES 32
#define QUIET_S 60
#define LINE_BYTES 1024

static struct cause {
        uint64_t key; /* 0: free */
        time_t since;
        unsigned held; /* lines that were only counted since then */
        int priority;
        char last[256]; /* of them */
} causes[CAUSES];
static pid_t owner; /* whose lines they are: a child that was forked begins anew */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* FNV-1a: two causes with one number would cost a line, not more. */
static uint64_t hash(const char *text)
{
        uint64_t h = 0xcbf29ce484222325u;

        for (; *text != '\0'; text++)
                h = (h ^ (unsigned char)*text) * 0x100000001b3u;
        return h != 0 ? h : 1;
}

static void send_to_daemon(const char *line, size_t length)
{
        static const char *const paths[] = { "/dev/log", "/run/systemd/journal/dev-log" };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return;
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
                (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", paths[i]);
                if (sendto(fd, line, length, MSG_NOSIGNAL, (const struct sockaddr *)&address, sizeof(address)) >= 0)
                        break;
        }
        (void)close(fd);
}

static void append_to_file(const char *path, const char *line, size_t length)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

        if (fd < 0)
                return;
        (void)!write(fd, line, length);
        (void)close(fd);
}

/* text has room for a newline behind it. */
static void put(int priority, char *text, size_t length)
{
        const char *where = secure_getenv("MIGTUNE_SHIM_LOG");
        char line[LINE_BYTES + 64];
        int n;

        if (where != NULL && where[0] != '\0') {
                text[length++] = '\n';
                if (strcmp(where, "stderr") == 0)
                        (void)!write(STDERR_FILENO, text, length);
                else if (strncmp(where, "file:/", 6) == 0)
                        append_to_file(where + 5, text, length);
                return;
        }
        n = snprintf(line, sizeof(line), "<%d>migtune-shim[%ld]: %s", LOG_DAEMON | priority, (long)getpid(), text);
        if (n > 0)
                send_to_daemon(line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static time_t seconds_now(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec;
}

/* The cause's place, or that of the one longest unheard of. */
static struct cause *find(uint64_t key)
{
        struct cause *oldest = &causes[0];

        for (size_t i = 0; i < CAUSES; i++) {
                if (causes[i].key == key)
                        return &causes[i];
                if (causes[i].since < oldest->since)
                        oldest = &causes[i];
        }
        return oldest;
}

/* Puts what was counted of a cause, and begins to count anew. */
static void put_counted(struct cause *cause, time_t now)
{
        char text[LINE_BYTES + 1];

        (void)snprintf(text, sizeof(text) - 1, "%s (%u times in %lld s)", cause->last, cause->held,
                       (long long)(now - cause->since));
        cause->held = 0;
        cause->since = now;
        put(cause->priority, text, strlen(text));
}

/* Counts whose minute is over. With the lock held. */
static void put_due(time_t now)
{
        for (size_t i = 0; i < CAUSES; i++)
                if (causes[i].held > 0 && now - causes[i].since >= QUIET_S)
                        put_counted(&causes[i], now);
}

static void count(struct cause *cause, int priority, const char *text)
{
        cause->held++;
        cause->priority = priority;
        (void)snprintf(cause->last, sizeof(cause->last), "%.255s", text);
}

/* Puts the line, if nothing of its cause was put within the last minute; else it is counted. */
static void put_limited(int priority, const char *name, char *text)
{
        uint64_t key = hash(name);
        time_t now = seconds_now();
        struct cause *cause;
        bool is_first;

        (void)pthread_mutex_lock(&lock);
        if (owner != getpid()) {
                (void)memset(causes, 0, sizeof(causes));
                owner = getpid();
        }
        cause = find(key);
        is_first = cause->key != key || (cause->held == 0 && now - cause->since >= QUIET_S);
        if (!is_first)
                count(cause, priority, text);
        put_due(now); /* with this line among them, if its minute is over */
        if (is_first && cause->held > 0)
                put_counted(cause, now); /* another's place is needed */
        if (is_first)
                *cause = (struct cause){ .key = key, .since = now };
        (void)pthread_mutex_unlock(&lock);
        if (is_first)
                put(priority, text, strlen(text));
}

void mt_shim_log(int priority, const char *cause, const char *format, ...)
{
        char text[LINE_BYTES + 1];
        int code = errno, n;
        va_list args;

        va_start(args, format);
        n = vsnprintf(text, sizeof(text) - 1, format, args);
        va_end(args);
        for (char *c = text; n > 0 && *c != '\0'; c++) /* a name must not forge a line */
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = ' ';
        if (n > 0 && cause != NULL)
                put_limited(priority, cause, text);
        else if (n > 0)
                put(priority, text, strlen(text));
        errno = code;
}

void mt_shim_log_plugin(void *ctx, int32_t priority, const char *message)
{
        (void)ctx;
        if (priority >= LOG_DEBUG)
                return;
        mt_shim_log((int)priority, priority <= LOG_WARNING ? message : NULL, "%s", message);
}

void mt_shim_log_warnings(void *ctx, int32_t priority, const char *message)
{
        if (priority <= LOG_WARNING)
                mt_shim_log_plugin(ctx, priority, message);
}
