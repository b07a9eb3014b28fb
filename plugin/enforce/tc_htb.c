/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HTB, the hierarchical token bucket: the qdisc and its classes.
 *
 * Rates. struct tc_ratespec holds 32 bits of bytes per second (34 Gbit/s); the true value goes into TCA_HTB_RATE64 and
 * _CEIL64 beside it. The ratespec says "Ethernet link layer", for which the kernel computes transmission times itself and
 * needs none of the 1 KiB rate tables that old tc versions sent.
 *
 * Bursts. The kernel takes a bucket's depth as a time (in ticks of 64 ns), so one time does for every rate. A class may
 * send while its tokens are not negative, and a frame of 64 KiB (GSO) then takes them below zero: the rate holds without
 * any burst. Depth is only needed to bridge the moments when the kernel's timer or softirq comes late; tokens that arrive
 * meanwhile beyond the depth would be lost, and the rate with them. BURST_NS is several times the lateness seen on a
 * loaded two-core machine, and short enough that what a class may send at once after a pause passes unnoticed.
 */
#include "enforce/tc.h"

#include "cleanup.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define BURST_NS 10000000u
#define TICK_NS 64u /* PSCHED_SHIFT 6; the same on every kernel since 2.6.31, see /proc/net/psched */
#define HTB_VERSION 3

struct class_list {
        mt_htb_class_fn fn;
        void *ctx;
};

static struct tc_ratespec ratespec(uint64_t bytes_s)
{
        return (struct tc_ratespec){ .linklayer = TC_LINKLAYER_ETHERNET,
                                     .rate = bytes_s < UINT32_MAX ? (uint32_t)bytes_s : UINT32_MAX };
}

int mt_htb_qdisc_add(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t handle, uint32_t default_minor,
                     struct mt_err *err)
{
        const struct tcmsg tc = {
                .tcm_family = AF_UNSPEC, .tcm_ifindex = device->ifindex, .tcm_parent = TC_H_ROOT, .tcm_handle = handle
        };
        const struct tc_htb_glob init = { .version = HTB_VERSION, .rate2quantum = 10, .defcls = default_minor };
        /* EXCL without REPLACE: the kernel puts aside its own default qdisc, but refuses to touch any other. */
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = mt_nl_msg(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &tc, sizeof(tc));
        struct nlattr *options;
        bool failed = msg == NULL || nla_put_string(msg, TCA_KIND, "htb") < 0;

        options = failed ? NULL : nla_nest_start(msg, TCA_OPTIONS);
        if (options != NULL) {
                MT_NL_PUT(failed, nla_put(msg, TCA_HTB_INIT, sizeof(init), &init));
                (void)nla_nest_end(msg, options);
        }
        if (failed || options == NULL)
                return mt_fail(err, ENOMEM, "add qdisc htb to '%s': out of memory", device->name);
        if (mt_nl_exchange(nl, msg, NULL, NULL, err) < 0)
                return mt_wrap(err, "add qdisc htb %x: to '%s'", handle >> 16, device->name);
        return 0;
}

static struct nl_msg *class_message(uint16_t type, uint16_t flags, int ifindex, uint32_t parent, uint32_t handle)
{
        const struct tcmsg tc = {
                .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = parent, .tcm_handle = handle
        };

        return mt_nl_msg(type, flags, &tc, sizeof(tc));
}

static bool put_class(struct nl_msg *msg, const struct mt_htb_class *class)
{
        const struct tc_htb_opt opt = {
                .rate = ratespec(class->rate_bytes_s),
                .ceil = ratespec(class->ceil_bytes_s),
                .buffer = BURST_NS / TICK_NS,
                .cbuffer = BURST_NS / TICK_NS,
                .quantum = class->quantum,
                .prio = class->prio,
        };
        struct nlattr *options;
        bool failed = nla_put_string(msg, TCA_KIND, "htb") < 0;

        options = nla_nest_start(msg, TCA_OPTIONS);
        if (options == NULL)
                return false;
        MT_NL_PUT(failed, nla_put(msg, TCA_HTB_PARMS, sizeof(opt), &opt));
        MT_NL_PUT(failed, nla_put_u64(msg, TCA_HTB_RATE64, class->rate_bytes_s));
        MT_NL_PUT(failed, nla_put_u64(msg, TCA_HTB_CEIL64, class->ceil_bytes_s));
        (void)nla_nest_end(msg, options);
        return !failed;
}

static int send_class(struct mt_nl *nl, const struct mt_tc_device *device, const struct mt_htb_class *class, uint16_t flags,
                      const char *verb, struct mt_err *err)
{
        MT_CLEANUP(mt_nl_msg_freep)
        struct nl_msg *msg = class_message(RTM_NEWTCLASS, flags, device->ifindex, class->parent, class->handle);

        if (class->rate_bytes_s == 0 || class->rate_bytes_s > class->ceil_bytes_s)
                return mt_fail(err, EINVAL, "%s class %x:%x of '%s': its rate must be above 0 and at most its ceil", verb,
                               class->handle >> 16, class->handle & 0xffff, device->name);
        if (msg == NULL || !put_class(msg, class))
                return mt_fail(err, ENOMEM, "%s class of '%s': out of memory", verb, device->name);
        if (mt_nl_exchange(nl, msg, NULL, NULL, err) < 0)
                return mt_wrap(err, "%s class %x:%x of '%s'", verb, class->handle >> 16, class->handle & 0xffff,
                               device->name);
        return 0;
}

