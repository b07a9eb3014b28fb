/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The uplink's ingress qdisc, through which received packets are led into the tree's ifb.
 */
#include "enforce/tree.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <string.h>

#define INGRESS_QDISC 0xffff0000u

struct hook {
        struct mt_tc_qdisc qdisc;
        bool redirected; /* by a filter of ours */
        bool others;     /* there are other filters */
};

static int see_filter(void *ctx, uint16_t priority, const char *kind)
{
        struct hook *hook = ctx;

        if (priority == MT_TREE_PRIORITY && strcmp(kind, "u32") == 0)
                hook->redirected = true;
        else
                hook->others = true;
        return 0;
}

static int read_hook(struct mt_nl *nl, const struct mt_tc_device *uplink, struct hook *ret, struct mt_err *err)
{
        struct hook hook = { 0 };
        int r = mt_tc_qdisc_get(nl, uplink, TC_H_INGRESS, &hook.qdisc, err);

        if (r == 0 && strcmp(hook.qdisc.kind, "ingress") == 0)
                r = mt_filters(nl, uplink, INGRESS_QDISC, 0, see_filter, &hook, err);
        if (r < 0)
                return r;
        *ret = hook;
        return 0;
}

/* An empty ingress qdisc beside an ifb of ours is what a crash between two requests leaves. */
static bool is_our_hook(const struct hook *hook, bool ifb_exists)
{
        return hook->redirected || (ifb_exists && !hook->others && strcmp(hook->qdisc.kind, "ingress") == 0);
}

static int check_hook(struct mt_nl *nl, const struct mt_tree *tree, struct hook *ret, struct mt_err *err)
{
        int r = read_hook(nl, &tree->uplink, ret, err);

        if (r < 0)
                return r;
        if (ret->qdisc.kind[0] != '\0' && !is_our_hook(ret, tree->device.ifindex != 0))
                return mt_fail(err, EBUSY, "device '%s' has an ingress qdisc '%s %x:' that is not ours", tree->uplink.name,
                               ret->qdisc.kind, ret->qdisc.handle >> 16);
        return 0;
}

int mt_tree_check_hook(struct mt_nl *nl, const struct mt_tree *tree, struct mt_err *err)
{
        struct hook hook;

        return check_hook(nl, tree, &hook, err);
}

int mt_tree_hook(struct mt_nl *nl, const struct mt_tree *tree, struct mt_undo *undo, struct mt_err *err)
{
        struct hook hook;
        int r;

        if (tree->direction != MT_INGRESS)
                return 0;
        r = check_hook(nl, tree, &hook, err);
        if (r < 0 || (hook.redirected && !tree->new_ifb))
                return r;
        if (hook.redirected) /* to an ifb that was lost: all that is received is dropped */
                r = mt_filter_delete(nl, &tree->uplink, INGRESS_QDISC, MT_TREE_PRIORITY, err);
        if (r < 0)
                return r;
        if (hook.qdisc.kind[0] == '\0') {
                r = mt_tc_qdisc_add(nl, &tree->uplink, TC_H_INGRESS, INGRESS_QDISC, "ingress", 0, err);
                (void)mt_undo_note(undo, r,
                                   &(struct mt_undo_step){ .kind = MT_UNDO_QDISC,
                                                           .device = tree->uplink,
                                                           .parent = TC_H_INGRESS,
                                                           .handle = INGRESS_QDISC });
                if (r < 0 && r != -EEXIST)
                        return r;
        }
        r = mt_u32_redirect_all(nl, &tree->uplink, MT_TREE_PRIORITY, tree->device.ifindex, err);
        return mt_undo_note(undo, r,
                            &(struct mt_undo_step){ .kind = MT_UNDO_FILTERS,
                                                    .device = tree->uplink,
                                                    .parent = INGRESS_QDISC,
                                                    .priority = MT_TREE_PRIORITY });
}

int mt_tree_unhook(struct mt_nl *nl, const struct mt_tc_device *uplink, bool ifb_exists, bool *ret_found, struct mt_err *err)
{
        struct hook hook;
        bool found;
        int r = read_hook(nl, uplink, &hook, err);

        if (r < 0)
                return r;
        found = is_our_hook(&hook, ifb_exists);
        if (found && !hook.others)
                r = mt_tc_qdisc_delete(nl, uplink, TC_H_INGRESS, INGRESS_QDISC, err);
        else if (found)
                r = mt_filter_delete(nl, uplink, INGRESS_QDISC, MT_TREE_PRIORITY, err);
        if (r == 0)
                *ret_found = found;
        return r;
}
