/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the plugin may call libvirt, and its calls come out here again, because it is the same process. A
 * mark in each thread that is at the shim's work lets them through.
 *
 * A process that forks without exec takes along locks that threads held which it does not have. The first process that
 * does the shim's work is the only one that ever does.
 */
#include "shim_guard.h"

#include <stdatomic.h>
#include <unistd.h>

static _Thread_local bool at_work;
static atomic_int owner; /* process number; 0: none yet */

bool mt_shim_enter(void)
{
        int expected = 0, self = (int)getpid();

        if (at_work)
                return false;
        if (!atomic_compare_exchange_strong(&owner, &expected, self) && expected != self)
                return false;
        at_work = true;
        return true;
}

void mt_shim_leave(void)
{
        at_work = false;
}

void mt_shim_own_thread(void)
{
        at_work = true;
}
