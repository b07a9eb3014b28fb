/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One migration call from its beginning to its end, whatever libvirt's function it was. */
#ifndef MT_SHIM_MIGRATE_H
#define MT_SHIM_MIGRATE_H

#include "shim_params.h"

#include <libvirt/libvirt.h>

#include <stdbool.h>

/* What a function that migrates was called with. What it does not have is NULL or 0. */
struct mt_shim_migration {
        /*
         * Makes the real call with those parameters instead of the caller's. What libvirt returned: 0 or -1; a function that
         * returns a domain leaves it in moved.
         */
        int (*make)(struct mt_shim_migration *m, const struct mt_shim_params *params);
        /* The same for a call without typed parameters, as one that has them. NULL: libvirt has none that does the same. */
        int (*make_typed)(struct mt_shim_migration *m, const struct mt_shim_params *params);
        virDomainPtr domain;
        virConnectPtr dconn;
        bool by_daemon;       /* the shim is in the source's daemon */
        bool has_fixed_flags; /* MT_CALL_FIXED_FLAGS */
        const char *dconnuri; /* the destination's libvirt */
        const char *uri;      /* where memory goes; typed parameters may have it instead */
        const char *dname, *xml, *cookiein;
        int cookieinlen;
        char **cookieout;
        int *cookieoutlen;
        struct mt_shim_params given;
        virDomainPtr moved;
        int entry_errno, exit_errno; /* for the shim's own use */
};

/* Asks the plugin, waits if it says so, makes the call, and tells the plugin of its end. What the call returned. */
int mt_shim_migrate(struct mt_shim_migration *m);

#endif
