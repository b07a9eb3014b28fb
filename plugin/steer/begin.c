/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The beginning of a job: who migrates, along which way, with which first plan. See job.c for when. */
#include "clock.h"
#include "log.h"
#include "measure/status_file.h"
#include "policy/alternatives.h"
#include "steer/call_match.h"
#include "steer/expose.h"
#include "steer/gather.h"
#include "steer/job.h"
#include "steer/job_state.h"
#include "steer/ledger.h"
#include "steer/link.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void name_peer(struct mt_job *job)
{
        const struct sockaddr *peer = (const struct sockaddr *)&job->flows.flow[0].peer;
        socklen_t size = peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

        if (job->flows.n == 0 || getnameinfo(peer, size, job->outcome.destination, sizeof(job->outcome.destination), NULL, 0,
                                             NI_NUMERICHOST) != 0)
                (void)snprintf(job->outcome.destination, sizeof(job->outcome.destination), "unknown");
}

/* The connection, where it leaves, and how wide that is; or, in the outcome, why there is none that can be shaped. */
static void find_path(const struct mt_host *host, struct mt_job *job, struct mt_uplink *ret_uplink)
{
        struct mt_err err = { 0 };
        int r = mt_qemu_pid(job->xml.id.name, job->xml.id.uuid, &job->pid, &err);

        *ret_uplink = (struct mt_uplink){ .device = "" };
        if (r == 0)
                r = mt_sockets_outgoing(job->pid, &job->flows, &err);
        if (r == -ENOENT) /* tunnelled, a unix socket, or a port of the caller's own choice */
                (void)mt_fail(&err, ENOENT, "its migration has no connection of its own to libvirt's ports %u to %u",
                              MT_MIGRATION_PORT_MIN, MT_MIGRATION_PORT_MAX);
        if (r < 0)
                job->flows.n = 0;
        else
                r = mt_link_uplink(host, &job->flows.flow[0].peer, ret_uplink, &err);
        if (r < 0)
                (void)snprintf(job->outcome.unshaped, sizeof(job->outcome.unshaped), "%s", err.msg);
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
        outcome->actual.setup_ms = adopted ? 0 : job->stats.elapsed_ms;
        if (job->call != NULL)
                mt_call_record(job->call, outcome);
}

static void announce(const struct mt_job *job)
{
        const struct mt_plan *plan = &job->plan;
        char rate[32], total[32], blackout[32];

        mt_log(MT_LOG_INFO,
               "domain '%s': migration to %s %s: %s at %s (lambda %.3f, %s), %u rounds, predicted %s, blackout %s%s",
               job->xml.id.name, job->outcome.destination, job->outcome.adopted ? "adopted" : "started",
               mt_technique_name(plan->technique), mt_format_rate(rate, sizeof(rate), plan->bandwidth_bytes_s), plan->lambda,
               mt_strategy_name(plan->strategy), plan->iterations,
               mt_format_time(total, sizeof(total), plan->prediction.total_ms),
               mt_format_time(blackout, sizeof(blackout), plan->prediction.downtime_ms),
               plan->limit_met ? "" : "; max_downtime cannot be met");
}

void mt_job_hold(struct mt_host *host, struct mt_job *job, virDomainPtr domain)
{
        struct mt_err err = { 0 };

        (void)virDomainRef(domain);
        job->domain = domain;
        if (mt_agent_start(domain, host->agent_fd, &job->agent, &err) < 0) {
                mt_log(MT_LOG_WARNING, "domain '%s': %s, leaving QEMU's limits as they are", job->xml.id.name, err.msg);
                mt_failed_open(host, MT_FAIL_OPEN_LIMITS);
        }
}

/* Statistics of the job that runs. False: it is not a migration (a save, a dump and a snapshot have iterations, too). */
static bool is_migration(virDomainPtr domain, struct mt_job_stats *ret)
{
        if (mt_domain_job_stats(domain, false, ret, NULL) < 0) {
                *ret = (struct mt_job_stats){ .type = VIR_DOMAIN_JOB_UNBOUNDED };
                return true; /* not known: the event says that something is copied */
        }
        return ret->operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
}

