/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread.h"

#include <errno.h>
#include <time.h>

int mt_thread_detached(void *(*run)(void *arg), void *arg)
{
        pthread_attr_t detached;
        pthread_t thread;
        int r;

        (void)pthread_attr_init(&detached);
        (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        r = pthread_create(&thread, &detached, run, arg);
        (void)pthread_attr_destroy(&detached);
        return r;
}

void mt_thread_cond_init(pthread_cond_t *cond)
{
        pthread_condattr_t clock;

        (void)pthread_condattr_init(&clock);
        (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
        (void)pthread_cond_init(cond, &clock);
        (void)pthread_condattr_destroy(&clock);
}

bool mt_thread_wait(pthread_mutex_t *lock, pthread_cond_t *cond, const bool *flag, uint64_t ms)
{
        struct timespec until;
        bool is_set;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += (time_t)(ms / 1000);
        until.tv_nsec += (long)(ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
        }
        (void)pthread_mutex_lock(lock);
        while (!*flag && pthread_cond_timedwait(cond, lock, &until) != ETIMEDOUT)
                ;
        is_set = *flag;
        (void)pthread_mutex_unlock(lock);
        return is_set;
}
