/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The states of an outgoing migration and what leads from one to another: pure, a table. What is done on the way is in job.c
 * (before the switch) and recover.c (in post-copy).
 */
#ifndef MT_STEER_STATE_H
#define MT_STEER_STATE_H

#include <stdbool.h>

enum mt_job_state {
        MT_JOB_COPYING,   /* the guest runs here, rounds are copied */
        MT_JOB_STOPPED,   /* it stands still for the last copy of a pre-copy */
        MT_JOB_POST_COPY, /* it runs on the destination, and what it lacks is on its way */
        MT_JOB_LET_GO,    /* the same; libvirt has lost hold of it (a daemon was restarted), the connection is there */
        MT_JOB_BROKEN,    /* the same without a connection: the guest waits for pages, the job is to be resumed */
        MT_JOB_OVER,      /* nothing is shaped any more; the figures (JOB_COMPLETED) are due */
};
#define MT_JOB_STATES 6

enum mt_job_event {
        MT_EVENT_ROUND,      /* MIGRATION_ITERATION, of this run */
        MT_EVENT_STATISTICS, /* asked for at each round and each second */
        MT_EVENT_STOP,       /* lifecycle SUSPENDED/MIGRATED */
        MT_EVENT_SWITCH,     /* SUSPENDED/POSTCOPY: switched, or resumed after a break */
        MT_EVENT_RUNS_HERE,  /* RESUMED: the stop was not the last copy */
        MT_EVENT_LET_GO,     /* SUSPENDED/POSTCOPY_FAILED, yet the connection is there */
        MT_EVENT_BREAK,      /* the same, and the connection is gone */
        MT_EVENT_CONNECTED,  /* the broken one's connection is there again */
        MT_EVENT_END,        /* STOPPED/MIGRATED, or libvirt shows no job any more */
};
#define MT_JOB_EVENTS 9

/* Takes the step, if the event means anything in this state; false, and no change, if not. */
bool mt_state_step(enum mt_job_state *state, enum mt_job_event event);

/* POST_COPY, LET_GO or BROKEN: the guest is on the destination and there is no way back. */
bool mt_state_is_post_copy(enum mt_job_state state);

/* As in `migtune status`: "copying", "switchover", "post-copy", "broken", "over". */
const char *mt_state_name(enum mt_job_state state);

#endif
