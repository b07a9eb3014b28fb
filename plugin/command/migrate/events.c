/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's event loop in a thread of its own. It keeps connections alive (a daemon that hangs is noticed, and the calls
 * that wait for it fail), and it brings what the source alone can tell of a migration that completed: its blackout.
 */
#include "command/migrate/run.h"

#include <errno.h>
#include <string.h>

#define TURN_MS 50 /* how soon it notices that it is to end */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool registered;

static void register_loop(void)
{
        registered = virInitialize() == 0 && virEventRegisterDefaultImpl() == 0;
}

static void on_turn(int timer, void *opaque)
{
        (void)timer;
        (void)opaque;
}

/* The others are gone, so nothing is left that needs the loop. */
static bool is_over(struct mt_run *run)
{
        bool over;

        mt_run_lock(run);
        over = run->quit && run->refs == 2;
        mt_run_unlock(run);
        return over;
}

static void *events_main(void *arg)
{
        struct mt_run *run = arg;

        while (!is_over(run) && virEventRunDefaultImpl() == 0)
                ;
        (void)virEventRemoveTimeout(run->timer);
        mt_run_unref(run);
        return NULL;
}

int mt_run_events(struct mt_run *run, struct mt_err *err)
{
        (void)pthread_once(&once, register_loop);
        if (!registered)
                return mt_fail(err, EIO, "libvirt's event loop does not start");
        run->timer = virEventAddTimeout(TURN_MS, on_turn, NULL, NULL);
        if (run->timer < 0)
                return mt_fail(err, ENOMEM, "cannot join libvirt's event loop");
        return mt_run_thread(run, events_main, run, err);
}

static void on_completed(virConnectPtr connection, virDomainPtr domain, virTypedParameterPtr params, int n, void *opaque)
{
        char uuid[VIR_UUID_STRING_BUFLEN];
        struct mt_run *run = opaque;
        struct mt_job_stats stats;

        (void)connection;
        if (virDomainGetUUIDString(domain, uuid) < 0)
                return;
        mt_domain_job_params(params, n, &stats);
        if (stats.operation != VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT)
                return;
        mt_run_lock(run);
        for (size_t i = 0; i < run->n; i++)
                if (run->moves[i].state == MT_MOVE_COPYING && strcmp(run->moves[i].uuid, uuid) == 0) {
                        run->moves[i].actual =
                                (struct mt_move_figures){ .total_ms = stats.elapsed_ms, .downtime_ms = stats.downtime_ms };
                        run->moves[i].over = true;
                }
        mt_run_changed(run);
        mt_run_unlock(run);
}

int mt_run_listen(struct mt_run *run, virConnectPtr connection)
{
        return virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
                                                VIR_DOMAIN_EVENT_CALLBACK(on_completed), run, NULL);
}
