/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "clock.h"
#include "log.h"
#include "steer/job_state.h"
#include "steer/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Plans move by measurement noise: only a change of this part of what is set is carried out. */
#define WORTH_CHANGING 0.03

static bool differs(uint64_t set, uint64_t wanted)
{
        double change = (double)wanted - (double)set;

        return set == 0 ? wanted != 0 : change > WORTH_CHANGING * (double)set || -change > WORTH_CHANGING * (double)set;
}

static const char *name_of(const struct mt_job *job)
{
        return job->xml.id.name;
}

static struct mt_tc_entry *tc_entry(struct mt_job *job)
{
        return job->outcome.n_tc > 0 ? &job->outcome.tc[job->outcome.n_tc - 1] : NULL;
}

static void note_spec(struct mt_job *job, const struct mt_class_spec *spec)
{
        struct mt_tc_entry *entry = tc_entry(job);

        if (entry != NULL) {
                entry->rate_bytes_s = spec->rate_bytes_s;
                entry->ceil_bytes_s = spec->ceil_bytes_s;
        }
}

static void want_speed(struct mt_job *job, uint64_t bytes_s)
{
        if (job->agent == NULL)
                return;
        job->speed_bytes_s = bytes_s;
        mt_agent_want_speed(job->agent, bytes_s);
}

void mt_job_want_downtime(struct mt_job *job, uint64_t downtime_ms)
{
        if (job->agent == NULL || downtime_ms == job->downtime_ms)
                return;
        job->downtime_ms = downtime_ms;
        mt_agent_want_downtime(job->agent, downtime_ms > 0 ? downtime_ms : 1);
}

void mt_job_note_set(struct mt_job *job, const struct mt_agent_news *news)
{
        if (news->error[0] != '\0')
                mt_log_limited(MT_LOG_WARNING, name_of(job), "domain '%s': %s, leaving that limit as it is", name_of(job), news->error);
        if (news->speed_bytes_s > 0) {
                job->outcome.applied.bandwidth_bytes_s = news->speed_bytes_s;
                if (job->outcome.applied.changes++ == 0)
                        job->outcome.applied.after_ms = mt_now_ms() - job->since_ms;
        }
        if (news->downtime_ms > 0)
                job->outcome.applied.downtime_limit_ms = news->downtime_ms;
}

static void shape(struct mt_host *host, struct mt_job *job, const struct mt_uplink *uplink, uint64_t now_ms)
{
        struct mt_err err = { 0 };
        struct mt_tc_entry *entry;
        struct mt_class_spec spec = { 0 };
        int r;

        if (job->flows.n == 0) {
                mt_log(MT_LOG_WARNING, "domain '%s': its migration's connection cannot be told apart (tunnelled or a unix socket), "
                                       "leaving it unshaped; QEMU's cap holds", name_of(job));
                return;
        }
        r = mt_link_of(host, uplink, MT_EGRESS, &job->link, &err);
        if (r == 0) {
                spec = mt_link_class(&job->link, job->plan.reserve_bytes_s, job->plan.bandwidth_bytes_s, job->plan.low_priority);
                r = mt_shape_add(host->shaper, &job->link, &spec, &job->flows, &job->minor, &err);
        }
        if (r < 0) {
                if (r != -ENOTSUP)
                        mt_log(MT_LOG_WARNING, "domain '%s': %s, leaving it unshaped; QEMU's cap holds", name_of(job), err.msg);
                (void)snprintf(job->outcome.unshaped, sizeof(job->outcome.unshaped), "%s", err.msg);
                return;
        }
        job->shaped = true;
        entry = &job->outcome.tc[job->outcome.n_tc++];
        (void)memcpy(entry->device, job->link.device, sizeof(entry->device));
        entry->minor = job->minor;
        entry->installed_after_ms = now_ms - job->since_ms;
        note_spec(job, &spec);
}

