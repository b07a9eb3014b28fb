/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "enforce/qemu.h"
#include "call_flags.h"
#include "units.h"

#include <errno.h>
#include <libvirt/virterror.h>

#define QEMU_MAX_DOWNTIME_MS UINT64_C(2000000)

#define SAME_FLAG(name) _Static_assert(MT_FLAG_##name == (uint64_t)VIR_MIGRATE_##name, "call_flags.h has libvirt's value")
SAME_FLAG(LIVE);
SAME_FLAG(TUNNELLED);
SAME_FLAG(PAUSED);
SAME_FLAG(OFFLINE);
SAME_FLAG(COMPRESSED);
SAME_FLAG(AUTO_CONVERGE);
SAME_FLAG(POSTCOPY);
SAME_FLAG(TLS);
SAME_FLAG(PARALLEL);
SAME_FLAG(POSTCOPY_RESUME);
SAME_FLAG(ZEROCOPY);

static int libvirt_error(struct mt_err *err, const char *what)
{
        const char *message = virGetLastErrorMessage();

        return mt_fail(err, EIO, "%s: libvirt: %s", what, message != NULL ? message : "unknown error");
}

int mt_qemu_limits_get(virDomainPtr domain, struct mt_qemu_limits *ret, struct mt_err *err)
{
        unsigned long speed = 0;
        unsigned long long downtime = 0;

        if (virDomainMigrateGetMaxSpeed(domain, &speed, 0) < 0)
                return libvirt_error(err, "read the migration speed");
        if (virDomainMigrateGetMaxDowntime(domain, &downtime, 0) < 0)
                return libvirt_error(err, "read the downtime limit");
        ret->speed_mib_s = speed;
        ret->downtime_ms = downtime;
        return 0;
}

int mt_qemu_set_speed(virDomainPtr domain, uint64_t bytes_s, struct mt_err *err)
{
        if (virDomainMigrateSetMaxSpeed(domain, (unsigned long)mt_mib_s_ceil(bytes_s), 0) < 0)
                return libvirt_error(err, "set the migration speed");
        return 0;
}

int mt_qemu_set_downtime(virDomainPtr domain, uint64_t downtime_ms, struct mt_err *err)
{
        unsigned long long clipped = downtime_ms < 1                      ? 1
                                     : downtime_ms > QEMU_MAX_DOWNTIME_MS ? QEMU_MAX_DOWNTIME_MS
                                                                          : downtime_ms;

        if (virDomainMigrateSetMaxDowntime(domain, clipped, 0) < 0)
                return libvirt_error(err, "set the downtime limit");
        return 0;
}

int mt_qemu_set_post_copy_speed(virDomainPtr domain, uint64_t bytes_s, struct mt_err *err)
{
        unsigned long mib_s = (unsigned long)(bytes_s / MT_MIB);

        if (virDomainMigrateSetMaxSpeed(domain, mib_s > 0 ? mib_s : 1, VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY) < 0)
                return libvirt_error(err, "set the speed of post-copy");
        return 0;
}

int mt_qemu_start_post_copy(virDomainPtr domain, struct mt_err *err)
{
        if (virDomainMigrateStartPostCopy(domain, 0) == 0)
                return 0;
        (void)libvirt_error(err, "switch to post-copy");
        if (virGetLastErrorCode() != VIR_ERR_OPERATION_INVALID)
                return -EIO;
        err->code = EPERM;
        return -EPERM;
}

uint64_t mt_qemu_resume_flags(uint64_t flags)
{
        const uint64_t kept = VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE | VIR_MIGRATE_UNSAFE | VIR_MIGRATE_TLS;

        return (flags & kept) | VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER | VIR_MIGRATE_POSTCOPY |
               VIR_MIGRATE_POSTCOPY_RESUME;
}

int mt_qemu_resume_post_copy(virDomainPtr domain, const struct mt_resume *how, struct mt_err *err)
{
        const unsigned flags = (unsigned)mt_qemu_resume_flags(how->flags);
        virTypedParameterPtr params = NULL;
        int n = 0, room = 0, r = 0;

        if (how->migrate_uri[0] != '\0')
                r = virTypedParamsAddString(&params, &n, &room, VIR_MIGRATE_PARAM_URI, how->migrate_uri);
        if (r == 0)
                r = virDomainMigrateToURI3(domain, how->uri, params, (unsigned)n, flags);
        if (r < 0)
                r = libvirt_error(err, "resume the post-copy");
        virTypedParamsFree(params, n);
        return r;
}

int mt_qemu_limits_restore(virDomainPtr domain, const struct mt_qemu_limits *limits, struct mt_err *err)
{
        struct mt_err second;
        int r = 0;

        if (virDomainMigrateSetMaxSpeed(domain, (unsigned long)limits->speed_mib_s, 0) < 0)
                r = libvirt_error(err, "put the migration speed back");
        if (limits->downtime_ms > 0 && mt_qemu_set_downtime(domain, limits->downtime_ms, r < 0 ? &second : err) < 0 &&
            r == 0)
                r = -EIO;
        return r;
}
