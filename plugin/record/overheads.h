/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this host's migrations cost beside copying the guest's memory, as the newest of them showed: a quantile each, which
 * one strange migration does not move. Nobody has to ask for it (calibration.h is for the models' own constants).
 */
#ifndef MT_RECORD_OVERHEADS_H
#define MT_RECORD_OVERHEADS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#define MT_OVERHEADS_RECENT 15 /* so many of the newest migrations count */
#define MT_OVERHEADS_LEAST 3   /* fewer tell nothing */

/* The newest values of one quantity, in no order. Zeroed: none. */
struct mt_recent {
        unsigned n;
        struct {
                uint64_t wall_ms; /* when the migration began, since 1970 */
                double value;
        } entry[MT_OVERHEADS_RECENT];
};

/* Takes a value, in any order of time; of one migration (wall_ms) it is taken once. Not finite: not taken. */
void mt_recent_add(struct mt_recent *recent, uint64_t wall_ms, double value);

/* What a share q (0 to 1) of them does not exceed. False, and *ret untouched: fewer than MT_OVERHEADS_LEAST. */
bool mt_recent_quantile(const struct mt_recent *recent, double q, double *ret);

/*
 * Of the setup the median counts. Of the process the lower quartile: a guest that has just booted has many pages that are
 * zero again, and what is counted off too much would be missing in the prediction.
 */
#define MT_OVERHEADS_SETUP 0.5
#define MT_OVERHEADS_PROCESS 0.25

/* Zeroed: none. */
struct mt_overheads {
        struct mt_recent setup_ms;      /* from libvirt's start of the job to its first pass */
        struct mt_recent process_bytes; /* what QEMU's process holds resident beyond the memory that had to be sent */
};

/* Takes what the record of a completed migration tells, if the watcher saw all of it. */
void mt_overheads_learn(struct mt_overheads *overheads, json_object *record);

#endif
