/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/ledger.h"
#include "log.h"
#include "policy/bandwidth.h"
#include "policy/inputs.h"
#include "policy/ledger.h"
#include "steer/call_match.h"
#include "steer/job_state.h"
#include "steer/queue.h"

#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define MOST 512 /* migrations on one uplink; more are not shared among */
#define WORTH_PLANNING 0.01

/* Of each device, and of each destination: what it carries, what the SLA leaves of that, what nobody else uses. */
enum { BUDGET_LINK, BUDGET_SLA, BUDGET_IDLE, BUDGETS_EACH };
#define MOST_DESTINATIONS (MT_LEDGER_BUDGETS / BUDGETS_EACH - 1)

/* One that takes part; job NULL: a call that was let go, or one that is only thought of. */
struct part {
        struct mt_job *job;
        const struct mt_facts *facts;
        const struct mt_intent *intent;
        const struct mt_plan *plan;
        const struct sockaddr_storage *peer; /* family AF_UNSPEC: not known */
};

/* All of one device. */
struct ledger {
        struct part part[MOST];
        struct mt_ledger_entry entry[MOST];
        size_t n;
        struct mt_ledger_budget budget[MT_LEDGER_BUDGETS];
        struct {
                const struct sockaddr_storage *peer;
                double own;            /* migrations of this host's */
                double others;         /* and of other hosts */
                double others_planned; /* Mbit/s */
        } destination[MOST_DESTINATIONS];
        size_t n_destinations;
};

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
        if (a->ss_family != b->ss_family)
                return false;
        if (a->ss_family == AF_INET)
                return ((const struct sockaddr_in *)a)->sin_addr.s_addr == ((const struct sockaddr_in *)b)->sin_addr.s_addr;
        return a->ss_family == AF_INET6 && IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)a)->sin6_addr,
                                                              &((const struct sockaddr_in6 *)b)->sin6_addr);
}

static bool runs_on(const struct mt_job *job, const char *device)
{
        return job->state != MT_JOB_OVER && strcmp(job->facts.device, device) == 0;
}

static bool is_let_go_on(const struct mt_host *host, const struct mt_announced *call, const char *device)
{
        return call->state == MT_ANNOUNCED_ADVISED && strcmp(call->outcome.facts.device, device) == 0 &&
               mt_call_counts(host, call);
}

static void add(struct ledger *ledger, const struct part *part)
{
        if (ledger->n < MOST)
                ledger->part[ledger->n++] = *part;
}

