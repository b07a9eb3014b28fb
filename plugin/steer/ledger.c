/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/ledger.h"
#include "policy/bandwidth.h"
#include "policy/inputs.h"
#include "policy/ledger.h"
#include "steer/job_state.h"
#include "steer/turn.h"

#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define MOST 512 /* migrations on one uplink; more are not shared among */
#define WORTH_PLANNING 0.01

/* Of each device, and of each destination: what it carries, what the SLA leaves of that, what nobody else uses. */
enum { BUDGET_LINK, BUDGET_SLA, BUDGET_IDLE, BUDGETS_EACH };
#define MOST_DESTINATIONS (MT_LEDGER_BUDGETS / BUDGETS_EACH - 1)

/* All of one device. */
struct ledger {
        struct mt_part part[MOST];
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

static void add(struct ledger *ledger, const struct mt_part *part)
{
        if (ledger->n < MOST)
                ledger->part[ledger->n++] = *part;
}

static void collect(const struct mt_host *host, const char *device, const char *except_uuid, struct ledger *ledger)
{
        for (struct mt_part part = { .job = NULL }; mt_part_next(host, device, except_uuid, &part);)
                add(ledger, &part);
}

/* The budgets of a destination as it was seen before, or new ones; BUDGET_LINK (0) where it is not known or there is no room. */
static size_t destination_of(struct ledger *ledger, const struct sockaddr_storage *peer)
{
        size_t i = 0;

        if (peer == NULL || peer->ss_family == AF_UNSPEC)
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
        budget[BUDGET_IDLE].rate = fmin(budget[BUDGET_IDLE].rate, fmax(carries - fmax(others, in->sla_upper), 0.0));
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
static bool can_move(const struct mt_part *part)
{
        return part->job == NULL || (part->job->state == MT_JOB_COPYING && part->intent->mode == MT_MODE_ENFORCE);
}

static double fixed_rate(const struct mt_part *part)
{
        return part->intent->mode == MT_MODE_ENFORCE ? mt_mbps(part->plan->bandwidth_bytes_s)
                                                     : part->job->meter.bytes_s * 8e-6;
}

static void enter(struct ledger *ledger, size_t i)
{
        const struct mt_part *part = &ledger->part[i];
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

/* Whether it has to share with anybody at all, here or at its destination. */
static bool shares(const struct ledger *ledger, size_t i)
{
        return ledger->n > 1 || ledger->part[i].facts->dst_migrations > 0;
}

/* Turns and shares to all jobs on the device: facts.waits_turn and granted_bytes_s (0 where nobody shares). */
static void grant(const struct mt_host *host, const char *device)
{
        struct ledger *ledger = device[0] != '\0' ? calloc(1, sizeof(*ledger)) : NULL;

        if (ledger == NULL) /* out of memory: the last shares hold */
                return;
        collect(host, device, /* except_uuid= */ "", ledger);
        mt_turn_give(ledger->part, ledger->n);
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
        add(ledger, &(struct mt_part){ .facts = facts, .intent = intent, .plan = plan, .peer = peer });
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
        grant(host, device);
        for (int giving = 1; giving >= 0; giving--)
                for (struct mt_part part = { .job = NULL }; mt_part_next(host, device, /* except_uuid= */ "", &part);)
                        if (part.job != NULL && part.job != except && is_concerned(part.job) &&
                            gives_way(part.job) == (giving == 1))
                                mt_job_replan(host, part.job);
}
