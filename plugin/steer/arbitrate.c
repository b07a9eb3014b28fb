/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/arbitrate.h"
#include "clock.h"
#include "log.h"
#include "steer/advice.h"
#include "steer/call.h"
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
};

static struct subject find(const struct mt_host *host, const char *uuid)
{
        struct mt_announced *call = mt_call_find(host, uuid);

        for (struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (job->over_ms == 0 && strcmp(job->xml.id.uuid, uuid) == 0)
                        return (struct subject){ job, job->call, &job->outcome, job->since_ms };
        if (call != NULL && call->state != MT_ANNOUNCED_ENDED)
                return (struct subject){ NULL, call, &call->outcome, call->since_ms };
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

/* The call returned: of a job that still runs it says why it failed, if so, and that it is time to look. */
static void ended(struct mt_announced *call, const struct mt_host *host, const struct mt_report *report)
{
        mt_call_ended(call, report->result, report->text);
        for (struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (job->call == call && report->result < 0) {
                        job->aborted |= call->aborted;
                        if (job->agent != NULL)
                                mt_agent_want_stats(job->agent);
                }
}

int32_t mt_arbitrate(struct mt_host *host, const struct mt_report *report)
{
        struct mt_announced *call = report->ticket != NULL ? mt_call_by_ticket(host, report->ticket) : NULL;
        struct subject subject = find(host, report->uuid);

        switch (report->what) {
        case MT_REPORT_ENDED:
                if (call != NULL)
                        ended(call, host, report);
                return 0;
        case MT_REPORT_RETRIED:
                if (call != NULL && call->state == MT_ANNOUNCED_RUNNING) /* it had begun: not to be made again */
                        return 1;
                if (call != NULL)
                        mt_call_retried(call, report->text);
                return 0;
        case MT_REPORT_MAX_DOWNTIME:
        case MT_REPORT_MAX_SPEED:
                return subject.outcome != NULL ? limit(&subject, report) : 0;
        case MT_REPORT_POST_COPY:
        case MT_REPORT_ABORT:
        case MT_REPORT_SUSPEND:
                if (subject.outcome != NULL)
                        act(&subject, report->what);
                return 0;
        default: /* of a newer host */
                return 0;
        }
}
