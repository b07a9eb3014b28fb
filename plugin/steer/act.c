/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "clock.h"
#include "log.h"
#include "policy/flags.h"
#include "policy/inputs.h"
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

/* Beside others it gives way exactly: all together must not exceed the link. */
static bool gives_way(const struct mt_job *job, uint64_t set, uint64_t wanted)
{
        return job->facts.granted_bytes_s > 0 && wanted < set;
}

static bool class_differs(const struct mt_class_spec *set, const struct mt_class_spec *wanted)
{
        return differs(set->rate_bytes_s, wanted->rate_bytes_s) || differs(set->ceil_bytes_s, wanted->ceil_bytes_s) ||
               set->low_priority != wanted->low_priority;
}

static const char *name_of(const struct mt_job *job)
{
        return job->xml.id.name;
}

static struct mt_tc_entry *tc_entry(struct mt_job *job)
{
        return job->outcome.n_tc > 0 ? &job->outcome.tc[job->outcome.n_tc - 1] : NULL;
}

/* What the plan wants of the class while it copies. */
static struct mt_class_spec planned_class(const struct mt_job *job)
{
        return mt_link_class(&job->link, job->plan.reserve_bytes_s, job->plan.bandwidth_bytes_s, job->plan.low_priority);
}

/* The class is so now; the record shows it as it was last while copying. */
static void note_class(struct mt_job *job, const struct mt_class_spec *spec)
{
        struct mt_tc_entry *entry = tc_entry(job);

        job->spec = *spec;
        if (entry != NULL && job->state == MT_JOB_COPYING) {
                entry->rate_bytes_s = spec->rate_bytes_s;
                entry->ceil_bytes_s = spec->ceil_bytes_s;
        }
}

/* What is left when there is no class. */
static const char *unshaped_ending(const struct mt_job *job)
{
        return job->limits_saved && job->agent != NULL ? "leaving it unshaped; QEMU's own cap is used"
                                                       : "leaving it untuned";
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
        char key[160];

        if (news->error[0] != '\0') {
                (void)snprintf(key, sizeof(key), "limits %s", name_of(job));
                mt_log_limited(MT_LOG_WARNING, key, "domain '%s': %s, trying again while it migrates", name_of(job),
                               news->error);
        }
        if (news->speed_failed)
                job->speed_bytes_s = 0; /* so that the next plan asks again */
        if (news->downtime_failed)
                job->downtime_ms = 0;
        if (news->abort_failed) {
                job->gave_up = false;
                job->why[0] = '\0';
        }
        if (news->speed_bytes_s > 0) {
                job->outcome.applied.bandwidth_bytes_s = news->speed_bytes_s;
                if (job->outcome.applied.changes++ == 0)
                        job->outcome.applied.after_ms = mt_now_ms() - job->since_ms;
        }
        if (news->downtime_ms > 0)
                job->outcome.applied.downtime_limit_ms = news->downtime_ms;
        if (news->pace_bytes_s > 0)
                job->outcome.applied.pace_bytes_s = news->pace_bytes_s;
}

static int make_class(struct mt_host *host, struct mt_job *job, const struct mt_uplink *uplink, struct mt_err *err)
{
        struct mt_class_spec spec;
        struct mt_tc_entry *entry;
        int r = mt_link_of(host, uplink, MT_EGRESS, &job->link, err);

        if (r < 0)
                return r;
        spec = planned_class(job);
        r = mt_shape_add(host->shaper, &job->link, &spec, &job->flows, &job->minor, err);
        if (r < 0)
                return r;
        job->shaped = true;
        mt_meter_read(&job->meter, 0, mt_now_ms()); /* else what it carries until the first reading would not count */
        entry = &job->outcome.tc[job->outcome.n_tc++];
        (void)memcpy(entry->device, job->link.device, sizeof(entry->device));
        entry->minor = job->minor;
        entry->installed_after_ms = mt_now_ms() - job->since_ms;
        note_class(job, &spec);
        return 0;
}

