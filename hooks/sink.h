/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the migtune command's messages and records go.
 */
#ifndef MT_SINK_H
#define MT_SINK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Chooses the sink: "syslog" (facility daemon), "stderr" ("migtune: warning: text") or "file:PATH" (appended, RFC 3339
 * time stamps, opened anew when the file was renamed away). debug: pass on messages of debug priority, too. 0; or -errno
 * with one line in error, and the previous sink stays. Not thread-safe, unlike the functions below.
 */
int mt_sink_open(const char *where, bool debug, char *error, unsigned error_size);

/* The log, print and record callbacks of struct mt_host_ops. ctx is not used: a process has one sink. */
void mt_sink_log(void *ctx, int32_t priority, const char *message);
void mt_sink_print(void *ctx, int32_t stream, const char *text);
void mt_sink_record(void *ctx, const char *json);

/*
 * record_fields likewise. Where the sink ends in systemd's journal, the record is sent there with its fields, and only there;
 * its text is the line that mt_sink_record writes, for whoever takes it from the journal. Else it is that line.
 */
void mt_sink_record_fields(void *ctx, const char *json, const char *const *fields);

#endif
