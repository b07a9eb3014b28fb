/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `migtune status --follow`: the running migrations once a second, until SIGINT or SIGTERM. */
#ifndef MT_COMMAND_STATUS_FOLLOW_H
#define MT_COMMAND_STATUS_FOLLOW_H

#include <migtune/plugin.h>

#include <stdbool.h>

/*
 * Follows. On a terminal a picture that is drawn over itself; elsewhere a line for each change; with json one object a
 * second. Without a watcher it says so, and goes on until there is one. Returns the exit status.
 */
int mt_status_follow(const struct mt_host_ops *host, bool json);

#endif
