/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: one migration, as the shim makes it in other programs.
 *
 * 1. Choose the destination (evacuate), by what is free there now.
 * 2. Ask what to do with the call. "Not yet" means to ask again; when the answer comes after a wait, the destination's
 *    memory is looked at again, and if it has gone the choice begins anew (settle.c).
 * 3. Make the call, as it was advised; if libvirt refuses the changes before anything moves, as it would be without them. A
 *    migration that had begun is never repeated: the error must be of a kind that comes before the beginning, the guest must
 *    be as it was, and the watcher, which sees what QEMU does, must not object.
 * 4. Tell the end, and wait a moment for libvirt's own figures of it (events.c).
 *
 * It has a connection of its own, because a call that lasts for minutes would keep others waiting on the same one.
 */
#include "cleanup.h"
#include "clock.h"
#include "command/migrate/ask.h"
#include "command/migrate/made_call.h"
#include "command/migrate/table.h"
#include "command/migrate/task_state.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEPALIVE_S 5
#define KEEPALIVE_COUNT 6
#define FIGURES_MS 1000 /* for libvirt's event */
#define REFUSED_WITHIN_MS 60000u

static int connect_and_find(struct mt_task *task, struct mt_err *err)
{
        task->connection = virConnectOpen(task->run->options.connect);
        if (task->connection == NULL)
                return mt_fail(err, EIO, "connect to libvirt: %s", virGetLastErrorMessage());
        (void)virConnectSetKeepAlive(task->connection, KEEPALIVE_S, KEEPALIVE_COUNT);
        task->domain = virDomainLookupByUUIDString(task->connection, task->move->uuid);
        if (task->domain == NULL || virDomainGetState(task->domain, &task->state, &task->reason, 0) < 0)
                return mt_fail(err, ENOENT, "%s", virGetLastErrorMessage());
        return 0;
}

/* Where nobody lets them go one by one, and the operator did not say how many may run at a time. The lock is held. */
static bool must_wait(const struct mt_task *task)
{
        const struct mt_run *run = task->run;
        bool others = false;

        for (size_t i = 0; i < run->n; i++)
                others = others || run->moves[i].state == MT_MOVE_COPYING;
        return others && task->alone && run->options.parallel == 0;
}

/* The call begins, unless it was cancelled meanwhile. */
static bool begin(struct mt_task *task)
{
        struct mt_run *run = task->run;
        struct mt_move *move = task->move;
        bool goes;

        mt_run_lock(run);
        while (!move->cancelled && must_wait(task)) {
                mt_run_unlock(run);
                (void)mt_run_wait(run, &move->cancelled, MT_TASK_LOOK_MS);
                mt_run_lock(run);
        }
        goes = !move->cancelled;
        if (goes) {
                move->state = MT_MOVE_COPYING;
                move->began_ms = mt_now_ms();
                move->told = true;
        }
        mt_run_changed(run);
        mt_run_unlock(run);
        if (goes)
                mt_run_note(run, "%s to %s: %s", move->name, run->target[move->destination].label,
                            task->advice.reason[0] != '\0' ? task->advice.reason : "as it is");
        return goes;
}

static int make_once(struct mt_task *task, const struct mt_advice *advice, struct mt_err *err)
{
        const struct mt_migrate_options *options = &task->run->options;
        unsigned long flags = mt_ask_flags(options, task->move->persistent);
        struct mt_made_call call;
        int r = mt_made_call_make(flags, options->bandwidth_mib_s, advice, &call, err);

        if (r < 0)
                return r;
        r = virDomainMigrateToURI3(task->domain, task->run->target[task->move->destination].uri, call.params,
                                   (unsigned)call.n, call.flags);
        if (r < 0) {
                virErrorPtr last = virGetLastError();

                (void)mt_fail(err, EIO, "%s",
                              last != NULL && last->message != NULL ? last->message : "libvirt does not say why");
                err->code = last != NULL ? last->code : VIR_ERR_OK; /* libvirt's, for is_refused() */
        }
        mt_made_call_done(&call);
        return r;
}

/* True if the changed call was refused, so that one without the changes may be made. */
static bool is_refused(struct mt_task *task, const struct mt_err *err)
{
        int state = -1, reason = -1;

        if (!mt_made_call_is_refusal(err->code, err->msg) || mt_now_ms() - task->move->began_ms > REFUSED_WITHIN_MS)
                return false;
        if (err->code == VIR_ERR_OPERATION_INVALID && task->reason == VIR_DOMAIN_RUNNING_MIGRATION_CANCELED)
                return false; /* that it is as it was says nothing */
        if (virDomainGetState(task->domain, &state, &reason, 0) < 0 || state != task->state || reason != task->reason)
                return false;
        return task->advice.ticket[0] == '\0' ||
               mt_ask_report(&task->run->host, MT_REPORT_RETRIED, task->move->uuid, task->advice.ticket, -1, err->msg) == 0;
}