/* Who it is and what is wanted for it. False: it is to be left alone. */
static bool identify(struct mt_host *host, virDomainPtr domain, struct mt_job *job)
{
        struct mt_err err = { 0 };

        if (!is_migration(domain, &job->stats))
                return false;
        if (mt_gather_domain(domain, &job->xml, &err) < 0) {
                mt_log(MT_LOG_WARNING, "domain '%s': %s, leaving its migration untuned", virDomainGetName(domain), err.msg);
                mt_failed_open(host, MT_FAIL_OPEN_DOMAIN);
                return false;
        }
        if (mt_config_intent(&host->config, &job->xml.id, &job->xml.metadata, &job->intent, &err) < 0) {
                mt_log(MT_LOG_WARNING, "domain '%s': %s, using rules and defaults", job->xml.id.name, err.msg);
                mt_failed_open(host, MT_FAIL_OPEN_METADATA);
        }
        return job->intent.mode != MT_MODE_OFF;
}

void mt_job_catch_up(struct mt_host *host, struct mt_job *job)
{
        int state = 0, reason = 0;

        if (virDomainGetState(job->domain, &state, &reason, 0) < 0 || state != VIR_DOMAIN_PAUSED)
                return;
        if (reason == VIR_DOMAIN_PAUSED_MIGRATION)
                mt_job_switchover(host, job->xml.id.uuid, false);
        else if (reason == VIR_DOMAIN_PAUSED_POSTCOPY)
                mt_job_switchover(host, job->xml.id.uuid, true);
        else if (reason == VIR_DOMAIN_PAUSED_POSTCOPY_FAILED)
                mt_job_post_copy_failed(host, job->xml.id.uuid);
}

/*
 * Nobody told of the call: libvirt's own status file may tell whether it allows post-copy. (Where it has no flags libvirt is
 * asked when it comes to that, and may refuse.)
 */
static void see_flags(struct mt_job *job)
{
        uint64_t flags;

        if (mt_status_migration_flags(job->xml.id.name, &flags, NULL) == 0 && (flags & VIR_MIGRATE_LIVE) != 0)
                job->facts.post_copy = (flags & MT_FLAG_POSTCOPY) != 0 ? MT_CALLER_YES : MT_CALLER_NO;
}

void mt_job_begin(struct mt_host *host, virDomainPtr domain, bool adopted)
{
        struct mt_job *job = calloc(1, sizeof(*job));
        struct mt_uplink uplink;

        if (job == NULL)
                return;
        job->since_ms = job->round_began_ms = mt_now_ms();
        if (!identify(host, domain, job)) {
                free(job);
                return;
        }
        mt_job_hold(host, job, domain);
        job->first_iteration = job->stats.iteration > 0 ? job->stats.iteration : 1;
        job->iteration = 1;
        find_path(host, job, &uplink);
        job->call = mt_call_begun(host, job->xml.id.uuid, &job->flows); /* from here on it does not count beside its job */
        if (job->call != NULL)
                mt_wishes_apply(&job->call->wishes, &job->intent);
        mt_gather_facts(host, domain, &job->xml, &job->intent, &uplink, &job->flows, &job->facts);
        if (job->call != NULL)
                mt_call_facts(job->call, &job->facts);
        else
                see_flags(job);
        mt_host_decide(host, &job->facts, &job->intent, &job->plan);
        job->next = host->jobs;
        host->jobs = job;
        mt_ledger_changed(host, job->facts.device, job); /* the others give way first */
        mt_host_decide(host, &job->facts, &job->intent, &job->plan);
        mt_alternatives(&job->facts, &job->intent, &job->plan);
        open_outcome(host, job, adopted);
        if (job->intent.mode == MT_MODE_ENFORCE)
                mt_job_install(host, job, &uplink);
        if (adopted)
                mt_job_catch_up(host, job);
        mt_job_switch_when_due(job);
        announce(job);
        mt_job_sample(job);
}
