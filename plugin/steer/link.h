/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a migration leaves or enters this host, and what its class may look like there. */
#ifndef MT_STEER_LINK_H
#define MT_STEER_LINK_H

#include "enforce/shape.h"
#include "measure/route.h"
#include "steer/host.h"

#include <json-c/json.h>

/*
 * The uplink towards peer (or the configured one), with link.rate applied. *ret is zeroed, so that nothing is shaped, where
 * there is none; the error says why.
 */
int mt_link_uplink(const struct mt_host *host, const struct sockaddr_storage *peer, struct mt_uplink *ret,
                   struct mt_err *err);

/*
 * Where a class on uplink would stand. An error, with its reason, where nothing is to be shaped: tc switched off, the rate
 * of the link unknown, a link wider than tc.max_link, no right to shape.
 */
int mt_link_of(const struct mt_host *host, const struct mt_uplink *uplink, enum mt_direction direction, struct mt_link *ret,
               struct mt_err *err);

/* Keeps a class's numbers inside what HTB takes: 1 % of the link <= rate <= ceil <= link. */
struct mt_class_spec mt_link_class(const struct mt_link *link, uint64_t rate_bytes_s, uint64_t ceil_bytes_s,
                                   bool low_priority);

/* One class as JSON: {"device", "ingress", "minor"}. */
json_object *mt_link_json(const struct mt_link *link, uint16_t minor);

#endif
