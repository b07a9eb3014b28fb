/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first two steps of task.c: where to, and what to make of the call. */
#include "command/migrate/ask.h"
#include "command/migrate/targets.h"
#include "command/migrate/task_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MIN_WAIT_MS 50u   /* between two questions */
#define MAX_WAIT_MS 5000u /* the watcher forgets a caller that is silent for 10 s */
#define TURN_MS 500u      /* less is told by one that gathers facts; more by one whose turn has not come */
#define CHOICES 8         /* of a destination, before it is given up */
#define RESTART_MS 5000u  /* a watcher that was there is given so long to come back */

static bool is_cancelled(struct mt_task *task)
{
        bool is;

        mt_run_lock(task->run);
        is = task->move->cancelled;
        mt_run_unlock(task->run);
        return is;
}

/* -ENOSPC: none has room. */
static int choose(struct mt_task *task, struct mt_err *err)
{
        struct mt_run *run = task->run;
        struct mt_place places[MT_PLACES_MOST];
        size_t chosen = 0;

        if (run->is_evacuation) {
                mt_targets_look(run, task->index, places);
                chosen = mt_place_choose(places, run->n_targets, task->move->memory_bytes, run->options.overcommit);
        }
        if (chosen == MT_PLACE_NONE) {
                err->code = ENOSPC;
                mt_targets_explain(run, places, task->move->memory_bytes, err->msg, sizeof(err->msg));
                return -ENOSPC;
        }
        mt_run_lock(run);
        task->move->destination = chosen;
        mt_run_changed(run);
        mt_run_unlock(run);
        return 0;
}

/* Whether the chosen destination still has room. */
static bool still_fits(struct mt_task *task)
{
        struct mt_place places[MT_PLACES_MOST];
        const struct mt_place *place = &places[task->move->destination];

        if (!task->run->is_evacuation || task->run->options.overcommit)
                return true;
        mt_targets_look(task->run, task->index, places);
        return !place->known || mt_place_room(place) >= task->move->memory_bytes;
}

/* Notes the answer; true: it is to wait so long and ask again. */
static bool take_answer(struct mt_task *task, uint32_t *ret_ms)
{
        const struct mt_advice *advice = &task->advice;
        struct mt_move *move = task->move;
        bool waits = advice->action == MT_ADVICE_WAIT;

        *ret_ms = advice->wait_ms < MIN_WAIT_MS   ? MIN_WAIT_MS
                  : advice->wait_ms > MAX_WAIT_MS ? MAX_WAIT_MS
                                                  : advice->wait_ms;
        mt_run_lock(task->run);
        move->told = move->told || !waits || advice->wait_ms >= TURN_MS;
        if (waits && advice->wait_ms >= TURN_MS) {
                move->state = MT_MOVE_WAITING;
                task->waited = true;
        }
        (void)snprintf(move->waits_for, sizeof(move->waits_for), "%.255s", waits ? advice->reason : "");
        mt_run_changed(task->run);
        mt_run_unlock(task->run);
        return waits;
}

/* The watcher's advice, or one's own. *away_ms: how long the watcher has been away. -EAGAIN: it may come back. */
static int ask_once(struct mt_task *task, const struct mt_call *call, uint32_t *away_ms, struct mt_err *err)
{
        struct mt_run *run = task->run;
        int r = mt_ask_advice(&run->host, &run->options, call, &task->advice, err);

        task->alone = r == -ENOTCONN || r == -EACCES;
        if (!task->alone) {
                *away_ms = 0;
                return r;
        }
        if (run->has_watcher && *away_ms < RESTART_MS) {
                *away_ms += MT_TASK_LOOK_MS;
                return -EAGAIN;
        }
        return mt_ask_alone(&run->host, &run->options, call, &task->advice, err);
}

/* Asks until there is an answer to act on. */
static enum mt_task_verdict ask(struct mt_task *task)
{
        struct mt_run *run = task->run;
        const char *uri = run->target[task->move->destination].uri;
        const bool is_paused = task->state != VIR_DOMAIN_RUNNING && task->state != VIR_DOMAIN_BLOCKED;
        char ticket[sizeof(task->advice.ticket)] = "";
        struct mt_err err = { 0 };
        uint32_t ms, away_ms = 0;

        for (;;) {
                const struct mt_call call =
                        mt_ask_call(&run->options, task->move, uri, is_paused, ticket[0] != '\0' ? ticket : NULL);
                int r;

                if (is_cancelled(task))
                        return MT_MAKE_NOT;
                r = ask_once(task, &call, &away_ms, &err);
                if (r == -EAGAIN) {
                        (void)mt_run_wait(run, &task->move->cancelled, MT_TASK_LOOK_MS);
                        continue;
                }
                if (r < 0) {
                        mt_run_note(run, "%s: %s, leaving its migration untuned", task->move->name, err.msg);
                        task->advice = (struct mt_advice){ .action = MT_ADVICE_LEAVE };
                }
                if (!take_answer(task, &ms))
                        break;
                (void)memcpy(ticket, task->advice.ticket, sizeof(ticket));
                if (mt_run_wait(run, &task->move->cancelled, ms))
                        return MT_MAKE_NOT;
        }
        return task->advice.action == MT_ADVICE_TUNE ? MT_MAKE_TUNED : MT_MAKE_AS_IT_IS;
}

int mt_task_settle(struct mt_task *task, enum mt_task_verdict *ret, struct mt_err *err)
{
        for (int i = 0; i < CHOICES; i++) {
                int r = choose(task, err);

                if (r < 0)
                        return r;
                task->waited = false;
                *ret = ask(task);
                if (*ret == MT_MAKE_NOT || !task->waited || still_fits(task))
                        return 0;
                mt_task_tell_end(task, -1, "its destination has no room any more, another one is chosen");
        }
        return mt_fail(err, EAGAIN, "the destinations' memory is taken faster than it can be chosen");
}
