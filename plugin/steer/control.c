/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The controller: statistics correct the facts, the corrected facts are planned with again, and act.c carries out what
 * differs. See job.c for when.
 */
#include "clock.h"
#include "log.h"
#include "policy/inputs.h"
#include "steer/expose.h"
#include "steer/gather.h"
#include "steer/job_state.h"
#include "steer/ledger.h"
#include "steer/turn.h"

#include <math.h>

#define D_WEIGHT 0.5 /* of a new in-flight dirty rate against the last one */
#define NARROW 0.8   /* of what it may: less than this is no noise */
#define LOOK_AT_LEAST_MS 700
#define LIMIT_MARGIN 1.1 /* the forced limit must lie above QEMU's noisy estimate */

/* D, and how far it spreads: exponentially weighted mean and variance over the rounds. */
static void use_dirty_rate(struct mt_facts *facts, double measured)
{
        double old = (double)facts->dirty_rate_bytes_s, spread = (double)facts->dirty_spread_bytes_s;
        double change = measured - old;

        if (facts->dirty_source != MT_DIRTY_IN_FLIGHT) {
                facts->dirty_source = MT_DIRTY_IN_FLIGHT;
                facts->dirty_rate_bytes_s = (uint64_t)measured;
                facts->dirty_spread_bytes_s = 0;
        } else {
                facts->dirty_rate_bytes_s = (uint64_t)(old + D_WEIGHT * change);
                facts->dirty_spread_bytes_s =
                        (uint64_t)sqrt((1.0 - D_WEIGHT) * (spread * spread + D_WEIGHT * change * change));
        }
}

void mt_job_use_stats(struct mt_job *job, const struct mt_job_stats *stats)
{
        bool is_new = stats->dirty_rate_bytes_s != job->stats.dirty_rate_bytes_s;

        if (stats->dirty_rate_bytes_s > 0 && job->iteration >= 2) {
                if (is_new || job->facts.dirty_source != MT_DIRTY_IN_FLIGHT)
                        use_dirty_rate(&job->facts, (double)stats->dirty_rate_bytes_s);
                job->facts.dirty_age_ms = 0;
        }
        job->stats = *stats;
}

/*
 * What the connection has carried since the second pass began, if that is well below its class's ceil: something behind
 * our classes is narrower, and the last copy will meet it as well. The first pass does not count: its zero pages cost
 * nothing.
 */
static uint64_t narrow_path(const struct mt_job *job)
{
        uint64_t ms = job->meter.at_ms > job->second_pass_ms ? job->meter.at_ms - job->second_pass_ms : 0;
        double bytes_s;

        if (!job->shaped || job->second_pass_ms == 0 || ms < LOOK_AT_LEAST_MS)
                return 0;
        bytes_s = (double)(job->meter.bytes - job->second_pass_bytes) * 1000.0 / (double)ms;
        return bytes_s < NARROW * (double)job->spec.ceil_bytes_s ? (uint64_t)bytes_s : 0;
}

void mt_job_plan_again(struct mt_host *host, struct mt_job *job)
{
        mt_job_note_round(host, job);
        if (job->facts.device[0] != '\0') {
                job->facts.src = mt_host_traffic(host, job->facts.device, mt_now_ms());
                if (job->others.at_ms !=
                    0) /* a virtual device's counters miss the headers of segments that it did not cut */
                        job->facts.src.out_bytes_s = (uint64_t)job->others.bytes_s;
                mt_turn_share(host, job->xml.id.uuid, &job->facts);
        }
        mt_gather_destination(host, mt_gather_peer(&job->flows), &job->facts);
        job->facts.path_bytes_s = narrow_path(job);
        mt_host_decide(host, &job->facts, &job->intent, &job->plan); /* its wants now move all shares, its own too */
        mt_ledger_changed(host, job->facts.device, /* except= */ NULL);
        mt_job_apply(host, job);
}

void mt_job_replan(struct mt_host *host, struct mt_job *job)
{
        mt_host_decide(host, &job->facts, &job->intent, &job->plan);
        mt_job_apply(host, job);
}

/* n rounds are done: QEMU is to stop now, if what remains fits in the blackout allowed. (If it never will: converge.c.) */
void mt_job_iteration_cap(struct mt_job *job)
{
        double switchover = (double)job->plan.switchover_bytes_s * MT_PAYLOAD;
        double remaining = (double)job->stats.memory_remaining_bytes;

        job->forced_limit_ms = 0;
        if (job->iteration > job->plan.iterations && switchover > 0.0 &&
            remaining / switchover * 1000.0 + (double)job->facts.tg_ms <= (double)job->intent.max_downtime_ms)
                mt_job_stop_now(job);
}

void mt_job_stop_now(struct mt_job *job)
{
        double estimate = job->stats.rate_bytes_s > 0 ? (double)job->stats.rate_bytes_s
                                                      : (double)job->plan.bandwidth_bytes_s * MT_PAYLOAD;

        job->forced_limit_ms = (uint64_t)((double)job->stats.memory_remaining_bytes / estimate * 1000.0 * LIMIT_MARGIN) + 1;
        if (job->intent.mode == MT_MODE_ENFORCE && job->limits_saved && job->forced_limit_ms > job->downtime_ms)
                mt_job_want_downtime(job, job->forced_limit_ms);
}
