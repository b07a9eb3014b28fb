/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Background sampling of the running domains' dirty rates, so that a migration need not wait for a measurement.
 *
 * Theory of operation. A thread with a libvirt connection of its own asks QEMU for one second of page sampling
 * (virDomainStartDirtyRateCalc) for each running domain, once in `every_ms`, at a time of the domain's own within that
 * period (spread by its uuid), and now and then for five seconds more: how much less than five times as much that shows
 * tells hot pages from others (model/hot.h). QEMU does one measurement of a domain at a time; which is due, under way or
 * over is the table's (dirty_table.h). The thread looks each second, starts what is due and collects what is over, and
 * never waits for one. It has its own thread and connection because StartDirtyRateCalc blocks while a migration runs,
 * until it ends (seen with libvirt 9.0 to 11.3): domains with a job are skipped, and if one starts in between, only this
 * thread waits. Results are whole MiB/s, and noisy (512 pages sampled a GiB), so they are smoothed.
 */
#ifndef MT_MEASURE_DIRTY_H
#define MT_MEASURE_DIRTY_H

#include "err.h"

#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <stdint.h>

struct mt_dirty_sampler;

/* Starts the thread. uri: the libvirt to connect to (copied); it reconnects by itself. every_ms >= 2000. */
int mt_dirty_sampler_start(const char *uri, uint64_t every_ms, struct mt_dirty_sampler **ret, struct mt_err *err);

/*
 * Asks the thread to end and waits for it, usually no longer than a call takes; one that hangs in a call is left behind
 * after 3 s (the process is about to end). Accepts NULL.
 */
void mt_dirty_sampler_stop(struct mt_dirty_sampler *sampler);

void mt_dirty_sampler_set_period(struct mt_dirty_sampler *sampler, uint64_t every_ms);

/* The smoothed dirty rate of a domain. False: never sampled. Thread-safe. */
bool mt_dirty_sampler_get(struct mt_dirty_sampler *sampler, const char *uuid, uint64_t *ret_bytes_s, uint64_t *ret_age_ms);

/* Of how many samples a smoothed value is worth at most. */
#define MT_DIRTY_SMOOTHED_OVER 5.67

/* What a domain dirties in windows of one length. */
struct mt_dirty_window {
        unsigned seconds;
        unsigned samples;
        uint64_t bytes; /* of distinct memory in a window, smoothed */
        uint64_t age_ms;
};

/* Two lengths, from pairs of windows one right after the other. */
struct mt_dirty_windows {
        struct mt_dirty_window shorter, longer;
};

/* False: no pair of the domain yet. Thread-safe. */
bool mt_dirty_sampler_windows(struct mt_dirty_sampler *sampler, const char *uuid, struct mt_dirty_windows *ret);

/* Measures one domain now, in this thread (about 1.2 s). -EBUSY: it has a job. For `migtune plan` without a watcher. */
int mt_dirty_measure_now(virDomainPtr domain, uint64_t *ret_bytes_s, struct mt_err *err);

#endif
