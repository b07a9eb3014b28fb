/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far the running migrations are, by libvirt and by the watcher; and their abortion. */
#include "command/migrate/ask.h"
#include "command/migrate/run.h"

#include <stdio.h>

#define EVERY_MS 500
#define KEEPALIVE_S 5
#define KEEPALIVE_COUNT 6

/* What is to be done for one move, copied out of the lock. */
struct errand {
        char uuid[VIR_UUID_STRING_BUFLEN];
        bool copies, abort;
};

static struct errand errand_of(struct mt_run *run, size_t i)
{
        const struct mt_move *move = &run->moves[i];
        struct errand errand = { .copies = false };

        mt_run_lock(run);
        if (move->state == MT_MOVE_COPYING) {
                errand.copies = true;
                errand.abort = move->abort && !move->refused;
        }
        (void)snprintf(errand.uuid, sizeof(errand.uuid), "%s", move->uuid);
        mt_run_unlock(run);
        return errand;
}

/* The guest runs on the other side already: it cannot come back. */
static bool is_post_copy(virDomainPtr domain)
{
        int state = 0, reason = 0;

        return virDomainGetState(domain, &state, &reason, 0) == 0 && state == VIR_DOMAIN_PAUSED &&
               (reason == VIR_DOMAIN_PAUSED_POSTCOPY || reason == VIR_DOMAIN_PAUSED_POSTCOPY_FAILED);
}

/* Asked again until the call returns: it may not have begun yet. */
static void abort_it(struct mt_run *run, size_t i, virDomainPtr domain)
{
        struct mt_move *move = &run->moves[i];

        if (!move->aborting)
                (void)mt_ask_report(&run->host, MT_REPORT_ABORT, move->uuid, NULL, 0, NULL);
        move->aborting = true;
        if (virDomainAbortJob(domain) == 0 || !is_post_copy(domain))
                return;
        mt_run_lock(run);
        move->refused = true;
        mt_run_unlock(run);
        mt_run_note(run, "%s runs on its destination already (post-copy), it cannot be aborted any more", move->name);
}

static void look_at(struct mt_run *run, size_t i, json_object *status)
{
        const struct errand errand = errand_of(run, i);
        struct mt_move *move = &run->moves[i];
        struct mt_move_figures predicted;
        struct mt_job_stats stats;
        virDomainPtr domain;
        bool has_stats, is_predicted;

        if (!errand.copies)
                return;
        domain = virDomainLookupByUUIDString(run->connection, errand.uuid);
        if (domain == NULL)
                return;
        if (errand.abort)
                abort_it(run, i, domain);
        has_stats = mt_domain_job_stats(domain, false, &stats, NULL) == 0 && stats.memory_total_bytes > 0 &&
                    stats.operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
        (void)virDomainFree(domain);
        is_predicted = mt_ask_predicted(status, errand.uuid, &predicted);
        mt_run_lock(run);
        if (has_stats) {
                move->stats = stats;
                move->stats_known = true;
        }
        if (is_predicted && !move->predicted_running) {
                move->predicted = predicted;
                move->predicted_running = true;
        }
        mt_run_changed(run);
        mt_run_unlock(run);
}

static bool any_copies(struct mt_run *run)
{
        bool any = false;

        mt_run_lock(run);
        for (size_t i = 0; i < run->n; i++)
                any = any || run->moves[i].state == MT_MOVE_COPYING;
        mt_run_unlock(run);
        return any;
}

static void forget_connection(struct mt_run *run, int callback)
{
        virConnectPtr connection = run->connection;

        if (callback >= 0)
                (void)virConnectDomainEventDeregisterAny(connection, callback);
        run->connection = NULL;
        (void)virConnectClose(connection);
}

/* A daemon that was restarted: what still runs is to be seen again. */
static void connect_again(struct mt_run *run, int *callback)
{
        virConnectPtr fresh;

        if (virConnectIsAlive(run->connection) == 1)
                return;
        fresh = virConnectOpen(run->options.connect);
        if (fresh == NULL)
                return;
        (void)virConnectSetKeepAlive(fresh, KEEPALIVE_S, KEEPALIVE_COUNT);
        forget_connection(run, *callback);
        run->connection = fresh;
        *callback = mt_run_listen(run, fresh);
}

static void *look_main(void *arg)
{
        struct mt_run *run = arg;
        int callback = mt_run_listen(run, run->connection);

        while (!mt_run_wait(run, &run->quit, EVERY_MS)) {
                json_object *status;

                if (!any_copies(run))
                        continue;
                connect_again(run, &callback);
                status = run->has_watcher ? mt_ask_status(&run->host) : NULL;
                for (size_t i = 0; i < run->n; i++)
                        look_at(run, i, status);
                (void)json_object_put(status);
        }
        forget_connection(run, callback);
        mt_run_unref(run);
        return NULL;
}

int mt_run_look(struct mt_run *run, struct mt_err *err)
{
        return mt_run_thread(run, look_main, run, err);
}
