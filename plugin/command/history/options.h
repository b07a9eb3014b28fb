/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments of `migtune history`, and which records they ask for. */
#ifndef MT_COMMAND_HISTORY_OPTIONS_H
#define MT_COMMAND_HISTORY_OPTIONS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct mt_history_options {
        const char *command; /* whose they are, for messages; NULL: "history" */
        const char *file;    /* NULL: the configuration's */
        const char *domain;  /* a glob for its name, or its UUID; NULL: any */
        uint64_t since_ms;   /* since 1970; 0: all */
        uint64_t last;       /* 0: not given */
        bool failed;         /* only those that failed or were cancelled */
        bool json, accuracy, what_if;
};

/* Zeroed options are filled; strings stay argv's. 0, or 2 after a message. */
int mt_history_options(int argc, const char *const *argv, struct mt_history_options *ret);

/*
 * For other commands about the same records: takes argv[*i], and the value behind it, if that is --since, --domain, --last
 * ("--NAME VALUE" or "--NAME=VALUE") or --failed. 0: taken; 2: taken, but bad, after a message; -1: it is none of these.
 */
int mt_history_option(int argc, const char *const *argv, int *i, struct mt_history_options *options);

/* Prints one line that names the argument, made harmless. Returns 2. */
int mt_history_bad(const struct mt_history_options *options, const char *argument, const char *what);

/* Does the record pass domain, since_ms and failed? */
bool mt_history_wanted(const struct mt_history_options *options, json_object *record);

/*
 * A time from text, as ms since 1970, from 1 on: an age before now_ms ("90min" "12h" "7d" "2w" and what mt_parse_time
 * reads), a date ("2026-11-20", midnight UTC), or a time as RFC 3339 has it ("2026-11-20T06:15:00Z", "...+01:00", any
 * fraction). 0 or -EINVAL.
 */
int mt_since_parse(const char *text, uint64_t now_ms, uint64_t *ret_unix_ms);

#endif
