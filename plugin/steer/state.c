/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 *   MIGRATION_ITERATION 1 (or a watcher that finds a migration running) makes the job, in COPYING.
 *
 *                 STATISTICS          SUSPENDED/MIGRATED
 *        ROUND   +----------+  STOP  +---------+
 *       +--------| COPYING  |------->| STOPPED |          END, from any state but OVER
 *       +------->|          |<-------|         |        +------+
 *                +----------+  RUNS  +---------+   ---->| OVER |--> the record (JOB_COMPLETED, or COMPLETED_DUE_MS later)
 *                     |        HERE       |             +------+
 *                     | SWITCH            | SWITCH (libvirt tells of the stop first)
 *                     v                   |
 *                +-----------+<-----------+
 *         +------| POST_COPY |<----------------+
 *         |      +-----------+                 |
 *         | LET_GO     |                BREAK  | SWITCH (libvirt: it was resumed)
 *         v            +------------------+    |
 *    +--------+ BREAK                     v    |
 *    | LET_GO |------------------------>+--------+
 *    |        |<------------------------| BROKEN |
 *    +--------+ CONNECTED               +--------+
 *
 *   state      event        what is done (where)
 *   COPYING    ROUND        the round's figures; then, with its statistics: D, plan again, iteration cap, convergence (control.c,
 *                           rounds.c, converge.c), the switch when its iteration has come (act.c)
 *              STATISTICS   D, plan again within bounds, the ledger's share (control.c, ledger.c); what differs is set (act.c)
 *              STOP         the class's ceil is lifted to the link (act.c)
 *   STOPPED    RUNS_HERE    class and limits as planned
 *   both       SWITCH       ceil lifted, post-copy's pace, the note for a later watcher (act.c, recover.c)
 *   POST_COPY  BREAK        a resumer attempts until it succeeds (recover.c, resumer.c)
 *   LET_GO     -            the resumer looks after the connection
 *   BROKEN     SWITCH, CONNECTED   told as resumed, whoever did it
 *   any        END          class withdrawn, the others' shares made anew; JOB_COMPLETED brings the figures (finish.c)
 *   OVER       ROUND        the next run of the same domain: this one is recorded at once, that one is a new job (job.c)
 *
 * Two things are no events here, since they change no state: libvirt goes away (ceil lifted, because nobody could tell of the
 * stop; the connection tells when it ends) and the watcher ends (everything is taken back; the next watcher adopts the job).
 */
#include "steer/state.h"

#define NO (-1)
#define C MT_JOB_COPYING
#define S MT_JOB_STOPPED
#define P MT_JOB_POST_COPY
#define L MT_JOB_LET_GO
#define B MT_JOB_BROKEN
#define O MT_JOB_OVER

/* clang-format off */
static const int next[MT_JOB_STATES][MT_JOB_EVENTS] = {
        /*                       ROUND STATISTICS STOP SWITCH RUNS_HERE LET_GO BREAK CONNECTED END */
        [MT_JOB_COPYING]   =   { C,    C,         S,   P,     NO,       NO,    NO,   NO,       O },
        [MT_JOB_STOPPED]   =   { S,    S,         NO,  P,     C,        NO,    NO,   NO,       O },
        [MT_JOB_POST_COPY] =   { P,    P,         NO,  P,     NO,       L,     B,    NO,       O },
        [MT_JOB_LET_GO]    =   { L,    L,         NO,  P,     NO,       NO,    B,    NO,       O },
        [MT_JOB_BROKEN]    =   { B,    B,         NO,  P,     NO,       NO,    NO,   L,        O },
        [MT_JOB_OVER]      =   { NO,   NO,        NO,  NO,    NO,       NO,    NO,   NO,       NO },
};
/* clang-format on */

bool mt_state_step(enum mt_job_state *state, enum mt_job_event event)
{
        int to = next[*state][event];

        if (to == NO)
                return false;
        *state = (enum mt_job_state)to;
        return true;
}

bool mt_state_is_post_copy(enum mt_job_state state)
{
        return state == MT_JOB_POST_COPY || state == MT_JOB_LET_GO || state == MT_JOB_BROKEN;
}

const char *mt_state_name(enum mt_job_state state)
{
        static const char *const names[] = {
                [MT_JOB_COPYING] = "copying",  [MT_JOB_STOPPED] = "switchover", [MT_JOB_POST_COPY] = "post-copy",
                [MT_JOB_LET_GO] = "post-copy", [MT_JOB_BROKEN] = "broken",      [MT_JOB_OVER] = "over",
        };

        return names[state];
}
