/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages for operators. The plugin owns no log: whoever loads it gives a callback (openlog() is process-wide and
 * keeps the caller's pointer, so a plugin must never call it). Only edges log: the watcher, the command line, the hook
 * entry; everything below returns a struct mt_err.
 */
#ifndef MT_LOG_H
#define MT_LOG_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

/* Priorities are syslog's numbers, so that a host can pass them on. */
enum mt_priority {
        MT_LOG_ERR = 3,
        MT_LOG_WARNING = 4,
        MT_LOG_NOTICE = 5,
        MT_LOG_INFO = 6,
        MT_LOG_DEBUG = 7,
};

#define MT_LOG_LINE 1024 /* bytes of the longest line; what is longer is cut */

typedef void (*mt_log_fn)(void *ctx, int32_t priority, const char *message);
typedef void (*mt_print_fn)(void *ctx, int32_t stream, const char *text);

/*
 * Sets where messages and command output go; NULL discards. Called before any other thread exists. What the sink before it has
 * not been told yet, it is told (mt_log_flush).
 */
void mt_log_init(mt_log_fn log, mt_print_fn print, void *ctx);

/*
 * Logs one line. The text says what, where and what to do; it needs no newline. Of warnings and errors with one format some
 * are logged each minute, the others counted (log_limit.h).
 */
void mt_log(enum mt_priority priority, const char *format, ...) MT_PRINTF(2, 3);

/* Logs like mt_log, of any priority at most once for each key and minute; the others are counted. */
void mt_log_limited(enum mt_priority priority, const char *key, const char *format, ...) MT_PRINTF(3, 4);

/* Says what was counted and held back: where its minute is over (once a second, by who runs on), or all of it (at the end). */
void mt_log_tick(void);
void mt_log_flush(void);

/* For tests: another clock than the monotonic one; NULL: that again. */
void mt_log_clock(uint64_t (*clock_ms)(void));

/* Writes text to the host's standard output (for commands only; the hook's host discards it). */
void mt_print(const char *format, ...) MT_PRINTF(1, 2);

/* Writes text, a usage error for instance, to the host's standard error. */
void mt_print_err(const char *format, ...) MT_PRINTF(1, 2);

#endif
