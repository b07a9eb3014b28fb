/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Who stands in a migration call asks before making it, asks again while it is told to wait, and tells how the call ended.
 * The watcher answers each question at once; what takes a moment is begun, and the answer is to ask again.
 *
 *   GATHERING   asked for the first time. Its destination's name is looked up and its libvirt asked for the traffic there,
 *               both in threads, for as long as measure.before_start and shim.timeout allow: "wait" 50 ms at a time.
 *   WAITING     the plan is made; the queue (turn.c, queue.h) says that others go first: "wait" 1 s at a time, with a fresh
 *               plan each time, for shim.max_wait at most.
 *   ADVISED     "make it so" (mode enforce) or "as it is" (mode observe). The caller makes the call.
 *   RUNNING     its job has begun (MIGRATION_ITERATION 1), and takes over what the call tells: who stood in it, whether
 *               post-copy is possible, the caller's own limit. The job's end is the call's.
 *   ENDED       the caller says that the call returned, and there was no job. One may yet be told of, since libvirt's
 *               events come another way: after ENDED_MS the call's own record is sent. (Where the shim in libvirt's daemon
 *               says so, and one in the client has yet to, the client may make another attempt: then after SILENT_MS.)
 *
 * A call that two shims stand in, or one of several of the same domain: call_match.c.
 *
 * A call whose caller vanished is forgotten: if it was to ask again, after SILENT_MS; if it was advised, after BEGINS_MS
 * unless libvirt says that the domain is being migrated (disks that are copied first may take hours). Its ticket is the
 * only thing that ties a question to the ones before it, so a restarted watcher takes a waiting caller for a new one.
 */
#include "steer/call.h"
#include "clock.h"
#include "log.h"
#include "measure/domain.h"
#include "record/json.h"
#include "steer/advice.h"
#include "steer/job.h"
#include "steer/job_state.h"
#include "steer/turn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SILENT_MS 10000
#define BEGINS_MS 60000
#define ENDED_MS 1000
#define FRESH_PLAN_MS 60000

/* libvirt's own words for VIR_ERR_OPERATION_ABORTED, which it does not translate in a daemon's log or here */
#define ABORTED_WORDS "operation aborted"

void mt_call_forget(struct mt_host *host, struct mt_announced *announced)
{
        for (struct mt_announced **p = &host->calls; *p != NULL; p = &(*p)->next)
                if (*p == announced) {
                        *p = announced->next;
                        break;
                }
        mt_resolver_abandon(announced->resolver);
        mt_outcome_done(&announced->outcome);
        free(announced);
}

void mt_call_clear(struct mt_host *host)
{
        while (host->calls != NULL)
                mt_call_forget(host, host->calls);
}

void mt_call_event(struct mt_announced *announced, const char *format, ...)
{
        char text[sizeof(announced->outcome.events[0].text)];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        mt_outcome_event(&announced->outcome, mt_now_ms() - announced->since_ms, text);
        mt_log(MT_LOG_DEBUG, "domain '%s': %s", announced->outcome.domain.name, text);
}

/* What was changed in the call: nothing where it was left as it is, and no more than libvirt's daemon saw of it. */
static struct mt_call_changes changes_of(const struct mt_announced *announced)
{
        struct mt_call_changes changes = announced->outcome.plan.call;

        if (!announced->tuned)
                return (struct mt_call_changes){ .known = false };
        if (!announced->seen)
                return changes;
        changes.flags_add &= announced->seen_flags;
        changes.flags_drop &= ~announced->seen_flags;
        if ((changes.flags_add & MT_FLAG_PARALLEL) == 0)
                changes.connections = 0;
        if ((changes.flags_add & MT_FLAG_COMPRESSED) == 0) {
                changes.compression = MT_COMPRESSION_LEAVE;
                changes.xbzrle_cache_bytes = 0;
        }
        return changes;
}

void mt_call_facts(const struct mt_announced *announced, struct mt_facts *facts)
{
        const struct mt_call_changes changes = changes_of(announced);

        facts->call = mt_advice_made(&announced->given, &changes);
        facts->post_copy = (facts->call.flags & MT_FLAG_POSTCOPY) != 0 ? MT_CALLER_YES : MT_CALLER_NO;
        facts->switchover_bandwidth = mt_advice_switchover(&announced->given, &changes);
}

