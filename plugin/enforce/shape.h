/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tc classes around running migrations: one HTB tree per uplink and direction, with a handle of our own.
 *
 *   egress (source):       UPLINK root 4d54: htb default fffe
 *   ingress (destination): UPLINK ingress ffff: -> mirred redirect all -> ifb "mtifb<ifindex>" root 4d54: htb default fffe
 *                          4d54:1     rate = ceil = link
 *                          4d54:fffe  everything else: rate = link - sum of the reservations, ceil = link, prio 0
 *                          4d54:2...  one class a migration: rate = reservation, ceil = cap, prio 0 or 1
 *
 * See shape.c for the theory of operation (bursts, rollback, adoption, foreign qdiscs).
 */
#ifndef MT_ENFORCE_SHAPE_H
#define MT_ENFORCE_SHAPE_H

#include "err.h"
#include "measure/sockets.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MT_TC_MAJOR 0x4d54u /* "MT" */
#define MT_TC_CLASS_DEFAULT 0xfffeu
#define MT_IFB_PREFIX "mtifb"

enum mt_direction { MT_EGRESS, MT_INGRESS };

struct mt_shaper; /* holds the netlink socket; one thread a shaper */

/* Where a tree stands, and how wide it is. */
struct mt_link {
        char device[IFNAMSIZ];
        enum mt_direction direction;
        uint64_t rate_bytes_s; /* the link; > 0 */
        char parent[16];       /* egress only: "" = our own root; else a class "1:10" of the operator's HTB to add under,
                                  an inner class or one made for this; our minor numbers are then 0x4d02 upwards */
};

/*
 * What a class does. 0 < rate <= ceil <= link, else -EINVAL. Rates count frames with their Ethernet headers (at 1500 bytes
 * MTU TCP's payload is 95.6 % of it).
 */
struct mt_class_spec {
        uint64_t rate_bytes_s;
        uint64_t ceil_bytes_s;
        bool low_priority; /* others borrow first */
};

int mt_shaper_new(struct mt_shaper **ret, struct mt_err *err);
void mt_shaper_free(struct mt_shaper *shaper); /* closes the socket; classes stay until removed or swept */

/*
 * From now on mt_shape_remove returns while the last ifb is still being deleted (12 to 20 ms, see reap.h); what is
 * called next waits for that where it matters.
 */
void mt_shaper_delete_in_background(struct mt_shaper *shaper);

/*
 * Adds a class for one migration; the tree (and for ingress the ifb) is made with the first one. *ret_minor is the class's
 * minor number. With no flows (NULL or none) the class exists without a filter (see mt_shape_match). All or nothing: on any
 * failure what this call made is undone.
 * -EBUSY: the device has a root (or ingress) qdisc that is not ours and no parent is configured; it is left untouched.
 * -ENOENT: there is no such parent. -EPERM: no CAP_NET_ADMIN. Others: -errno with the kernel's own words.
 */
int mt_shape_add(struct mt_shaper *shaper, const struct mt_link *link, const struct mt_class_spec *spec,
                 const struct mt_flows *flows, uint16_t *ret_minor, struct mt_err *err);

/* Changes rate and ceil of a class (and the default class's rate with it). */
int mt_shape_change(struct mt_shaper *shaper, const struct mt_link *link, uint16_t minor, const struct mt_class_spec *spec,
                    struct mt_err *err);

/*
 * Replaces the class's filters by ones for these flows; no flows: by none. Egress matches local and peer address and port;
 * ingress matches the local (destination) address and port, and the peer's where known. What a flow leaves open (port 0,
 * a wildcard address, no peer) is not compared; -EINVAL for one without any port. -ENOENT: no such class of ours.
 */
int mt_shape_match(struct mt_shaper *shaper, const struct mt_link *link, uint16_t minor, const struct mt_flows *flows,
                   struct mt_err *err);

/* Ingress before the port is known: everything to the migration range 49152-49215 (TCP, both families) goes to the class. */
int mt_shape_match_port_range(struct mt_shaper *shaper, const struct mt_link *link, uint16_t minor, struct mt_err *err);

/*
 * Removes the class and its filters; with the last class the tree and the ifb go, and the default qdisc comes back. 0 also
 * when it, or the device, was gone. The last ingress class takes some 15 ms: that is how long the kernel deletes an ifb.
 */
int mt_shape_remove(struct mt_shaper *shaper, const struct mt_link *link, uint16_t minor, struct mt_err *err);

/*
 * What a class does now, as the kernel says it: counters included. minor MT_TC_CLASS_DEFAULT: the default class of an
 * own tree, that is, everything else on the link.
 */
struct mt_class_state {
        struct mt_class_spec spec;
        uint64_t bytes; /* sent through the class */
};
int mt_shape_query(struct mt_shaper *shaper, const struct mt_link *link, uint16_t minor, struct mt_class_state *ret,
                   struct mt_err *err);

/*
 * Finds everything of ours on every device of this network namespace and calls fn for each class: link.device, direction,
 * rate (own trees) or parent (under an operator's HTB), minor. fn says whether to keep it; what is not kept is removed,
 * trees that end up without classes too (ifbs as well). fn NULL keeps nothing. fn must not use the shaper.
 * Returns how many objects (classes, trees, redirections) were removed, or -errno: the first error, after all was tried.
 */
typedef bool (*mt_shape_keep_fn)(void *ctx, const struct mt_link *link, uint16_t minor);
int mt_shape_sweep(struct mt_shaper *shaper, mt_shape_keep_fn fn, void *ctx, struct mt_err *err);

#endif
