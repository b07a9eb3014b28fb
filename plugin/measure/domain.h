/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt says of a domain and of its migration job. */
#ifndef MT_MEASURE_DOMAIN_H
#define MT_MEASURE_DOMAIN_H

#include "err.h"

#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <stdint.h>

/* A migration job's statistics; fields that libvirt did not give are 0. */
struct mt_job_stats {
        int type;      /* virDomainJobType: VIR_DOMAIN_JOB_NONE when there is no job */
        int operation; /* virDomainJobOperation */
        uint64_t elapsed_ms;
        uint64_t downtime_ms;
        uint64_t memory_total_bytes, memory_processed_bytes, memory_remaining_bytes;
        uint64_t memory_zero_bytes;  /* pages that held nothing but zeros, and cost nothing */
        uint64_t rate_bytes_s;       /* memory_bps: QEMU's own estimate */
        uint64_t dirty_rate_bytes_s; /* memory_dirty_rate (pages/s) times memory_page_size */
        int throttle_percent;        /* auto-converge: the guest's CPUs are slowed down by so much; 0: not */
        uint64_t iteration;          /* may include earlier cancelled runs: compare, do not trust the number alone */
        char error[192];             /* "errmsg" of a finished job */
};

/* The running job, or with completed = true the last one that ended. */
int mt_domain_job_stats(virDomainPtr domain, bool completed, struct mt_job_stats *ret, struct mt_err *err);

/* The same from the typed parameters of a JOB_COMPLETED event. */
void mt_domain_job_params(virTypedParameterPtr params, int n, struct mt_job_stats *ret);

/* True while an outgoing migration job runs on the domain. (libvirt gives no job statistics on the destination.) */
bool mt_domain_is_migrating_out(virDomainPtr domain);

/*
 * The domain's memory (current balloon size), and what QEMU's process holds resident: the pages that the guest has ever
 * touched, and QEMU's own. 0 when libvirt cannot tell.
 */
int mt_domain_memory(virDomainPtr domain, uint64_t *ret_memory_bytes, uint64_t *ret_process_bytes, struct mt_err *err);

/* libvirt's last error in this thread, as -errno with "what: its message". */
int mt_libvirt_fail(struct mt_err *err, const char *what);

#endif
