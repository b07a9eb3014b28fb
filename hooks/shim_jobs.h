/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The migration calls that are under way in this process. */
#ifndef MT_SHIM_JOBS_H
#define MT_SHIM_JOBS_H

#include "shim_plugin.h"

#include <libvirt/libvirt.h>

#include <stdbool.h>
#include <stdint.h>

/* One call, on the stack of the thread that makes it. Others see it only under the lock of shim_jobs.c. */
struct mt_shim_job {
        struct mt_shim_job *next;
        char uuid[VIR_UUID_STRING_BUFLEN];
        const char *name;  /* the domain's; lives as long as the call */
        bool by_daemon;    /* MT_CALL_BY_DAEMON */
        bool can_cancel;   /* libvirt's error can be set, so that a call that is held can end as aborted */
        bool must_be_made; /* libvirt has begun a job for it, which only the call itself ends */
        bool is_begun;     /* libvirt has it */
        bool is_held;      /* it waits for its turn */
        bool is_cancelled;
        bool is_silent;          /* the plugin does not want to hear of it */
        enum mt_shim_plugin who; /* hears of it, once it is begun */
};

/* Puts a call on the list, and takes it off again: the thread that makes the call does both. */
void mt_shim_jobs_add(struct mt_shim_job *job);
void mt_shim_jobs_remove(struct mt_shim_job *job);

/* False: there are none. Takes no lock. */
bool mt_shim_jobs_any(void);

/* Copies what is under way for a domain to *ret_job (next is NULL, name is not for use). False: nothing. */
bool mt_shim_jobs_find(const char *uuid, struct mt_shim_job *ret_job);

/*
 * Waits for wait_ms. 0; -ECANCELED: cancelled meanwhile; -EAGAIN, at once: too many wait already in a daemon, whose
 * clients have only a few calls each.
 */
int mt_shim_jobs_hold(struct mt_shim_job *job, uint32_t wait_ms);

/*
 * Ends the calls for a domain that libvirt does not have yet; one that must be made waits no longer. True: that is all there
 * is to abort. False: libvirt has a migration of the domain, or nothing was ended.
 */
bool mt_shim_jobs_cancel(const char *uuid);

/* From now on the call is libvirt's; is_silent and who go to the job. -ECANCELED: it was cancelled before. */
int mt_shim_jobs_begin(struct mt_shim_job *job, bool is_silent, enum mt_shim_plugin who);

#endif
