/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shim's messages: to the system's log, and never to the descriptors of the program that it is in. */
#ifndef MT_SHIM_LOG_H
#define MT_SHIM_LOG_H

#include <stdint.h>

/*
 * Logs one line. priority: syslog's numbers. cause: what lines of one kind have in common; each cause is logged at most
 * once a minute, the others are counted: "... (12 times in 60 s)" comes with a later line, of whatever cause. NULL:
 * always logged. Changes not errno. Thread-safe. A line that cannot be logged is lost.
 */
void mt_shim_log(int priority, const char *cause, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* log of struct mt_host_ops: a warning is logged once a minute, debug messages never. */
void mt_shim_log_plugin(void *ctx, int32_t priority, const char *message);

/* The same for warnings and errors only. */
void mt_shim_log_warnings(void *ctx, int32_t priority, const char *message);

#endif
