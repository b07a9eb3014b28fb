/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens a libvirt connection in a thread: a daemon that accepts and does not answer keeps virConnectOpen() waiting without
 * end, and keep-alives begin only after it.
 */
#ifndef MT_SERVICE_CONNECTOR_H
#define MT_SERVICE_CONNECTOR_H

#include "err.h"

#include <libvirt/libvirt.h>
#include <stdbool.h>

struct mt_connector;

/* Starts opening uri. wake_fd (an eventfd, the caller's, outliving this) is written when it worked or failed. */
int mt_connector_start(const char *uri, int wake_fd, struct mt_connector **ret, struct mt_err *err);

/*
 * Takes the result and frees the connector: 0 and *ret, the caller's to close, or the error. -EAGAIN: it is still
 * opening, and nothing was taken.
 */
int mt_connector_take(struct mt_connector *connector, virConnectPtr *ret, struct mt_err *err);

/* Lets go of one that is still opening: it ends, and closes what it may get, by itself. Accepts NULL. */
void mt_connector_abandon(struct mt_connector *connector);

#endif
