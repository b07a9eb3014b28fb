/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "enforce/tree.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <stdio.h>
#include <string.h>

#define OWN_QDISC (MT_TC_MAJOR << 16)
#define TOP_CLASS (OWN_QDISC | 1u)
#define FALLBACK_CLASS (OWN_QDISC | MT_TC_CLASS_DEFAULT)
#define PFIFO_LIMIT 1000u /* packets; what a device with a queue has by default */
#define LEAST_SHARE 100u  /* the default class keeps one part in a hundred, whatever is reserved */

int mt_tree_parse_handle(const char *text, uint32_t *ret)
{
        unsigned major, minor;
        int used = 0;

        if (sscanf(text, "%4x:%4x%n", &major, &minor, &used) != 2 || text[used] != '\0' || major == 0 || minor == 0)
                return -EINVAL;
        *ret = major << 16 | minor;
        return 0;
}

unsigned mt_tree_index(const struct mt_tree *tree, uint32_t minor)
{
        const uint32_t base = tree->own ? 0 : MT_TREE_MINOR_BASE;

        return minor >= base + MT_TREE_FIRST_INDEX && minor <= base + MT_TREE_LAST_INDEX ? minor - base : 0;
}

static int read_class(void *ctx, const struct mt_htb_class *class)
{
        struct mt_tree *tree = ctx;
        unsigned index;

        if (tree->own && class->handle == TOP_CLASS)
                tree->top = *class;
        if (tree->own && class->handle == FALLBACK_CLASS)
                tree->fallback = *class;
        if (!tree->own && class->handle == tree->parent)
                tree->above = *class;
        index = mt_tree_index(tree, class->handle & 0xffff);
        if (index == 0)
                return 0;
        tree->used[index] = true;
        if (class->quantum != MT_HTB_QUANTUM)
                return 0;
        tree->ours[index] = true;
        tree->n++;
        tree->reserved_bytes_s += class->rate_bytes_s;
        return 0;
}

/* Under an operator's HTB the filters share a list with the operator's: a priority that is taken is not ours to use. */
static int read_priority(void *ctx, uint16_t priority, const char *kind)
{
        struct mt_tree *tree = ctx;
        const unsigned index = priority >= MT_TREE_PRIORITY ? (priority - MT_TREE_PRIORITY) / 2 : 0;

        (void)kind;
        if (index >= MT_TREE_FIRST_INDEX && index <= MT_TREE_LAST_INDEX)
                tree->used[index] = true;
        return 0;
}

static int find_device(struct mt_nl *nl, struct mt_tree *tree, struct mt_err *err)
{
        char ifb[IFNAMSIZ];
        int r;

        tree->device = tree->uplink;
        if (tree->direction == MT_EGRESS)
                return 0;
        (void)snprintf(ifb, sizeof(ifb), MT_IFB_PREFIX "%u", (unsigned)tree->uplink.ifindex % 1000000000u);
        tree->device = (struct mt_tc_device){ 0 };
        (void)memcpy(tree->device.name, ifb, sizeof(ifb));
        r = mt_tc_device(nl, ifb, &tree->device, err);
        if (r == -ENODEV)
                return 0;
        if (r == 0 && strcmp(tree->device.kind, "ifb") != 0)
                return mt_fail(err, EBUSY, "device '%s' is not an ifb", ifb);
        return r;
}

int mt_tree_locate(struct mt_nl *nl, const struct mt_link *link, struct mt_tree *ret, struct mt_err *err)
{
        struct mt_tree tree = { .direction = link->direction,
                                .own = true,
                                .link_bytes_s = link->rate_bytes_s,
                                .qdisc = OWN_QDISC,
                                .parent = TOP_CLASS };
        int r;

        if (link->direction == MT_EGRESS && link->parent[0] != '\0') {
                tree.own = false;
                if (mt_tree_parse_handle(link->parent, &tree.parent) < 0)
                        return mt_fail(err, EINVAL, "tc.parent: '%s' is no class id such as \"1:10\"", link->parent);
                tree.qdisc = tree.parent & 0xffff0000u;
        }
        r = mt_tc_device(nl, link->device, &tree.uplink, err);
        if (r == 0)
                r = find_device(nl, &tree, err);
        if (r < 0)
                return r;
        *ret = tree;
        return 0;
}

int mt_tree_read(struct mt_nl *nl, const struct mt_link *link, struct mt_tree *ret, struct mt_err *err)
{
        struct mt_tree tree;
        int r = mt_tree_locate(nl, link, &tree, err);

        if (r == 0 && tree.device.ifindex != 0)
                r = mt_tc_qdisc_get(nl, &tree.device, TC_H_ROOT, &tree.root, err);
        if (r < 0)
                return r;
        tree.exists = strcmp(tree.root.kind, "htb") == 0 && tree.root.handle == tree.qdisc;
        if (tree.exists)
                r = mt_htb_classes(nl, &tree.device, tree.qdisc >> 16, read_class, &tree, err);
        if (r == 0 && tree.exists && !tree.own)
                r = mt_filters(nl, &tree.device, tree.qdisc, 0, read_priority, &tree, err);
        if (r < 0)
                return r;
        *ret = tree;
        return 0;
}

