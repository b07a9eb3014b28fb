/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The states are those of state.c. Which of LET_GO and BROKEN it is, when libvirt says that a post-copy failed, the connection
 * tells: it is there or it is gone.
 *
 * In LET_GO and BROKEN there is a resumer (resumer.c), which attempts only while the connection is gone. That a migration
 * was resumed is libvirt's to say, so it counts whoever did it; while ours is not calling it was somebody else.
 *
 * The way (resume_way.c) needs the URI of the destination's libvirt. Without any, one line says what an operator can do, and
 * a reloaded configuration is heeded. What is known is noted in the run directory at the switch: the next watcher could not
 * find it out where it comes to a broken state.
 */
#include "steer/recover.h"
#include "clock.h"
#include "log.h"
#include "record/json.h"
#include "steer/job_state.h"
#include "steer/resume_way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_BREAKS 6 /* in the record: each is two events, and there is room for 24 */

static const char *name_of(const struct mt_job *job)
{
        return job->xml.id.name;
}

static bool is_connected(const struct mt_job *job)
{
        struct mt_flows flows;

        return job->pid != 0 && mt_sockets_outgoing(job->pid, &flows, NULL) == 0 && !flows.guessed;
}

/* In the record as far as there is room. */
#define TELL(job, ...)                                                                                                      \
        do {                                                                                                                \
                if ((job)->recovery.breaks <= TOLD_BREAKS)                                                                  \
                        mt_job_event((job), __VA_ARGS__);                                                                   \
        } while (0)

/* Once a break: why it is left to others, and what they can do. */
static void say_unresumed(struct mt_job *job, const char *why)
{
        char command[512];

        if (job->recovery.said)
                return;
        job->recovery.said = true;
        mt_log(MT_LOG_ERR,
               "domain '%s': its post-copy broke and is not resumed: %s; by hand, on this host, with the URI that the "
               "destination's libvirt has: %s",
               name_of(job), why, mt_resume_command(&job->recovery.note, name_of(job), command, sizeof(command)));
        TELL(job, "not resumed: %.130s", why);
}

/* NULL: *ret says what is to be done; else why it is not. */
static const char *make_order(const struct mt_host *host, const struct mt_job *job, struct mt_resume_order *ret)
{
        (void)memset(ret, 0, sizeof(*ret));
        if (job->intent.mode != MT_MODE_ENFORCE)
                return "mode observe";
        if (host->config.destination.resume == MT_RESUME_NEVER)
                return "destination.resume = \"never\"";
        ret->n = mt_resume_ways(host, &job->recovery.note, ret->way);
        if (ret->n == 0)
                return "nobody told the URI of the destination's libvirt, and destination.uri is not set";
        ret->pid = job->pid;
        ret->whatever_version = host->config.destination.resume == MT_RESUME_ALWAYS;
        (void)memcpy(ret->uuid, job->xml.id.uuid, sizeof(ret->uuid));
        return NULL;
}

static void release(struct mt_recovery *recovery)
{
        mt_resumer_release(recovery->resumer);
        recovery->resumer = NULL;
        recovery->resumer_attempts = recovery->told_attempts = 0;
}

/* The same things to be done; libvirt_uri does not count. */
static bool same_order(const struct mt_resume_order *a, const struct mt_resume_order *b)
{
        bool same = a->pid == b->pid && a->n == b->n && a->whatever_version == b->whatever_version &&
                    strcmp(a->uuid, b->uuid) == 0;

        for (unsigned i = 0; same && i < a->n; i++)
                same = a->way[i].flags == b->way[i].flags && strcmp(a->way[i].uri, b->way[i].uri) == 0 &&
                       strcmp(a->way[i].migrate_uri, b->way[i].migrate_uri) == 0;
        return same;
}

/* Has it resumed; anew where the configuration has changed meanwhile. */
static void see_to_resumer(struct mt_host *host, struct mt_job *job)
{
        struct mt_recovery *recovery = &job->recovery;
        struct mt_resume_order order;
        struct mt_err err = { 0 };
        const char *obstacle = make_order(host, job, &order);
        char *uri;

        if (recovery->resumer != NULL && same_order(&order, &recovery->order))
                return;
        release(recovery);
        if (obstacle != NULL) {
                say_unresumed(job, obstacle);
                return;
        }
        uri = host->connection != NULL ? virConnectGetURI(host->connection) : NULL;
        if (uri == NULL) /* libvirt is away: the next tick */
                return;
        recovery->order = order;
        (void)snprintf(order.libvirt_uri, sizeof(order.libvirt_uri), "%s", uri);
        free(uri);
        if (mt_resumer_start(&order, host->agent_fd, &recovery->resumer, &err) < 0) {
                say_unresumed(job, err.msg);
                return;
        }
        recovery->said = false;
        mt_log(MT_LOG_NOTICE, "domain '%s': its post-copy is to be resumed through %s", name_of(job), order.way[0].uri);
}

