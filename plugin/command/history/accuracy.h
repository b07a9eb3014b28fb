/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How good predictions were: over completed migrations that were steered from their beginning, since only there did what
 * was predicted get its chance.
 */
#ifndef MT_COMMAND_HISTORY_ACCURACY_H
#define MT_COMMAND_HISTORY_ACCURACY_H

#include "command/history/options.h"
#include "command/history/reader.h"
#include "facts.h"
#include "intent.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one migration tells. Errors are >= 0; INFINITY: it was predicted never to end; NAN: not known. */
struct mt_accuracy_point {
        float total, bytes;    /* |predicted - actual| / actual */
        float downtime;        /* the same of the blackout */
        float downtime_ms;     /* |predicted - actual| */
        float of_limit;        /* actual blackout / max_downtime */
        uint8_t strategy;      /* enum mt_strategy; MT_STRATEGIES: another one */
        uint8_t technique;     /* enum mt_technique; MT_TECHNIQUES: another one */
        uint8_t source;        /* enum mt_dirty_source; MT_ACCURACY_SOURCES: another one */
        bool said_known, said; /* limit_met */
};

#define MT_ACCURACY_SOURCES (MT_DIRTY_GIVEN + 1)

/* Why records that were asked for tell nothing here. */
struct mt_accuracy_left_out {
        uint64_t not_completed, not_enforced, adopted, unseen; /* unseen: the watcher saw nothing of it */
};

struct mt_accuracy {
        struct mt_accuracy_point *point; /* owned */
        size_t n, allocated;
        struct mt_accuracy_left_out left_out;
};

/* Does the record tell of a prediction that could come true? If not: counts why. */
bool mt_accuracy_counts(struct mt_accuracy_left_out *left_out, json_object *record);

/* Takes what a record tells, or counts why it tells nothing. -ENOMEM: it was not taken. */
int mt_accuracy_take(struct mt_accuracy *accuracy, json_object *record);

/* Forgets all but the last n. */
void mt_accuracy_keep(struct mt_accuracy *accuracy, uint64_t n);

/* Frees; for MT_CLEANUP. */
void mt_accuracy_done(struct mt_accuracy *accuracy);

/* Shares of max_downtime that the blackout took. */
#define MT_ACCURACY_MARGINS 6
extern const double mt_accuracy_margins[MT_ACCURACY_MARGINS]; /* where each ends, inclusive; the last one: INFINITY */

/* A group of points: all, or those of one strategy, technique or source. */
struct mt_accuracy_group {
        const char *by, *name; /* "strategy", "clark" */
        size_t n;
        struct {
                double q1, median, q3;
        } total, bytes; /* shares */
        struct {
                double median, p90;
        } downtime, downtime_ms;                       /* share; ms */
        uint64_t said_held, said_broken, held, broken; /* the last two: of those that were not said to be met */
        uint64_t said_within[MT_ACCURACY_MARGINS];     /* of those that were said to be met: by share of the limit */
        uint64_t within[MT_ACCURACY_MARGINS];          /* of the others */
};

/* The groups in their order, `all` first; those without points are left out. At most MT_ACCURACY_GROUPS. */
#define MT_ACCURACY_GROUPS (1 + MT_STRATEGIES + 1 + MT_TECHNIQUES + 1 + MT_ACCURACY_SOURCES + 1)
int mt_accuracy_groups(const struct mt_accuracy *accuracy, struct mt_accuracy_group *ret, size_t *ret_n);

/* Prints groups (accuracy_show.c). file: where it was read. */
void mt_accuracy_print_table(const struct mt_accuracy *accuracy, const struct mt_accuracy_group *groups, size_t n,
                             const char *file);
void mt_accuracy_print_json(const struct mt_accuracy *accuracy, const struct mt_accuracy_group *groups, size_t n,
                            const char *file, const struct mt_history_counts *counts);

/* `migtune history --accuracy`. 0 or -errno with a message; *ret_counts is filled in either case. */
int mt_history_accuracy(const struct mt_host_ops *host, const struct mt_history_options *options, const char *file,
                        struct mt_history_counts *ret_counts, struct mt_err *err);

#endif