int mt_tree_leaf(struct mt_nl *nl, const struct mt_tree *tree, uint32_t class, struct mt_err *err)
{
        if (tree->device.tx_queue > 0)
                return 0;
        return mt_tc_qdisc_add(nl, &tree->device, class, 0, "pfifo", PFIFO_LIMIT, err);
}

/*
 * Everybody else's packets keep the kind of queue they had, one that shares fairly between flows in particular. kind: of
 * the qdisc that the tree replaced.
 */
static int make_fallback_leaf(struct mt_nl *nl, const struct mt_tree *tree, const char *kind, struct mt_err *err)
{
        if (tree->device.tx_queue == 0)
                return mt_tree_leaf(nl, tree, FALLBACK_CLASS, err);
        if (kind[0] == '\0' || strcmp(kind, "noqueue") == 0)
                return 0;
        if (strcmp(kind, "fq") == 0) /* it delays packets, which HTB takes for a broken leaf */
                kind = "fq_codel";
        (void)mt_tc_qdisc_add(nl, &tree->device, FALLBACK_CLASS, 0, kind, 0, NULL); /* else HTB's own fifo stays */
        return 0;
}

/* The kind of queue that the device has by default, before the tree replaces it. */
static int read_queue_kind(struct mt_nl *nl, const struct mt_tree *tree, char ret_kind[16], struct mt_err *err)
{
        if (strcmp(tree->root.kind, "mq") == 0)
                return mt_tc_qdisc_leaf_kind(nl, &tree->device, ret_kind, err);
        (void)snprintf(ret_kind, sizeof(tree->root.kind), "%s", tree->root.handle == 0 ? tree->root.kind : "");
        return 0;
}

static uint64_t left_over(const struct mt_tree *tree, uint64_t link_bytes_s)
{
        const uint64_t least = link_bytes_s / LEAST_SHARE > 0 ? link_bytes_s / LEAST_SHARE : 1;

        if (tree->reserved_bytes_s > link_bytes_s || link_bytes_s - tree->reserved_bytes_s < least)
                return least;
        return link_bytes_s - tree->reserved_bytes_s;
}

static int make_common(struct mt_nl *nl, struct mt_tree *tree, bool *found, uint32_t handle, struct mt_undo *undo,
                       struct mt_err *err)
{
        struct mt_htb_class *class = handle == TOP_CLASS ? &tree->top : &tree->fallback;
        int r;

        *found = class->handle != 0;
        if (*found)
                return 0;
        *class = (struct mt_htb_class){
                .handle = handle,
                .parent = handle == TOP_CLASS ? TC_H_ROOT : TOP_CLASS,
                .rate_bytes_s = handle == TOP_CLASS ? tree->link_bytes_s : left_over(tree, tree->link_bytes_s),
                .ceil_bytes_s = tree->link_bytes_s,
                .quantum = MT_HTB_QUANTUM,
        };
        r = mt_htb_class_add(nl, &tree->device, class, err);
        *found = r == -EEXIST; /* another process was quicker */
        if (*found)
                return 0;
        return mt_undo_note(undo, r,
                            &(struct mt_undo_step){ .kind = MT_UNDO_CLASS, .device = tree->device, .handle = handle });
}

static bool is_our_root(const struct mt_tc_qdisc *root)
{
        return root->handle == OWN_QDISC && strcmp(root->kind, "htb") == 0;
}

static int refuse_root(const struct mt_tc_device *device, const struct mt_tc_qdisc *root, struct mt_err *err)
{
        return mt_fail(err, EBUSY, "device '%s' has a root qdisc '%s %x:' that is not ours", device->name, root->kind,
                       root->handle >> 16);
}

static int make_qdisc(struct mt_nl *nl, struct mt_tree *tree, struct mt_undo *undo, struct mt_err *err)
{
        struct mt_tc_qdisc root;
        int r;

        if (tree->exists)
                return 0;
        if (tree->root.handle != 0)
                return refuse_root(&tree->device, &tree->root, err);
        r = mt_htb_qdisc_add(nl, &tree->device, OWN_QDISC, MT_TC_CLASS_DEFAULT, err);
        if (r == -EEXIST) { /* since we looked: by another process of ours? */
                r = mt_tc_qdisc_get(nl, &tree->device, TC_H_ROOT, &root, err);
                return r < 0 || is_our_root(&root) ? r : refuse_root(&tree->device, &root, err);
        }
        return mt_undo_note(
                undo, r,
                &(struct mt_undo_step){
                        .kind = MT_UNDO_QDISC, .device = tree->device, .parent = TC_H_ROOT, .handle = OWN_QDISC });
}

