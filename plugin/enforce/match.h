/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From sockets to what a class's filters compare. Pure: no I/O.
 */
#ifndef MT_ENFORCE_MATCH_H
#define MT_ENFORCE_MATCH_H

#include "enforce/shape.h"
#include "enforce/tc.h"

/* Everything that one class's filters are to match; a listening socket may need both families. */
struct mt_match_list {
        unsigned n;
        struct mt_u32_match match[2 * MT_MAX_FLOWS];
};

/*
 * Egress: from the local to the peer's address and port; ingress: the other way round. What is unknown (port 0, a wildcard
 * address, no peer) is not compared. flows NULL gives none. -EINVAL: a flow without any port, or between families, which
 * would match anything or nothing.
 */
int mt_match_flows(enum mt_direction direction, const struct mt_flows *flows, struct mt_match_list *ret, struct mt_err *err);

/* TCP over both families to any port of libvirt's migration range. */
void mt_match_port_range(struct mt_match_list *ret);

#endif
