/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When the shim stands aside: within its own work, and in processes that were forked away under it. */
#ifndef MT_SHIM_GUARD_H
#define MT_SHIM_GUARD_H

#include <stdbool.h>

/*
 * True: this thread's call is a caller's own, and mt_shim_leave() must follow. False: the call comes from within the shim's
 * work in this thread, from the plugin, or from a child that was forked after the shim had begun to work in its parent, and
 * must go straight through.
 */
bool mt_shim_enter(void);
void mt_shim_leave(void);

/* Marks this thread as the shim's own for the rest of its life. */
void mt_shim_own_thread(void);

#endif
