/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Background threads that pause, and that can be woken and told to end. */
#ifndef MT_THREAD_H
#define MT_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Starts a detached thread. 0, or a positive errno value. */
int mt_thread_detached(void *(*run)(void *arg), void *arg);

/* A condition that waits by CLOCK_MONOTONIC. */
void mt_thread_cond_init(pthread_cond_t *cond);

/* Waits on cond until *flag is true or ms have passed. lock protects *flag; it is taken and given back. Returns *flag. */
bool mt_thread_wait(pthread_mutex_t *lock, pthread_cond_t *cond, const bool *flag, uint64_t ms);

#endif
