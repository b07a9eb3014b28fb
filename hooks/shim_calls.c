/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's functions that migrate, as clients call them. Each is the same twice: the function that stands in front, which
 * writes down what it was called with, and the one that makes the real call from that.
 *
 * The older functions have no place for most of what an advice may say. Where it needs that, they are made as the newest
 * one of their kind, which does the same: virDomainMigrateToURI and 2 as virDomainMigrateToURI3, virDomainMigrate and 2 as
 * virDomainMigrate3; but not with VIR_MIGRATE_PEER2PEER, which the last refuses.
 */
#include "shim_export.h"
#include "shim_migrate.h"
#include "shim_real.h"

#include <errno.h>
#include <migtune/plugin.h>

/* There is no libvirt behind us: nobody can have made a domain to call with. */
static int no_libvirt(void)
{
        errno = ENOSYS;
        return -1;
}

/* What a function that returns a domain returned, as a status. */
static int moved(struct mt_shim_migration *m, virDomainPtr domain)
{
        m->moved = domain;
        return domain != NULL ? 0 : -1;
}

static int make_to_uri3(struct mt_shim_migration *m, const struct mt_shim_params *params)
{
        if (mt_shim_real()->virDomainMigrateToURI3 == NULL)
                return no_libvirt();
        return mt_shim_real()->virDomainMigrateToURI3(m->domain, m->dconnuri, params->list, params->n,
                                                      (unsigned int)params->flags);
}

MT_EXPORT int virDomainMigrateToURI3(virDomainPtr domain, const char *dconnuri, virTypedParameterPtr params,
                                     unsigned int nparams, unsigned int flags)
{
        struct mt_shim_migration m = {
                .make = make_to_uri3,
                .domain = domain,
                .dconnuri = dconnuri,
                .given = { .flags = flags, .is_typed = true, .list = params, .n = nparams },
        };

        return mt_shim_migrate(&m);
}

static int make_to_uri2(struct mt_shim_migration *m, const struct mt_shim_params *params)
{
        if (mt_shim_real()->virDomainMigrateToURI2 == NULL)
                return no_libvirt();
        return mt_shim_real()->virDomainMigrateToURI2(m->domain, m->dconnuri, m->uri, m->xml, params->flags, m->dname,
                                                      params->bandwidth);
}

MT_EXPORT int virDomainMigrateToURI2(virDomainPtr domain, const char *dconnuri, const char *miguri, const char *dxml,
                                     unsigned long flags, const char *dname, unsigned long bandwidth)
{
        struct mt_shim_migration m = {
                .make = make_to_uri2,
                .make_typed = make_to_uri3,
                .domain = domain,
                .dconnuri = dconnuri,
                .uri = miguri,
                .xml = dxml,
                .dname = dname,
                .given = { .flags = flags, .bandwidth = bandwidth },
        };

        return mt_shim_migrate(&m);
}

/* Which of the two URIs it is depends on a flag that the shim does not change. */
static int make_to_uri(struct mt_shim_migration *m, const struct mt_shim_params *params)
{
        if (mt_shim_real()->virDomainMigrateToURI == NULL)
                return no_libvirt();
        return mt_shim_real()->virDomainMigrateToURI(m->domain, m->dconnuri != NULL ? m->dconnuri : m->uri, params->flags,
                                                     m->dname, params->bandwidth);
}

MT_EXPORT int virDomainMigrateToURI(virDomainPtr domain, const char *duri, unsigned long flags, const char *dname,
                                    unsigned long bandwidth)
{
        struct mt_shim_migration m = {
                .make = make_to_uri,
                .make_typed = make_to_uri3,
                .domain = domain,
                .dconnuri = (flags & VIR_MIGRATE_PEER2PEER) != 0 ? duri : NULL,
                .uri = (flags & VIR_MIGRATE_PEER2PEER) != 0 ? NULL : duri,
                .dname = dname,
                .given = { .flags = flags, .bandwidth = bandwidth },
        };

        return mt_shim_migrate(&m);
}

static int make_migrate3(struct mt_shim_migration *m, const struct mt_shim_params *params)
{
        if (mt_shim_real()->virDomainMigrate3 == NULL)
                return no_libvirt();
        return moved(m, mt_shim_real()->virDomainMigrate3(m->domain, m->dconn, params->list, params->n,
                                                          (unsigned int)params->flags));
}

MT_EXPORT virDomainPtr virDomainMigrate3(virDomainPtr domain, virConnectPtr dconn, virTypedParameterPtr params,
                                         unsigned int nparams, unsigned int flags)
{
        struct mt_shim_migration m = {
                .make = make_migrate3,
                .domain = domain,
                .dconn = dconn,
                .given = { .flags = flags, .is_typed = true, .list = params, .n = nparams },
        };

        (void)mt_shim_migrate(&m);
        return m.moved;
}

static int make_migrate2(struct mt_shim_migration *m, const struct mt_shim_params *params)
{
        if (mt_shim_real()->virDomainMigrate2 == NULL)
                return no_libvirt();
        return moved(m, mt_shim_real()->virDomainMigrate2(m->domain, m->dconn, m->xml, params->flags, m->dname, m->uri,
                                                          params->bandwidth));
}

MT_EXPORT virDomainPtr virDomainMigrate2(virDomainPtr domain, virConnectPtr dconn, const char *dxml, unsigned long flags,
                                         const char *dname, const char *uri, unsigned long bandwidth)
{
        struct mt_shim_migration m = {
                .make = make_migrate2,
                .make_typed = (flags & VIR_MIGRATE_PEER2PEER) != 0 ? NULL : make_migrate3,
                .domain = domain,
                .dconn = dconn,
                .xml = dxml,
                .dname = dname,
                .uri = uri,
                .given = { .flags = flags, .bandwidth = bandwidth },
        };

        (void)mt_shim_migrate(&m);
        return m.moved;
}

/* As with virDomainMigrateToURI, a flag says which URI it is. */
static int make_migrate(struct mt_shim_migration *m, const struct mt_shim_params *params)
{
        if (mt_shim_real()->virDomainMigrate == NULL)
                return no_libvirt();
        return moved(m, mt_shim_real()->virDomainMigrate(m->domain, m->dconn, params->flags, m->dname,
                                                         m->dconnuri != NULL ? m->dconnuri : m->uri, params->bandwidth));
}

MT_EXPORT virDomainPtr virDomainMigrate(virDomainPtr domain, virConnectPtr dconn, unsigned long flags, const char *dname,
                                        const char *uri, unsigned long bandwidth)
{
        struct mt_shim_migration m = {
                .make = make_migrate,
                .make_typed = (flags & VIR_MIGRATE_PEER2PEER) != 0 ? NULL : make_migrate3,
                .domain = domain,
                .dconn = dconn,
                .dconnuri = (flags & VIR_MIGRATE_PEER2PEER) != 0 ? uri : NULL,
                .uri = (flags & VIR_MIGRATE_PEER2PEER) != 0 ? NULL : uri,
                .dname = dname,
                .given = { .flags = flags, .bandwidth = bandwidth },
        };

        (void)mt_shim_migrate(&m);
        return m.moved;
}
