/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct mt_move: one domain that is to leave, from its plan to its end. Plain data, read under the run's lock (run.h). */
#ifndef MT_MIGRATE_MOVE_H
#define MT_MIGRATE_MOVE_H

#include "command/migrate/schedule.h"
#include "measure/domain.h"

#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <stdint.h>

enum mt_move_state {
        MT_MOVE_PLANNED, /* its turn to ask has not come */
        MT_MOVE_ASKING,  /* its destination is chosen, and what to do is asked */
        MT_MOVE_WAITING, /* others go first */
        MT_MOVE_COPYING, /* the call is made */
        MT_MOVE_ENDED,   /* with a result */
};

enum mt_move_result {
        MT_MOVE_NOT_STARTED, /* it stayed without an attempt */
        MT_MOVE_MOVED,
        MT_MOVE_FAILED,
        MT_MOVE_ABORTED,  /* by us; it runs on here */
        MT_MOVE_DESERTED, /* it goes on without us */
};

/* What a migration is, or was, like. UINT64_MAX: not known, or never. */
struct mt_move_figures {
        uint64_t total_ms, downtime_ms;
};

struct mt_move {
        char name[128]; /* to be shown */
        char uuid[VIR_UUID_STRING_BUFLEN];
        uint64_t memory_bytes;
        bool persistent;

        /* The plan that was made before anything moved. */
        struct mt_schedule_item item; /* item.state stands for state */
        char technique[16];           /* "": no plan could be made */
        char reason[256];             /* why not */
        size_t destination;           /* may be another one when it is started */

        enum mt_move_state state;
        enum mt_move_result result;
        uint64_t began_ms, ended_ms; /* of the call; CLOCK_MONOTONIC; 0: not yet */
        struct mt_move_figures predicted, actual;
        bool predicted_running;    /* predicted is of the watcher's plan for the migration that runs */
        struct mt_job_stats stats; /* the last ones */
        bool stats_known;
        char waits_for[256];
        char error[256];

        bool told;      /* the watcher has said where its place is, or that it has none: the next one may ask */
        bool cancelled; /* it is not to begin */
        bool abort;     /* it is to be aborted */
        bool aborting;  /* and the watcher has heard of it; look.c's own */
        bool refused;   /* that cannot be done any more */
        bool over;      /* JOB_COMPLETED has told the actual figures */
};

/* "waiting" ...; "moved" ... */
const char *mt_move_state_name(enum mt_move_state state);
const char *mt_move_result_name(enum mt_move_result result);

/* True from the question on until its end. */
bool mt_move_is_active(const struct mt_move *move);

/* Its item as of now_ms, for a forecast. */
struct mt_schedule_item mt_move_item(const struct mt_move *move, uint64_t now_ms);

/* What is still to come of its copy; UINT64_MAX: not known. */
uint64_t mt_move_left(const struct mt_move *move, uint64_t now_ms);

#endif
