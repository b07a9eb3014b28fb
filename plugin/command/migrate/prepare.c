/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who moves, where to, in which order: all that is found out before anything is started. */
#include "cleanup.h"
#include "command/migrate/ask.h"
#include "command/migrate/run.h"
#include "command/migrate/targets.h"
#include "command/plan.h"
#include "shim_json.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEPALIVE_S 5
#define KEEPALIVE_COUNT 6

/* At a time, where the watcher's queue decides: each keeps a thread of the source's libvirtd (20 of them) for as long. */
#define SLOTS_AUTO 8u

static inline void json_putp(json_object **object)
{
        (void)json_object_put(*object);
}

static inline void free_domain(virDomainPtr *domain)
{
        if (*domain != NULL)
                (void)virDomainFree(*domain);
}

static int connect_here(struct mt_run *run, struct mt_err *err)
{
        virConnectPtr connection = virConnectOpen(run->options.connect);

        if (connection == NULL)
                return mt_fail(err, EIO, "connect to libvirt at %s: %s", run->options.connect, virGetLastErrorMessage());
        (void)virConnectSetKeepAlive(connection, KEEPALIVE_S, KEEPALIVE_COUNT);
        run->connection = connection;
        return 0;
}

/* A name as it may be shown: without what would move a terminal's cursor. */
static void show_name(const char *name, char *ret, size_t size)
{
        (void)snprintf(ret, size, "%s", name != NULL ? name : "?");
        for (char *c = ret; *c != '\0'; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = '?';
}

/* Appends the domain to the moves, unless it is among them. They have room. */
static void add_move(struct mt_run *run, virDomainPtr domain)
{
        struct mt_move *move = &run->moves[run->n];
        virDomainInfo info;

        *move = (struct mt_move){ .destination = 0,
                                  .item = { .urgency = MT_URGENCY_MEDIUM, .total_ms = UINT64_MAX },
                                  .predicted = { UINT64_MAX, UINT64_MAX },
                                  .actual = { UINT64_MAX, UINT64_MAX } };
        if (virDomainGetUUIDString(domain, move->uuid) < 0)
                return;
        for (size_t i = 0; i < run->n; i++)
                if (strcmp(run->moves[i].uuid, move->uuid) == 0)
                        return;
        show_name(virDomainGetName(domain), move->name, sizeof(move->name));
        move->persistent = virDomainIsPersistent(domain) == 1;
        if (virDomainGetInfo(domain, &info) == 0)
                move->memory_bytes = (uint64_t)info.memory * MT_KIB;
        run->n++;
}

static int allocate_moves(struct mt_run *run, size_t n, struct mt_err *err)
{
        if (n > MT_SCHEDULE_MOST)
                return mt_fail(err, E2BIG, "%zu domains run here: expected at most %u", n, MT_SCHEDULE_MOST);
        run->moves = calloc(n > 0 ? n : 1, sizeof(*run->moves));
        run->order = calloc(n > 0 ? n : 1, sizeof(*run->order));
        return run->moves != NULL && run->order != NULL ? 0 : mt_fail(err, ENOMEM, "out of memory for %zu domains", n);
}

/* Those that are named: each must be there and run. */
static int find_named(struct mt_run *run, struct mt_err *err)
{
        int r = allocate_moves(run, run->options.n_domains, err);

        for (unsigned i = 0; r == 0 && i < run->options.n_domains; i++) {
                const char *name = run->options.domains[i];
                MT_CLEANUP(free_domain) virDomainPtr domain = virDomainLookupByName(run->connection, name);

                if (domain == NULL)
                        domain = virDomainLookupByUUIDString(run->connection, name);
                if (domain == NULL || virDomainIsActive(domain) != 1)
                        return mt_fail(err, EINVAL, "'%s': expected a domain that runs here (%s)", name,
                                       domain == NULL ? "there is none of that name" : "it is shut off");
                add_move(run, domain);
        }
        return r;
}

/* All that run become moves; the others are noted. */
static int sort_domains(struct mt_run *run, virDomainPtr *domains, int n, struct mt_err *err)
{
        int r = allocate_moves(run, (size_t)n, err);

        run->left = calloc((size_t)n + 1, sizeof(*run->left));
        if (run->left == NULL)
                r = mt_fail(err, ENOMEM, "out of memory for %d domains", n);
        for (int i = 0; i < n && r == 0; i++) {
                char name[sizeof(run->moves->name)];

                if (virDomainIsActive(domains[i]) == 1) {
                        add_move(run, domains[i]);
                        continue;
                }
                show_name(virDomainGetName(domains[i]), name, sizeof(name));
                run->left[run->n_left] = strdup(name);
                run->n_left += run->left[run->n_left] != NULL;
        }
        return r;
}

static int find_all(struct mt_run *run, struct mt_err *err)
{
        virDomainPtr *domains = NULL;
        int n = virConnectListAllDomains(run->connection, &domains, 0);
        int r;

        if (n < 0)
                return mt_fail(err, EIO, "list the domains: %s", virGetLastErrorMessage());
        r = sort_domains(run, domains, n, err);
        for (int i = 0; i < n; i++)
                (void)virDomainFree(domains[i]);
        free(domains);
        return r;
}

static bool is_paused(struct mt_run *run, const struct mt_move *move)
{
        MT_CLEANUP(free_domain) virDomainPtr domain = virDomainLookupByUUIDString(run->connection, move->uuid);
        int state = 0;

        return domain != NULL && virDomainGetState(domain, &state, NULL, 0) == 0 && state == VIR_DOMAIN_PAUSED;
}

/* The plan for the move to its destination. */
static int ask_plan(struct mt_run *run, const struct mt_move *move, json_object **ret, struct mt_err *err)
{
        const char *uri = run->target[move->destination].uri;
        const struct mt_call call = mt_ask_call(&run->options, move, uri, is_paused(run, move), /* ticket= */ NULL);
        MT_CLEANUP(json_putp) json_object *intent = mt_wishes_intent_json(&run->options.wishes);
        MT_CLEANUP(json_putp) json_object *described = mt_shim_call_json(&call);
        const struct mt_plan_question question = { .domain = move->uuid,
                                                   .destination = uri,
                                                   .connect = run->options.connect,
                                                   .intent = intent,
                                                   .call = described };

        return mt_plan_ask(&run->host, &question, ret, err);
}

static double number(json_object *object, const char *key)
{
        return json_object_get_double(json_object_object_get(object, key));
}

static const char *text(json_object *object, const char *key)
{
        const char *value = json_object_get_string(json_object_object_get(object, key));

        return value != NULL ? value : "";
}

/* null: never. */
static uint64_t milliseconds(json_object *object, const char *key)
{
        json_object *value = json_object_object_get(object, key);

        return json_object_is_type(value, json_type_int) ? (uint64_t)json_object_get_int64(value) : UINT64_MAX;
}

static void take_plan(struct mt_run *run, struct mt_move *move, json_object *planned)
{
        json_object *plan = json_object_object_get(planned, "plan"), *queue = json_object_object_get(planned, "queue");
        json_object *prediction = json_object_object_get(plan, "prediction");
        json_object *vm = json_object_object_get(json_object_object_get(planned, "facts"), "vm");

        (void)snprintf(move->technique, sizeof(move->technique), "%s", text(plan, "technique"));
        (void)mt_urgency_parse(text(json_object_object_get(planned, "intent"), "urgency"), &move->item.urgency);
        (void)mt_traffic_class_parse(text(vm, "class"), &move->item.traffic);
        move->predicted = (struct mt_move_figures){ .total_ms = milliseconds(prediction, "total_ms"),
                                                    .downtime_ms = milliseconds(prediction, "downtime_ms") };
        move->item.total_ms = move->predicted.total_ms;
        move->item.bandwidth = number(plan, "bandwidth_mbps");
        move->item.share = number(queue, "share_mbps");
        run->link.available = number(queue, "available_mbps");
        run->link.left = number(queue, "left_mbps");
        run->link.least = number(queue, "least_mbps");
}

/* One that cannot be planned is tried all the same: libvirt may say why it cannot be moved. */
static void plan(struct mt_run *run, struct mt_move *move)
{
        MT_CLEANUP(json_putp) json_object *planned = NULL;
        struct mt_err err = { 0 };

        move->technique[0] = '\0';
        if (ask_plan(run, move, &planned, &err) == 0)
                take_plan(run, move, planned);
        else
                (void)snprintf(move->reason, sizeof(move->reason), "%.255s", err.msg);
}

static void put_in_order(struct mt_run *run)
{
        struct mt_schedule_item *items = calloc(run->n + 1, sizeof(*items));

        for (size_t i = 0; i < run->n; i++)
                run->order[i] = i;
        if (items == NULL)
                return;
        for (size_t i = 0; i < run->n; i++)
                items[i] = run->moves[i].item;
        mt_schedule_order(items, run->n, run->order);
        free(items);
}

/* Each to where most is free when those before it have arrived. */
static void choose_destinations(struct mt_run *run, struct mt_place *places)
{
        for (size_t i = 0; i < run->n; i++) {
                struct mt_move *move = &run->moves[run->order[i]];
                size_t before = move->destination;

                move->destination = mt_place_choose(places, run->n_targets, move->memory_bytes, run->options.overcommit);
                if (move->destination == MT_PLACE_NONE) {
                        mt_targets_explain(run, places, move->memory_bytes, move->reason, sizeof(move->reason));
                        move->technique[0] = '\0';
                        continue;
                }
                places[move->destination].promised_bytes += move->memory_bytes;
                if (move->destination != before)
                        plan(run, move);
        }
}

/* Urgency and traffic tell the order, the order who goes where; so first plans are for the one with most room. */
static void plan_all(struct mt_run *run)
{
        struct mt_place places[MT_PLACES_MOST];
        size_t first;

        mt_targets_look(run, MT_PLACE_NONE, places);
        first = mt_place_choose(places, run->n_targets, 0, /* overcommit= */ true);
        for (size_t i = 0; i < run->n; i++) {
                run->moves[i].destination = first;
                plan(run, &run->moves[i]);
        }
        put_in_order(run);
        choose_destinations(run, places);
}

static void prepare_link(struct mt_run *run)
{
        json_object *status = mt_ask_status(&run->host);

        run->has_watcher = status != NULL;
        run->link.arbitrated = run->has_watcher;
        run->link.slots = run->options.parallel != 0 ? run->options.parallel : run->has_watcher ? SLOTS_AUTO : 1;
        (void)json_object_put(status);
}

static int prepare(struct mt_run *run, struct mt_err *err)
{
        int r = connect_here(run, err);

        if (r == 0)
                r = run->options.n_domains > 0 ? find_named(run, err) : find_all(run, err);
        if (r < 0)
                return r;
        prepare_link(run);
        mt_targets_open(run);
        if (run->is_evacuation)
                plan_all(run);
        else if (run->options.dry_run)
                r = ask_plan(run, &run->moves[0], &run->planned, err);
        return r;
}

static void *prepare_main(void *arg)
{
        struct mt_run *run = arg;
        struct mt_err err = { 0 };

        if (prepare(run, &err) == 0)
                err.code = 0; /* what failed on the way was overcome */
        mt_run_lock(run);
        run->err = err;
        run->prepared = true;
        mt_run_changed(run);
        mt_run_unlock(run);
        mt_run_unref(run);
        return NULL;
}

int mt_run_prepare(struct mt_run *run, struct mt_err *err)
{
        return mt_run_thread(run, prepare_main, run, err);
}