static int make_ifb(struct mt_nl *nl, struct mt_tree *tree, struct mt_undo *undo, struct mt_err *err)
{
        char name[IFNAMSIZ];
        int r;

        if (tree->device.ifindex != 0)
                return 0;
        (void)memcpy(name, tree->device.name, sizeof(name));
        r = mt_undo_note(undo, mt_tc_ifb_add(nl, name, err),
                         &(struct mt_undo_step){ .kind = MT_UNDO_LINK, .device = tree->device });
        tree->new_ifb = r == 0;
        if (r == 0 || r == -EEXIST) /* made by another process since we looked */
                r = mt_tc_device(nl, name, &tree->device, err);
        return r < 0 ? r : mt_tc_qdisc_get(nl, &tree->device, TC_H_ROOT, &tree->root, err);
}

/* An operator's class to add under: there, HTB's, and not the one that takes the unclassified (it would stop doing so). */
static int check_parent(const struct mt_tree *tree, struct mt_err *err)
{
        if (!tree->exists)
                return mt_fail(err, EBUSY, "device '%s' has no root qdisc 'htb %x:' to add under, but '%s %x:'",
                               tree->device.name, tree->qdisc >> 16, tree->root.kind, tree->root.handle >> 16);
        if (tree->above.handle == 0)
                return mt_fail(err, ENOENT, "device '%s' has no class %x:%x to add under", tree->device.name,
                               tree->parent >> 16, tree->parent & 0xffff);
        if (tree->above.level == 0 && tree->root.htb_default == (tree->parent & 0xffff))
                return mt_fail(err, EBUSY, "class %x:%x of '%s' takes the unclassified packets and would cease to",
                               tree->parent >> 16, tree->parent & 0xffff, tree->device.name);
        return 0;
}

int mt_tree_make(struct mt_nl *nl, struct mt_tree *tree, struct mt_undo *undo, struct mt_err *err)
{
        char kind[16];
        bool found;
        int r = 0;

        if (!tree->own)
                return check_parent(tree, err);
        if (tree->direction == MT_INGRESS) {
                r = mt_tree_check_hook(nl, tree, err);
                if (r == 0)
                        r = make_ifb(nl, tree, undo, err);
        }
        if (r == 0)
                r = read_queue_kind(nl, tree, kind, err);
        if (r == 0)
                r = make_qdisc(nl, tree, undo, err);
        if (r == 0)
                r = make_common(nl, tree, &found, TOP_CLASS, undo, err);
        if (r == 0)
                r = make_common(nl, tree, &found, FALLBACK_CLASS, undo, err);
        if (r == 0 && !found)
                r = make_fallback_leaf(nl, tree, kind, err);
        return r;
}

static int set_common(struct mt_nl *nl, const struct mt_tree *tree, struct mt_htb_class *class, uint64_t rate, uint64_t ceil,
                      struct mt_undo *undo, struct mt_err *err)
{
        struct mt_htb_class changed = *class;
        int r;

        if (class->handle == 0 || (class->rate_bytes_s == rate && class->ceil_bytes_s == ceil))
                return 0;
        changed.rate_bytes_s = rate;
        changed.ceil_bytes_s = ceil;
        r = mt_htb_class_change(nl, &tree->device, &changed, err);
        (void)mt_undo_note(undo, r,
                           &(struct mt_undo_step){ .kind = MT_UNDO_CLASS_CHANGE, .device = tree->device, .class = *class });
        if (r == 0)
                *class = changed;
        return r;
}

int mt_tree_balance(struct mt_nl *nl, struct mt_tree *tree, struct mt_undo *undo, struct mt_err *err)
{
        const uint64_t link = tree->link_bytes_s != 0 ? tree->link_bytes_s : tree->top.ceil_bytes_s;
        int r;

        if (!tree->own || link == 0)
                return 0;
        r = set_common(nl, tree, &tree->top, link, link, undo, err);
        return r < 0 ? r : set_common(nl, tree, &tree->fallback, left_over(tree, link), link, undo, err);
}

int mt_tree_drop(struct mt_nl *nl, const struct mt_tree *tree, struct mt_reaper *reaper, struct mt_err *err)
{
        bool found;
        int r;

        if (tree->direction == MT_EGRESS) {
                if (!tree->exists)
                        return 0;
                return mt_tc_qdisc_delete(nl, &tree->device, TC_H_ROOT, OWN_QDISC, err);
        }
        r = mt_tree_unhook(nl, &tree->uplink, tree->device.ifindex != 0, &found, err);
        if (r < 0 || tree->device.ifindex == 0)
                return r;
        return reaper != NULL ? mt_reap(reaper, nl, &tree->device, err) : mt_tc_link_delete(nl, &tree->device, err);
}
