/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/arbitrate.h"
#include "clock.h"
#include "log.h"
#include "steer/advice.h"
#include "steer/call_match.h"
#include "steer/job_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a report is about: a running job, or else a call that has none yet; both NULL: nothing that is known. */
struct subject {
        struct mt_job *job;
        struct mt_announced *call; /* the job's, or the one without a job */
        struct mt_outcome *outcome;
        uint64_t since_ms;
        bool is_own; /* who reports may speak of it */
};

static bool is_own(const struct mt_announced *call, uid_t uid)
{
        if (uid == 0)
                return true;
        for (uint32_t by = MT_CALL_BY_CLIENT; call != NULL && by <= MT_CALL_BY_DAEMON; by++)
                if (call->asker[by].ticket[0] != '\0' && call->asker[by].uid == uid)
                        return true;
        return false;
}

/* The reporter's call of the domain that has not ended and has no job; the latest that waits before one that was let go. */
static struct mt_announced *find_call(const struct mt_host *host, const char *uuid, uid_t uid)
{
        struct mt_announced *found = NULL;

        for (struct mt_announced *call = host->calls; call != NULL; call = call->next)
                if (call->state <= MT_ANNOUNCED_ADVISED && is_own(call, uid) &&
                    strcmp(call->outcome.domain.uuid, uuid) == 0 &&
                    (found == NULL || call->state < MT_ANNOUNCED_ADVISED || found->state == MT_ANNOUNCED_ADVISED))
                        found = call;
        return found;
}

static struct subject find(const struct mt_host *host, const struct mt_report *report, uid_t uid)
{
        struct mt_announced *call = find_call(host, report->uuid, uid);
        bool ends_wait = report->what == MT_REPORT_ABORT && call != NULL && call->state < MT_ANNOUNCED_ADVISED;

        for (struct mt_job *job = host->jobs; job != NULL && !ends_wait; job = job->next)
                if (job->state != MT_JOB_OVER && strcmp(job->xml.id.uuid, report->uuid) == 0)
                        return (struct subject){ job, job->call, &job->outcome, job->since_ms, is_own(job->call, uid) };
        if (call != NULL)
                return (struct subject){ NULL, call, &call->outcome, call->since_ms, true };
        return (struct subject){ .outcome = NULL };
}

static void add_event(struct subject *subject, const char *text)
{
        mt_outcome_event(subject->outcome, mt_now_ms() - subject->since_ms, text);
}

/* Whether what the plan says is, or will be, in force. */
static bool plan_stands(const struct subject *subject)
{
        if (subject->outcome->intent.mode != MT_MODE_ENFORCE)
                return false;
        return subject->job == NULL || (subject->job->limits_saved && subject->job->agent != NULL);
}

/* The caller's speed as an upper bound. False: it bounds nothing. */
static bool take_bound(struct subject *subject, uint64_t mib_s)
{
        struct mt_call_fact *fact = subject->job != NULL    ? &subject->job->facts.call
                                    : subject->call != NULL ? &subject->call->given
                                                            : NULL;

        if (fact == NULL || !fact->known || fact->override_limits)
                return false;
        fact->bandwidth_bytes_s = mt_advice_limit_bytes_s(mib_s);
        return fact->bandwidth_bytes_s > 0;
}

static int32_t limit(struct subject *subject, const struct mt_report *report)
{
        bool is_speed = report->what == MT_REPORT_MAX_SPEED;
        unsigned *count = is_speed ? &subject->outcome->arbitrated.speeds : &subject->outcome->arbitrated.downtimes;
        const char *domain = subject->outcome->domain.name;
        char text[128];
        bool bounds;

        if (!plan_stands(subject))
                return 0;
        if (!subject->is_own)
                return 1;
        bounds = is_speed && take_bound(subject, report->value);
        if ((*count)++ > 0)
                return 1;
        if (is_speed)
                (void)snprintf(text, sizeof(text), "a caller asked for at most %" PRIu64 " MiB/s: the plan's limit stands%s",
                               report->value, bounds ? ", and keeps below" : "");
        else
                (void)snprintf(text, sizeof(text),
                               "a caller asked for a downtime limit of %" PRIu64 " ms: the plan's stands", report->value);
        add_event(subject, text);
        mt_log(MT_LOG_NOTICE, "domain '%s': %s", domain, text);
        return 1;
}

