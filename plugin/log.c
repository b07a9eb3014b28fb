/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"
#include "cleanup.h"
#include "clock.h"
#include "log_limit.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* So many different lines of one format are said in a minute: a host that is drained has something to say of each guest. */
#define ALIKE_LINES 20

static struct {
        mt_log_fn log;
        mt_print_fn print;
        void *ctx;
} sink;

static struct mt_log_limit causes, lines, formats;
static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t (*now_ms)(void) = mt_now_ms;

void mt_log_init(mt_log_fn log, mt_print_fn print, void *ctx)
{
        mt_log_flush();
        (void)pthread_mutex_lock(&limit_lock);
        causes.used = lines.used = formats.used = 0;
        (void)pthread_mutex_unlock(&limit_lock);
        sink.log = log;
        sink.print = print;
        sink.ctx = ctx;
}

void mt_log_clock(uint64_t (*clock_ms)(void))
{
        now_ms = clock_ms != NULL ? clock_ms : mt_now_ms;
}

static void MT_PRINTF(3, 0) make_line(char *line, size_t size, const char *format, va_list args)
{
        if (vsnprintf(line, size, format, args) < 0)
                line[0] = '\0';
        /* A name or a foreign message must not forge a line, or a terminal's colours. */
        for (char *c = line; *c != '\0'; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = ' ';
}

/* times 0: it stands for itself. */
static void say(int priority, const char *line, unsigned times, uint64_t ms)
{
        char counted[MT_LOG_LINE + 64];

        if (sink.log == NULL)
                return;
        if (times > 0) {
                (void)snprintf(counted, sizeof(counted), "%s (%u times in %llu s)", line, times,
                               (unsigned long long)((ms + 500) / 1000));
                line = counted;
        }
        sink.log(sink.ctx, (int32_t)priority, line);
}

/* A line that is to be said, or was held back. */
struct decision {
        bool said;
        unsigned times; /* with this count, if not 0 */
        uint64_t ms;
        struct mt_held_line other; /* what has to be said before it */
};

static struct decision take(struct mt_log_limit *limit, const char *kind, unsigned most, enum mt_priority priority,
                            const char *line)
{
        struct decision d;

        (void)pthread_mutex_lock(&limit_lock);
        d.said = mt_limit_take(limit, mt_limit_key(kind), most, (int)priority, line, now_ms(), &d.times, &d.ms, &d.other);
        (void)pthread_mutex_unlock(&limit_lock);
        if (d.other.times > 0)
                say(d.other.priority, d.other.text, d.other.times, d.other.ms);
        return d;
}

void mt_log(enum mt_priority priority, const char *format, ...)
{
        struct decision same = { .said = true }, alike = { .said = true };
        char line[MT_LOG_LINE];
        va_list args;

        if (sink.log == NULL)
                return;
        va_start(args, format);
        make_line(line, sizeof(line), format, args);
        va_end(args);
        if (priority <= MT_LOG_WARNING)
                same = take(&lines, line, 1, priority, line);
        if (priority <= MT_LOG_WARNING && same.said)
                alike = take(&formats, format, ALIKE_LINES, priority, line);
        if (same.said && alike.said)
                say((int)priority, line, same.times > 0 ? same.times : alike.times, same.times > 0 ? same.ms : alike.ms);
}

void mt_log_limited(enum mt_priority priority, const char *key, const char *format, ...)
{
        char line[MT_LOG_LINE];
        struct decision d;
        va_list args;

        if (sink.log == NULL)
                return;
        va_start(args, format);
        make_line(line, sizeof(line), format, args);
        va_end(args);
        d = take(&causes, key, 1, priority, line);
        if (d.said)
                say((int)priority, line, d.times, d.ms);
}

static void say_due(struct mt_log_limit *limit, bool all)
{
        struct mt_held_line held;
        bool is_due;

        do {
                (void)pthread_mutex_lock(&limit_lock);
                is_due = mt_limit_due(limit, all, now_ms(), &held);
                (void)pthread_mutex_unlock(&limit_lock);
                if (is_due)
                        say(held.priority, held.text, held.times, held.ms);
        } while (is_due);
}

static void say_all_due(bool all)
{
        say_due(&causes, all);
        say_due(&lines, all);
        say_due(&formats, all);
}

void mt_log_tick(void)
{
        say_all_due(false);
}

void mt_log_flush(void)
{
        say_all_due(true);
}

static void MT_PRINTF(2, 0) vprint(int32_t stream, const char *format, va_list args)
{
        char *text = NULL;

        if (sink.print == NULL)
                return;
        if (vasprintf(&text, format, args) < 0)
                return;
        sink.print(sink.ctx, stream, text);
        free(text);
}

void mt_print(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vprint(1, format, args);
        va_end(args);
}

void mt_print_err(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vprint(2, format, args);
        va_end(args);
}
