/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: what else callers do about a domain while it migrates. Without a migration that went through here,
 * each of these functions costs the look at one number.
 *
 * Limits: the plugin says whether its plan's stands (and logs it); then the caller is told that all is well, as after a
 * call that did something (the last error was reset on the way, by the look at the domain's UUID). nova sets limits in
 * fixed steps and would undo any plan.
 * What an operator does, switching to post-copy, pausing the guest, aborting, passes in any case. The plugin is told
 * before, so that the watcher knows whose doing it is when QEMU's event comes, and has little time for it.
 */
#include "shim_ask.h"
#include "shim_export.h"
#include "shim_guard.h"
#include "shim_jobs.h"
#include "shim_peer.h"
#include "shim_real.h"

#include <errno.h>

#define LIMIT_MS 500u
#define ACTION_MS 250u

/* Tells the plugin of a call about a domain that migrates. Its answer; 0 if there is nothing to tell. */
static int report(virDomainPtr domain, uint32_t what, uint64_t value)
{
        const struct mt_shim_real *real = mt_shim_real();
        struct mt_report report = {
                .timeout_ms = what == MT_REPORT_MAX_DOWNTIME || what == MT_REPORT_MAX_SPEED ? LIMIT_MS : ACTION_MS,
                .what = what,
                .value = value,
        };
        char uuid[VIR_UUID_STRING_BUFLEN];
        struct mt_shim_job job;

        if (real->virDomainGetUUIDString == NULL || real->virDomainGetUUIDString(domain, uuid) < 0 ||
            !mt_shim_jobs_find(uuid, &job) || job.is_silent || (job.by_daemon && mt_shim_peer_may_be_migtune()))
                return 0;
        report.uuid = uuid;
        return mt_shim_ask_report(job.who, &report);
}

/* report(), if any migration is under way and the call is a caller's own. Does not change errno. */
static int observe(virDomainPtr domain, uint32_t what, uint64_t value)
{
        int code = errno, r = 0;

        if (domain == NULL || !mt_shim_jobs_any() || !mt_shim_enter())
                return 0;
        r = report(domain, what, value);
        mt_shim_leave();
        errno = code;
        return r;
}

static int no_libvirt(void)
{
        errno = ENOSYS;
        return -1;
}

MT_EXPORT int virDomainMigrateSetMaxDowntime(virDomainPtr domain, unsigned long long downtime, unsigned int flags)
{
        if (flags == 0 && observe(domain, MT_REPORT_MAX_DOWNTIME, downtime) == 1)
                return 0;
        return mt_shim_real()->virDomainMigrateSetMaxDowntime != NULL
                       ? mt_shim_real()->virDomainMigrateSetMaxDowntime(domain, downtime, flags)
                       : no_libvirt();
}

/* The speed of the post-copy phase is another limit, and passes. */
MT_EXPORT int virDomainMigrateSetMaxSpeed(virDomainPtr domain, unsigned long bandwidth, unsigned int flags)
{
        if (flags == 0 && observe(domain, MT_REPORT_MAX_SPEED, bandwidth) == 1)
                return 0;
        return mt_shim_real()->virDomainMigrateSetMaxSpeed != NULL
                       ? mt_shim_real()->virDomainMigrateSetMaxSpeed(domain, bandwidth, flags)
                       : no_libvirt();
}

MT_EXPORT int virDomainMigrateStartPostCopy(virDomainPtr domain, unsigned int flags)
{
        (void)observe(domain, MT_REPORT_POST_COPY, 0);
        return mt_shim_real()->virDomainMigrateStartPostCopy != NULL
                       ? mt_shim_real()->virDomainMigrateStartPostCopy(domain, flags)
                       : no_libvirt();
}

MT_EXPORT int virDomainSuspend(virDomainPtr domain)
{
        (void)observe(domain, MT_REPORT_SUSPEND, 0);
        return mt_shim_real()->virDomainSuspend != NULL ? mt_shim_real()->virDomainSuspend(domain) : no_libvirt();
}

/* True if the domain's migration was held here and ends as aborted; libvirt has no job then that it could abort. */
static bool abort_held(virDomainPtr domain)
{
        char uuid[VIR_UUID_STRING_BUFLEN];
        int code = errno;
        bool is_held;

        if (domain == NULL || !mt_shim_jobs_any() || !mt_shim_enter())
                return false;
        is_held = mt_shim_real()->virDomainGetUUIDString != NULL &&
                  mt_shim_real()->virDomainGetUUIDString(domain, uuid) == 0 && mt_shim_jobs_cancel(uuid);
        mt_shim_leave();
        errno = code;
        return is_held;
}

MT_EXPORT int virDomainAbortJob(virDomainPtr domain)
{
        if (abort_held(domain))
                return 0;
        (void)observe(domain, MT_REPORT_ABORT, 0);
        return mt_shim_real()->virDomainAbortJob != NULL ? mt_shim_real()->virDomainAbortJob(domain) : no_libvirt();
}

MT_EXPORT int virDomainAbortJobFlags(virDomainPtr domain, unsigned int flags)
{
        if (flags == 0 && abort_held(domain))
                return 0;
        (void)observe(domain, MT_REPORT_ABORT, 0);
        return mt_shim_real()->virDomainAbortJobFlags != NULL ? mt_shim_real()->virDomainAbortJobFlags(domain, flags)
                                                              : no_libvirt();
}