static void breaks(struct mt_job *job)
{
        struct mt_recovery *recovery = &job->recovery;

        if (!mt_state_step(&job->state, MT_EVENT_BREAK))
                return;
        recovery->broken_ms = mt_now_ms();
        recovery->breaks++;
        recovery->earlier_attempts = recovery->attempts;
        recovery->said = false;
        mt_log(MT_LOG_WARNING, "domain '%s': post-copy broke: its connection to %s is gone, and the guest waits there",
               name_of(job), job->outcome.destination);
        TELL(job, "post-copy broke, %.0f MiB still to come", (double)job->stats.memory_remaining_bytes / (double)MT_MIB);
}

static void lets_go(struct mt_job *job)
{
        if (!mt_state_step(&job->state, MT_EVENT_LET_GO))
                return;
        job->recovery.was_let_go = true;
        mt_log(MT_LOG_WARNING,
               "domain '%s': libvirt lost hold of its post-copy, whose connection is there (was a daemon restarted?); "
               "waiting for its end",
               name_of(job));
        TELL(job, "libvirt lost hold of the post-copy, which goes on");
}

/* At this break so far. */
static unsigned attempts(const struct mt_recovery *recovery, const struct mt_resumer_news *news)
{
        return recovery->attempts + news->attempts - recovery->resumer_attempts - recovery->earlier_attempts;
}

static void look(const struct mt_recovery *recovery, struct mt_resumer_news *ret)
{
        *ret = (struct mt_resumer_news){ .state = MT_RESUMER_ENDED, .attempts = recovery->resumer_attempts };
        if (recovery->resumer != NULL)
                mt_resumer_look(recovery->resumer, ret);
}

/* "attempt 2" of the break, or somebody else. */
static const char *doer(const struct mt_job *job, char *text, size_t size)
{
        struct mt_resumer_news news;

        look(&job->recovery, &news);
        if (attempts(&job->recovery, &news) == 0 || news.state == MT_RESUMER_ENDED)
                return "by somebody else";
        (void)snprintf(text, size, "attempt %u", attempts(&job->recovery, &news));
        return text;
}

/* What the resumer did up to now is of the break that it is about. */
static void count_attempts(struct mt_recovery *recovery, const struct mt_resumer_news *news)
{
        recovery->attempts += news->attempts - recovery->resumer_attempts;
        recovery->resumer_attempts = news->attempts;
}

/* It is not broken any more. */
static void goes_on(struct mt_job *job)
{
        struct mt_recovery *recovery = &job->recovery;
        uint64_t lasted_ms = mt_now_ms() - recovery->broken_ms;
        struct mt_resumer_news news;
        char text[32];
        const char *by = doer(job, text, sizeof(text));

        recovery->lost_ms += lasted_ms;
        mt_log(MT_LOG_NOTICE, "domain '%s': post-copy resumed after %.1f s (%s)", name_of(job), mt_seconds(lasted_ms), by);
        TELL(job, "post-copy resumed after %.1f s (%s)", mt_seconds(lasted_ms), by);
        look(recovery, &news);
        count_attempts(recovery, &news);
        if (recovery->resumer != NULL)
                mt_resumer_succeeded(recovery->resumer);
}

void mt_recover_runs(struct mt_host *host, struct mt_job *job, bool was_broken)
{
        struct mt_recovery *recovery = &job->recovery;
        struct mt_err err = { 0 };

        if (was_broken)
                goes_on(job);
        if (!job->post_copy) {
                (void)mt_recover_note_read(host->run_dir, job->xml.id.uuid, &recovery->note, NULL);
                mt_resume_learn(job, &recovery->note);
                if (mt_recover_note_write(host->run_dir, job->xml.id.uuid, &recovery->note, &err) < 0)
                        mt_log_limited(MT_LOG_WARNING, "post-copy note",
                                       "domain '%s': %s; a watcher that is started later could not resume its post-copy",
                                       name_of(job), err.msg);
        }
        job->post_copy = true;
}

void mt_recover_failed(struct mt_host *host, struct mt_job *job, bool adopted)
{
        struct mt_recovery *recovery = &job->recovery;

        if (job->state != MT_JOB_POST_COPY) /* over, or known already */
                return;
        if (adopted)
                (void)snprintf(job->outcome.destination, sizeof(job->outcome.destination), "%s",
                               recovery->note.peer[0] != '\0' ? recovery->note.peer : "unknown");
        if (is_connected(job))
                lets_go(job);
        else
                breaks(job);
        see_to_resumer(host, job);
}

