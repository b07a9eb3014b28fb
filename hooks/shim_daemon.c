/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the shim in the source's libvirtd or virtqemud. Every migration that any client asks for comes
 * through one of two functions there, which libvirt exports to its daemons only. Their prototypes are known for the
 * versions of mt_shim_version_is_tested(); of others nothing is assumed but that they can be called on.
 *
 * In a peer-to-peer migration the source's daemon does everything after this call, so flags and parameters can be changed.
 * In a direct one the client has prepared the destination already, with the flags that it has: then only bandwidths can be,
 * and the call cannot be made twice, because the first failure ends libvirt's job. Nor can it be left out: clients set
 * VIR_MIGRATE_CHANGE_PROTECTION, with which libvirt has begun that job, and they count on the call to end it.
 */
#include "shim_export.h"
#include "shim_log.h"
#include "shim_migrate.h"
#include "shim_real.h"

#include <errno.h>
#include <migtune/plugin.h>
#include <stdbool.h>
#include <syslog.h>

/* True if the call may be changed. It is, in a daemon, once a migration: asking for the version costs nothing there. */
static bool is_known_version(void)
{
        uint64_t version = mt_shim_version();

        if (mt_shim_version_is_tested(version))
                return true;
        mt_shim_log(LOG_WARNING, "version",
                    "libvirt %u.%u.%u is not one that this shim was tested with in a daemon (9.0 to 11.3), leaving "
                    "migrations untuned",
                    (unsigned)(version / 1000000), (unsigned)(version / 1000 % 1000), (unsigned)(version % 1000));
        return false;
}

/* As virDomainMigrateToURI3 and the others; a version that is not known makes the call at once. */
static int migrate(struct mt_shim_migration *m)
{
        int code = errno;
        bool is_known = is_known_version();

        errno = code;
        m->by_daemon = true;
        m->has_fixed_flags = (m->given.flags & VIR_MIGRATE_PEER2PEER) == 0;
        return is_known ? mt_shim_migrate(m) : m->make(m, &m->given);
}

static int make_perform3_params(struct mt_shim_migration *m, const struct mt_shim_params *params)
{
        if (mt_shim_real()->virDomainMigratePerform3Params == NULL) {
                errno = ENOSYS;
                return -1;
        }
        return mt_shim_real()->virDomainMigratePerform3Params(m->domain, m->dconnuri, params->list, (int)params->n,
                                                              m->cookiein, m->cookieinlen, m->cookieout, m->cookieoutlen,
                                                              (unsigned int)params->flags);
}

MT_EXPORT int virDomainMigratePerform3Params(virDomainPtr domain, const char *dconnuri, virTypedParameterPtr params,
                                             int nparams, const char *cookiein, int cookieinlen, char **cookieout,
                                             int *cookieoutlen, unsigned int flags)
{
        struct mt_shim_migration m = {
                .make = make_perform3_params,
                .domain = domain,
                .dconnuri = dconnuri,
                .cookiein = cookiein,
                .cookieinlen = cookieinlen,
                .cookieout = cookieout,
                .cookieoutlen = cookieoutlen,
                .given = { .flags = flags, .is_typed = true, .list = params, .n = (unsigned)nparams },
        };

        return nparams < 0 ? m.make(&m, &m.given) : migrate(&m);
}

static int make_perform3(struct mt_shim_migration *m, const struct mt_shim_params *params)
{
        if (mt_shim_real()->virDomainMigratePerform3 == NULL) {
                errno = ENOSYS;
                return -1;
        }
        return mt_shim_real()->virDomainMigratePerform3(m->domain, m->xml, m->cookiein, m->cookieinlen, m->cookieout,
                                                        m->cookieoutlen, m->dconnuri, m->uri, params->flags, m->dname,
                                                        params->bandwidth);
}

MT_EXPORT int virDomainMigratePerform3(virDomainPtr domain, const char *xmlin, const char *cookiein, int cookieinlen,
                                       char **cookieout, int *cookieoutlen, const char *dconnuri, const char *uri,
                                       unsigned long flags, const char *dname, unsigned long resource)
{
        struct mt_shim_migration m = {
                .make = make_perform3,
                .domain = domain,
                .xml = xmlin,
                .cookiein = cookiein,
                .cookieinlen = cookieinlen,
                .cookieout = cookieout,
                .cookieoutlen = cookieoutlen,
                .dconnuri = dconnuri,
                .uri = uri,
                .dname = dname,
                .given = { .flags = flags, .bandwidth = resource },
        };

        return migrate(&m);
}
