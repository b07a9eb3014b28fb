/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One outgoing migration's life, from the first MIGRATION_ITERATION event to its outcome record. See state.c for the states.
 */
#ifndef MT_STEER_JOB_H
#define MT_STEER_JOB_H

#include "measure/domain.h"
#include "steer/host.h"

#include <json-c/json.h>

/* An iteration begins (MIGRATION_ITERATION): starts a job at the first one, corrects D and the plan at the others. */
void mt_job_iteration(struct mt_host *host, virDomainPtr domain, int iteration);

/* A migration that was running before the watcher was: adopts it. */
void mt_job_adopt(struct mt_host *host, virDomainPtr domain);

/* The guest stands still for the last copy (lifecycle SUSPENDED; MIGRATED, or POSTCOPY with post_copy): lifts the ceil. */
void mt_job_switchover(struct mt_host *host, const char *uuid, bool post_copy);

/* libvirt says that a post-copy failed (lifecycle SUSPENDED, POSTCOPY_FAILED): it is resumed, see recover.h. */
void mt_job_post_copy_failed(struct mt_host *host, const char *uuid);

/* The guest runs again on the source (lifecycle RESUMED): the stop was not the switchover. */
void mt_job_resumed(struct mt_host *host, const char *uuid);

/* JOB_COMPLETED with its statistics: ends the job. */
void mt_job_completed(struct mt_host *host, const char *uuid, const struct mt_job_stats *stats);

/* The domain stopped (lifecycle STOPPED with libvirt's detail, or it is gone): ends its job if one is still open. */
void mt_job_domain_stopped(struct mt_host *host, const char *uuid, int detail);

/* Some job's agent has news (host->agent_fd was written). */
void mt_job_collect(struct mt_host *host);

/* Once a second, after the NIC sample: statistics, samples, re-planning, jobs that ended without an event. */
void mt_job_tick(struct mt_host *host);

/* Matches jobs with the domains of a new libvirt connection: ends those whose migration is over. */
void mt_job_reconnected(struct mt_host *host);

/* libvirt went away: jobs let go of their domain objects and go on by their sockets alone. */
void mt_job_disconnected(struct mt_host *host);

/* Adds the jobs' classes to a JSON array, as mt_host_classes says. */
void mt_job_classes(const struct mt_host *host, json_object *array);

/* Bytes/s that the jobs send through device, smoothed, as the device counts. */
uint64_t mt_job_own_rate(const struct mt_host *host, const char *device);

/* Whether the domain has a job that is not over. */
bool mt_job_exists(const struct mt_host *host, const char *uuid);

/* The running migrations, for `migtune status`: a JSON array. */
json_object *mt_job_status(const struct mt_host *host);

/* The watcher ends: classes and limits go back, the migrations run on; the next watcher adopts and records them. */
void mt_job_clear(struct mt_host *host);

#endif
