/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Two loops over one poll: signals, and what other threads report. Before anything is started an interruption ends the
 * command. Afterwards (evacuate) the first one starts no more, the second aborts what runs, and the third leaves it alone,
 * for a libvirt that does not answer. `migrate` has one migration, so that the first one aborts.
 *
 * The next domain in the order is started when a slot is free and the one before it has been told its place by the watcher:
 * else the order in which they come to its queue would be chance.
 */
#include "command/migrate/conduct.h"
#include "cleanup.h"
#include "clock.h"
#include "command/migrate/interrupt.h"
#include "command/migrate/screen.h"
#include "command/migrate/view.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLL_MS 250
#define SHOWN_MOST 12 /* running migrations with a line of their own */

enum stage { ALL_IS_WELL, START_NO_MORE, ABORT, LEAVE };

struct conductor {
        struct mt_run *run;
        struct mt_screen screen;
        int signal_fd;
        enum stage stage;
        struct mt_schedule_item *items; /* run->n each; for forecasts */
        struct mt_schedule_times *times;
};

static inline void conductor_done(struct conductor *c)
{
        mt_screen_end(&c->screen);
        free(c->items);
        free(c->times);
        mt_closep(&c->signal_fd);
}

/* Waits for a signal or a report. Returns how many signals came. */
static unsigned wait_for_news(struct conductor *c)
{
        struct pollfd fds[] = { { .fd = c->signal_fd, .events = POLLIN }, { .fd = c->run->wake_fd, .events = POLLIN } };
        uint64_t count;

        (void)poll(fds, MT_ARRAY_SIZE(fds), POLL_MS);
        if (read(c->run->wake_fd, &count, sizeof(count)) < 0) {
                /* nothing was reported */
        }
        return mt_interrupt_take(c->signal_fd);
}

static void show_notes(struct conductor *c)
{
        char notes[MT_RUN_NOTES][sizeof(c->run->note[0])];
        unsigned n;

        mt_run_lock(c->run);
        n = c->run->n_notes;
        (void)memcpy(notes, c->run->note, n * sizeof(notes[0]));
        c->run->n_notes = 0;
        mt_run_unlock(c->run);
        for (unsigned i = 0; i < n; i++)
                mt_screen_note(&c->screen, "%s", notes[i]);
}

/* When all have ended, from now on; with the times of each. The lock is held. */
static uint64_t forecast(const struct mt_run *run, struct mt_schedule_item *items, struct mt_schedule_times *times)
{
        const uint64_t now_ms = mt_now_ms();

        for (size_t i = 0; i < run->n; i++)
                items[i] = mt_move_item(&run->moves[i], now_ms);
        return mt_schedule_forecast(items, run->order, run->n, &run->link, times);
}

static void draw(struct conductor *c)
{
        struct mt_run *run = c->run;
        const unsigned columns = c->screen.columns;
        char picture[(SHOWN_MOST + 2) * MT_VIEW_LINE], line[MT_VIEW_LINE];
        size_t used = 0;
        unsigned shown = 0;

        if (!mt_screen_is_due(&c->screen))
                return;
        mt_run_lock(run);
        for (size_t i = 0; i < run->n && shown < SHOWN_MOST; i++) {
                const struct mt_move *move = &run->moves[run->order[i]];

                if (move->state != MT_MOVE_COPYING && (run->is_evacuation || move->state == MT_MOVE_ENDED))
                        continue;
                used += (size_t)snprintf(picture + used, sizeof(picture) - used, "%s\n",
                                         mt_view_move(move, mt_now_ms(), columns, line));
                shown++;
        }
        if (run->is_evacuation)
                used += (size_t)snprintf(picture + used, sizeof(picture) - used, "%s\n",
                                         mt_view_all(run->moves, run->n, forecast(run, c->items, c->times), columns, line));
        mt_run_unlock(run);
        if (used > 0)
                mt_screen_draw(&c->screen, picture);
}

/* What does not run will not. The lock is held. */
static unsigned cancel_waiting(struct mt_run *run)
{
        unsigned running = 0;

        for (size_t i = 0; i < run->n; i++) {
                struct mt_move *move = &run->moves[i];

                running += move->state == MT_MOVE_COPYING;
                move->cancelled = true;
                if (move->state != MT_MOVE_PLANNED)
                        continue;
                move->state = MT_MOVE_ENDED;
                move->result = MT_MOVE_NOT_STARTED;
                (void)snprintf(move->error, sizeof(move->error), "interrupted");
        }
        return running;
}

static unsigned abort_running(struct mt_run *run)
{
        unsigned running = 0;

        for (size_t i = 0; i < run->n; i++)
                if (run->moves[i].state == MT_MOVE_COPYING) {
                        run->moves[i].abort = true;
                        running++;
                }
        return running;
}

static unsigned desert(struct mt_run *run)
{
        unsigned left = 0;

        for (size_t i = 0; i < run->n; i++) {
                struct mt_move *move = &run->moves[i];

                if (move->state == MT_MOVE_ENDED)
                        continue;
                move->result = move->state == MT_MOVE_COPYING ? MT_MOVE_DESERTED : MT_MOVE_NOT_STARTED;
                left += move->state == MT_MOVE_COPYING;
                move->state = MT_MOVE_ENDED;
                (void)snprintf(move->error, sizeof(move->error), "left to libvirt, see migtune status");
        }
        return left;
}

