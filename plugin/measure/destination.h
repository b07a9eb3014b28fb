/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The other host's traffic: from its sample in destination.share_dir, else from its libvirt (destination.uri), else unknown.
 *
 * Theory of operation. Both ways may hang: the directory may be on a network file system, the other libvirt anywhere.
 * So the watcher's loop touches neither; it hands over its own sample and asks for what is known, which takes a lock
 * and nothing else.
 *
 *   exchange.c   one thread writes and reads the directory, once a second, whether or not anything migrates: what the
 *                first plan of a migration needs is there when it begins.
 *   peer.c       one thread for each peer that was asked for and that the directory does not tell of. It connects when
 *                first asked, so the first plan does without; the rate is known half a second after the connection. A
 *                peer that nobody asked for during a minute is let go, so that one migration after another need not
 *                wait again.
 *
 * Each thread is held up by its own file system or host only. There are at most MAX_PEERS of the latter: one that hangs
 * in a call keeps its place until the call returns, whoever asks meanwhile, so the number of threads is bounded.
 * Stopping waits for the exchange to remove this host's file (half a second at most) and for no peer.
 *
 * A struct mt_destination belongs to one thread.
 */
#ifndef MT_MEASURE_DESTINATION_H
#define MT_MEASURE_DESTINATION_H

#include "err.h"
#include "facts.h"
#include "measure/share.h"

#include <stdbool.h>
#include <sys/socket.h>

struct mt_destination;

/*
 * share_dir and uri: as configured, "" for none. host: the name to publish under, "" for one that only asks. All are
 * copied. virInitialize() must have been called.
 */
int mt_destination_start(const char *share_dir, const char *uri, const char *host, struct mt_destination **ret,
                         struct mt_err *err);

/* Ends it, see above. Accepts NULL. */
void mt_destination_stop(struct mt_destination *destination);

/* This host's own sample, about once a second. Accepts a NULL destination. */
void mt_destination_publish(struct mt_destination *destination, const struct mt_share_sample *sample);

/* The traffic of the host with that address; from now on it is wanted. Unknown for a NULL destination. Never waits. */
struct mt_traffic_fact mt_destination_get(struct mt_destination *destination, const struct sockaddr_storage *peer);

/* Other hosts' migrations to the host with that address, as they tell in share_dir; none for a NULL destination. Never waits. */
struct mt_share_send mt_destination_others(struct mt_destination *destination, const struct sockaddr_storage *peer);

/*
 * Somebody knows how to reach the libvirt of the host with that address: it is asked, where there is neither a sample of
 * it nor a destination.uri. Copied. Never waits.
 */
void mt_destination_offer(struct mt_destination *destination, const struct sockaddr_storage *peer, const char *uri);

/* True while the host's libvirt has been asked, and has neither told nor failed: waiting a little may help. */
bool mt_destination_pending(struct mt_destination *destination, const struct sockaddr_storage *peer);

/*
 * Lets go of peers that nobody asked for; about once a second. True: something is wrong that was not so before, for the
 * log; ask again. Accepts a NULL destination.
 */
bool mt_destination_tick(struct mt_destination *destination, struct mt_err *ret_complaint);

/* uri with each %a replaced by the address (IPv6 in brackets). -ENAMETOOLONG. */
int mt_destination_uri(const char *uri, const struct in6_addr *address, char *ret, size_t size);

#endif
