/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune plan --offline: a plan from numbers alone. */
#ifndef MT_COMMAND_PLAN_OFFLINE_H
#define MT_COMMAND_PLAN_OFFLINE_H

#include <migtune/plugin.h>

/* argv as the command got it. Returns the exit status. */
int mt_plan_offline(const struct mt_host_ops *host, int argc, const char *const *argv);

/* Prints the list of keys. */
void mt_plan_offline_help(void);

#endif
