/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope-bound release of resources.
 *
 * MT_CLEANUP(fn) runs fn(&variable) when the variable leaves its scope; MT_STEAL(&variable) hands the value over
 * and leaves NULL behind, so that the cleanup finds nothing to do. Every such fn accepts a NULL value.
 */
#ifndef MT_CLEANUP_H
#define MT_CLEANUP_H

#include "array.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MT_CLEANUP(fn) __attribute__((cleanup(fn)))

#define MT_STEAL(pointer)                          \
        (__extension__({                           \
                __typeof__(pointer) p_ = (pointer); \
                __typeof__(*p_) v_ = *p_;          \
                *p_ = NULL;                        \
                v_;                                \
        }))

/* Releases what malloc() gave; for MT_CLEANUP. */
static inline void mt_freep(void *pointer)
{
        free(*(void **)pointer);
}

/* Closes a descriptor unless it is negative; for MT_CLEANUP. */
static inline void mt_closep(int *fd)
{
        if (*fd >= 0)
                (void)close(*fd);
}

/* Closes a stdio stream unless it is NULL; for MT_CLEANUP. */
static inline void mt_fclosep(FILE **stream)
{
        if (*stream != NULL)
                (void)fclose(*stream);
}

#endif
