/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "clock.h"
#include "log.h"
#include "record/fields.h"
#include "record/history.h"
#include "steer/expose.h"
#include "steer/job_state.h"
#include "steer/learn.h"
#include "steer/ledger.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mt_job_sample(struct mt_job *job)
{
        const struct mt_job_stats *stats = &job->stats;
        struct mt_sample sample = {
                .t_ms = mt_now_ms() - job->since_ms,
                .iteration = (unsigned)job->iteration,
                .remaining_bytes = stats->memory_remaining_bytes,
                .dirty_rate_bytes_s = stats->dirty_rate_bytes_s,
                .bandwidth_bytes_s = (uint64_t)job->meter.bytes_s,
                .planned_bytes_s = job->plan.bandwidth_bytes_s,
                .others_bytes_s = job->facts.src.known ? job->facts.src.out_bytes_s : MT_AUTO,
        };

        sample.lambda = job->plan.bandwidth_bytes_s > 0
                                ? (double)sample.dirty_rate_bytes_s / (double)job->plan.bandwidth_bytes_s
                                : 0.0;
        (void)mt_outcome_sample(&job->outcome, &sample); /* one sample less is no harm */
}

void mt_job_event(struct mt_job *job, const char *format, ...)
{
        char text[sizeof(job->outcome.events[0].text)];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        mt_outcome_event(&job->outcome, mt_now_ms() - job->since_ms, text);
        mt_log(MT_LOG_DEBUG, "domain '%s': %s", job->xml.id.name, text);
}

static void fill_actual(struct mt_job *job, const struct mt_job_stats *stats)
{
        struct mt_outcome *outcome = &job->outcome;

        outcome->actual.iterations = (unsigned)job->iteration;
        outcome->actual.total_ms = (job->over_ms != 0 ? job->over_ms : mt_now_ms()) - job->since_ms;
        outcome->actual.bytes = job->stats.memory_processed_bytes;
        outcome->actual.downtime_ms = UINT64_MAX;
        if (stats == NULL)
                return;
        if (stats->elapsed_ms > 0 && !job->recovery.was_let_go) /* libvirtd, restarted, counts anew */
                outcome->actual.total_ms = stats->elapsed_ms;
        if (stats->memory_processed_bytes > 0)
                outcome->actual.bytes = stats->memory_processed_bytes;
        if (stats->iteration >= job->first_iteration && job->first_iteration > 0)
                outcome->actual.iterations = (unsigned)(stats->iteration - job->first_iteration + 1);
        if (outcome->result != MT_COMPLETED)
                return;
        if (stats->memory_total_bytes > stats->memory_zero_bytes)
                outcome->actual.touched_bytes = stats->memory_total_bytes - stats->memory_zero_bytes;
        if (stats->downtime_ms > 0 || !job->post_copy)
                outcome->actual.downtime_ms = stats->downtime_ms;
        if (job->stopped_at_bytes > 0 && outcome->actual.technique == MT_PRE_COPY)
                outcome->actual.last_copy_bytes = job->meter.bytes - job->stopped_at_bytes;
}

/* Rotating a long history takes 0.2 s: not while others migrate. */
static bool others_run(const struct mt_host *host, const struct mt_outcome *outcome)
{
        for (const struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (&job->outcome != outcome)
                        return true;
        return false;
}

void mt_job_send_record(struct mt_host *host, const struct mt_outcome *outcome)
{
        MT_CLEANUP(mt_freep) char *brief = mt_outcome_text(outcome, MT_SYSLOG_RECORD_BYTES);
        MT_CLEANUP(mt_freep) char *whole = mt_outcome_text(outcome, 0);
        const char *file = host->config.history.file;
        unsigned keep = others_run(host, outcome) ? UINT_MAX : host->config.history.keep;
        struct mt_record_fields fields;
        struct mt_err err = { 0 };

        mt_expose_outcome(host, outcome);
        if (brief == NULL || whole == NULL) {
                mt_log(MT_LOG_ERR, "domain '%s': its record was lost: out of memory", outcome->domain.name);
                mt_failed_open(host, MT_FAIL_OPEN_RECORD);
                return;
        }
        if (host->record != NULL)
                host->record(host->record_ctx, brief, mt_record_fields(outcome, &fields));
        if (file[0] != '\0' && mt_history_append(file, whole, keep, &err) < 0) {
                mt_log_limited(MT_LOG_WARNING, "history", "%s; the record stands in the system log alone", err.msg);
                mt_failed_open(host, MT_FAIL_OPEN_RECORD);
        }
}

void mt_job_free(struct mt_host *host, struct mt_job *job)
{
        for (struct mt_job **p = &host->jobs; *p != NULL; p = &(*p)->next)
                if (*p == job) {
                        *p = job->next;
                        break;
                }
        mt_residue_add(&host->residues, job->facts.device, MT_EGRESS, job->meter.bytes_s, mt_now_ms());
        mt_agent_release(job->agent, NULL);
        mt_recover_end(host, job, /* keep_note= */ true);
        if (job->domain != NULL)
                (void)virDomainFree(job->domain);
        if (job->call != NULL)
                mt_call_forget(host, job->call);
        mt_outcome_done(&job->outcome);
        free(job);
}

/* What became of its post-copy. */
static void note_recovery(struct mt_host *host, struct mt_job *job, enum mt_result result)
{
        const struct mt_recovery *recovery = &job->recovery;
        const uint64_t undefine = VIR_MIGRATE_UNDEFINE_SOURCE;

        job->outcome.recovery.breaks = recovery->breaks;
        job->outcome.recovery.attempts = recovery->attempts;
        job->outcome.recovery.lost_ms = recovery->lost_ms;
        if (result == MT_COMPLETED && recovery->was_let_go && (recovery->note.flags & undefine) != 0 &&
            job->domain != NULL && virDomainIsPersistent(job->domain) == 1)
                mt_log(MT_LOG_WARNING,
                       "domain '%s': its definition is still here, although its caller asked for its removal (libvirt lost "
                       "hold of the post-copy, and forgot that); `virsh undefine` removes it",
                       job->xml.id.name);
        mt_recover_end(host, job, /* keep_note= */ false);
}

void mt_job_finish(struct mt_host *host, struct mt_job *job, enum mt_result result, const struct mt_job_stats *stats,
                   const char *error)
{
        char device[sizeof(job->facts.device)];

        if (job->shaped)
                mt_job_meter(host, job, mt_now_ms());
        mt_job_withdraw(host, job);
        note_recovery(host, job, result);
        job->outcome.result = result;
        (void)snprintf(job->outcome.error, sizeof(job->outcome.error), "%s", error);
        fill_actual(job, stats);
        mt_job_send_record(host, &job->outcome);
        mt_learn_outcome(host, &job->outcome);
        (void)memcpy(device, job->facts.device, sizeof(device));
        mt_job_free(host, job);
        mt_ledger_changed(host, device, /* except= */ NULL); /* what it had goes to the others */
}
