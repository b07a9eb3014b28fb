/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For who plans where no watcher runs: a struct mt_host of one's own, for a moment. */
#ifndef MT_SERVICE_ALONE_H
#define MT_SERVICE_ALONE_H

#include "err.h"
#include "steer/host.h"
#include "wishes.h"

#include <migtune/plugin.h>

/*
 * Reads the configuration and takes the first of the two samples that make traffic rates; no libvirt connection and no
 * history yet. What cannot be measured stays unknown; only the configuration can fail.
 */
int mt_alone_open(const char *config_file, struct mt_host *ret, struct mt_err *err);

/* Also closes the connection, if there is one. Accepts a zeroed host. */
void mt_alone_close(struct mt_host *host);

/*
 * What to make of a migration call, by a read-only connection to this host's libvirt (uri; NULL: qemu:///system), within
 * call->timeout_ms. wishes: its caller's own, or NULL. Nothing steers the migration afterwards, so there is no ticket. One
 * line in the log says so. -ETIMEDOUT: it took too long, and a thread that hangs is left behind; -EBUSY, at once: one that
 * was left behind hangs still.
 */
int mt_alone_advise(const struct mt_host_ops *ops, const char *uri, const struct mt_call *call,
                    const struct mt_wishes *wishes, struct mt_advice *ret, struct mt_err *err);

#endif
