/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the rounds tell: where the copy stands, and which pages are hot. When a round begins QEMU has just looked at every
 * page, so what then remains, without what the round before left unsent, is just what that round saw dirtied: one more
 * point of the curve of model/hot.h, and a counted one. (QEMU looks early when little remains, seen with QEMU 10.0: the last rounds
 * are no full passes.) Rounds get shorter and shorter, so they show what the sampling windows, of a second and more, cannot.
 */
#include "array.h"
#include "clock.h"
#include "steer/gather.h"
#include "steer/job_state.h"

#include <math.h>
#include <string.h>

static void add_point(struct mt_job *job, uint64_t dirtied_bytes)
{
        struct mt_hot_point *points = job->dirtied;

        if (job->n_dirtied == MT_ARRAY_SIZE(job->dirtied)) { /* the oldest goes */
                (void)memmove(points, points + 1, sizeof(job->dirtied) - sizeof(job->dirtied[0]));
                job->n_dirtied--;
        }
        points[job->n_dirtied++] = (struct mt_hot_point){ .t = mt_seconds(job->last_round_ms),
                                                          .dirtied = mt_mbit(dirtied_bytes),
                                                          .weight = MT_HOT_COUNTED };
}

static void find_hot_pages(const struct mt_host *host, struct mt_job *job)
{
        struct mt_hot_point points[MT_HOT_ROUNDS + MT_HOT_WINDOW_POINTS];
        size_t n = mt_gather_hot_points(host, job->xml.id.uuid, points);

        (void)memcpy(points + n, job->dirtied, job->n_dirtied * sizeof(points[0]));
        mt_gather_hot_pages(points, n + job->n_dirtied, MT_HOT_IN_FLIGHT, &job->facts);
}

/* Copied and not dirtied since: reckoned with D between the beginnings of rounds. In the first pass what remains counts all
 * of memory, touched or not. */
static uint64_t clean_bytes(const struct mt_job *job)
{
        double resident = (double)job->facts.resident_bytes, total = (double)job->stats.memory_total_bytes;
        double clean = resident - (double)job->stats.memory_remaining_bytes;

        if (job->iteration < 2 && total > 0.0)
                clean = resident * (1.0 - (double)job->stats.memory_remaining_bytes / total);
        if (!job->at_boundary && resident > 0.0)
                clean -= (double)job->facts.dirty_rate_bytes_s * clean / resident *
                         mt_seconds(mt_now_ms() - job->round_began_ms);
        return clean > 0.0 ? (uint64_t)clean : 0;
}

/* What the round that has ended saw dirtied. */
static uint64_t dirtied_bytes(const struct mt_job *job)
{
        uint64_t sent = job->stats.memory_processed_bytes - job->round_processed_bytes;
        uint64_t unsent = job->round_to_send_bytes > sent ? job->round_to_send_bytes - sent : 0;
        uint64_t remaining = job->stats.memory_remaining_bytes;

        if (job->iteration <= 2) /* a full pass, of which untouched memory was no part */
                unsent = 0;
        return remaining > unsent ? remaining - unsent : 0;
}

/*
 * QEMU cuts rounds short when little remains: it looks again as soon as no more than its limit allows does, and near the end it
 * looks many times while hardly anything is sent. A round counts as one of max_iterations if it sent at least half of what it
 * began with, and else for so much less.
 */
static double weight_of_round(const struct mt_job *job)
{
        double sent = (double)(job->stats.memory_processed_bytes - job->round_processed_bytes);

        if (job->iteration <= 2 || job->round_to_send_bytes == 0)
                return 1.0;
        return fmin(2.0 * sent / (double)job->round_to_send_bytes, 1.0);
}

void mt_job_note_round(const struct mt_host *host, struct mt_job *job)
{
        uint64_t dirtied;

        job->facts.round = (unsigned)job->iteration;
        job->facts.clean_bytes = clean_bytes(job);
        if (!job->at_boundary || job->last_round_ms == 0)
                return;
        dirtied = dirtied_bytes(job);
        job->rounds += weight_of_round(job);
        job->round_to_send_bytes = job->stats.memory_remaining_bytes;
        job->round_processed_bytes = job->stats.memory_processed_bytes;
        job->facts.round_dirty_rate_bytes_s = dirtied * 1000 / job->last_round_ms;
        add_point(job, dirtied);
        find_hot_pages(host, job);
}
