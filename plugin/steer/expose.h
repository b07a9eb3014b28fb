/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The watcher's metrics, as Prometheus's node exporter reads them: counted here, written to metrics.textfile.
 *
 * Every function accepts a host without (host->expose NULL), and then does nothing.
 */
#ifndef MT_STEER_EXPOSE_H
#define MT_STEER_EXPOSE_H

#include "record/metrics.h"
#include "steer/host.h"

/* Begins to count, from where the textfile left off. Out of memory: nothing is counted. */
void mt_expose_start(struct mt_host *host);

/* The configuration was read again, and taken or refused. */
void mt_expose_reloaded(struct mt_host *host, bool taken);

/* A migration has ended; the file is written with the next tick. */
void mt_expose_outcome(const struct mt_host *host, const struct mt_outcome *outcome);

/* Something failed, and migrations go on without it. */
void mt_failed_open(const struct mt_host *host, enum mt_fail_open what);

/* mt_decide(), and its time. */
void mt_host_decide(const struct mt_host *host, const struct mt_facts *facts, const struct mt_intent *intent,
                    struct mt_plan *ret_plan);

/* Once a second, after the NIC sample: writes the file when that is due. */
void mt_expose_tick(struct mt_host *host);

/* The watcher ends: the counters stay in the file, the gauges go. */
void mt_expose_stop(struct mt_host *host);

#endif
