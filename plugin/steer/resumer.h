/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The thread that resumes one domain's broken post-copy, as often as it takes. See resumer.c for when it tries.
 */
#ifndef MT_STEER_RESUMER_H
#define MT_STEER_RESUMER_H

#include "enforce/qemu.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MT_RESUME_WAYS 2

struct mt_resumer;

/* What is to be resumed, and how. */
struct mt_resume_order {
        char uuid[37];
        char libvirt_uri[256];                /* of this host's libvirt */
        pid_t pid;                            /* of the domain's QEMU; 0: not known */
        unsigned n;                           /* 1 to MT_RESUME_WAYS */
        struct mt_resume way[MT_RESUME_WAYS]; /* one after the other, again and again */
        bool whatever_version;                /* even where the destination's libvirt is known to crash by it */
};

enum mt_resumer_state {
        MT_RESUMER_WAITS, /* for the next attempt */
        MT_RESUMER_CALLS, /* the call is under way: for the rest of the migration, if it works */
        MT_RESUMER_IDLES, /* the migration's connection is there: libvirt has lost hold of it, and that is all */
        MT_RESUMER_ENDED, /* there is nothing to be resumed any more; the thread has ended */
};

/* How it stands. Times are CLOCK_MONOTONIC. */
struct mt_resumer_news {
        enum mt_resumer_state state;
        unsigned attempts; /* so far, the one under way included */
        uint64_t next_ms;  /* MT_RESUMER_WAITS: when it tries again */
        bool refused;      /* it does not even try, for the reason in `error` */
        char error[256];   /* why the last attempt failed; "": none has */
};

/* Starts the thread; it writes wake_fd (an eventfd, the caller's, which outlives all of them) when its state changes. */
int mt_resumer_start(const struct mt_resume_order *order, int wake_fd, struct mt_resumer **ret, struct mt_err *err);

/* How it stands now. */
void mt_resumer_look(struct mt_resumer *resumer, struct mt_resumer_news *ret);

/* The migration goes on: if it breaks again the first wait is short again. */
void mt_resumer_succeeded(struct mt_resumer *resumer);

/* Lets go of it: it makes no further attempt, and ends when its call returns. Never waits. Accepts NULL. */
void mt_resumer_release(struct mt_resumer *resumer);

/* The wait before an attempt, ms: 500 doubled for each that has failed, at most 30000, and a quarter more or less by random. */
uint64_t mt_resumer_wait_ms(unsigned failed, uint32_t random);

/* Whether libvirt's daemon of that version, as MT_VERSION(), crashes on a destination when a post-copy is resumed. */
bool mt_resumer_crashes(uint64_t libvirt_version);

#endif
