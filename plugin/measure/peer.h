/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another host's VM traffic, asked of its libvirt.
 *
 * A thread of its own for each peer keeps a read-only connection and reads the interface statistics of all domains once
 * a second. Whatever hangs (a name server, a connect to a host that is off, ssh, the daemon itself) holds up this
 * thread alone; keep-alives, which the watcher's event loop sends, end a connection that has died within about 20 s,
 * TCP a connect within about 2 minutes. After a failure it tries again every 5, 10, 20, 30, 30, ... seconds. Letting go
 * of a peer never waits: the thread ends when its call returns.
 */
#ifndef MT_MEASURE_PEER_H
#define MT_MEASURE_PEER_H

#include "err.h"
#include "facts.h"

#include <stdbool.h>

struct mt_peer;

/* Starts the thread. uri: of the other host's libvirt (copied). */
int mt_peer_start(const char *uri, struct mt_peer **ret, struct mt_err *err);

/* Lets go of the peer; its thread ends by itself. Never waits. Accepts NULL. */
void mt_peer_release(struct mt_peer *peer);

/* The VMs' traffic. Unknown: no two readings yet, or the last one is older than 5 s. */
struct mt_traffic_fact mt_peer_traffic(struct mt_peer *peer);

/* Whether nothing is known of it yet, and nothing has failed. */
bool mt_peer_is_pending(struct mt_peer *peer);

/* Whether its thread is in a call to libvirt that may last. */
bool mt_peer_is_busy(struct mt_peer *peer);

/* Why the peer is not known: once each time that a connection is lost or the first one fails. False: nothing new. */
bool mt_peer_complaint(struct mt_peer *peer, struct mt_err *ret);

#endif
