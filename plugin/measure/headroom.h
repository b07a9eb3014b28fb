/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this host has to spare for a migration's own work: CPUs and memory. */
#ifndef MT_MEASURE_HEADROOM_H
#define MT_MEASURE_HEADROOM_H

#include "facts.h"

/*
 * Reads the load average of the last minute (idle is what of the online CPUs it leaves, so a process that waits for a disk
 * counts as busy) and MemAvailable. What cannot be read stays unknown; nothing fails.
 */
struct mt_headroom_fact mt_headroom_read(void);

/* The same from its parts: the load average, the CPUs, and the text of /proc/meminfo; load < 0, text NULL: not known. */
struct mt_headroom_fact mt_headroom_make(double load, unsigned cpus, const char *meminfo);

#endif