static void interrupt(struct conductor *c)
{
        struct mt_run *run = c->run;
        const char *command = run->options.command;
        unsigned n;

        c->stage = !run->is_evacuation && c->stage < ABORT ? ABORT : c->stage + 1;
        mt_run_lock(run);
        n = cancel_waiting(run);
        if (c->stage == ABORT)
                n = abort_running(run);
        else if (c->stage >= LEAVE)
                n = desert(run);
        mt_run_changed(run);
        mt_run_unlock(run);
        if (c->stage == START_NO_MORE)
                mt_screen_note(&c->screen, "migtune %s: interrupted, starting no more; %u run on (again to abort them)",
                               command, n);
        else
                mt_screen_note(&c->screen, "migtune %s: interrupted, %s %u", command,
                               c->stage == ABORT ? "aborting" : "leaving to libvirt", n);
}

/* The next one that may ask; MT_PLACE_NONE: nobody may just now. The lock is held. */
static size_t next_to_start(const struct conductor *c)
{
        const struct mt_run *run = c->run;
        unsigned active = 0;

        if (c->stage != ALL_IS_WELL)
                return MT_PLACE_NONE;
        for (size_t i = 0; i < run->n; i++) {
                const struct mt_move *move = &run->moves[run->order[i]];

                if (move->state == MT_MOVE_PLANNED)
                        return active < run->link.slots ? run->order[i] : MT_PLACE_NONE;
                active += mt_move_is_active(move);
                if (mt_move_is_active(move) && !move->told)
                        return MT_PLACE_NONE;
        }
        return MT_PLACE_NONE;
}

static void start_next(struct conductor *c)
{
        struct mt_run *run = c->run;
        struct mt_err err = { 0 };
        size_t next;

        mt_run_lock(run);
        next = next_to_start(c);
        if (next != MT_PLACE_NONE)
                run->moves[next].state = MT_MOVE_ASKING;
        mt_run_unlock(run);
        if (next == MT_PLACE_NONE || mt_run_start(run, next, &err) == 0)
                return;
        mt_run_lock(run);
        run->moves[next].state = MT_MOVE_ENDED;
        run->moves[next].result = MT_MOVE_NOT_STARTED;
        (void)snprintf(run->moves[next].error, sizeof(run->moves[next].error), "%.255s", err.msg);
        mt_run_unlock(run);
}

static bool all_ended(struct mt_run *run)
{
        bool all = true;

        mt_run_lock(run);
        for (size_t i = 0; i < run->n; i++)
                all = all && run->moves[i].state == MT_MOVE_ENDED;
        mt_run_unlock(run);
        return all;
}

/* Until prepare.c is done. */
static int await_prepared(struct conductor *c, struct mt_err *err)
{
        struct mt_run *run = c->run;
        bool prepared = false;

        while (!prepared) {
                if (wait_for_news(c) > 0)
                        return mt_fail(err, EINTR, "interrupted before a migration was started");
                show_notes(c);
                mt_run_lock(run);
                prepared = run->prepared;
                *err = run->err;
                mt_run_unlock(run);
        }
        return -err->code;
}

static int allocate(struct conductor *c, struct mt_err *err)
{
        c->items = calloc(c->run->n + 1, sizeof(*c->items));
        c->times = calloc(c->run->n + 1, sizeof(*c->times));
        return c->items != NULL && c->times != NULL ? 0 : mt_fail(err, ENOMEM, "out of memory for the migrations");
}

static void announce(struct conductor *c)
{
        struct mt_run *run = c->run;
        char when[32];
        uint64_t ends_ms;

        if (!run->is_evacuation)
                return;
        mt_run_lock(run);
        ends_ms = forecast(run, c->items, c->times);
        mt_run_unlock(run);
        mt_screen_note(&c->screen, "%zu domain%s to move, predicted to take %s%s", run->n, run->n == 1 ? "" : "s",
                       mt_view_time(when, sizeof(when), ends_ms),
                       run->has_watcher ? "" : "; no watcher runs, so nobody shares the link out among them");
}

int mt_conduct(struct mt_run *run, struct mt_err *err)
{
        MT_CLEANUP(conductor_done) struct conductor c = { .run = run, .signal_fd = mt_interrupt_open(err) };
        int r;

        mt_screen_begin(&c.screen, &run->host);
        if (c.signal_fd < 0)
                return c.signal_fd;
        r = mt_run_events(run, err);
        if (r == 0)
                r = mt_run_prepare(run, err);
        if (r == 0)
                r = await_prepared(&c, err);
        if (r < 0 || run->options.dry_run || run->n == 0)
                return r;
        r = allocate(&c, err);
        if (r == 0)
                r = mt_run_look(run, err);
        if (r < 0)
                return r;
        announce(&c);
        while (!all_ended(run)) {
                start_next(&c);
                if (wait_for_news(&c) > 0)
                        interrupt(&c);
                show_notes(&c);
                draw(&c);
        }
        show_notes(&c);
        return 0;
}

struct mt_table mt_conduct_table(struct mt_run *run, struct mt_schedule_times *times, const char **labels, const char **uris)
{
        struct mt_table table = { .moves = run->moves,
                                  .order = run->order,
                                  .n = run->n,
                                  .destinations = labels,
                                  .uris = uris,
                                  .times = times,
                                  .ends_ms = UINT64_MAX,
                                  .left = (const char *const *)run->left,
                                  .n_left = run->n_left };
        struct mt_schedule_item *items = calloc(run->n + 1, sizeof(*items));

        for (unsigned i = 0; i < run->n_targets; i++) {
                labels[i] = run->target[i].label;
                uris[i] = run->target[i].uri;
        }
        if (items != NULL)
                table.ends_ms = forecast(run, items, times);
        free(items);
        return table;
}