void mt_call_record(const struct mt_announced *announced, struct mt_outcome *outcome)
{
        const struct mt_outcome *own = &announced->outcome;
        const struct mt_facts now = outcome->facts;
        bool fresh = announced->advised_ms != 0 && mt_now_ms() - announced->advised_ms <= FRESH_PLAN_MS;

        outcome->attach = own->attach;
        outcome->arbitrated = own->arbitrated;
        for (unsigned i = 0; i < own->n_events; i++)
                mt_outcome_event(outcome, 0, own->events[i].text);
        if (fresh && own->facts.device[0] != '\0') {
                outcome->facts = own->facts;
                outcome->facts.post_copy = now.post_copy;
                outcome->facts.switchover_bandwidth = now.switchover_bandwidth;
                outcome->plan = own->plan;
        }
        outcome->facts.call = announced->given; /* what was changed in it is the plan's */
        outcome->plan.call = changes_of(announced);
}

void mt_call_ended(struct mt_announced *announced, uint32_t by, int32_t result, const char *text)
{
        struct mt_outcome *outcome = &announced->outcome;

        announced->asker[by].ended = true;
        if (by == MT_CALL_BY_DAEMON && announced->asker[MT_CALL_BY_CLIENT].ended)
                return;
        outcome->error[0] = '\0';
        if (result < 0)
                (void)snprintf(outcome->error, sizeof(outcome->error), "%s",
                               text != NULL && text[0] != '\0' ? text : "the call failed; libvirt did not say why");
        if (strncmp(outcome->error, ABORTED_WORDS, strlen(ABORTED_WORDS)) == 0)
                announced->aborted = true;
        if (announced->state == MT_ANNOUNCED_RUNNING) /* the job's end is the call's */
                return;
        outcome->result = result >= 0 ? MT_COMPLETED : announced->aborted ? MT_CANCELLED : MT_FAILED;
        announced->state = MT_ANNOUNCED_ENDED;
        announced->ended_ms = mt_now_ms();
}

void mt_call_retried(struct mt_announced *announced, uint32_t by, const char *text)
{
        const char *why = text != NULL ? text : "no reason given";

        if (!announced->tuned)
                return;
        announced->tuned = false;
        announced->refused = announced->asker[MT_CALL_BY_DAEMON].ticket[0] != '\0';
        if (by == MT_CALL_BY_CLIENT) { /* it comes to the daemon once more */
                announced->asker[MT_CALL_BY_DAEMON] = (struct mt_asker){ .ended = false };
                announced->seen = false;
        }
        if (announced->state == MT_ANNOUNCED_ENDED) {
                announced->state = MT_ANNOUNCED_ADVISED;
                announced->advised_ms = mt_now_ms();
                announced->outcome.error[0] = '\0';
        }
        mt_log(MT_LOG_WARNING, "domain '%s': libvirt refused the changed call (%s), the caller's own is made",
               announced->outcome.domain.name, why);
        mt_call_event(announced, "libvirt refused the changed call (%.90s): the caller's own is made", why);
}

/* The record of a call that had no job. */
static void record(struct mt_host *host, struct mt_announced *announced)
{
        struct mt_outcome *outcome = &announced->outcome;

        (void)mt_record_id(outcome->id, sizeof(outcome->id), outcome->started_ms, outcome->domain.uuid);
        outcome->actual.total_ms = announced->ended_ms - announced->since_ms;
        outcome->actual.downtime_ms = UINT64_MAX;
        outcome->plan.call = changes_of(announced);
        if (outcome->result == MT_COMPLETED)
                (void)snprintf(outcome->error, sizeof(outcome->error), "the watcher saw nothing of it");
        mt_job_send_record(host, outcome);
        mt_log(MT_LOG_INFO, "domain '%s': migration to %s %s before it began: %s", outcome->domain.name,
               outcome->destination, mt_result_name(outcome->result), outcome->error);
}