static int make(struct mt_task *task, enum mt_task_verdict verdict, struct mt_err *err)
{
        int r = make_once(task, verdict == MT_MAKE_TUNED ? &task->advice : NULL, err);

        if (r == 0 || verdict != MT_MAKE_TUNED || !is_refused(task, err))
                return r;
        mt_run_note(task->run, "%s: libvirt refused the tuned call (%s), making it without the changes", task->move->name,
                    err->msg);
        return make_once(task, /* advice= */ NULL, err);
}

/* Its result, and what is known of it. */
static void end(struct mt_task *task, enum mt_move_result result, const char *error)
{
        struct mt_run *run = task->run;
        struct mt_move *move = task->move;
        char figures[192];

        mt_run_lock(run);
        if (move->state == MT_MOVE_ENDED) { /* deserted: nobody reads this any more */
                mt_run_unlock(run);
                return;
        }
        move->state = MT_MOVE_ENDED;
        move->result = result;
        move->told = true;
        move->ended_ms = mt_now_ms();
        if (result == MT_MOVE_MOVED && !move->over)
                move->actual.total_ms = move->ended_ms - move->began_ms;
        (void)snprintf(move->error, sizeof(move->error), "%.255s", error);
        if (run->is_evacuation && result == MT_MOVE_MOVED)
                mt_run_note_locked(run, "%s: moved, %s", move->name, mt_table_figures(move, figures, sizeof(figures)));
        else if (run->is_evacuation)
                mt_run_note_locked(run, "%s: %s: %s", move->name, mt_move_result_name(result), error);
        mt_run_changed(run);
        mt_run_unlock(run);
}

void mt_task_tell_end(const struct mt_task *task, int result, const char *error)
{
        if (task->advice.ticket[0] != '\0')
                (void)mt_ask_report(&task->run->host, MT_REPORT_ENDED, task->move->uuid, task->advice.ticket, result,
                                    result < 0 ? error : NULL);
}

/* It does not begin, because the operator wants no more. */
static void end_cancelled(struct mt_task *task)
{
        static const char error[] = "interrupted";

        if (task->advice.ticket[0] != '\0')
                (void)mt_ask_report(&task->run->host, MT_REPORT_ABORT, task->move->uuid, NULL, 0, NULL);
        mt_task_tell_end(task, -1, error);
        end(task, MT_MOVE_NOT_STARTED, error);
}

static void migrate(struct mt_task *task)
{
        struct mt_err err = { 0 };
        enum mt_task_verdict verdict = MT_MAKE_NOT;
        bool aborted;
        int r = connect_and_find(task, &err);

        if (r == 0)
                r = mt_task_settle(task, &verdict, &err);
        if (r < 0) {
                end(task, MT_MOVE_NOT_STARTED, err.msg);
                return;
        }
        if (verdict == MT_MAKE_NOT || !begin(task)) {
                end_cancelled(task);
                return;
        }
        r = make(task, verdict, &err);
        mt_task_tell_end(task, r, err.msg);
        if (r == 0)
                (void)mt_run_wait(task->run, &task->move->over, FIGURES_MS);
        mt_run_lock(task->run);
        aborted = task->move->abort;
        mt_run_unlock(task->run);
        end(task, r == 0 ? MT_MOVE_MOVED : aborted ? MT_MOVE_ABORTED : MT_MOVE_FAILED, r == 0 ? "" : err.msg);
}

static void *task_main(void *arg)
{
        struct mt_task *task = arg;
        struct mt_run *run = task->run;

        migrate(task);
        if (task->domain != NULL)
                (void)virDomainFree(task->domain);
        if (task->connection != NULL)
                (void)virConnectClose(task->connection);
        free(task);
        mt_run_unref(run);
        return NULL;
}

int mt_run_start(struct mt_run *run, size_t move, struct mt_err *err)
{
        struct mt_task *task = calloc(1, sizeof(*task));
        int r;

        if (task == NULL)
                return mt_fail(err, ENOMEM, "out of memory for a migration");
        *task = (struct mt_task){ .run = run, .index = move, .move = &run->moves[move] };
        r = mt_run_thread(run, task_main, task, err);
        if (r < 0)
                free(task);
        return r;
}
