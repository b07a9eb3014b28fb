/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's own functions, which the shim stands in front of or needs for itself.
 *
 * The shim must not name a symbol of libvirt that the linker would have to find: a Python process has libvirt outside of
 * the scope where preloaded objects look. libvirt's headers give types and prototypes, and that is all.
 */
#ifndef MT_SHIM_REAL_H
#define MT_SHIM_REAL_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Functions that libvirt exports to its own daemons only. The prototypes are those of libvirt 9.0.0 and 11.3.0, where they
 * are the same (src/libvirt_internal.h, src/util/virerror.h, src/util/viridentity.h).
 */
int virDomainMigratePerform3Params(virDomainPtr domain, const char *dconnuri, virTypedParameterPtr params, int nparams,
                                   const char *cookiein, int cookieinlen, char **cookieout, int *cookieoutlen,
                                   unsigned int flags);
int virDomainMigratePerform3(virDomainPtr domain, const char *xmlin, const char *cookiein, int cookieinlen, char **cookieout,
                             int *cookieoutlen, const char *dconnuri, const char *uri, unsigned long flags,
                             const char *dname, unsigned long resource);
int virSetError(virErrorPtr newerr);
void virDispatchError(virConnectPtr conn);
void *virIdentityGetCurrent(void);
int virIdentityGetProcessID(void *identity, pid_t *pid);

#define MT_REAL_FUNCTIONS(X)                                                                                                \
        /* what the shim stands in front of */                                                                              \
        X(virDomainMigrateToURI3)                                                                                           \
        X(virDomainMigrateToURI2)                                                                                           \
        X(virDomainMigrateToURI)                                                                                            \
        X(virDomainMigrate3)                                                                                                \
        X(virDomainMigrate2)                                                                                                \
        X(virDomainMigrate)                                                                                                 \
        X(virDomainMigratePerform3Params)                                                                                   \
        X(virDomainMigratePerform3)                                                                                         \
        X(virDomainMigrateSetMaxDowntime)                                                                                   \
        X(virDomainMigrateSetMaxSpeed)                                                                                      \
        X(virDomainMigrateStartPostCopy)                                                                                    \
        X(virDomainAbortJob)                                                                                                \
        X(virDomainAbortJobFlags)                                                                                           \
        X(virDomainSuspend)                                                                                                 \
        /* what it needs to know what it stands in front of */                                                              \
        X(virGetVersion)                                                                                                    \
        X(virDomainGetName)                                                                                                 \
        X(virDomainGetUUIDString)                                                                                           \
        X(virDomainGetState)                                                                                                \
        X(virDomainGetConnect)                                                                                              \
        X(virConnectGetURI)                                                                                                 \
        X(virGetLastError)                                                                                                  \
        X(virSaveLastError)                                                                                                 \
        X(virFreeError)                                                                                                     \
        /* private, for libvirt versions that mt_shim_version_is_tested() */                                                \
        X(virSetError)                                                                                                      \
        X(virDispatchError)                                                                                                 \
        X(virIdentityGetCurrent)                                                                                            \
        X(virIdentityGetProcessID)

/* Members are named as in libvirt. NULL: the process has no such function. */
struct mt_shim_real {
#define MT_REAL_MEMBER(name) __typeof__(name) *name;
        MT_REAL_FUNCTIONS(MT_REAL_MEMBER)
#undef MT_REAL_MEMBER
};

/* The functions, looked up when this is first called. Never NULL. Changes neither errno nor libvirt's last error. */
const struct mt_shim_real *mt_shim_real(void);

/* The library's version at run time: major * 1000000 + minor * 1000 + release; 0: not known. Resets libvirt's last error. */
uint64_t mt_shim_version(void);

/* True if libvirt's private functions were tried with that version. */
bool mt_shim_version_is_tested(uint64_t version);

#endif
