/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"
#include "cleanup.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LIMITED_KEYS 32
#define LIMITED_SECONDS 60

static struct {
        mt_log_fn log;
        mt_print_fn print;
        void *ctx;
} sink;

static struct limited {
        char key[64];
        time_t last;
        unsigned held_back;
} limited[LIMITED_KEYS];
static pthread_mutex_t limited_lock = PTHREAD_MUTEX_INITIALIZER;

void mt_log_init(mt_log_fn log, mt_print_fn print, void *ctx)
{
        sink.log = log;
        sink.print = print;
        sink.ctx = ctx;
}

static void MT_PRINTF(3, 0) vlog(enum mt_priority priority, const char *suffix, const char *format, va_list args)
{
        char line[1024];
        int n;

        if (sink.log == NULL)
                return;
        n = vsnprintf(line, sizeof(line), format, args);
        if (n >= 0 && (size_t)n < sizeof(line) && suffix[0] != '\0')
                (void)snprintf(line + n, sizeof(line) - (size_t)n, "%s", suffix);
        for (char *c = line; *c != '\0';
             c++) /* a name or a foreign message must not forge a line, or a terminal's colours */
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = ' ';
        sink.log(sink.ctx, (int32_t)priority, line);
}

void mt_log(enum mt_priority priority, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vlog(priority, "", format, args);
        va_end(args);
}

/* Finds key's slot, or the one longest unused. */
static struct limited *limited_slot(const char *key)
{
        struct limited *oldest = &limited[0];

        for (size_t i = 0; i < MT_ARRAY_SIZE(limited); i++) {
                if (strncmp(limited[i].key, key, sizeof(limited[i].key) - 1) == 0)
                        return &limited[i];
                if (limited[i].last < oldest->last)
                        oldest = &limited[i];
        }
        *oldest = (struct limited){ .held_back = 0 };
        (void)snprintf(oldest->key, sizeof(oldest->key), "%s", key);
        return oldest;
}

void mt_log_limited(enum mt_priority priority, const char *key, const char *format, ...)
{
        struct timespec now;
        struct limited *slot;
        char suffix[64] = "";
        va_list args;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        (void)pthread_mutex_lock(&limited_lock);
        slot = limited_slot(key);
        if (slot->last != 0 && now.tv_sec - slot->last < LIMITED_SECONDS) {
                slot->held_back++;
                (void)pthread_mutex_unlock(&limited_lock);
                return;
        }
        if (slot->held_back > 0)
                (void)snprintf(suffix, sizeof(suffix), " (%u more since the last line)", slot->held_back);
        slot->last = now.tv_sec > 0 ? now.tv_sec : 1;
        slot->held_back = 0;
        (void)pthread_mutex_unlock(&limited_lock);
        va_start(args, format);
        vlog(priority, suffix, format, args);
        va_end(args);
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
