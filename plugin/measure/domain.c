/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/domain.h"
#include "cleanup.h"
#include "units.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>

int mt_libvirt_fail(struct mt_err *err, const char *what)
{
        virErrorPtr last = virGetLastError();
        int code = EIO;

        if (last != NULL && last->code == VIR_ERR_NO_DOMAIN)
                code = ENOENT;
        else if (last != NULL && last->code == VIR_ERR_OPERATION_INVALID)
                code = EINVAL;
        return mt_fail(err, code, "%s: libvirt: %s", what,
                       last != NULL && last->message != NULL ? last->message : "unknown error");
}

static uint64_t get_ull(virTypedParameterPtr params, int n, const char *name)
{
        unsigned long long value = 0;

        (void)virTypedParamsGetULLong(params, n, name, &value);
        return value;
}

void mt_domain_job_params(virTypedParameterPtr params, int n, struct mt_job_stats *ret)
{
        struct mt_job_stats stats = { 0 };
        uint64_t page_size = get_ull(params, n, VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE);
        const char *error = NULL;

        (void)virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &stats.operation);
        stats.elapsed_ms = get_ull(params, n, VIR_DOMAIN_JOB_TIME_ELAPSED);
        stats.downtime_ms = get_ull(params, n, VIR_DOMAIN_JOB_DOWNTIME);
        stats.memory_total_bytes = get_ull(params, n, VIR_DOMAIN_JOB_MEMORY_TOTAL);
        stats.memory_zero_bytes = get_ull(params, n, VIR_DOMAIN_JOB_MEMORY_CONSTANT) * (page_size > 0 ? page_size : 4096);
        stats.memory_processed_bytes = get_ull(params, n, VIR_DOMAIN_JOB_MEMORY_PROCESSED);
        stats.memory_remaining_bytes = get_ull(params, n, VIR_DOMAIN_JOB_MEMORY_REMAINING);
        stats.rate_bytes_s = get_ull(params, n, VIR_DOMAIN_JOB_MEMORY_BPS);
        stats.dirty_rate_bytes_s = get_ull(params, n, VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE) * (page_size > 0 ? page_size : 4096);
        (void)virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_AUTO_CONVERGE_THROTTLE, &stats.throttle_percent);
        stats.iteration = get_ull(params, n, VIR_DOMAIN_JOB_MEMORY_ITERATION);
        if (virTypedParamsGetString(params, n, VIR_DOMAIN_JOB_ERRMSG, &error) == 1 && error != NULL)
                (void)snprintf(stats.error, sizeof(stats.error), "%s", error);
        *ret = stats;
}

int mt_domain_job_stats(virDomainPtr domain, bool completed, struct mt_job_stats *ret, struct mt_err *err)
{
        virTypedParameterPtr params = NULL;
        int type = VIR_DOMAIN_JOB_NONE;
        int n = 0;

        if (virDomainGetJobStats(domain, &type, &params, &n,
                                 completed ? VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED : 0) < 0)
                return mt_libvirt_fail(err, "job statistics");
        mt_domain_job_params(params, n, ret);
        ret->type = type;
        virTypedParamsFree(params, n);
        return 0;
}

bool mt_domain_is_migrating_out(virDomainPtr domain)
{
        struct mt_job_stats stats;

        if (mt_domain_job_stats(domain, false, &stats, NULL) < 0 || stats.type == VIR_DOMAIN_JOB_NONE)
                return false;
        return stats.operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
}

int mt_domain_memory(virDomainPtr domain, uint64_t *ret_memory_bytes, uint64_t *ret_process_bytes, struct mt_err *err)
{
        virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
        virDomainInfo info;
        uint64_t resident = 0;
        int n;

        if (virDomainGetInfo(domain, &info) < 0)
                return mt_libvirt_fail(err, "domain information");
        n = virDomainMemoryStats(domain, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0);
        for (int i = 0; i < n; i++)
                if (stats[i].tag == VIR_DOMAIN_MEMORY_STAT_RSS)
                        resident = (uint64_t)stats[i].val * MT_KIB;
        *ret_memory_bytes = (uint64_t)info.memory * MT_KIB;
        *ret_process_bytes = resident;
        return 0;
}
