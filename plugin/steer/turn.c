/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/turn.h"
#include "policy/bandwidth.h"
#include "policy/inputs.h"
#include "steer/call_match.h"
#include "steer/job_state.h"

#include <string.h>

/* Another domain's job that runs on the uplink. */
static bool runs_on(const struct mt_job *job, const char *device, const char *except_uuid)
{
        return job->state != MT_JOB_OVER && strcmp(job->facts.device, device) == 0 &&
               strcmp(job->xml.id.uuid, except_uuid) != 0;
}

/* Another domain's call that begins there at any moment. */
static bool is_let_go_on(const struct mt_host *host, const struct mt_announced *call, const char *device,
                         const char *except_uuid)
{
        return call->state == MT_ANNOUNCED_ADVISED && strcmp(call->outcome.facts.device, device) == 0 &&
               strcmp(call->outcome.domain.uuid, except_uuid) != 0 && mt_call_counts(host, call);
}

static void share_with(const struct mt_facts *other, const struct mt_plan *plan, struct mt_facts *facts)
{
        facts->parallel++;
        facts->taken_bytes_s += plan->bandwidth_bytes_s;
        facts->vms_in_bytes_s += other->vm.in_bytes_s;
        facts->vms_out_bytes_s += other->vm.out_bytes_s;
}

void mt_turn_share(const struct mt_host *host, const char *uuid, struct mt_facts *facts)
{
        facts->parallel = 0;
        facts->taken_bytes_s = 0;
        facts->vms_in_bytes_s = facts->vm.in_bytes_s;
        facts->vms_out_bytes_s = facts->vm.out_bytes_s;
        for (const struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (runs_on(job, facts->device, uuid))
                        share_with(&job->facts, &job->plan, facts);
        for (const struct mt_announced *call = host->calls; call != NULL; call = call->next)
                if (is_let_go_on(host, call, facts->device, uuid))
                        share_with(&call->outcome.facts, &call->outcome.plan, facts);
}

/* MT_QUEUE_SHARE of the ideal bandwidth. Mbit/s. */
static double share_of(const struct mt_facts *facts, const struct mt_intent *intent, const struct mt_plan *plan)
{
        struct mt_inputs in;

        mt_inputs_make(facts, intent, &in, /* why= */ NULL);
        return MT_QUEUE_SHARE * mt_bandwidth_ideal(plan->technique, &in);
}

static void count_running(const struct mt_host *host, const char *device, const char *except_uuid, struct mt_queue *queue)
{
        for (const struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (runs_on(job, device, except_uuid)) {
                        queue->running++;
                        queue->running_share += share_of(&job->facts, &job->intent, &job->plan);
                        queue->left -= mt_mbps(job->plan.need_bytes_s);
                }
        for (const struct mt_announced *call = host->calls; call != NULL; call = call->next)
                if (is_let_go_on(host, call, device, except_uuid)) {
                        queue->running++;
                        queue->running_share += share_of(&call->outcome.facts, &call->outcome.intent, &call->outcome.plan);
                        queue->left -= mt_mbps(call->outcome.plan.need_bytes_s);
                }
}

struct mt_turn mt_turn_of(const struct mt_host *host, const struct mt_announced *asking)
{
        const struct mt_outcome *own = &asking->outcome;
        struct mt_waiter waiter[MT_MAX_CALLS];
        struct mt_queue queue = { .waiter = waiter };
        struct mt_inputs in;

        mt_inputs_make(&own->facts, &own->intent, &in, /* why= */ NULL);
        queue.share = share_of(&own->facts, &own->intent, &own->plan);
        queue.available = in.available;
        queue.left = in.link * MT_USABLE; /* what the running ones need is subtracted: they give way down to that */
        queue.least = in.min_bandwidth;
        count_running(host, own->facts.device, own->domain.uuid, &queue);
        for (const struct mt_announced *call = host->calls; call != NULL && queue.n < MT_MAX_CALLS; call = call->next) {
                if (call != asking && (call->state != MT_ANNOUNCED_WAITING || call->aborted ||
                                       strcmp(call->outcome.facts.device, own->facts.device) != 0 ||
                                       strcmp(call->outcome.domain.uuid, own->domain.uuid) == 0))
                        continue;
                if (call == asking)
                        queue.asking = queue.n;
                waiter[queue.n++] = (struct mt_waiter){ .urgency = call->outcome.intent.urgency,
                                                        .traffic = call->outcome.plan.vm_class };
        }
        return mt_queue_turn(&queue);
}
