/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One migration in its thread, for the files that make it: task.c, settle.c. */
#ifndef MT_MIGRATE_TASK_STATE_H
#define MT_MIGRATE_TASK_STATE_H

#include "command/migrate/run.h"

#define MT_TASK_LOOK_MS 500u /* between two looks at something that is to change */

/* What to make of its call. */
enum mt_task_verdict { MT_MAKE_TUNED, MT_MAKE_AS_IT_IS, MT_MAKE_NOT };

struct mt_task {
        struct mt_run *run;
        size_t index;
        struct mt_move *move; /* name, uuid, memory_bytes and persistent are read without the lock */
        virConnectPtr connection;
        virDomainPtr domain;
        int state, reason; /* of the domain, before the call */
        struct mt_advice advice;
        bool waited; /* it was told that others go first */
        bool alone;  /* no watcher gave the advice */
};

/*
 * settle.c: chooses the destination and asks until there is an answer to act on, which task->advice is then. -ENOSPC: no
 * destination has room; other errors: it is not to be made either.
 */
int mt_task_settle(struct mt_task *task, enum mt_task_verdict *ret, struct mt_err *err);

/* task.c: tells the watcher, if that knows the call, that it is over. */
void mt_task_tell_end(const struct mt_task *task, int result, const char *error);

#endif
