/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times in records: RFC 3339, UTC, milliseconds ("2026-11-20T06:15:00.123Z"). */
#ifndef MT_RECORD_TIMESTAMP_H
#define MT_RECORD_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

#define MT_TIMESTAMP_SIZE 32
#define MT_RECORD_ID_SIZE 40

/* Writes the time, ms since 1970, into text and returns text. */
const char *mt_timestamp(char *text, size_t size, uint64_t unix_ms);

/* Reads what mt_timestamp writes; the fraction may be missing. 0 or -EINVAL. */
int mt_timestamp_parse(const char *text, uint64_t *ret_unix_ms);

/* A record's id: its start and the first 8 characters of the domain's uuid, "20261120T061500.123Z-8a4fd9a2". */
const char *mt_record_id(char *text, size_t size, uint64_t started_ms, const char *uuid);

#endif
