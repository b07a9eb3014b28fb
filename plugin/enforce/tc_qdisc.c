/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "enforce/tc.h"

#include "cleanup.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct leaf_search {
        int ifindex;
        char kind[16];
};

static struct nl_msg *qdisc_message(uint16_t type, uint16_t flags, int ifindex, uint32_t parent, uint32_t handle)
{
        const struct tcmsg tc = {
                .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = parent, .tcm_handle = handle
        };

        return mt_nl_msg(type, flags, &tc, sizeof(tc));
}

static bool is_qdisc(struct nlmsghdr *h)
{
        return h->nlmsg_type == RTM_NEWQDISC && nlmsg_valid_hdr(h, sizeof(struct tcmsg));
}

static int keep_qdisc(void *ctx, struct nlmsghdr *h)
{
        struct mt_tc_qdisc *qdisc = ctx;
        const struct nlattr *kind;
        struct nlattr *options, *init;

        if (!is_qdisc(h))
                return 0;
        *qdisc = (struct mt_tc_qdisc){ .handle = ((const struct tcmsg *)nlmsg_data(h))->tcm_handle };
        kind = nlmsg_find_attr(h, sizeof(struct tcmsg), TCA_KIND);
        if (kind != NULL)
                (void)nla_strlcpy(qdisc->kind, kind, sizeof(qdisc->kind));
        options = nlmsg_find_attr(h, sizeof(struct tcmsg), TCA_OPTIONS);
        if (options == NULL || strcmp(qdisc->kind, "htb") != 0)
                return 0;
        init = nla_find(nla_data(options), nla_len(options), TCA_HTB_INIT);
        if (init != NULL && nla_len(init) >= (int)sizeof(struct tc_htb_glob))
                qdisc->htb_default = ((const struct tc_htb_glob *)nla_data(init))->defcls;
        return 0;
}

static int keep_leaf_kind(void *ctx, struct nlmsghdr *h)
{
        struct leaf_search *search = ctx;
        const struct tcmsg *tc;
        const struct nlattr *kind;

        if (!is_qdisc(h))
                return 0;
        tc = nlmsg_data(h);
        kind = nlmsg_find_attr(h, sizeof(*tc), TCA_KIND);
        if (tc->tcm_ifindex == search->ifindex && tc->tcm_parent != TC_H_ROOT && TC_H_MAJ(tc->tcm_parent) == 0 &&
            kind != NULL)
                (void)nla_strlcpy(search->kind, kind, sizeof(search->kind));
        return 0;
}

int mt_tc_qdisc_get(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t parent, struct mt_tc_qdisc *ret,
                    struct mt_err *err)
{
        struct mt_tc_qdisc qdisc = { 0 };
        /* tc answers a plain GET by a notification, which reaches who asked only with ECHO */
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = qdisc_message(RTM_GETQDISC, NLM_F_ECHO, device->ifindex, parent, 0);
        int r;

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "read qdisc of '%s': out of memory", device->name);
        r = mt_nl_exchange(nl, msg, keep_qdisc, &qdisc, err);
        if (r < 0 && r != -ENOENT) /* ENOENT: no ingress qdisc was ever there */
                return mt_wrap(err, "read qdisc of '%s'", device->name);
        *ret = qdisc;
        return 0;
}

int mt_tc_qdisc_leaf_kind(struct mt_nl *nl, const struct mt_tc_device *device, char ret_kind[16], struct mt_err *err)
{
        struct leaf_search search = { .ifindex = device->ifindex };
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = qdisc_message(RTM_GETQDISC, NLM_F_DUMP, device->ifindex, 0, 0);

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "list qdiscs of '%s': out of memory", device->name);
        if (mt_nl_exchange(nl, msg, keep_leaf_kind, &search, err) < 0)
                return mt_wrap(err, "list qdiscs of '%s'", device->name);
        (void)memcpy(ret_kind, search.kind, sizeof(search.kind));
        return 0;
}

int mt_tc_qdisc_add(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t parent, uint32_t handle, const char *kind,
                    uint32_t limit, struct mt_err *err)
{
        MT_CLEANUP(mt_nl_msg_freep)
        struct nl_msg *msg = qdisc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, device->ifindex, parent, handle);
        const struct tc_fifo_qopt fifo = { .limit = limit };
        bool failed = msg == NULL;

        if (msg != NULL) {
                MT_NL_PUT(failed, nla_put_string(msg, TCA_KIND, kind));
                if (limit > 0)
                        MT_NL_PUT(failed, nla_put(msg, TCA_OPTIONS, sizeof(fifo), &fifo));
        }
        if (failed)
                return mt_fail(err, ENOMEM, "add qdisc %s to '%s': out of memory", kind, device->name);
        if (mt_nl_exchange(nl, msg, NULL, NULL, err) < 0)
                return mt_wrap(err, "add qdisc %s to '%s'", kind, device->name);
        return 0;
}

int mt_tc_qdisc_delete(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t parent, uint32_t handle,
                       struct mt_err *err)
{
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = qdisc_message(RTM_DELQDISC, 0, device->ifindex, parent, handle);

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "delete qdisc %x: of '%s': out of memory", handle >> 16, device->name);
        if (mt_nl_exchange(nl, msg, NULL, NULL, err) < 0)
                return mt_wrap(err, "delete qdisc %x: of '%s'", handle >> 16, device->name);
        return 0;
}