/* Unless find_path already said why there can be no class. */
static void shape(struct mt_host *host, struct mt_job *job, const struct mt_uplink *uplink)
{
        struct mt_err err = { 0 };
        int r = job->outcome.unshaped[0] == '\0' ? make_class(host, job, uplink, &err) : -ENOENT;

        if (r == 0)
                return;
        if (job->outcome.unshaped[0] == '\0')
                (void)snprintf(job->outcome.unshaped, sizeof(job->outcome.unshaped), "%s", err.msg);
        if (r != -ENOTSUP) /* the configuration says so */
                mt_log(MT_LOG_WARNING, "domain '%s': %s, %s", name_of(job), job->outcome.unshaped, unshaped_ending(job));
}

void mt_job_install(struct mt_host *host, struct mt_job *job, const struct mt_uplink *uplink)
{
        struct mt_err err = { 0 };

        job->limits_saved = mt_qemu_limits_get(job->domain, &job->limits_before, &err) == 0;
        if (job->call != NULL && job->call->limits_known)
                job->limits_before = job->call->limits;
        if (!job->limits_saved) /* what cannot be put back is not changed */
                mt_log(MT_LOG_WARNING, "domain '%s': %s, leaving QEMU's limits as they are", name_of(job), err.msg);
        if (job->limits_saved) {
                want_speed(job, job->plan.bandwidth_bytes_s);
                mt_job_want_downtime(job, job->plan.downtime_limit_ms);
        }
        shape(host, job, uplink);
}

/* Changes the class; one that cannot be changed is removed, for a wrong ceil is worse than none. */
static void change_class(struct mt_host *host, struct mt_job *job, const struct mt_class_spec *spec, const char *what)
{
        struct mt_err err = { 0 };

        if (mt_shape_change(host->shaper, &job->link, job->minor, spec, &err) == 0) {
                note_class(job, spec);
                return;
        }
        mt_log(MT_LOG_WARNING, "domain '%s': %s: %s, %s", name_of(job), what, err.msg, unshaped_ending(job));
        (void)snprintf(job->outcome.unshaped, sizeof(job->outcome.unshaped), "%s", err.msg);
        mt_job_unshape(host, job);
}

void mt_job_apply(struct mt_host *host, struct mt_job *job)
{
        uint64_t limit =
                job->plan.downtime_limit_ms > job->forced_limit_ms ? job->plan.downtime_limit_ms : job->forced_limit_ms;

        if (job->intent.mode != MT_MODE_ENFORCE || job->state != MT_JOB_COPYING)
                return;
        if (job->limits_saved && (differs(job->speed_bytes_s, job->plan.bandwidth_bytes_s) ||
                                  gives_way(job, job->speed_bytes_s, job->plan.bandwidth_bytes_s)))
                want_speed(job, job->plan.bandwidth_bytes_s);
        if (job->limits_saved && differs(job->downtime_ms, limit))
                mt_job_want_downtime(job, limit);
        if (job->shaped) {
                struct mt_class_spec spec = planned_class(job);

                if (class_differs(&job->spec, &spec) || gives_way(job, job->spec.ceil_bytes_s, spec.ceil_bytes_s))
                        change_class(host, job, &spec, "change its class");
        }
}

void mt_job_lift(struct mt_host *host, struct mt_job *job, bool guarantee)
{
        struct mt_class_spec spec;

        if (!job->shaped)
                return;
        if (guarantee)
                spec = mt_link_class(&job->link, job->plan.switchover_bytes_s, job->link.rate_bytes_s, false);
        else
                spec = mt_link_class(&job->link, job->plan.reserve_bytes_s, job->link.rate_bytes_s, job->plan.low_priority);
        change_class(host, job, &spec, "lift its ceil");
}

