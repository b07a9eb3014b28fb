/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handmade histories, and commands that are given them as a host does. For tests of one thread.
 */
#ifndef MT_TEST_RECORDS_H
#define MT_TEST_RECORDS_H

#include "command/commands.h"
#include "log.h"
#include "scratch.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One record's figures; zeroed ones get what stands here. */
struct record {
        const char *id;        /* "20261120T061500.123Z-8a4fd9a2" */
        const char *started;   /* "2026-11-20T06:15:00.123Z" */
        const char *domain;    /* "vm1"; as JSON, escapes and all */
        const char *result;    /* "completed" */
        const char *mode;      /* "enforce" */
        const char *strategy;  /* "lambda-range" */
        const char *technique; /* "pre-copy" */
        const char *source;    /* "measured": of the dirty rate */
        const char *predicted; /* total,downtime,bytes: "10000,250,1000000" */
        const char *actual;    /* the same: "12500,310,1250000" */
        const char *more;      /* members in front, each with a comma at its end: "" */
        unsigned limit;        /* 300 ms */
        bool not_met;          /* limit_met is said */
};

static inline const char *record_or(const char *text, const char *otherwise)
{
        return text != NULL ? text : otherwise;
}

/* "a,b,c" as {"total_ms":a,"downtime_ms":b,"bytes":c} without the braces. */
static inline const char *record_figures(char *buffer, size_t size, const char *text)
{
        char a[40], b[40], c[40];

        assert_int_equal(sscanf(text, "%39[^,],%39[^,],%39s", a, b, c), 3);
        (void)snprintf(buffer, size, "\"total_ms\":%s,\"downtime_ms\":%s,\"bytes\":%s", a, b, c);
        return buffer;
}

/* Appends the record as a line. */
static inline void record_add(FILE *file, const struct record *r)
{
        char predicted[160], actual[160];

        (void)fprintf(file,
                      "{%s\"event\":\"migration\",\"id\":\"%s\",\"result\":\"%s\",\"started\":\"%s\",\"mode\":\"%s\","
                      "\"domain\":{\"name\":\"%s\",\"uuid\":\"8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90\"},"
                      "\"destination\":\"host-b\",\"facts\":{\"dirty_rate_mbps\":45.0,\"dirty_rate_source\":\"%s\"},"
                      "\"intent\":{\"max_downtime_ms\":%u,\"from\":\"rule:1 (a.conf:3)\"},"
                      "\"plan\":{\"strategy\":\"%s\",\"technique\":\"%s\",\"limit_met\":%s,\"prediction\":{%s,"
                      "\"iterations\":4}},\"reasons\":[\"first\",\"second\"],\"actual\":{%s,\"iterations\":5,"
                      "\"technique\":\"pre-copy\"},\"error\":null}\n",
                      record_or(r->more, ""), record_or(r->id, "20261120T061500.123Z-8a4fd9a2"),
                      record_or(r->result, "completed"), record_or(r->started, "2026-11-20T06:15:00.123Z"),
                      record_or(r->mode, "enforce"), record_or(r->domain, "vm1"), record_or(r->source, "measured"),
                      r->limit > 0 ? r->limit : 300, record_or(r->strategy, "lambda-range"),
                      record_or(r->technique, "pre-copy"), r->not_met ? "false" : "true",
                      record_figures(predicted, sizeof(predicted), record_or(r->predicted, "10000,250,1000000")),
                      record_figures(actual, sizeof(actual), record_or(r->actual, "12500,310,1250000")));
}

/* A file with these records, and then `end` as it is. */
static inline const char *records_write(struct scratch *scratch, const struct record *records, size_t n, const char *end)
{
        const char *path = scratch_path(scratch, "history.jsonl");
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        for (size_t i = 0; i < n; i++)
                record_add(file, &records[i]);
        (void)fputs(end, file);
        assert_int_equal(fclose(file), 0);
        return path;
}

static char records_out[1u << 20], records_err[8192];

static inline void records_capture(void *ctx, int32_t stream, const char *text)
{
        char *to = stream == 1 ? records_out : records_err;
        size_t size = stream == 1 ? sizeof(records_out) : sizeof(records_err);

        (void)ctx;
        (void)strncat(to, text, size - 1 - strlen(to));
}

/* Runs a command of the host with up to ten arguments, NULL-terminated. */
static inline int records_run_on(const struct mt_host_ops *host, mt_command_fn command, const char *const *arguments)
{
        const char *argv[12] = { "command" };
        int argc = 1;

        for (; argc < 11 && arguments[argc - 1] != NULL; argc++)
                argv[argc] = arguments[argc - 1];
        argv[argc] = NULL;
        records_out[0] = records_err[0] = '\0';
        mt_log_init(NULL, records_capture, NULL);
        return command(host, argc, argv);
}

/* The same on a host that has a configuration. columns 0: no terminal. */
static inline int records_run(mt_command_fn command, const char *config, unsigned columns, const char *const *arguments)
{
        const struct mt_host_ops host = { .run_dir = "/nonexistent",
                                          .config_file = config,
                                          .flags = columns > 0 ? MT_HOST_OUT_IS_TTY : 0,
                                          .columns = columns };

        return records_run_on(&host, command, arguments);
}

/* Lines of a text. */
static inline unsigned records_lines(const char *text)
{
        unsigned n = 0;

        for (; (text = strchr(text, '\n')) != NULL; text++)
                n++;
        return n;
}

/* No byte that a terminal would obey, but for newlines and, where colour is on, SGR sequences. */
static inline void records_harmless(const char *text)
{
        for (; *text != '\0'; text++) {
                if (*text == '\033' && text[1] == '[' && strspn(text + 2, "0123456789") > 0 &&
                    text[2 + strspn(text + 2, "0123456789")] == 'm')
                        continue;
                if (((unsigned char)*text < ' ' && *text != '\n') || *text == 0x7f ||
                    ((unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0))
                        fail_msg("byte %02x before '%.20s'", (unsigned char)*text, text + 1);
        }
}

#endif
