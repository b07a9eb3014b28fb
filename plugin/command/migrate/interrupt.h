/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SIGINT and SIGTERM as something to read: the host has blocked them in all threads (migtune/plugin.h, command). */
#ifndef MT_MIGRATE_INTERRUPT_H
#define MT_MIGRATE_INTERRUPT_H

#include "err.h"

/* A descriptor to poll for reading, the caller's to close; or -errno. */
int mt_interrupt_open(struct mt_err *err);

/* How many have come since the last time; those that come at once may count as one. */
unsigned mt_interrupt_take(int fd);

#endif