void mt_job_install(struct mt_host *host, struct mt_job *job, const struct mt_uplink *uplink)
{
        struct mt_err err = { 0 };

        job->limits_saved = mt_qemu_limits_get(job->domain, &job->limits_before, &err) == 0;
        if (!job->limits_saved) /* what cannot be put back is not changed */
                mt_log(MT_LOG_WARNING, "domain '%s': %s, leaving QEMU's limits as they are", name_of(job), err.msg);
        if (job->limits_saved) {
                want_speed(job, job->plan.bandwidth_bytes_s);
                mt_job_want_downtime(job, job->plan.downtime_limit_ms);
        }
        shape(host, job, uplink, mt_now_ms());
}

void mt_job_apply(struct mt_host *host, struct mt_job *job)
{
        uint64_t limit = job->plan.downtime_limit_ms > job->forced_limit_ms ? job->plan.downtime_limit_ms : job->forced_limit_ms;
        struct mt_class_spec spec;
        struct mt_err err = { 0 };

        if (job->intent.mode != MT_MODE_ENFORCE || job->state != MT_JOB_COPYING)
                return;
        if (job->limits_saved && differs(job->speed_bytes_s, job->plan.bandwidth_bytes_s)) {
                want_speed(job, job->plan.bandwidth_bytes_s);
                if (job->shaped) {
                        spec = mt_link_class(&job->link, job->plan.reserve_bytes_s, job->plan.bandwidth_bytes_s, job->plan.low_priority);
                        if (mt_shape_change(host->shaper, &job->link, job->minor, &spec, &err) < 0)
                                mt_log_limited(MT_LOG_WARNING, name_of(job), "domain '%s': %s", name_of(job), err.msg);
                        else
                                note_spec(job, &spec);
                }
        }
        if (job->limits_saved && differs(job->downtime_ms, limit))
                mt_job_want_downtime(job, limit);
}

void mt_job_lift(struct mt_host *host, struct mt_job *job)
{
        struct mt_class_spec spec;
        struct mt_err err = { 0 };

        if (!job->shaped)
                return;
        if (job->outcome.actual.technique == MT_PRE_COPY)
                spec = mt_link_class(&job->link, job->plan.switchover_bytes_s, job->link.rate_bytes_s, false);
        else
                spec = mt_link_class(&job->link, job->plan.reserve_bytes_s, job->link.rate_bytes_s, job->plan.low_priority);
        if (mt_shape_change(host->shaper, &job->link, job->minor, &spec, &err) < 0)
                mt_log_limited(MT_LOG_WARNING, name_of(job), "domain '%s': lift the ceil for the switchover: %s", name_of(job), err.msg);
}

void mt_job_unshape(struct mt_host *host, struct mt_job *job)
{
        struct mt_tc_entry *entry = tc_entry(job);
        struct mt_err err = { 0 };

        if (!job->shaped)
                return;
        job->shaped = false;
        if (mt_shape_remove(host->shaper, &job->link, job->minor, &err) < 0)
                mt_log(MT_LOG_WARNING, "domain '%s': remove its class on '%s': %s; `migtune cleanup` removes what is left", name_of(job),
                       job->link.device, err.msg);
        else if (entry != NULL)
                entry->removed = true;
}

void mt_job_withdraw(struct mt_host *host, struct mt_job *job)
{
        struct mt_err err = { 0 };

        mt_job_unshape(host, job);
        if (job->limits_saved && job->domain != NULL && virDomainIsActive(job->domain) == 1) {
                job->limits_saved = false;
                if (mt_qemu_limits_restore(job->domain, &job->limits_before, &err) < 0)
                        mt_log(MT_LOG_WARNING, "domain '%s': %s", name_of(job), err.msg);
        }
}

void mt_job_meter(struct mt_host *host, struct mt_job *job, uint64_t now_ms)
{
        struct mt_class_state state;

        if (job->shaped && mt_shape_query(host->shaper, &job->link, job->minor, &state, NULL) == 0)
                mt_meter_read(&job->meter, state.bytes, now_ms);
        if (job->shaped && mt_shape_query(host->shaper, &job->link, MT_TC_CLASS_DEFAULT, &state, NULL) == 0) {
                if (job->others.at_ms == 0) /* go on from the device's rate */
                        job->others.bytes_s = (double)job->facts.src.out_bytes_s;
                mt_meter_read(&job->others, state.bytes, now_ms);
        }
        if (!job->shaped)
                mt_meter_read(&job->meter, job->stats.memory_processed_bytes, now_ms);
}