static void act(struct subject *subject, uint32_t what)
{
        static const char *const texts[] = {
                [MT_REPORT_POST_COPY] = "the caller asked for post-copy",
                [MT_REPORT_ABORT] = "the caller asked to abort",
                [MT_REPORT_SUSPEND] = "the caller asked to suspend the guest",
        };

        add_event(subject, texts[what]);
        mt_log(MT_LOG_INFO, "domain '%s': %s", subject->outcome->domain.name, texts[what]);
        if (what == MT_REPORT_POST_COPY && subject->job != NULL && subject->job->asked_in == 0)
                subject->job->asked_in = subject->job->iteration;
        if (what != MT_REPORT_ABORT)
                return;
        if (subject->job != NULL)
                subject->job->aborted = true;
        if (subject->call != NULL)
                subject->call->aborted = true;
}

/* The job was taken for a call that failed, and is this one's. */
static void change_call(struct mt_host *host, struct mt_job *job, struct mt_announced *call)
{
        unsigned downtimes = job->outcome.arbitrated.downtimes, speeds = job->outcome.arbitrated.speeds;

        job->call = call;
        call->state = MT_ANNOUNCED_RUNNING;
        (void)mt_config_intent(&host->config, &job->xml.id, &job->xml.metadata, &job->intent, NULL);
        mt_wishes_apply(&call->wishes, &job->intent);
        mt_call_facts(call, &job->facts);
        mt_job_event(job, "another call of this domain failed, whose migration it was taken for");
        mt_call_record(call, &job->outcome);
        job->outcome.intent = job->intent;
        job->outcome.arbitrated.downtimes += downtimes;
        job->outcome.arbitrated.speeds += speeds;
}

static struct mt_job *job_of(const struct mt_host *host, const struct mt_announced *call)
{
        struct mt_job *job = host->jobs;

        while (job != NULL && job->call != call)
                job = job->next;
        return job;
}

/* The call returned: of a job that still runs it says why it failed, if so, and that it is time to look. */
static void ended(struct mt_host *host, struct mt_announced *call, uint32_t by, const struct mt_report *report)
{
        struct mt_job *job = report->result < 0 ? job_of(host, call) : NULL;
        struct mt_announced *other = job != NULL && job->state != MT_JOB_OVER ? mt_call_instead(host, call) : NULL;

        if (other != NULL) {
                change_call(host, job, other);
                call->state = MT_ANNOUNCED_ADVISED;
                job = NULL;
        }
        mt_call_ended(call, by, report->result, report->text);
        if (job == NULL)
                return;
        job->aborted |= call->aborted;
        if (job->agent != NULL)
                mt_agent_want_stats(job->agent);
}

int32_t mt_arbitrate(struct mt_host *host, const struct mt_report *report, uid_t uid)
{
        uint32_t by = 0;
        struct mt_announced *call = report->ticket != NULL ? mt_call_by_ticket(host, report->ticket, uid, &by) : NULL;
        struct subject subject = find(host, report, uid);

        if (call != NULL && strcmp(call->outcome.domain.uuid, report->uuid) != 0)
                call = NULL;
        switch (report->what) {
        case MT_REPORT_ENDED:
                if (call != NULL)
                        ended(host, call, by, report);
                return 0;
        case MT_REPORT_RETRIED:
                if (call != NULL && call->state == MT_ANNOUNCED_RUNNING) /* it had begun: not to be made again */
                        return 1;
                if (call != NULL)
                        mt_call_retried(call, by, report->text);
                return 0;
        case MT_REPORT_MAX_DOWNTIME:
        case MT_REPORT_MAX_SPEED:
                return subject.outcome != NULL ? limit(&subject, report) : 0;
        case MT_REPORT_POST_COPY:
        case MT_REPORT_ABORT:
        case MT_REPORT_SUSPEND:
                if (subject.outcome != NULL && subject.is_own)
                        act(&subject, report->what);
                return 0;
        default: /* of a newer host */
                return 0;
        }
}
