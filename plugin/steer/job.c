/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 *   event                         COPYING                                     SWITCHOVER
 *   MIGRATION_ITERATION 1         (creates the job) measure, plan, install
 *   MIGRATION_ITERATION k         correct D, plan again, iteration cap        -
 *   tick (1 s)                    statistics, sample, plan again              sample
 *   (statistics are fetched by the job's agent, agent.c, and used when they arrive)
 *   SUSPENDED/MIGRATED            lift the ceil -> SWITCHOVER                 -
 *   JOB_COMPLETED                 end: completed                              end: completed
 *   STOPPED/MIGRATED              withdraw, await JOB_COMPLETED               the same
 *   STOPPED, or the job is gone   end: failed or cancelled                    end
 *   libvirt goes away             go on by the sockets; end when they close   the same
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
 * Ends: every job leaves the list through mt_job_finish, which withdraws everything and writes exactly one record.
 */
#include "steer/job.h"
#include "cleanup.h"
#include "clock.h"
#include "log.h"
#include "measure/sockets.h"
#include "policy/decide.h"
#include "record/json.h"
#include "steer/gather.h"
#include "steer/job_state.h"
#include "steer/link.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define COMPLETED_DUE_MS 3000

static struct mt_job *find(const struct mt_host *host, const char *uuid)
{
        for (struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (strcmp(job->xml.id.uuid, uuid) == 0)
                        return job;
        return NULL;
}

static void name_peer(struct mt_job *job)
{
        const struct sockaddr *peer = (const struct sockaddr *)&job->flows.flow[0].peer;
        socklen_t size = peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

        if (job->flows.n == 0 || getnameinfo(peer, size, job->outcome.destination, sizeof(job->outcome.destination), NULL, 0,
                                             NI_NUMERICHOST) != 0)
                (void)snprintf(job->outcome.destination, sizeof(job->outcome.destination), "unknown");
}

/* The connection, where it leaves, and how wide that is. What is not found stays empty. */
static void find_path(const struct mt_host *host, struct mt_job *job, struct mt_uplink *ret_uplink)
{
        struct mt_err err = { 0 };

        *ret_uplink = (struct mt_uplink){ .device = "" };
        if (mt_qemu_pid(job->xml.id.name, job->xml.id.uuid, &job->pid, &err) < 0 ||
            mt_sockets_outgoing(job->pid, &job->flows, &err) < 0)
                job->flows.n = 0;
        else if (mt_link_uplink(host, &job->flows.flow[0].peer, ret_uplink, &err) < 0)
                mt_log(MT_LOG_WARNING, "domain '%s': %s", job->xml.id.name, err.msg);
        name_peer(job);
}

static void open_outcome(struct mt_host *host, struct mt_job *job, bool adopted)
{
        struct mt_outcome *outcome = &job->outcome;

        outcome->started_ms = mt_wall_ms() - job->stats.elapsed_ms;
        (void)mt_record_id(outcome->id, sizeof(outcome->id), outcome->started_ms, job->xml.id.uuid);
        outcome->attach = MT_ATTACH_WATCHER;
        outcome->domain = job->xml.id;
        (void)memcpy(outcome->source, host->name, sizeof(outcome->source));
        outcome->facts = job->facts;
        outcome->intent = job->intent;
        outcome->plan = job->plan;
        outcome->adopted = adopted;
}

static void announce(const struct mt_job *job)
{
        const struct mt_plan *plan = &job->plan;
        char rate[32], total[32], away[32];

        mt_log(MT_LOG_INFO, "domain '%s': migration to %s %s: %s at %s (lambda %.3f, %s), %u rounds, predicted %s, %s away%s",
               job->xml.id.name, job->outcome.destination, job->outcome.adopted ? "adopted" : "started",
               mt_technique_name(plan->technique), mt_format_rate(rate, sizeof(rate), plan->bandwidth_bytes_s), plan->lambda,
               mt_strategy_name(plan->strategy), plan->iterations, mt_format_time(total, sizeof(total), plan->prediction.total_ms),
               mt_format_time(away, sizeof(away), plan->prediction.downtime_ms),
               plan->limit_met ? "" : "; max_downtime cannot be met");
}

/* The domain, and the agent for the calls about it. */
static void hold_domain(struct mt_host *host, struct mt_job *job, virDomainPtr domain)
{
        struct mt_err err = { 0 };

        (void)virDomainRef(domain);
        job->domain = domain;
        if (mt_agent_start(domain, host->agent_fd, &job->agent, &err) < 0)
                mt_log(MT_LOG_WARNING, "domain '%s': %s, leaving QEMU's limits as they are", job->xml.id.name, err.msg);
}

static void begin(struct mt_host *host, virDomainPtr domain, bool adopted)
{
        struct mt_job *job = calloc(1, sizeof(*job));
        struct mt_uplink uplink;
        struct mt_err err = { 0 };

        if (job == NULL)
                return;
        job->since_ms = mt_now_ms();
        if (mt_gather_domain(domain, &job->xml, &err) < 0) {
                mt_log(MT_LOG_WARNING, "%s, leaving this migration untuned", err.msg);
                free(job);
                return;
        }
        if (mt_config_intent(&host->config, &job->xml.id, &job->xml.metadata, &job->intent, &err) < 0)
                mt_log(MT_LOG_WARNING, "domain '%s': %s, using rules and defaults", job->xml.id.name, err.msg);
        if (job->intent.mode == MT_MODE_OFF) {
                free(job);
                return;
        }
        hold_domain(host, job, domain);
        (void)mt_domain_job_stats(domain, false, &job->stats, NULL);
        job->first_iteration = job->stats.iteration > 0 ? job->stats.iteration : 1;
        job->iteration = 1;
        find_path(host, job, &uplink);
        mt_gather_facts(host, domain, &job->xml, &job->intent, &uplink, &job->flows, job, &job->facts);
        mt_decide(&job->facts, &job->intent, &job->plan);
        open_outcome(host, job, adopted);
        job->next = host->jobs;
        host->jobs = job;
        if (job->intent.mode == MT_MODE_ENFORCE)
                mt_job_install(host, job, &uplink);
        announce(job);
        mt_job_sample(job);
}

void mt_job_iteration(struct mt_host *host, virDomainPtr domain, int iteration)
{
        char uuid[VIR_UUID_STRING_BUFLEN];
        struct mt_job *job;

        if (virDomainGetUUIDString(domain, uuid) < 0)
                return;
        job = find(host, uuid);
        if (job == NULL) {
                begin(host, domain, iteration > 1);
                job = find(host, uuid);
                if (job != NULL && iteration > 0)
                        job->first_iteration = (uint64_t)iteration;
                return;
        }
        if (iteration > 0 && (uint64_t)iteration >= job->first_iteration)
                job->iteration = (uint64_t)iteration - job->first_iteration + 1;
        job->at_boundary = true;
        if (job->agent != NULL)
                mt_agent_want_stats(job->agent);
}

void mt_job_adopt(struct mt_host *host, virDomainPtr domain)
{
        char uuid[VIR_UUID_STRING_BUFLEN];

        if (virDomainGetUUIDString(domain, uuid) == 0 && find(host, uuid) == NULL)
                begin(host, domain, true);
}

void mt_job_switchover(struct mt_host *host, const char *uuid, bool post_copy)
{
        struct mt_job *job = find(host, uuid);

        if (job == NULL || (job->state != MT_JOB_COPYING && !post_copy)) /* post-copy is told after the ordinary stop */
                return;
        job->state = MT_JOB_SWITCHOVER;
        if (post_copy)
                job->outcome.actual.technique = job->iteration > 1 ? MT_HYBRID : MT_POST_COPY;
        if (job->intent.mode == MT_MODE_ENFORCE)
                mt_job_lift(host, job);
        mt_log(MT_LOG_DEBUG, "domain '%s': switchover after iteration %llu, ceil lifted", job->xml.id.name,
               (unsigned long long)job->iteration);
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
        if (job->over_ms == 0) {
                job->over_ms = mt_now_ms();
                mt_job_unshape(host, job);
        }
}

/* It is over and JOB_COMPLETED did not come: libvirt's statistics of the last job, or the domain's state, may tell how. */
static void ended_unseen(struct mt_host *host, struct mt_job *job)
{
        struct mt_job_stats stats;
        bool has_stats = mt_domain_job_stats(job->domain, true, &stats, NULL) == 0 && stats.elapsed_ms >= job->stats.elapsed_ms;
        int active = virDomainIsActive(job->domain);

        if (job->stats.type == VIR_DOMAIN_JOB_CANCELLED || job->why[0] != '\0')
                mt_job_finish(host, job, MT_CANCELLED, NULL, job->why[0] != '\0' ? job->why : "cancelled; the domain stays on the source");
        else if (has_stats && stats.type == VIR_DOMAIN_JOB_COMPLETED)
                mt_job_finish(host, job, MT_COMPLETED, &stats, "");
        else if (has_stats && stats.type == VIR_DOMAIN_JOB_FAILED)
                mt_job_finish(host, job, MT_FAILED, &stats, stats.error[0] != '\0' ? stats.error : "libvirt: the job failed");
        else if (active == 1)
                mt_job_finish(host, job, MT_FAILED, NULL,
                              "failed or cancelled (libvirt does not tell which); the domain stays on the source");
        else
                mt_job_finish(host, job, MT_COMPLETED, NULL, "libvirt reported no figures of its end");
}

void mt_job_domain_stopped(struct mt_host *host, const char *uuid, int detail)
{
        struct mt_job *job = find(host, uuid);

        if (job == NULL)
                return;
        if (detail == VIR_DOMAIN_EVENT_STOPPED_MIGRATED) {
                is_over(host, job);
        } else {
                mt_job_finish(host, job, MT_FAILED, NULL, "the domain stopped on the source");
        }
}

static void use_news(struct mt_host *host, struct mt_job *job, const struct mt_agent_news *news)
{
        mt_job_note_set(job, news);
        if (!news->has_stats || job->over_ms != 0)
                return;
        if (news->stats_r < 0) { /* libvirt is away (then the tick sees to it), or the domain is */
                if (host->connection != NULL && virConnectIsAlive(host->connection) == 1 && virDomainIsActive(job->domain) != 1)
                        is_over(host, job);
                return;
        }
        if (news->stats.type != VIR_DOMAIN_JOB_BOUNDED && news->stats.type != VIR_DOMAIN_JOB_UNBOUNDED) {
                job->stats.type = news->stats.type; /* libvirt shows "cancelled" or "failed" for a moment, then "none" for good */
                is_over(host, job);
                return;
        }
        mt_job_use_stats(job, &news->stats);
        if (job->state == MT_JOB_COPYING) {
                mt_job_plan_again(host, job);
                if (job->at_boundary)
                        mt_job_iteration_cap(job);
        }
        job->at_boundary = false;
        mt_job_sample(job);
}

void mt_job_collect(struct mt_host *host)
{
        for (struct mt_job *job = host->jobs, *next; job != NULL; job = next) {
                struct mt_agent_news news;

                next = job->next;
                if (job->agent != NULL && mt_agent_take(job->agent, &news))
                        use_news(host, job, &news);
        }
}

static void tick_connected(struct mt_host *host, struct mt_job *job)
{
        mt_job_meter(host, job, mt_now_ms());
        if (job->over_ms != 0 && mt_now_ms() - job->over_ms > COMPLETED_DUE_MS)
                ended_unseen(host, job);
        else if (job->agent != NULL)
                mt_agent_want_stats(job->agent);
}

/* Without libvirt the connection itself tells whether the migration still runs. */
static void tick_disconnected(struct mt_host *host, struct mt_job *job)
{
        struct mt_flows flows;

        mt_job_meter(host, job, mt_now_ms());
        if (job->shaped && (job->pid == 0 || mt_sockets_outgoing(job->pid, &flows, NULL) == -ENOENT))
                mt_job_withdraw(host, job);
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
        for (struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (job->domain != NULL) {
                        mt_agent_release(MT_STEAL(&job->agent));
                        (void)virDomainFree(MT_STEAL(&job->domain));
                }
}

void mt_job_reconnected(struct mt_host *host)
{
        for (struct mt_job *job = host->jobs, *next; job != NULL; job = next) {
                virDomainPtr domain = virDomainLookupByUUIDString(host->connection, job->xml.id.uuid);

                next = job->next;
                if (domain != NULL) {
                        hold_domain(host, job, domain);
                        (void)virDomainFree(domain);
                        if (mt_domain_is_migrating_out(job->domain))
                                continue;
                }
                if (job->domain == NULL || virDomainIsActive(job->domain) != 1)
                        mt_job_finish(host, job, MT_FAILED, NULL, "libvirt restarted meanwhile; the domain is not on the source any more");
                else
                        mt_job_finish(host, job, MT_CANCELLED, NULL, "libvirt restarted and cancelled it; the domain stays on the source");
        }
}

void mt_job_clear(struct mt_host *host)
{
        while (host->jobs != NULL) {
                struct mt_job *job = host->jobs;

                mt_job_withdraw(host, job);
                mt_log(MT_LOG_NOTICE, "domain '%s': the watcher stops, leaving its migration untuned; the next watcher adopts it",
                       job->xml.id.name);
                mt_job_free(host, job);
        }
}