/* Whether post-copy's own limit came with the call: the caller's, or the plan's that was made so. */
static bool has_pace(const struct mt_job *job)
{
        return (job->call != NULL && job->call->tuned) ||
               (job->facts.call.known && job->facts.call.bandwidth_postcopy_bytes_s > 0);
}

void mt_job_pace(struct mt_job *job)
{
        struct mt_inputs in;

        if (job->pace_bytes_s != 0 || job->agent == NULL || job->intent.mode != MT_MODE_ENFORCE || has_pace(job))
                return;
        mt_inputs_make(&job->facts, &job->intent, &in, NULL);
        job->pace_bytes_s = mt_bytes_s(mt_flags_pace(mt_mbps(job->plan.bandwidth_bytes_s), &in));
        if (job->pace_bytes_s > 0)
                mt_agent_want_pace(job->agent, job->pace_bytes_s);
}

void mt_job_switch_when_due(struct mt_job *job)
{
        if (job->plan.switch_iteration == 0 || job->iteration < job->plan.switch_iteration || job->switch_asked ||
            job->agent == NULL || job->intent.mode != MT_MODE_ENFORCE || job->post_copy)
                return;
        job->switch_asked = true;
        job->asked_in = job->iteration;
        mt_job_pace(job);
        mt_agent_want_post_copy(job->agent);
}

static bool same_flows(const struct mt_flows *a, const struct mt_flows *b)
{
        for (unsigned i = 0; i < a->n && i < b->n; i++)
                if (memcmp(&a->flow[i].local, &b->flow[i].local, sizeof(a->flow[i].local)) != 0 ||
                    memcmp(&a->flow[i].peer, &b->flow[i].peer, sizeof(a->flow[i].peer)) != 0)
                        return false;
        return a->n == b->n;
}

/* It had no connection when it was found. */
static void shape_late(struct mt_host *host, struct mt_job *job)
{
        struct mt_uplink uplink;
        struct mt_err err = { 0 };

        if (job->intent.mode != MT_MODE_ENFORCE || mt_link_uplink(host, &job->flows.flow[0].peer, &uplink, &err) < 0)
                return;
        job->outcome.unshaped[0] = '\0';
        (void)memcpy(job->facts.device, uplink.device, sizeof(job->facts.device));
        shape(host, job, &uplink);
        mt_job_lift(host, job, /* guarantee= */ false);
}

void mt_job_follow_connections(struct mt_host *host, struct mt_job *job)
{
        const bool had_none = job->flows.n == 0;
        struct mt_flows flows;
        struct mt_err err = { 0 };

        if ((!job->shaped && !had_none) || job->pid == 0 || mt_sockets_outgoing(job->pid, &flows, NULL) < 0 ||
            same_flows(&flows, &job->flows))
                return;
        job->flows = flows;
        if (had_none)
                shape_late(host, job);
        else if (mt_shape_match(host->shaper, &job->link, job->minor, &flows, &err) < 0)
                mt_log(MT_LOG_WARNING, "domain '%s': %s, its new connections stay unshaped", name_of(job), err.msg);
}

void mt_job_unshape(struct mt_host *host, struct mt_job *job)
{
        struct mt_tc_entry *entry = tc_entry(job);
        struct mt_err err = { 0 };

        if (!job->shaped)
                return;
        job->shaped = false;
        if (mt_shape_remove(host->shaper, &job->link, job->minor, &err) < 0)
                mt_log(MT_LOG_WARNING, "domain '%s': remove its class on '%s': %s; `migtune cleanup` removes what is left",
                       name_of(job), job->link.device, err.msg);
        else if (entry != NULL)
                entry->removed = true;
}

void mt_job_withdraw(struct mt_host *host, struct mt_job *job)
{
        mt_job_unshape(host, job);
        mt_agent_release(MT_STEAL(&job->agent), job->limits_saved ? &job->limits_before : NULL);
        job->limits_saved = false;
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
