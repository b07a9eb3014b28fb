/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A job's states, its events and what each of them does are in state.c. Statistics are fetched by the job's agent (agent.c), for
 * that may take long, and are used when they arrive.
 *
 * The first event comes when memory is already moving, so the first plan uses what is known without waiting: the sampled or
 * remembered dirty rate, the smoothed traffic, the connection's round-trip time. From iteration 2 on D is QEMU's own
 * number (pages dirtied per second, updated at each pass that took a second or more), smoothed. Planning again is the
 * controller: the strategy maps the new D to a new R, bounded by the traffic of this second; act.c carries out what differs.
 *
 * The stop rule is QEMU's (remaining < its rate estimate * downtime limit) with a limit that means alpha * memory at
 * the switchover's rate. The iteration cap makes it stop when n rounds are done and what remains can be copied within
 * the longest blackout allowed; when max_iterations are done and it cannot, on_no_convergence decides.
 *
 * Ends: a job leaves the list through mt_job_finish, which withdraws everything and writes exactly one record; or, when
 * the watcher itself ends, through mt_job_clear, which withdraws and leaves the record to the next watcher.
 */
#include "steer/job.h"
#include "cleanup.h"
#include "clock.h"
#include "log.h"
#include "measure/sockets.h"
#include "steer/expose.h"
#include "steer/job_state.h"
#include "steer/ledger.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>

#define COMPLETED_DUE_MS 3000