static void collect(const struct mt_host *host, const char *device, const char *except_uuid, struct ledger *ledger)
{
        static const struct sockaddr_storage unknown = { .ss_family = AF_UNSPEC };

        for (struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (runs_on(job, device) && strcmp(job->xml.id.uuid, except_uuid) != 0)
                        add(ledger, &(struct part){ .job = job,
                                                    .facts = &job->facts,
                                                    .intent = &job->intent,
                                                    .plan = &job->plan,
                                                    .peer = job->flows.n > 0 ? &job->flows.flow[0].peer : &unknown });
        for (const struct mt_announced *call = host->calls; call != NULL; call = call->next)
                if (is_let_go_on(host, call, device) && strcmp(call->outcome.domain.uuid, except_uuid) != 0)
                        add(ledger, &(struct part){ .facts = &call->outcome.facts,
                                                    .intent = &call->outcome.intent,
                                                    .plan = &call->outcome.plan,
                                                    .peer = &call->peer });
}

/* The budgets of a destination as it was seen before, or new ones; BUDGET_LINK (0) where it is not known or there is no room. */
static size_t destination_of(struct ledger *ledger, const struct sockaddr_storage *peer)
{
        size_t i = 0;

        if (peer->ss_family == AF_UNSPEC)
                return 0;
        while (i < ledger->n_destinations && !same_host(ledger->destination[i].peer, peer))
                i++;
        if (i == MOST_DESTINATIONS)
                return 0;
        if (i == ledger->n_destinations)
                ledger->destination[ledger->n_destinations++].peer = peer;
        return i + 1;
}

/* Three budgets from the first on, seen by one that draws on them: the least that any of them sees counts. */
static void lower_budgets(struct ledger *ledger, size_t first, const struct mt_inputs *in, double others)
{
        struct mt_ledger_budget *budget = &ledger->budget[first];
        double carries = in->link * MT_USABLE;

        budget[BUDGET_LINK].rate = fmin(budget[BUDGET_LINK].rate, carries);
        budget[BUDGET_SLA].rate = fmin(budget[BUDGET_SLA].rate, fmax(carries - in->sla_lower, 0.0));
        budget[BUDGET_IDLE].rate =
                fmin(budget[BUDGET_IDLE].rate, fmax(fmin(carries - others, in->link - in->sla_upper), 0.0));
}

static uint64_t one_of(size_t first, int budget)
{
        return UINT64_C(1) << (first + (size_t)budget);
}

/* The budgets from the first on, with what they mean to its urgency. */
static void draw_on(struct mt_ledger_entry *entry, size_t first)
{
        uint64_t link = one_of(first, BUDGET_LINK), sla = one_of(first, BUDGET_SLA), idle = one_of(first, BUDGET_IDLE);

        entry->draws_on |= link | sla | idle;
        entry->stopped_by |= link | sla | (entry->urgency == MT_URGENCY_LOW ? idle : 0);
        entry->need_stopped_by |= link | (entry->urgency != MT_URGENCY_HIGH ? sla : 0);
}

/* Whoever copies can be moved; one that stopped its guest, or is only watched, takes what it takes. */
static bool can_move(const struct part *part)
{
        return part->job == NULL || (part->job->state == MT_JOB_COPYING && part->intent->mode == MT_MODE_ENFORCE);
}

static double fixed_rate(const struct part *part)
{
        return part->intent->mode == MT_MODE_ENFORCE ? mt_mbps(part->plan->bandwidth_bytes_s)
                                                     : part->job->meter.bytes_s * 8e-6;
}

static void enter(struct ledger *ledger, size_t i)
{
        const struct part *part = &ledger->part[i];
        struct mt_ledger_entry *entry = &ledger->entry[i];
        size_t destination = destination_of(ledger, part->peer);
        struct mt_inputs in;

        mt_inputs_make(part->facts, part->intent, &in, /* why= */ NULL);
        *entry = (struct mt_ledger_entry){ .urgency = part->intent->urgency, .wanted = mt_mbps(part->plan->wanted_bytes_s) };
        entry->need = fmin(mt_mbps(part->plan->need_bytes_s), entry->wanted);
        entry->floor = fmin(in.min_bandwidth, entry->need);
        if (!can_move(part))
                entry->floor = entry->need = entry->wanted = fixed_rate(part);
        else if (part->facts->waits_turn)
                entry->floor = entry->need = entry->wanted = fmin(MT_TRICKLE_MBPS, entry->wanted);
        draw_on(entry, 0);
        lower_budgets(ledger, 0, &in, in.src_out);
        if (destination == 0)
                return;
        draw_on(entry, destination * BUDGETS_EACH);
        lower_budgets(ledger, destination * BUDGETS_EACH, &in, in.dst_in);
        ledger->destination[destination - 1].own += 1.0;
        ledger->destination[destination - 1].others = part->facts->dst_migrations;
        ledger->destination[destination - 1].others_planned = mt_mbps(part->facts->dst_migrations_bytes_s);
}

/*
 * Other hosts send there as well: what they do not plan to use is ours, and at least our part by the number of migrations. Each
 * of them reckons alike, so within two samples nobody has more than its part where all want more.
 */
static void share_destinations(struct ledger *ledger)
{
        for (size_t i = 0; i < ledger->n_destinations; i++) {
                double all = ledger->destination[i].own + ledger->destination[i].others;

                for (size_t b = (i + 1) * BUDGETS_EACH; ledger->destination[i].others > 0.0 && b < (i + 2) * BUDGETS_EACH;
                     b++) {
                        double *rate = &ledger->budget[b].rate;

                        *rate = fmax(*rate - ledger->destination[i].others_planned,
                                     *rate * ledger->destination[i].own / all);
                }
        }
}

static void share(struct ledger *ledger)
{
        for (size_t b = 0; b < MT_LEDGER_BUDGETS; b++)
                ledger->budget[b] = (struct mt_ledger_budget){ .rate = INFINITY };
        for (size_t i = 0; i < ledger->n; i++)
                enter(ledger, i);
        share_destinations(ledger);
        mt_ledger_share(ledger->entry, ledger->n, ledger->budget, (ledger->n_destinations + 1) * BUDGETS_EACH);
}

/* Whose turn it is. */

static bool asks(const struct mt_job *job)
{
        return !job->has_turn && job->state == MT_JOB_COPYING;
}

static void add_running(const struct part *part, struct mt_queue *queue)
{
        struct mt_inputs in;

        mt_inputs_make(part->facts, part->intent, &in, /* why= */ NULL);
        queue->running++;
        queue->running_share += MT_QUEUE_SHARE * mt_bandwidth_ideal(part->plan->technique, &in);
        queue->left -= mt_mbps(part->plan->need_bytes_s);
}

/* One of those that ask, among them all: may it go? */
static struct mt_turn turn_of(const struct ledger *ledger, size_t asking)
{
        const struct part *own = &ledger->part[asking];
        struct mt_waiter waiter[MT_MAX_CALLS];
        struct mt_queue queue = { .waiter = waiter };
        struct mt_inputs in;

        mt_inputs_make(own->facts, own->intent, &in, /* why= */ NULL);
        queue.share = MT_QUEUE_SHARE * mt_bandwidth_ideal(own->plan->technique, &in);
        queue.available = in.available;
        queue.left = in.link * MT_USABLE;
        queue.least = in.min_bandwidth;
        for (size_t i = ledger->n; i > 0; i--) { /* the oldest first */
                const struct part *part = &ledger->part[i - 1];

                if (part->job == NULL || !asks(part->job)) {
                        add_running(part, &queue);
                } else if (queue.n < MT_MAX_CALLS) {
                        if (i - 1 == asking)
                                queue.asking = queue.n;
                        waiter[queue.n++] =
                                (struct mt_waiter){ .urgency = part->intent->urgency, .traffic = part->plan->vm_class };
                }
        }
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
static void give_turns(const struct ledger *ledger)
{
        for (size_t i = ledger->n; i > 0; i--) {
                struct mt_job *job = ledger->part[i - 1].job;
                struct mt_turn turn = { .go = true };

                if (job == NULL || !asks(job))
                        continue;
                if (job->call == NULL && job->intent.mode == MT_MODE_ENFORCE)
                        turn = turn_of(ledger, i - 1);
                if (turn.go)
                        has_its_turn(job);
                else
                        trickles(job, &turn);
        }
}

/* Whether it has to share with anybody at all, here or at its destination. */
static bool shares(const struct ledger *ledger, size_t i)
{
        return ledger->n > 1 || ledger->part[i].facts->dst_migrations > 0;
}

void mt_ledger_grant(struct mt_host *host, const char *device)
{
        struct ledger *ledger = device[0] != '\0' ? calloc(1, sizeof(*ledger)) : NULL;

        if (ledger == NULL) /* out of memory: the last shares hold */
                return;
        collect(host, device, /* except_uuid= */ "", ledger);
        give_turns(ledger);
        share(ledger);
        for (size_t i = 0; i < ledger->n; i++)
                if (ledger->part[i].job != NULL)
                        ledger->part[i].job->facts.granted_bytes_s =
                                shares(ledger, i) ? mt_bytes_s(ledger->entry[i].granted) : 0;
        free(ledger);
}

uint64_t mt_ledger_preview(const struct mt_host *host, const struct mt_facts *facts, const struct mt_intent *intent,
                           const struct mt_plan *plan, const struct sockaddr_storage *peer, const char *uuid)
{
        struct ledger *ledger = facts->device[0] != '\0' ? calloc(1, sizeof(*ledger)) : NULL;
        uint64_t granted = 0;

        if (ledger == NULL)
                return 0;
        collect(host, facts->device, uuid, ledger);
        add(ledger, &(struct part){ .facts = facts, .intent = intent, .plan = plan, .peer = peer });
        share(ledger);
        if (shares(ledger, ledger->n - 1))
                granted = mt_bytes_s(ledger->entry[ledger->n - 1].granted);
        free(ledger);
        return granted;
}

/* Those that have to give way act first, so that what is set never exceeds the link. */
static bool gives_way(const struct mt_job *job)
{
        return job->facts.waits_turn ||
               (job->facts.granted_bytes_s > 0 && job->facts.granted_bytes_s < job->plan.bandwidth_bytes_s);
}

/* To give way is exact, else all together would exceed the link; to have more waits until it is worth while. */
static bool is_concerned(const struct mt_job *job)
{
        uint64_t granted = job->facts.granted_bytes_s > 0 ? job->facts.granted_bytes_s : job->plan.wanted_bytes_s;
        double more = (double)granted - (double)job->plan.bandwidth_bytes_s;

        return job->state == MT_JOB_COPYING &&
               (gives_way(job) || more > WORTH_PLANNING * (double)job->plan.bandwidth_bytes_s);
}

void mt_ledger_changed(struct mt_host *host, const char *device, const struct mt_job *except)
{
        mt_ledger_grant(host, device);
        for (int giving = 1; giving >= 0; giving--)
                for (struct mt_job *job = host->jobs; job != NULL; job = job->next)
                        if (job != except && runs_on(job, device) && is_concerned(job) && gives_way(job) == (giving == 1))
                                mt_job_replan(host, job);
}
