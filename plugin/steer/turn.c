/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/turn.h"
#include "log.h"
#include "policy/bandwidth.h"
#include "policy/inputs.h"
#include "steer/call_match.h"
#include "steer/gather.h"
#include "steer/job_state.h"

#include <string.h>

/* Another domain's job that runs on the uplink. */
static bool runs_on(const struct mt_job *job, const char *device, const char *except_uuid)
{
        return job->state != MT_JOB_OVER && strcmp(job->facts.device, device) == 0 &&
               strcmp(job->xml.id.uuid, except_uuid) != 0;
}

static bool is_called_on(const struct mt_announced *call, enum mt_announced_state state, const char *device,
                         const char *except_uuid)
{
        return call->state == state && strcmp(call->outcome.facts.device, device) == 0 &&
               strcmp(call->outcome.domain.uuid, except_uuid) != 0;
}

/* Another domain's call that begins there at any moment. */
static bool is_let_go_on(const struct mt_host *host, const struct mt_announced *call, const char *device,
                         const char *except_uuid)
{
        return is_called_on(call, MT_ANNOUNCED_ADVISED, device, except_uuid) && mt_call_counts(host, call);
}

static struct mt_part part_of_call(const struct mt_announced *call)
{
        return (struct mt_part){ .call = call,
                                 .facts = &call->outcome.facts,
                                 .intent = &call->outcome.intent,
                                 .plan = &call->outcome.plan,
                                 .peer = &call->peer };
}

bool mt_part_next(const struct mt_host *host, const char *device, const char *except_uuid, struct mt_part *part)
{
        const struct mt_announced *call = part->call != NULL ? part->call->next : host->calls;
        struct mt_job *job = NULL;

        if (part->call == NULL)
                job = part->job != NULL ? part->job->next : host->jobs;
        while (job != NULL && !runs_on(job, device, except_uuid))
                job = job->next;
        if (job != NULL) {
                *part = (struct mt_part){ .job = job,
                                          .facts = &job->facts,
                                          .intent = &job->intent,
                                          .plan = &job->plan,
                                          .peer = mt_gather_peer(&job->flows) };
                return true;
        }
        while (call != NULL && !is_let_go_on(host, call, device, except_uuid))
                call = call->next;
        if (call == NULL)
                return false;
        *part = part_of_call(call);
        return true;
}

void mt_turn_share(const struct mt_host *host, const char *uuid, struct mt_facts *facts)
{
        facts->parallel = 0;
        facts->taken_bytes_s = 0;
        facts->vms_in_bytes_s = facts->vm.in_bytes_s;
        facts->vms_out_bytes_s = facts->vm.out_bytes_s;
        for (struct mt_part other = { .job = NULL }; mt_part_next(host, facts->device, uuid, &other);) {
                facts->parallel++;
                facts->taken_bytes_s += other.plan->bandwidth_bytes_s;
                facts->vms_in_bytes_s += other.facts->vm.in_bytes_s;
                facts->vms_out_bytes_s += other.facts->vm.out_bytes_s;
        }
}

/* MT_QUEUE_SHARE of the ideal bandwidth. Mbit/s. */
static double share_of(const struct mt_part *part, const struct mt_inputs *in)
{
        return MT_QUEUE_SHARE * mt_bandwidth_ideal(part->plan->technique, in);
}

/* What the one that asks finds where nobody else is. */
static struct mt_queue queue_of(const struct mt_part *own)
{
        struct mt_inputs in;

        mt_inputs_make(own->facts, own->intent, &in, /* why= */ NULL);
        return (struct mt_queue){ .share = share_of(own, &in),
                                  .available = in.available,
                                  .left = in.link * MT_USABLE,
                                  .least = in.min_bandwidth };
}

/* What it needs is subtracted: it gives way down to that. */
static void add_running(const struct mt_part *part, struct mt_queue *queue)
{
        struct mt_inputs in;

        mt_inputs_make(part->facts, part->intent, &in, /* why= */ NULL);
        queue->running++;
        queue->running_share += share_of(part, &in);
        queue->left -= mt_mbps(part->plan->need_bytes_s);
}

static void add_waiter(const struct mt_part *part, bool is_asking, struct mt_waiter *waiter, struct mt_queue *queue)
{
        if (queue->n == MT_MAX_CALLS)
                return;
        if (is_asking)
                queue->asking = queue->n;
        waiter[queue->n++] = (struct mt_waiter){ .urgency = part->intent->urgency, .traffic = part->plan->vm_class };
}

struct mt_turn mt_turn_of(const struct mt_host *host, const struct mt_announced *asking)
{
        const char *device = asking->outcome.facts.device, *uuid = asking->outcome.domain.uuid;
        const struct mt_part own = part_of_call(asking);
        struct mt_waiter waiter[MT_MAX_CALLS];
        struct mt_queue queue = queue_of(&own);

        queue.waiter = waiter;
        for (struct mt_part part = { .job = NULL }; mt_part_next(host, device, uuid, &part);)
                add_running(&part, &queue);
        for (const struct mt_announced *call = host->calls; call != NULL; call = call->next) {
                const struct mt_part part = part_of_call(call);

                if (call == asking || (is_called_on(call, MT_ANNOUNCED_WAITING, device, uuid) && !call->aborted))
                        add_waiter(&part, call == asking, waiter, &queue);
        }
        return mt_queue_turn(&queue);
}

/* Those that run already: nobody asked before. */

static bool asks(const struct mt_job *job)
{
        return job != NULL && !job->has_turn && job->state == MT_JOB_COPYING;
}

/* One of those that ask, among them all: may it go? */
static struct mt_turn turn_of_job(const struct mt_part *part, size_t n, size_t asking)
{
        struct mt_waiter waiter[MT_MAX_CALLS];
        struct mt_queue queue = queue_of(&part[asking]);

        queue.waiter = waiter;
        for (size_t i = n; i > 0; i--) /* the oldest first */
                if (asks(part[i - 1].job))
                        add_waiter(&part[i - 1], i - 1 == asking, waiter, &queue);
                else
                        add_running(&part[i - 1], &queue);
        return mt_queue_turn(&queue);
}

static void has_its_turn(struct mt_job *job)
{
        if (job->facts.waits_turn)
                mt_job_event(job, "its turn has come");
        job->has_turn = true;
        job->facts.waits_turn = false;
}

static void trickles(struct mt_job *job, const struct mt_turn *turn)
{
        if (!job->facts.waits_turn) {
                mt_job_event(job, "trickles at 1 MiB/s until it is its turn: %s", turn->reason);
                mt_log(MT_LOG_INFO, "domain '%s': trickles at 1 MiB/s until it is its turn: %s", job->xml.id.name,
                       turn->reason);
        }
        job->facts.waits_turn = true;
}

/* Each that goes counts for those that are looked at after it; one pass is enough, since each sees all that wait. */
void mt_turn_give(const struct mt_part *part, size_t n)
{
        for (size_t i = n; i > 0; i--) {
                struct mt_job *job = part[i - 1].job;
                struct mt_turn turn = { .go = true };

                if (!asks(job))
                        continue;
                if (job->call == NULL && job->intent.mode == MT_MODE_ENFORCE)
                        turn = turn_of_job(part, n, i - 1);
                if (turn.go)
                        has_its_turn(job);
                else
                        trickles(job, &turn);
        }
}
