/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting with a bound that does not move with the wall clock. */
#ifndef MT_SHIM_TIME_H
#define MT_SHIM_TIME_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* Milliseconds of the monotonic clock. */
static inline uint64_t mt_shim_now_ms(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* That long from now on the monotonic clock, as pthread_cond_timedwait() takes it. */
static inline struct timespec mt_shim_after_ms(uint32_t ms)
{
        uint64_t at;
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        at = (uint64_t)now.tv_nsec + (uint64_t)ms * 1000000;
        return (struct timespec){ now.tv_sec + (time_t)(at / 1000000000), (long)(at % 1000000000) };
}

/* Initialises a condition to wait on by the monotonic clock. */
static inline void mt_shim_cond_init(pthread_cond_t *cond)
{
        pthread_condattr_t clock;

        (void)pthread_condattr_init(&clock);
        (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
        (void)pthread_cond_init(cond, &clock);
        (void)pthread_condattr_destroy(&clock);
}

#endif