int mt_htb_class_add(struct mt_nl *nl, const struct mt_tc_device *device, const struct mt_htb_class *class,
                     struct mt_err *err)
{
        return send_class(nl, device, class, NLM_F_CREATE | NLM_F_EXCL, "add", err);
}

int mt_htb_class_change(struct mt_nl *nl, const struct mt_tc_device *device, const struct mt_htb_class *class,
                        struct mt_err *err)
{
        return send_class(nl, device, class, 0, "change", err);
}

int mt_htb_class_delete(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t handle, struct mt_err *err)
{
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = class_message(RTM_DELTCLASS, 0, device->ifindex, 0, handle);

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "delete class of '%s': out of memory", device->name);
        if (mt_nl_exchange(nl, msg, NULL, NULL, err) < 0)
                return mt_wrap(err, "delete class %x:%x of '%s'", handle >> 16, handle & 0xffff, device->name);
        return 0;
}

/* The bytes a class has sent; 0 when the kernel does not say. */
static uint64_t parse_bytes(struct nlmsghdr *h)
{
        struct nlattr *stats = nlmsg_find_attr(h, sizeof(struct tcmsg), TCA_STATS2);
        const struct nlattr *basic = stats != NULL ? nla_find(nla_data(stats), nla_len(stats), TCA_STATS_BASIC) : NULL;
        uint64_t bytes = 0; /* struct gnet_stats_basic begins with it */

        if (basic != NULL && nla_len(basic) >= (int)sizeof(bytes))
                (void)memcpy(&bytes, nla_data(basic), sizeof(bytes));
        return bytes;
}

static bool parse_class(struct nlmsghdr *h, struct mt_htb_class *ret)
{
        const struct tcmsg *tc = nlmsg_data(h);
        const struct nlattr *parms, *attr;
        struct nlattr *options;
        struct tc_htb_opt opt;

        if (h->nlmsg_type != RTM_NEWTCLASS || !nlmsg_valid_hdr(h, sizeof(*tc)))
                return false;
        attr = nlmsg_find_attr(h, sizeof(*tc), TCA_KIND);
        options = nlmsg_find_attr(h, sizeof(*tc), TCA_OPTIONS);
        parms = options != NULL ? nla_find(nla_data(options), nla_len(options), TCA_HTB_PARMS) : NULL;
        if (attr == NULL || nla_strcmp(attr, "htb") != 0 || parms == NULL || nla_len(parms) < (int)sizeof(opt))
                return false;
        (void)memcpy(&opt, nla_data(parms), sizeof(opt));
        *ret = (struct mt_htb_class){ .handle = tc->tcm_handle,
                                      .parent = tc->tcm_parent,
                                      .rate_bytes_s = opt.rate.rate,
                                      .ceil_bytes_s = opt.ceil.rate,
                                      .prio = opt.prio,
                                      .quantum = opt.quantum,
                                      .level = opt.level,
                                      .bytes = parse_bytes(h) };
        attr = nla_find(nla_data(options), nla_len(options), TCA_HTB_RATE64); /* there when 32 bits do not hold it */
        if (attr != NULL)
                ret->rate_bytes_s = nla_get_u64(attr);
        attr = nla_find(nla_data(options), nla_len(options), TCA_HTB_CEIL64);
        if (attr != NULL)
                ret->ceil_bytes_s = nla_get_u64(attr);
        return true;
}

static int keep_class(void *ctx, struct nlmsghdr *h)
{
        (void)parse_class(h, ctx);
        return 0;
}

static int list_class(void *ctx, struct nlmsghdr *h)
{
        const struct class_list *list = ctx;
        struct mt_htb_class class;

        return parse_class(h, &class) ? list->fn(list->ctx, &class) : 0;
}

int mt_htb_class_get(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t handle, struct mt_htb_class *ret,
                     struct mt_err *err)
{
        struct mt_htb_class class = { 0 };
        MT_CLEANUP(mt_nl_msg_freep)
        struct nl_msg *msg = class_message(RTM_GETTCLASS, NLM_F_ECHO, device->ifindex, 0, handle);

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "read class of '%s': out of memory", device->name);
        if (mt_nl_exchange(nl, msg, keep_class, &class, err) < 0)
                return mt_wrap(err, "read class %x:%x of '%s'", handle >> 16, handle & 0xffff, device->name);
        if (class.handle != handle)
                return mt_fail(err, ENOENT, "read class %x:%x of '%s': it is not HTB's", handle >> 16, handle & 0xffff,
                               device->name);
        *ret = class;
        return 0;
}

int mt_htb_classes(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t major, mt_htb_class_fn fn, void *ctx,
                   struct mt_err *err)
{
        struct class_list list = { .fn = fn, .ctx = ctx };
        MT_CLEANUP(mt_nl_msg_freep)
        struct nl_msg *msg = class_message(RTM_GETTCLASS, NLM_F_DUMP, device->ifindex, major << 16, 0);
        int r;

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "list classes of '%s': out of memory", device->name);
        r = mt_nl_exchange(nl, msg, list_class, &list, err);
        return r < 0 ? mt_wrap(err, "list classes of '%s'", device->name) : 0;
}
