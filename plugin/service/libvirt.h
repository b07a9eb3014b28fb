/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The watcher's connection to libvirt: opened, watched, reopened with back-off, and its events handed to steer/.
 */
#ifndef MT_SERVICE_LIBVIRT_H
#define MT_SERVICE_LIBVIRT_H

#include "steer/host.h"

struct mt_libvirt;

/* Starts connecting (from the event loop, so that the watcher is up while libvirt is not). */
int mt_libvirt_start(struct mt_host *host, const char *uri, struct mt_libvirt **ret, struct mt_err *err);

/* Closes the connection; host->connection is NULL then. Accepts NULL. */
void mt_libvirt_stop(struct mt_libvirt *libvirt);

#endif
