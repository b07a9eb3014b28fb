/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which log lines are said and which are only counted: what repeats is said at once the first time, then at most once a
 * minute with its count, "... (12 times in 60 s)". Pure: no clock and no lock of its own (log.c has both).
 *
 * Theory of operation
 *
 * A kind of line is a key, which is a hash: of a cause that the caller names, of a whole line, or of a format. Each kind has a
 * window of a minute, which its first line opens. Within it so many lines of the kind are said as it is allowed (1 for a cause and
 * for a line, some for a format, whose lines name different domains); the others are counted, and the last of them is kept. Once the
 * window is over, the next line carries the count; if there is none, the tick says the kept line with it.
 * The table is bounded: a new kind takes the place of the oldest, and what that had counted is said then. Two kinds with one
 * hash would share a window, which costs a line and not more.
 */
#ifndef MT_LOG_LIMIT_H
#define MT_LOG_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MT_LIMIT_KINDS 64u
#define MT_LIMIT_WINDOW_MS UINT64_C(60000)

/* A line that was held back, with how many of its kind were in so long. */
struct mt_held_line {
        int priority;
        unsigned times; /* 0: none */
        uint64_t ms;
        char text[512];
};

/* Zeroed, it has seen nothing. */
struct mt_log_limit {
        struct mt_limit_kind {
                uint64_t key; /* 0: free */
                uint64_t since_ms;
                unsigned said, held;
                int priority;
                char last[512]; /* of those held back */
        } kind[MT_LIMIT_KINDS];
        unsigned used; /* kinds from the first on */
};

/* FNV-1a of a text, never 0. */
uint64_t mt_limit_key(const char *text);

/*
 * Whether this line is to be said. True: with "(*ret_count times in *ret_ms ms)" behind it where *ret_count is not 0. most: so
 * many of its kind are said in a window, at least 1. *ret_other: a line of another kind that has to be said before it, because
 * its place is needed; times 0: none. now_ms: of a clock that does not go back.
 */
bool mt_limit_take(struct mt_log_limit *limit, uint64_t key, unsigned most, int priority, const char *text, uint64_t now_ms,
                   unsigned *ret_count, uint64_t *ret_ms, struct mt_held_line *ret_other);

/*
 * Takes out one line whose window is over (all: any) and that was held back: *ret is to be said. False: there is none, *ret is
 * not touched. A new window begins for it, in which nothing of its kind is said.
 */
bool mt_limit_due(struct mt_log_limit *limit, bool all, uint64_t now_ms, struct mt_held_line *ret);

#endif