/* What it did since the last look, and why the last attempt failed. */
static void note_attempts(struct mt_job *job, const struct mt_resumer_news *news)
{
        struct mt_recovery *recovery = &job->recovery;
        char key[160];

        count_attempts(recovery, news);
        if (job->state != MT_JOB_BROKEN || news->state == MT_RESUMER_CALLS || news->error[0] == '\0' ||
            (news->refused ? recovery->said : recovery->told_attempts == news->attempts))
                return;
        recovery->told_attempts = news->attempts;
        (void)snprintf(key, sizeof(key), "resume %s %d", name_of(job), news->refused);
        mt_log_limited(news->refused ? MT_LOG_ERR : MT_LOG_WARNING, key, "domain '%s': %s%s", name_of(job), news->error,
                       news->refused ? "" : "; trying again");
        if (news->refused)
                TELL(job, "not resumed: %.130s", news->error);
        recovery->said = recovery->said || news->refused;
}

void mt_recover_collect(struct mt_job *job)
{
        struct mt_recovery *recovery = &job->recovery;
        struct mt_resumer_news news;

        if (recovery->resumer == NULL)
                return;
        look(recovery, &news);
        if (news.attempts > recovery->resumer_attempts || (news.refused && job->state == MT_JOB_LET_GO))
                breaks(job); /* nobody else tells, where libvirt had lost hold of it, or was away when it broke */
        if (news.state == MT_RESUMER_IDLES && mt_state_step(&job->state, MT_EVENT_CONNECTED)) {
                goes_on(job);
                recovery->was_let_go = true;
        }
        note_attempts(job, &news);
        if (news.state == MT_RESUMER_ENDED)
                release(recovery);
}

void mt_recover_tick(struct mt_host *host, struct mt_job *job)
{
        if (job->state == MT_JOB_BROKEN || job->state == MT_JOB_LET_GO)
                see_to_resumer(host, job);
}

void mt_recover_end(const struct mt_host *host, struct mt_job *job, bool keep_note)
{
        release(&job->recovery);
        if (job->post_copy && !keep_note)
                mt_recover_note_remove(host->run_dir, job->xml.id.uuid);
}

static bool has_job(const void *ctx, const char *uuid)
{
        const struct mt_host *host = ctx;

        for (const struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (strcmp(job->xml.id.uuid, uuid) == 0)
                        return true;
        return false;
}

void mt_recover_sweep(const struct mt_host *host)
{
        mt_recover_note_sweep(host->run_dir, has_job, host);
}

const char *mt_recover_text(const struct mt_job *job, char *ret, size_t size)
{
        const struct mt_recovery *recovery = &job->recovery;
        struct mt_resumer_news news;
        uint64_t now = mt_now_ms();

        if (job->state == MT_JOB_LET_GO)
                return "post-copy goes on, libvirt lost hold of it";
        if (job->state != MT_JOB_BROKEN)
                return "post-copy";
        look(recovery, &news);
        if (news.state == MT_RESUMER_CALLS)
                (void)snprintf(ret, size, "post-copy broken, resuming, attempt %u under way", attempts(recovery, &news));
        else if (news.state == MT_RESUMER_ENDED || news.refused)
                (void)snprintf(ret, size, "post-copy broken, not resumed%s%.200s", news.refused ? ": " : "", news.error);
        else
                (void)snprintf(ret, size, "post-copy broken, resuming, attempt %u, next in %.0f s",
                               attempts(recovery, &news) + 1, news.next_ms > now ? mt_seconds(news.next_ms - now) : 0.0);
        return ret;
}

json_object *mt_recover_json(const struct mt_job *job)
{
        const struct mt_recovery *recovery = &job->recovery;
        bool is_broken = job->state == MT_JOB_BROKEN;
        uint64_t lasts_ms = is_broken ? mt_now_ms() - recovery->broken_ms : 0;
        json_object *o;
        char text[320];

        if (recovery->breaks == 0 && job->state != MT_JOB_LET_GO)
                return NULL;
        o = json_object_new_object();
        mt_json_add(o, "text", mt_json_string(mt_recover_text(job, text, sizeof(text))));
        mt_json_add(o, "broken", json_object_new_boolean(is_broken));
        mt_json_add(o, "broken_for_ms", mt_json_count(lasts_ms));
        mt_json_add(o, "breaks", mt_json_count(recovery->breaks));
        mt_json_add(o, "attempts", mt_json_count(recovery->attempts));
        return o;
}
