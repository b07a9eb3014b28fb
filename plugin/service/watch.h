/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watcher: one process a host that steers, shapes and records every migration. */
#ifndef MT_SERVICE_WATCH_H
#define MT_SERVICE_WATCH_H

#include <migtune/plugin.h>

/*
 * Runs until SIGTERM or SIGINT (which, with SIGHUP, the caller has blocked in all threads). uri NULL: qemu:///system.
 * Returns the command's exit status: 0 ended by a signal, 1 it could not start (logged).
 */
int mt_watch_run(const struct mt_host_ops *ops, const char *uri);

#endif
