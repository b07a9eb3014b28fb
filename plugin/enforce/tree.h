/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One HTB tree: what the kernel holds of it now, and the parts that all migrations share. shape.c has the theory.
 */
#ifndef MT_ENFORCE_TREE_H
#define MT_ENFORCE_TREE_H

#include "enforce/shape.h"
#include "enforce/reap.h"
#include "enforce/tc.h"
#include "enforce/undo.h"

struct mt_shaper {
        struct mt_nl *nl;
        struct mt_reaper reaper;
        bool background; /* ifb devices are deleted by the reaper */
};

/*
 * A class's index fixes its minor number and its filters' priorities. u32 has room for 2047 hash tables a qdisc, of which
 * every priority takes one; a class takes one, and a second while its filters are replaced.
 */
#define MT_TREE_FIRST_INDEX 2u
#define MT_TREE_LAST_INDEX 0x7f0u
#define MT_TREE_MINOR_BASE 0x4d00u /* under an operator's HTB, minor = this + index; in our own tree minor = index */
#define MT_TREE_PRIORITY 0x4d00u   /* priorities of filters: this + 2 * index, and + 1 (see mt_tree_priority) */

struct mt_tree {
        enum mt_direction direction;
        bool own;                          /* else under a class of an operator's HTB */
        bool exists;                       /* its qdisc stands */
        uint64_t link_bytes_s;             /* as asked for; 0: as the kernel has it */
        struct mt_tc_device uplink;        /* migrations pass here */
        struct mt_tc_device device;        /* the HTB is here: the uplink or, for ingress, its ifb (ifindex 0: not there) */
        bool new_ifb;                      /* made by this call */
        struct mt_tc_qdisc root;           /* of device */
        uint32_t qdisc;                    /* handle of the HTB */
        uint32_t parent;                   /* class above those of migrations */
        struct mt_htb_class top, fallback; /* own tree's 4d54:1 and 4d54:fffe; handle 0: missing */
        struct mt_htb_class above;         /* not own: the operator's class; handle 0: missing */
        uint64_t reserved_bytes_s;         /* sum of the rates of the migrations' classes */
        unsigned n;                        /* how many these are */
        bool used[MT_TREE_LAST_INDEX + 1]; /* by index */
        bool ours[MT_TREE_LAST_INDEX + 1];
};

/* Reads the tree of link from the kernel. A missing one is no error (exists = false), a missing device is. */
int mt_tree_read(struct mt_nl *nl, const struct mt_link *link, struct mt_tree *ret, struct mt_err *err);

/* Finds where the tree is, or would be (uplink, device, qdisc, parent), without reading its qdisc and classes. */
int mt_tree_locate(struct mt_nl *nl, const struct mt_link *link, struct mt_tree *ret, struct mt_err *err);

/* Creates what is missing of the ifb, the qdisc and the two common classes. -EBUSY: something foreign is in the way. */
int mt_tree_make(struct mt_nl *nl, struct mt_tree *tree, struct mt_undo *undo, struct mt_err *err);

/* -EBUSY: somebody else's qdisc is at the uplink's ingress. */
int mt_tree_check_hook(struct mt_nl *nl, const struct mt_tree *tree, struct mt_err *err);

/* Ingress: leads the uplink's received packets into the ifb, if they are not yet. Last, so that they find their classes. */
int mt_tree_hook(struct mt_nl *nl, const struct mt_tree *tree, struct mt_undo *undo, struct mt_err *err);

/* Gives the default class what the reservations leave over, and both common classes the link's rate. Own trees only. */
int mt_tree_balance(struct mt_nl *nl, struct mt_tree *tree, struct mt_undo *undo, struct mt_err *err);

/* Removes an own tree with everything in it; 0 also when there is none. reaper: deletes the ifb; NULL: done here. */
int mt_tree_drop(struct mt_nl *nl, const struct mt_tree *tree, struct mt_reaper *reaper, struct mt_err *err);

/*
 * Ingress: stops leading packets into an ifb; the ingress qdisc stays if somebody else's filters are in it. ifb_exists: an
 * empty ingress qdisc counts as ours.
 */
int mt_tree_unhook(struct mt_nl *nl, const struct mt_tc_device *uplink, bool ifb_exists, bool *ret_found,
                   struct mt_err *err);

/* A queue for the leaf class where the device's own default would have no room. */
int mt_tree_leaf(struct mt_nl *nl, const struct mt_tree *tree, uint32_t class, struct mt_err *err);

static inline uint32_t mt_tree_minor(const struct mt_tree *tree, unsigned index)
{
        return tree->own ? index : MT_TREE_MINOR_BASE + index;
}

/* The index of a minor number, or 0 when no class of a migration can have it. */
unsigned mt_tree_index(const struct mt_tree *tree, uint32_t minor);

/*
 * Filters of a class are all in slot 0 or all in slot 1: the new set is complete in the one before the old set goes from
 * the other.
 */
static inline uint16_t mt_tree_priority(unsigned index, unsigned slot)
{
        return (uint16_t)(MT_TREE_PRIORITY + 2 * index + slot);
}

/* "1:10" -> its handle. -EINVAL. */
int mt_tree_parse_handle(const char *text, uint32_t *ret);

#endif
