/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collecting the facts about one migration from measure/. */
#ifndef MT_STEER_GATHER_H
#define MT_STEER_GATHER_H

#include "measure/domain_xml.h"
#include "model/hot.h"
#include "measure/route.h"
#include "measure/sockets.h"
#include "steer/host.h"

/* The domain's XML, parsed. */
int mt_gather_domain(virDomainPtr domain, struct mt_domain_xml *ret, struct mt_err *err);

/*
 * Everything that policy/ wants to know. What cannot be measured keeps its "unknown" value; nothing fails. uplink may be
 * zeroed, flows NULL. The bandwidth that the domain has already counts as free.
 */
void mt_gather_facts(const struct mt_host *host, virDomainPtr domain, const struct mt_domain_xml *xml,
                     const struct mt_intent *intent, const struct mt_uplink *uplink, const struct mt_flows *flows,
                     struct mt_facts *ret);

#define MT_HOT_WINDOW_POINTS 2

/* What background sampling saw dirtied in windows of two lengths: fills ret[MT_HOT_WINDOW_POINTS] or gives 0. */
size_t mt_gather_hot_points(const struct mt_host *host, const char *uuid, struct mt_hot_point *ret);

/* The hot pages that explain the points (mt_hot_fit), into the facts; where that cannot be told they stay as they are. */
void mt_gather_hot_pages(const struct mt_hot_point *points, size_t n, enum mt_hot_source source, struct mt_facts *facts);

/* The traffic of the destination and other hosts' migrations to it, as of now. peer: NULL, its address is not known. */
void mt_gather_destination(const struct mt_host *host, const struct sockaddr_storage *peer, struct mt_facts *facts);

/* Where the connection leads to; NULL: not known. */
const struct sockaddr_storage *mt_gather_peer(const struct mt_flows *flows);

#endif
