/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "enforce/tc.h"

#include "cleanup.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* An ifb's own default of 32 packets is nothing when they are not aggregated; this is every other device's default. */
#define IFB_TX_QUEUE 1000

struct device_list {
        mt_tc_device_fn fn;
        void *ctx;
};

static void parse_device(struct nlmsghdr *h, struct mt_tc_device *ret)
{
        const struct ifinfomsg *info = nlmsg_data(h);
        const struct nlattr *name = nlmsg_find_attr(h, sizeof(*info), IFLA_IFNAME);
        const struct nlattr *queue = nlmsg_find_attr(h, sizeof(*info), IFLA_TXQLEN);
        struct nlattr *linkinfo = nlmsg_find_attr(h, sizeof(*info), IFLA_LINKINFO);
        const struct nlattr *kind = NULL;

        *ret = (struct mt_tc_device){ .ifindex = info->ifi_index };
        if (linkinfo != NULL)
                kind = nla_find(nla_data(linkinfo), nla_len(linkinfo), IFLA_INFO_KIND);
        if (name != NULL)
                (void)nla_strlcpy(ret->name, name, sizeof(ret->name));
        if (kind != NULL)
                (void)nla_strlcpy(ret->kind, kind, sizeof(ret->kind));
        if (queue != NULL)
                ret->tx_queue = nla_get_u32(queue);
}

static int keep_device(void *ctx, struct nlmsghdr *h)
{
        if (h->nlmsg_type == RTM_NEWLINK && nlmsg_valid_hdr(h, sizeof(struct ifinfomsg)))
                parse_device(h, ctx);
        return 0;
}

static int list_device(void *ctx, struct nlmsghdr *h)
{
        const struct device_list *list = ctx;
        struct mt_tc_device device;

        if (h->nlmsg_type != RTM_NEWLINK || !nlmsg_valid_hdr(h, sizeof(struct ifinfomsg)))
                return 0;
        parse_device(h, &device);
        return list->fn(list->ctx, &device);
}

static struct nl_msg *link_message(uint16_t type, uint16_t flags, const struct ifinfomsg *info, const char *name)
{
        struct nl_msg *msg = mt_nl_msg(type, flags, info, sizeof(*info));

        if (msg != NULL && name != NULL && nla_put_string(msg, IFLA_IFNAME, name) < 0) {
                nlmsg_free(msg);
                return NULL;
        }
        return msg;
}

int mt_tc_device(struct mt_nl *nl, const char *name, struct mt_tc_device *ret, struct mt_err *err)
{
        const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
        struct mt_tc_device device = { 0 };
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = NULL;
        int r;

        if (name[0] == '\0' || strlen(name) >= IFNAMSIZ)
                return mt_fail(err, EINVAL, "'%s' is no device name", name);
        msg = link_message(RTM_GETLINK, 0, &info, name);
        if (msg == NULL)
                return mt_fail(err, ENOMEM, "device '%s': out of memory", name);
        r = mt_nl_exchange(nl, msg, keep_device, &device, err);
        if (r < 0)
                return mt_wrap(err, "device '%s'", name);
        if (device.ifindex == 0)
                return mt_fail(err, ENODEV, "device '%s': the kernel does not describe it", name);
        *ret = device;
        return 0;
}

int mt_tc_devices(struct mt_nl *nl, mt_tc_device_fn fn, void *ctx, struct mt_err *err)
{
        const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
        struct device_list list = { .fn = fn, .ctx = ctx };
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = link_message(RTM_GETLINK, NLM_F_DUMP, &info, NULL);
        int r;

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "list devices: out of memory");
        r = mt_nl_exchange(nl, msg, list_device, &list, err);
        return r < 0 ? mt_wrap(err, "list devices") : r;
}

int mt_tc_ifb_add(struct mt_nl *nl, const char *name, struct mt_err *err)
{
        const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, name);
        struct nlattr *nest = msg != NULL ? nla_nest_start(msg, IFLA_LINKINFO) : NULL;
        bool failed = nest == NULL;

        if (nest != NULL) {
                MT_NL_PUT(failed, nla_put_string(msg, IFLA_INFO_KIND, "ifb"));
                (void)nla_nest_end(msg, nest);
                MT_NL_PUT(failed, nla_put_u32(msg, IFLA_TXQLEN, IFB_TX_QUEUE));
        }
        if (failed)
                return mt_fail(err, ENOMEM, "create ifb '%s': out of memory", name);
        return mt_nl_exchange(nl, msg, NULL, NULL, err) < 0 ? mt_wrap(err, "create ifb '%s'", name) : 0;
}

int mt_tc_link_delete(struct mt_nl *nl, const struct mt_tc_device *device, struct mt_err *err)
{
        const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = device->ifindex };
        MT_CLEANUP(mt_nl_msg_freep)
        struct nl_msg *msg = link_message(RTM_DELLINK, 0, &info, device->ifindex == 0 ? device->name : NULL);

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "delete device '%s': out of memory", device->name);
        return mt_nl_exchange(nl, msg, NULL, NULL, err) < 0 ? mt_wrap(err, "delete device '%s'", device->name) : 0;
}
