/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a host's name to its address, without waiting: a name server that does not answer holds getaddrinfo() for half a
 * minute, so a thread of its own calls it, and is left behind when nobody can wait any longer.
 */
#ifndef MT_MEASURE_RESOLVE_H
#define MT_MEASURE_RESOLVE_H

#include "err.h"

#include <sys/socket.h>

struct mt_resolver;

/* An IPv4 or IPv6 address in figures. Asks nobody. -EINVAL: it is a name, or nothing at all. */
int mt_resolve_numeric(const char *text, struct sockaddr_storage *ret);

/* Starts looking name up. -EBUSY: too many are looked up just now. */
int mt_resolver_start(const char *name, struct mt_resolver **ret, struct mt_err *err);

/*
 * Takes the first address and frees the resolver. -EAGAIN: it is still looking, and nothing was taken; -ENOENT: there is
 * none.
 */
int mt_resolver_take(struct mt_resolver *resolver, struct sockaddr_storage *ret, struct mt_err *err);

/* Lets go of one that is still looking: its thread ends by itself. Accepts NULL. */
void mt_resolver_abandon(struct mt_resolver *resolver);

#endif