static struct mt_job *find(const struct mt_host *host, const char *uuid)
{
        for (struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (strcmp(job->xml.id.uuid, uuid) == 0)
                        return job;
        return NULL;
}

bool mt_job_exists(const struct mt_host *host, const char *uuid)
{
        const struct mt_job *job = find(host, uuid);

        return job != NULL && job->state != MT_JOB_OVER;
}

void mt_job_switchover(struct mt_host *host, const char *uuid, bool post_copy)
{
        struct mt_job *job = find(host, uuid);
        enum mt_job_state before;

        if (job == NULL)
                return;
        before = job->state;
        if (!mt_state_step(&job->state, post_copy ? MT_EVENT_SWITCH : MT_EVENT_STOP))
                return;
        if (before == MT_JOB_COPYING && job->shaped) { /* the class's own count: statistics are up to a second old */
                mt_job_meter(host, job, mt_now_ms());
                job->stopped_at_bytes = job->meter.bytes;
        }
        if (job->outcome.actual.stopped_ms == 0) /* the switch to post-copy comes after the stop that belongs to it */
                job->outcome.actual.stopped_ms = mt_now_ms() - job->since_ms;
        if (post_copy)
                job->outcome.actual.technique =
                        (job->asked_in != 0 ? job->asked_in : job->iteration) > 1 ? MT_HYBRID : MT_POST_COPY;
        if (job->intent.mode == MT_MODE_ENFORCE)
                mt_job_lift(host, job, !post_copy);
        if (post_copy) {
                mt_recover_runs(host, job, before == MT_JOB_BROKEN);
                mt_job_pace(job); /* an operator may have switched it */
                mt_job_follow_connections(host, job);
        }
        mt_log(MT_LOG_DEBUG, "domain '%s': stopped after iteration %llu", job->xml.id.name,
               (unsigned long long)job->iteration);
}

void mt_job_post_copy_failed(struct mt_host *host, const char *uuid)
{
        struct mt_job *job = find(host, uuid);
        bool adopted = job != NULL && job->outcome.adopted && !job->post_copy;

        if (job == NULL)
                return;
        if (!job->post_copy) /* the watcher did not see the switch */
                mt_job_switchover(host, uuid, /* post_copy= */ true);
        mt_recover_failed(host, job, adopted);
}

void mt_job_resumed(struct mt_host *host, const char *uuid)
{
        struct mt_job *job = find(host, uuid);

        if (job == NULL || !mt_state_step(&job->state, MT_EVENT_RUNS_HERE))
                return;
        job->stopped_at_bytes = 0;
        job->outcome.actual.stopped_ms = 0;
        mt_job_apply(host, job);
}

void mt_job_completed(struct mt_host *host, const char *uuid, const struct mt_job_stats *stats)
{
        struct mt_job *job = find(host, uuid);

        if (job != NULL)
                mt_job_finish(host, job, MT_COMPLETED, stats, "");
}

/* The migration is over, one way or the other: nothing is shaped any more. JOB_COMPLETED, if it comes, tells the figures. */
static void is_over(struct mt_host *host, struct mt_job *job)
{
        if (mt_state_step(&job->state, MT_EVENT_END)) {
                job->over_ms = mt_now_ms();
                mt_job_meter(host, job, job->over_ms);
                mt_job_unshape(host, job);
                mt_ledger_changed(host, job->facts.device, job);
        }
}

/* The guest was started on the destination, yet there is no job any more. (Known of libvirt: see resumer.c.) */
static bool is_lost(const struct mt_job *job)
{
        int state = 0, reason = 0;

        return job->post_copy && virDomainGetState(job->domain, &state, &reason, 0) == 0 && state == VIR_DOMAIN_PAUSED &&
               (reason == VIR_DOMAIN_PAUSED_POSTCOPY || reason == VIR_DOMAIN_PAUSED_POSTCOPY_FAILED);
}

/* It is over, and the domain stays. libvirt tells cancelled from failed for a moment only: what its caller told counts. */
static void ended_here(struct mt_host *host, struct mt_job *job, const char *error)
{
        const char *why = "failed or cancelled (libvirt does not tell which); the domain stays on the source";
        bool cancelled = job->why[0] != '\0' || job->aborted || job->stats.type == VIR_DOMAIN_JOB_CANCELLED;

        if (is_lost(job))
                why = "libvirt dropped the job of its post-copy: the guest is on the destination, the rest of its memory "
                      "here";
        else if (job->why[0] != '\0')
                why = job->why;
        else if (job->aborted)
                why = "cancelled by its caller; the domain stays on the source";
        else if (cancelled)
                why = "cancelled; the domain stays on the source";
        else if (error[0] != '\0')
                why = error;
        else if (job->call != NULL && job->call->outcome.error[0] != '\0')
                why = job->call->outcome.error;
        mt_job_finish(host, job, cancelled ? MT_CANCELLED : MT_FAILED, NULL, why);
}

/* It is over and JOB_COMPLETED did not come: libvirt's statistics of the last job, or the domain's state, may tell how. */
static void ended_unseen(struct mt_host *host, struct mt_job *job)
{
        struct mt_job_stats stats;
        bool stays = virDomainIsActive(job->domain) == 1;
        bool told = mt_domain_job_stats(job->domain, true, &stats, NULL) == 0 &&
                    stats.operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT && stats.elapsed_ms >= job->stats.elapsed_ms;

        if (stays)
                ended_here(host, job, told ? stats.error : "");
        else if (told && stats.type == VIR_DOMAIN_JOB_COMPLETED)
                mt_job_finish(host, job, MT_COMPLETED, &stats, "");
        else
                mt_job_finish(host, job, MT_COMPLETED, NULL, "the domain left; libvirt reported no figures of it");
}

void mt_job_iteration(struct mt_host *host, virDomainPtr domain, int iteration)
{
        char uuid[VIR_UUID_STRING_BUFLEN];
        struct mt_job *job;

        if (virDomainGetUUIDString(domain, uuid) < 0)
                return;
        job = find(host, uuid);
        if (job != NULL && ((uint64_t)iteration < job->first_iteration || !mt_state_step(&job->state, MT_EVENT_ROUND))) {
                ended_unseen(host, job); /* this is the next run */
                job = NULL;
        }
        if (job == NULL) {
                mt_job_begin(host, domain, iteration > 1);
                job = find(host, uuid);
                if (job != NULL)
                        job->first_iteration = (uint64_t)iteration;
                return;
        }
        job->iteration = (uint64_t)iteration - job->first_iteration + 1;
        job->at_boundary = true;
        job->last_round_ms = mt_now_ms() - job->round_began_ms;
        job->round_began_ms += job->last_round_ms;
        mt_job_meter(host, job, job->round_began_ms);
        if (job->iteration == 2) {
                job->second_pass_ms = job->meter.at_ms;
                job->second_pass_bytes = job->meter.bytes;
        }
        if (job->agent != NULL)
                mt_agent_want_stats(job->agent);
}

void mt_job_adopt(struct mt_host *host, virDomainPtr domain)
{
        char uuid[VIR_UUID_STRING_BUFLEN];

        if (virDomainGetUUIDString(domain, uuid) == 0 && find(host, uuid) == NULL)
                mt_job_begin(host, domain, true);
}

void mt_job_domain_stopped(struct mt_host *host, const char *uuid, int detail)
{
        struct mt_job *job = find(host, uuid);

        if (job == NULL)
                return;
        if (detail == VIR_DOMAIN_EVENT_STOPPED_MIGRATED)
                is_over(host, job);
        else
                mt_job_finish(host, job, MT_FAILED, NULL, "the domain stopped on the source");
}

static void note_post_copy(struct mt_job *job, const struct mt_agent_news *news)
{
        if (news->post_copy_started) {
                mt_job_event(job, "post-copy begins with iteration %llu", (unsigned long long)job->iteration);
        } else if (news->post_copy_refused) {
                job->facts.post_copy = MT_CALLER_NO;
                job->switch_asked = false; /* something else may help */
                job->asked_in = 0;
                job->facts.call.flags &= ~MT_FLAG_POSTCOPY;
                mt_job_event(job, "no post-copy: the caller did not start the migration with the post-copy flag");
        }
}

static void use_news(struct mt_host *host, struct mt_job *job, const struct mt_agent_news *news)
{
        mt_job_note_set(job, news);
        if (news->error[0] != '\0')
                mt_failed_open(host, MT_FAIL_OPEN_LIMITS);
        note_post_copy(job, news);
        if (!news->has_stats || !mt_state_step(&job->state, MT_EVENT_STATISTICS))
                return;
        if (news->stats_r < 0) { /* libvirt is away (then the tick sees to it), or the domain is */
                if (host->connection != NULL && virConnectIsAlive(host->connection) == 1 &&
                    virDomainIsActive(job->domain) != 1)
                        is_over(host, job);
                return;
        }
        if (news->stats.type != VIR_DOMAIN_JOB_BOUNDED && news->stats.type != VIR_DOMAIN_JOB_UNBOUNDED) {
                /* libvirt shows "cancelled" or "failed" for a moment, then "none" for good */
                job->stats.type = news->stats.type;
                is_over(host, job);
                return;
        }
        if (news->stats.elapsed_ms < job->stats.elapsed_ms && !job->post_copy) {
                /* another run began between two looks (in post-copy libvirtd was restarted, and counts anew) */
                virDomainPtr domain = job->domain;

                (void)virDomainRef(domain);
                ended_unseen(host, job);
                mt_job_begin(host, domain, true);
                (void)virDomainFree(domain);
                return;
        }
        mt_job_use_stats(job, &news->stats);
        if (job->state == MT_JOB_COPYING) {
                if (job->at_boundary)
                        mt_job_follow_connections(host, job);
                mt_job_plan_again(host, job);
                if (job->at_boundary) {
                        mt_job_iteration_cap(job);
                        mt_job_judge(job);
                }
                mt_job_switch_when_due(job);
        }
        job->at_boundary = false;
        mt_job_sample(job);
}

void mt_job_collect(struct mt_host *host)
{
        for (struct mt_job *job = host->jobs, *next; job != NULL; job = next) {
                struct mt_agent_news news;

                next = job->next;
                mt_recover_collect(job);
                if (job->agent != NULL && mt_agent_take(job->agent, &news))
                        use_news(host, job, &news);
        }
}

static void tick_connected(struct mt_host *host, struct mt_job *job)
{
        mt_job_meter(host, job, mt_now_ms());
        if (job->state == MT_JOB_OVER && mt_now_ms() - job->over_ms > COMPLETED_DUE_MS) {
                ended_unseen(host, job);
                return;
        }
        if (job->agent != NULL)
                mt_agent_want_stats(job->agent);
        if (mt_state_is_post_copy(job->state)) {
                mt_recover_tick(host, job);
                mt_job_follow_connections(host, job);
        }
}

/* Without libvirt the connection itself tells whether the migration still runs. */
static void tick_disconnected(struct mt_host *host, struct mt_job *job)
{
        struct mt_flows flows;

        mt_job_meter(host, job, mt_now_ms());
        if (job->shaped && !job->post_copy && (job->pid == 0 || mt_sockets_outgoing(job->pid, &flows, NULL) == -ENOENT))
                mt_job_withdraw(host, job); /* a post-copy without a connection may be resumed, and needs its class then */
}

void mt_job_tick(struct mt_host *host)
{
        for (struct mt_job *job = host->jobs, *next; job != NULL; job = next) {
                next = job->next;
                if (job->domain != NULL)
                        tick_connected(host, job);
                else
                        tick_disconnected(host, job);
        }
}

void mt_job_disconnected(struct mt_host *host)
{
        for (struct mt_job *job = host->jobs; job != NULL; job = job->next) {
                if (job->domain == NULL)
                        continue;
                if (job->state == MT_JOB_COPYING)
                        mt_job_lift(host, job, false);
                mt_agent_release(MT_STEAL(&job->agent), NULL);
                (void)virDomainFree(MT_STEAL(&job->domain));
        }
}

/* What became of a job while libvirt was away. domain NULL: it is not defined here any more. */
static void take_up(struct mt_host *host, struct mt_job *job, virDomainPtr domain)
{
        if (domain != NULL && virDomainIsActive(domain) == 1) {
                mt_job_hold(host, job, domain);
                if (!mt_domain_is_migrating_out(domain)) {
                        mt_job_finish(host, job, MT_CANCELLED, NULL,
                                      "ended while libvirt was away; the domain stays on the source");
                        return;
                }
                mt_job_catch_up(host, job);
                mt_job_apply(host, job);
        } else {
                mt_job_finish(host, job, MT_COMPLETED, NULL,
                              "ended while libvirt was away; the domain is not on the source any more");
        }
}

void mt_job_reconnected(struct mt_host *host)
{
        for (struct mt_job *job = host->jobs, *next; job != NULL; job = next) {
                virDomainPtr domain = virDomainLookupByUUIDString(host->connection, job->xml.id.uuid);

                next = job->next;
                if (domain == NULL && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
                        continue; /* libvirt is away again; the next connection tells */
                take_up(host, job, domain);
                if (domain != NULL)
                        (void)virDomainFree(domain);
        }
}

void mt_job_clear(struct mt_host *host)
{
        while (host->jobs != NULL) {
                struct mt_job *job = host->jobs;

                mt_job_withdraw(host, job);
                mt_log(MT_LOG_NOTICE,
                       "domain '%s': the watcher stops, leaving its migration untuned; the next watcher adopts it",
                       job->xml.id.name);
                mt_job_free(host, job);
        }
}
