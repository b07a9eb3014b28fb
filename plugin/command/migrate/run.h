/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run of `migtune migrate` or `migtune evacuate`, which its threads share.
 *
 *   conduct.c  the command's own thread: signals, who may start, what is shown. Calls nothing that may hang.
 *   prepare.c  finds the domains and the destinations, and asks for the plans
 *   task.c     one migration, from the question to the end of its call; a thread each
 *   look.c     how far the running ones are; aborts them
 *   events.c   libvirt's event loop: keep-alives, and the figures of migrations that completed
 *
 * libvirt's daemons may hang, and an operator who presses Ctrl-C is to be heard all the same: so a thread that does not come
 * back is left behind with its reference, and what it uses stays until the process ends.
 */
#ifndef MT_MIGRATE_RUN_H
#define MT_MIGRATE_RUN_H

#include "command/migrate/move.h"
#include "command/migrate/options.h"
#include "command/migrate/places.h"
#include "err.h"

#include <json-c/json.h>
#include <libvirt/libvirt.h>
#include <migtune/plugin.h>
#include <pthread.h>
#include <stdbool.h>

#define MT_RUN_NOTES 64

/* One destination. */
struct mt_target {
        const char *uri;
        char label[64];           /* its host's name */
        virConnectPtr connection; /* read-only; NULL: not to be had */
};

struct mt_run {
        /* Copies with all that threads read: the caller's go before a thread that hangs. */
        struct mt_host_ops host;
        struct mt_migrate_options options;
        const char **domains; /* options.domains */
        char **texts;         /* n_texts that are owned */
        size_t n_texts;
        bool is_evacuation;

        pthread_mutex_t lock; /* of all that follows */
        pthread_cond_t wake;  /* something below changed that a thread waits for */
        int wake_fd;          /* the same for the command's own thread: an eventfd */
        unsigned refs;        /* threads, the command's own among them */

        bool prepared;     /* what prepare.c fills in is there, or err says why not */
        struct mt_err err; /* code 0: none; EINVAL and ENOENT: bad input */

        /* Set by prepare.c; afterwards only the moves' courses change. */
        virConnectPtr connection; /* for looking: look.c's own from then on */
        struct mt_move *moves;
        size_t n;
        size_t *order; /* in which they go */
        char **left;   /* names of those that are shut off */
        size_t n_left;
        unsigned n_targets;
        struct mt_target target[MT_PLACES_MOST];
        bool has_watcher;
        struct mt_schedule_link link;
        json_object *planned; /* migrate --dry-run: the plan */

        bool quit; /* the command is over */
        int timer; /* of events.c */

        /* Lines to be shown; the oldest first. */
        unsigned n_notes;
        char note[MT_RUN_NOTES][512];
};

/* A run with one reference; until mt_run_end libvirt's errors are not printed. -errno. */
int mt_run_new(const struct mt_host_ops *host, const struct mt_migrate_options *options, bool is_evacuation,
               struct mt_run **ret, struct mt_err *err);

/* Starts a thread that has a reference and gives it back by mt_run_unref. arg is handed to it. */
int mt_run_thread(struct mt_run *run, void *(*main)(void *arg), void *arg, struct mt_err *err);

/* Gives a reference back; the last one frees. */
void mt_run_unref(struct mt_run *run);

void mt_run_lock(struct mt_run *run);
void mt_run_unlock(struct mt_run *run);

/* Something changed: wakes everybody. To be called with the lock held. */
void mt_run_changed(struct mt_run *run);

/* Waits until *flag or for ms. Without the lock. Returns *flag. */
bool mt_run_wait(struct mt_run *run, const bool *flag, uint64_t ms);

/* A line for the operator. The first takes the lock, with the second it is held. */
void mt_run_note(struct mt_run *run, const char *format, ...) MT_PRINTF(2, 3);
void mt_run_note_locked(struct mt_run *run, const char *format, ...) MT_PRINTF(2, 3);

/* Ends the threads: waits for them for a moment, and gives the own reference back. True: all have ended. */
bool mt_run_end(struct mt_run *run);

/* The threads' own. */
int mt_run_prepare(struct mt_run *run, struct mt_err *err);            /* starts it; sets prepared */
int mt_run_start(struct mt_run *run, size_t move, struct mt_err *err); /* the move is MT_MOVE_ASKING already */
int mt_run_look(struct mt_run *run, struct mt_err *err);
int mt_run_events(struct mt_run *run, struct mt_err *err);

/*
 * Wants the figures of migrations that complete on this connection. The callback's number, to be deregistered; -1: libvirt
 * does not tell them (the test driver), and the blackouts stay unknown.
 */
int mt_run_listen(struct mt_run *run, virConnectPtr connection);

#endif