/* Whether an advised call may still begin. */
static bool may_begin(const struct mt_host *host, struct mt_announced *announced, uint64_t now)
{
        virDomainPtr domain;
        bool may;

        if (now - announced->advised_ms < BEGINS_MS || now - announced->checked_ms < BEGINS_MS || host->connection == NULL)
                return true;
        if (mt_job_exists(host, announced->outcome.domain.uuid)) /* of another call; libvirt runs one job of a domain */
                return false;
        announced->checked_ms = now;
        domain = virDomainLookupByUUIDString(host->connection, announced->outcome.domain.uuid);
        if (domain == NULL)
                return false;
        may = mt_domain_is_migrating_out(domain);
        (void)virDomainFree(domain);
        return may;
}

static bool client_is_to_end(const struct mt_announced *announced)
{
        const struct mt_asker *client = &announced->asker[MT_CALL_BY_CLIENT];

        return client->ticket[0] != '\0' && !client->ended;
}

static void look_after(struct mt_host *host, struct mt_announced *announced, uint64_t now)
{
        const char *name = announced->outcome.domain.name;

        switch (announced->state) {
        case MT_ANNOUNCED_GATHERING:
        case MT_ANNOUNCED_WAITING:
                if (now - announced->asked_ms <= SILENT_MS)
                        return;
                mt_log(MT_LOG_NOTICE, "domain '%s': its caller waited for its turn and asks no more, forgetting it", name);
                break;
        case MT_ANNOUNCED_ADVISED:
                if (may_begin(host, announced, now))
                        return;
                mt_log(MT_LOG_NOTICE, "domain '%s': its migration was announced and never began, forgetting it", name);
                break;
        case MT_ANNOUNCED_RUNNING:
                return;
        case MT_ANNOUNCED_ENDED:
                if (now - announced->ended_ms < (client_is_to_end(announced) ? SILENT_MS : ENDED_MS))
                        return;
                if (announced->outcome.plan.bandwidth_bytes_s > 0) /* else there was no plan yet */
                        record(host, announced);
                break;
        }
        mt_call_forget(host, announced);
}

void mt_call_tick(struct mt_host *host)
{
        uint64_t now = mt_now_ms();

        for (struct mt_announced *announced = host->calls, *next; announced != NULL; announced = next) {
                next = announced->next;
                look_after(host, announced, now);
        }
}

static json_object *status_of(const struct mt_host *host, const struct mt_announced *announced)
{
        const struct mt_outcome *outcome = &announced->outcome;
        const struct mt_turn turn = mt_turn_of(host, announced);
        uint64_t waited = mt_now_ms() - announced->waiting_ms;
        json_object *o = json_object_new_object();
        char since[MT_TIMESTAMP_SIZE];

        mt_json_add(o, "domain", mt_json_string(outcome->domain.name));
        mt_json_add(o, "uuid", mt_json_string(outcome->domain.uuid));
        mt_json_add(o, "destination", mt_json_string(outcome->destination));
        mt_json_add(o, "state", mt_json_string("waiting"));
        mt_json_add(o, "position", mt_json_count(turn.position));
        mt_json_add(o, "since", mt_json_string(mt_timestamp(since, sizeof(since), mt_wall_ms() - waited)));
        mt_json_add(o, "waited_ms", mt_json_count(waited));
        mt_json_add(o, "waits_for", mt_json_string(turn.go ? "its caller, to ask again" : turn.reason));
        mt_json_add(o, "mode", mt_json_string(mt_mode_name(outcome->intent.mode)));
        mt_json_add(o, "facts", mt_facts_json(&outcome->facts, &outcome->plan));
        mt_json_add(o, "plan", mt_plan_json(&outcome->plan));
        mt_json_add(o, "reasons", mt_reasons_json(&outcome->plan.reasons));
        return o;
}

void mt_call_status(const struct mt_host *host, json_object *array)
{
        for (const struct mt_announced *announced = host->calls; announced != NULL; announced = announced->next)
                if (announced->state == MT_ANNOUNCED_WAITING)
                        (void)json_object_array_add(array, status_of(host, announced));
}
