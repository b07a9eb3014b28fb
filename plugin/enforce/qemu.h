/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's own limits of a migration, set through libvirt. */
#ifndef MT_ENFORCE_QEMU_H
#define MT_ENFORCE_QEMU_H

#include "err.h"

#include <libvirt/libvirt.h>
#include <stdint.h>

/* QEMU's migration limits as libvirt reports them. */
struct mt_qemu_limits {
        uint64_t speed_mib_s;
        uint64_t downtime_ms;
};

/* What is set now, so that it can be put back where a migration ends on this host. */
int mt_qemu_limits_get(virDomainPtr domain, struct mt_qemu_limits *ret, struct mt_err *err);

/* Sets max-bandwidth to bytes_s rounded up to the next MiB/s (libvirt's unit); the exact rate is tc's. */
int mt_qemu_set_speed(virDomainPtr domain, uint64_t bytes_s, struct mt_err *err);

/* Sets downtime-limit, clipped to 1..2,000,000 ms (QEMU's range). */
int mt_qemu_set_downtime(virDomainPtr domain, uint64_t downtime_ms, struct mt_err *err);

/*
 * Sets max-postcopy-bandwidth of the running migration, rounded down to MiB/s (at least 1), before the switch or after it.
 * libvirt does not remember it: QEMU has its own value back when the migration ends here.
 */
int mt_qemu_set_post_copy_speed(virDomainPtr domain, uint64_t bytes_s, struct mt_err *err);

/*
 * Switches the running migration to post-copy. -EPERM: libvirt refuses, because the caller started it without
 * VIR_MIGRATE_POSTCOPY (virDomainMigrateStartPostCopy, VIR_ERR_OPERATION_INVALID).
 */
int mt_qemu_start_post_copy(virDomainPtr domain, struct mt_err *err);

/* A way to resume a broken post-copy. */
struct mt_resume {
        char uri[256];         /* of the destination's libvirt, as the source's reaches it */
        char migrate_uri[256]; /* where memory is to go; "": the destination says */
        uint64_t flags;        /* as the migration was called with; 0: not known */
};

/*
 * Resumes a broken post-copy, peer to peer whatever the migration was (libvirt's source takes either), and waits until the
 * migration is over: 0, or that it could not be resumed, or broke again, or the daemon went away meanwhile. Only where libvirt
 * says VIR_DOMAIN_PAUSED_POSTCOPY_FAILED and the connection is really gone: see steer/resumer.c.
 */
int mt_qemu_resume_post_copy(virDomainPtr domain, const struct mt_resume *how, struct mt_err *err);

/* The flags that a broken migration is resumed with. flags: those that it was called with; 0: not known. */
uint64_t mt_qemu_resume_flags(uint64_t flags);

/* Puts limits back. Both are tried; the first error is reported. */
int mt_qemu_limits_restore(virDomainPtr domain, const struct mt_qemu_limits *limits, struct mt_err *err);

#endif
