/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the dirty-rate sampler knows of each domain: when it is measured next, what is under way, what came out. Neither
 * libvirt nor a clock: the sampler's thread does what mt_dirty_table_next says. Not thread-safe.
 *
 * Theory of operation. A domain's turn comes once in every_ms, at a time of its own within the period (spread by its uuid),
 * and more often while it is new. A turn is one window of MT_DIRTY_SHORT_S; every so many turns a window of MT_DIRTY_LONG_S
 * follows it at once. The two make a pair. Hot pages are seen in how a pair's windows differ, so pairs are kept and smoothed
 * as pairs: a guest that did something else between windows taken at different times would look like one with hot pages.
 * The usual rate is that of the short windows alone. A measurement is collected when its window is over, whatever others do
 * meanwhile; one that does not end, or that something broke into, is dropped, and the domain waits for its next turn. A
 * pair that is lost is made up for then. What is long past is not smoothed with what is new, and a domain that went away (to
 * another host) and comes back is a new one.
 */
#ifndef MT_MEASURE_DIRTY_TABLE_H
#define MT_MEASURE_DIRTY_TABLE_H

#include "measure/dirty.h"

#include <stddef.h>

#define MT_DIRTY_SHORT_S 1
#define MT_DIRTY_LONG_S 5

struct mt_dirty_entry {
        char uuid[VIR_UUID_STRING_BUFLEN];
        uint64_t due_ms, seen_ms;
        bool seen;                      /* since the last mt_dirty_table_forget */
        unsigned missed;                /* looks in a row that did not find it running here */
        unsigned running_s;             /* the window that is under way; 0: none */
        uint64_t ready_ms;              /* when it is over */
        bool long_follows;              /* the short window is (or was just) the first of a pair */
        unsigned samples;               /* of the short window */
        double bytes_s;                 /* smoothed */
        uint64_t sampled_ms;            /* the last one */
        double first_bytes;             /* what the first window of the pair under way showed */
        unsigned pairs, unpaired;       /* unpaired: short windows since the last pair */
        double short_bytes, long_bytes; /* dirtied in the pairs' windows, smoothed */
        uint64_t paired_ms;
};

/* Zeroed but for every_ms: empty. */
struct mt_dirty_table {
        struct mt_dirty_entry *entries; /* owned */
        size_t n, allocated;
        uint64_t every_ms;
};

enum mt_dirty_next {
        MT_DIRTY_WAIT,
        MT_DIRTY_RUNNING, /* as well, while a window of *ret_seconds is under way: a job that starts breaks into it */
        MT_DIRTY_MEASURE, /* a window of *ret_seconds */
        MT_DIRTY_COLLECT, /* the window of *ret_seconds is over */
};

void mt_dirty_table_done(struct mt_dirty_table *table);

/*
 * What to do with a running domain now; makes its entry if it is new. After MEASURE or COLLECT one of the three calls below
 * says what became of it (not done after COLLECT: the same comes again, for some seconds). may_start: false leaves turns for
 * later.
 */
enum mt_dirty_next mt_dirty_table_next(struct mt_dirty_table *table, const char *uuid, uint64_t now_ms, bool may_start,
                                       unsigned *ret_seconds);

void mt_dirty_table_started(struct mt_dirty_table *table, const char *uuid, unsigned seconds, uint64_t now_ms);

/* It could not be started, or what was measured is worth nothing. */
void mt_dirty_table_broken(struct mt_dirty_table *table, const char *uuid);

/* A result, for a window of so many seconds; one of another length than was started is somebody else's, and dropped. */
void mt_dirty_table_store(struct mt_dirty_table *table, const char *uuid, unsigned seconds, uint64_t bytes_s,
                          uint64_t now_ms);

/*
 * The domain's dirty rate, bytes/s: what the short windows show, or the long ones where that is more, as it is of guests that
 * write in bursts (a short window meets one or misses it).
 */
double mt_dirty_table_rate(const struct mt_dirty_entry *entry);

/* The domain's entry, or NULL. Valid until the next call. */
const struct mt_dirty_entry *mt_dirty_table_find(const struct mt_dirty_table *table, const char *uuid);

/* A look at all running domains is over: counts which were missed, and drops those that were not seen for a day. */
void mt_dirty_table_forget(struct mt_dirty_table *table, uint64_t now_ms);

#endif
