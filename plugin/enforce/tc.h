/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages to the kernel's traffic control, one file a kind of object; shape.c decides what to send.
 *
 * Handles are the kernel's: major << 16 | minor. Rates are bytes per second. Every function returns 0 or -errno with a
 * message that names the object; device stands in messages only, ifindex is what counts.
 */
#ifndef MT_ENFORCE_TC_H
#define MT_ENFORCE_TC_H

#include "err.h"
#include "netlink.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* One device as tc needs it. */
struct mt_tc_device {
        int ifindex;
        char name[IFNAMSIZ];
        char kind[16];     /* "ifb", "veth", ...; "" for hardware */
        uint32_t tx_queue; /* txqueuelen; 0 would make every fifo we create drop everything */
};

/* tc_link.c: devices. */

/* -ENODEV: no such device. */
int mt_tc_device(struct mt_nl *nl, const char *name, struct mt_tc_device *ret, struct mt_err *err);

/* fn sees every device. 0, or 1 when the list changed meanwhile, or -errno. */
typedef int (*mt_tc_device_fn)(void *ctx, const struct mt_tc_device *device);
int mt_tc_devices(struct mt_nl *nl, mt_tc_device_fn fn, void *ctx, struct mt_err *err);

/* Creates an ifb that is up. -EEXIST: the name is taken. */
int mt_tc_ifb_add(struct mt_nl *nl, const char *name, struct mt_err *err);

/* By its ifindex or, if that is 0, its name. */
int mt_tc_link_delete(struct mt_nl *nl, const struct mt_tc_device *device, struct mt_err *err);

/* tc_qdisc.c: what is common to qdiscs of any kind. */

struct mt_tc_qdisc {
        char kind[16];        /* "" when there is none, or the device is down */
        uint32_t handle;      /* 0: made by the kernel, comes back by itself */
        uint32_t htb_default; /* the minor number HTB sends the unclassified to */
};

/* The qdisc at parent TC_H_ROOT or TC_H_INGRESS (clsact sits there as well). */
int mt_tc_qdisc_get(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t parent, struct mt_tc_qdisc *ret,
                    struct mt_err *err);

/* The kind of a multi-queue root's leaves; "" when they tell none. */
int mt_tc_qdisc_leaf_kind(struct mt_nl *nl, const struct mt_tc_device *device, char ret_kind[16], struct mt_err *err);

/* Creates a qdisc with the kind's own defaults; limit > 0 is for "pfifo": packets. -EEXIST: there is one already. */
int mt_tc_qdisc_add(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t parent, uint32_t handle, const char *kind,
                    uint32_t limit, struct mt_err *err);
int mt_tc_qdisc_delete(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t parent, uint32_t handle,
                       struct mt_err *err);

/* tc_htb.c */

/* Marks the classes of migrations: tc keeps a quantum exactly, and nobody chooses this one by chance. */
#define MT_HTB_QUANTUM 0x14d54u /* 85332 bytes: more than one frame of 64 KiB, less than the 200000 HTB warns of */

struct mt_htb_class {
        uint32_t handle, parent;
        uint64_t rate_bytes_s, ceil_bytes_s; /* 0 < rate <= ceil */
        uint32_t prio;                       /* 0..7, lower borrows first */
        uint32_t quantum;                    /* bytes a turn when classes of one prio share what is left over */
        uint32_t level;                      /* read only; 0: a leaf */
        uint64_t bytes;                      /* read only; sent */
};

int mt_htb_qdisc_add(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t handle, uint32_t default_minor,
                     struct mt_err *err);

/* Creates the class (-EEXIST when there is one), or changes the one there is. */
int mt_htb_class_add(struct mt_nl *nl, const struct mt_tc_device *device, const struct mt_htb_class *class,
                     struct mt_err *err);
int mt_htb_class_change(struct mt_nl *nl, const struct mt_tc_device *device, const struct mt_htb_class *class,
                        struct mt_err *err);
int mt_htb_class_delete(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t handle, struct mt_err *err);

/* -ENOENT: there is no such class. */
int mt_htb_class_get(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t handle, struct mt_htb_class *ret,
                     struct mt_err *err);

/* fn sees every class of the device's HTB qdiscs with this major. */
typedef int (*mt_htb_class_fn)(void *ctx, const struct mt_htb_class *class);
int mt_htb_classes(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t major, mt_htb_class_fn fn, void *ctx,
                   struct mt_err *err);

/* tc_u32.c: filters. */

/* What a packet must carry: TCP between these addresses. A family of 0 matches any address; a port mask of 0 any port. */
struct mt_u32_match {
        int family;                                  /* AF_INET or AF_INET6 */
        struct sockaddr_storage source, destination; /* sin_port is not looked at */
        uint16_t source_port, source_mask;
        uint16_t destination_port, destination_mask;
};

/* Adds a filter to the qdisc: what matches goes to class. */
int mt_u32_add(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t qdisc, uint16_t priority, uint32_t class,
               const struct mt_u32_match *match, struct mt_err *err);

/* Adds a filter to the ingress qdisc that sends every packet out through the device with ifindex target. */
int mt_u32_redirect_all(struct mt_nl *nl, const struct mt_tc_device *device, uint16_t priority, int target,
                        struct mt_err *err);

/* Removes every filter of this priority; 0 also when there is none. */
int mt_filter_delete(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t qdisc, uint16_t priority,
                     struct mt_err *err);

/* fn sees each filter's priority (0 asks for all) and kind. */
typedef int (*mt_filter_fn)(void *ctx, uint16_t priority, const char *kind);
int mt_filters(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t qdisc, uint16_t priority, mt_filter_fn fn,
               void *ctx, struct mt_err *err);

#endif
