/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim_jobs.h"
#include "shim_time.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/*
 * libvirtd serves five calls of a client at once by default (max_client_requests), and one that is held counts: four may
 * be, so that the fifth can be the one that aborts.
 */
#define MAX_HELD_IN_DAEMON 4u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mt_shim_job *jobs;
static atomic_uint n_jobs;

/* For hold() and cancel(). Its clock must not jump with the wall's, which only an initialised one can have. */
static pthread_cond_t cancelled;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init(void)
{
        mt_shim_cond_init(&cancelled);
}

void mt_shim_jobs_add(struct mt_shim_job *job)
{
        (void)pthread_once(&once, init);
        (void)pthread_mutex_lock(&lock);
        job->next = jobs;
        jobs = job;
        (void)atomic_fetch_add(&n_jobs, 1);
        (void)pthread_mutex_unlock(&lock);
}

void mt_shim_jobs_remove(struct mt_shim_job *job)
{
        (void)pthread_mutex_lock(&lock);
        for (struct mt_shim_job **p = &jobs; *p != NULL; p = &(*p)->next)
                if (*p == job) {
                        *p = job->next;
                        (void)atomic_fetch_sub(&n_jobs, 1);
                        break;
                }
        (void)pthread_mutex_unlock(&lock);
}

bool mt_shim_jobs_any(void)
{
        return atomic_load(&n_jobs) > 0;
}

bool mt_shim_jobs_find(const char *uuid, struct mt_shim_job *ret_job)
{
        bool is_found = false;

        (void)pthread_mutex_lock(&lock);
        for (const struct mt_shim_job *job = jobs; job != NULL && !is_found; job = job->next)
                if (strcmp(job->uuid, uuid) == 0) {
                        *ret_job = *job;
                        ret_job->next = NULL;
                        is_found = true;
                }
        (void)pthread_mutex_unlock(&lock);
        return is_found;
}

static unsigned held_in_daemon(void)
{
        unsigned n = 0;

        for (const struct mt_shim_job *job = jobs; job != NULL; job = job->next)
                n += job->by_daemon && job->is_held;
        return n;
}

int mt_shim_jobs_hold(struct mt_shim_job *job, uint32_t wait_ms)
{
        struct timespec until = mt_shim_after_ms(wait_ms);
        int r = 0;

        (void)pthread_mutex_lock(&lock);
        if (job->by_daemon && !job->is_held && held_in_daemon() >= MAX_HELD_IN_DAEMON) {
                r = -EAGAIN;
        } else {
                job->is_held = true; /* until it begins: asking again does not make room for another */
                while (!job->is_cancelled && pthread_cond_timedwait(&cancelled, &lock, &until) != ETIMEDOUT)
                        ;
                r = job->is_cancelled ? -ECANCELED : 0;
        }
        (void)pthread_mutex_unlock(&lock);
        return r;
}

/* True if the job is for that domain and libvirt does not have it. */
static bool is_to_come(const struct mt_shim_job *job, const char *uuid)
{
        return !job->is_begun && (job->can_cancel || job->must_be_made) && strcmp(job->uuid, uuid) == 0;
}

bool mt_shim_jobs_cancel(const char *uuid)
{
        bool is_any = false, is_libvirts = false;

        (void)pthread_mutex_lock(&lock);
        for (const struct mt_shim_job *job = jobs; job != NULL; job = job->next)
                if ((job->is_begun || job->must_be_made) && strcmp(job->uuid, uuid) == 0)
                        is_libvirts = true;
        for (struct mt_shim_job *job = jobs; job != NULL; job = job->next)
                if (is_to_come(job, uuid) && (job->must_be_made || !is_libvirts)) {
                        job->is_cancelled = true;
                        is_any = true;
                }
        if (is_any)
                (void)pthread_cond_broadcast(&cancelled);
        (void)pthread_mutex_unlock(&lock);
        return is_any && !is_libvirts;
}

int mt_shim_jobs_begin(struct mt_shim_job *job, bool is_silent, enum mt_shim_plugin who)
{
        int r;

        (void)pthread_mutex_lock(&lock);
        job->is_begun = true;
        job->is_held = false;
        job->is_silent = is_silent;
        job->who = who;
        r = job->is_cancelled && !job->must_be_made ? -ECANCELED : 0;
        (void)pthread_mutex_unlock(&lock);
        return r;
}
