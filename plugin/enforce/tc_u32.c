/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * u32 filters, the one classifier that every kernel has.
 *
 * A u32 filter compares masked 32-bit words of the packet, counted from its network header. All of ours are attached for
 * "protocol all" and begin by comparing the version nibble: so one priority holds a class's IPv4 and IPv6 filters alike
 * (tc wants one protocol a priority), and packets that carry an accelerated VLAN tag, whose protocol reads 802.1Q, match.
 *
 *   IPv4, header of 20 bytes   0: 0x45......   4: offset of fragments 0   8: protocol 6   12: source   16: destination
 *                              20: source port, destination port
 *   IPv6, no extension header  0: 0x6.......   4: next header 6   8: source   24: destination
 *                              40: source port, destination port
 *
 * TCP as the kernel and QEMU send it has neither IPv4 options nor fragments nor IPv6 extension headers; a packet that has
 * goes to the default class.
 *
 * A priority with all its filters goes in one request, without knowing handles.
 */
#include "enforce/tc.h"

#include "cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <netinet/in.h>
#include <string.h>

#define MAX_KEYS 12 /* two words, two IPv6 addresses, one of ports, and room */
#define TCP 6u

/* struct tc_u32_sel with room for its flexible array. */
union selector {
        struct tc_u32_sel sel;
        // cppcheck-suppress unusedStructMember
        unsigned char room[sizeof(struct tc_u32_sel) + MAX_KEYS * sizeof(struct tc_u32_key)];
};

struct filter_list {
        mt_filter_fn fn;
        void *ctx;
        uint16_t priority;
};

static void add_key(union selector *s, int offset, uint32_t value, uint32_t mask)
{
        if (mask == 0)
                return;
        s->sel.keys[s->sel.nkeys++] = (struct tc_u32_key){ .mask = htonl(mask), .val = htonl(value & mask), .off = offset };
}

static void add_address(union selector *s, int offset, const struct sockaddr_storage *address)
{
        if (address->ss_family == AF_INET) {
                const struct sockaddr_in *in = (const void *)address;

                add_key(s, offset, ntohl(in->sin_addr.s_addr), UINT32_MAX);
        } else if (address->ss_family == AF_INET6) {
                const struct sockaddr_in6 *in6 = (const void *)address;

                for (int i = 0; i < 4; i++) {
                        uint32_t word;

                        (void)memcpy(&word, &in6->sin6_addr.s6_addr[4 * i], sizeof(word));
                        add_key(s, offset + 4 * i, ntohl(word), UINT32_MAX);
                }
        }
}

static void select_tcp(union selector *s, const struct mt_u32_match *match)
{
        const bool v6 = match->family == AF_INET6;

        if (v6) {
                add_key(s, 0, 0x60000000, 0xf0000000);
                add_key(s, 4, TCP << 8, 0x0000ff00);
        } else {
                add_key(s, 0, 0x45000000, 0xff000000);
                add_key(s, 4, 0, 0x00001fff);
                add_key(s, 8, TCP << 16, 0x00ff0000);
        }
        add_address(s, v6 ? 8 : 12, &match->source);
        add_address(s, v6 ? 24 : 16, &match->destination);
        add_key(s, v6 ? 40 : 20, (uint32_t)match->source_port << 16 | match->destination_port,
                (uint32_t)match->source_mask << 16 | match->destination_mask);
}

static struct nl_msg *filter_message(uint16_t type, uint16_t flags, int ifindex, uint32_t parent, uint16_t priority)
{
        const struct tcmsg tc = { .tcm_family = AF_UNSPEC,
                                  .tcm_ifindex = ifindex,
                                  .tcm_parent = parent,
                                  .tcm_info = (uint32_t)priority << 16 | (priority != 0 ? htons(ETH_P_ALL) : 0) };

        return mt_nl_msg(type, flags, &tc, sizeof(tc));
}

/* The action: out through another device, and no further here. */
static bool put_redirection(struct nl_msg *msg, int target)
{
        const struct tc_mirred mirred = { .action = TC_ACT_STOLEN,
                                          .eaction = TCA_EGRESS_REDIR,
                                          .ifindex = (uint32_t)target };
        struct nlattr *act = nla_nest_start(msg, TCA_U32_ACT), *first, *parms;

        first = act != NULL ? nla_nest_start(msg, 1) : NULL;
        if (first == NULL || nla_put_string(msg, TCA_ACT_KIND, "mirred") < 0)
                return false;
        parms = nla_nest_start(msg, TCA_ACT_OPTIONS);
        if (parms == NULL || nla_put(msg, TCA_MIRRED_PARMS, sizeof(mirred), &mirred) < 0)
                return false;
        (void)nla_nest_end(msg, parms);
        (void)nla_nest_end(msg, first);
        (void)nla_nest_end(msg, act);
        return true;
}

/* A u32 filter with this selector and either a class or a redirection to the device target. */
static bool put_filter(struct nl_msg *msg, union selector *s, uint32_t class, int target)
{
        bool failed = nla_put_string(msg, TCA_KIND, "u32") < 0;
        struct nlattr *options = nla_nest_start(msg, TCA_OPTIONS);

        if (failed || options == NULL)
                return false;
        s->sel.flags = TC_U32_TERMINAL;
        MT_NL_PUT(failed, nla_put(msg, TCA_U32_SEL, (int)(sizeof(s->sel) + s->sel.nkeys * sizeof(s->sel.keys[0])), s));
        if (class != 0)
                MT_NL_PUT(failed, nla_put_u32(msg, TCA_U32_CLASSID, class));
        if (target != 0 && !put_redirection(msg, target))
                return false;
        (void)nla_nest_end(msg, options);
        return !failed;
}

int mt_u32_add(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t qdisc, uint16_t priority, uint32_t class,
               const struct mt_u32_match *match, struct mt_err *err)
{
        MT_CLEANUP(mt_nl_msg_freep)
        struct nl_msg *msg = filter_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, device->ifindex, qdisc, priority);
        union selector s = { .room = { 0 } };

        select_tcp(&s, match);
        if (msg == NULL || !put_filter(msg, &s, class, 0))
                return mt_fail(err, ENOMEM, "add filter to '%s': out of memory", device->name);
        if (mt_nl_exchange(nl, msg, NULL, NULL, err) < 0)
                return mt_wrap(err, "add filter %u to '%s'", (unsigned)priority, device->name);
        return 0;
}

int mt_u32_redirect_all(struct mt_nl *nl, const struct mt_tc_device *device, uint16_t priority, int target,
                        struct mt_err *err)
{
        MT_CLEANUP(mt_nl_msg_freep)
        struct nl_msg *msg = filter_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, device->ifindex,
                                            TC_H_INGRESS & 0xffff0000, priority);
        union selector s = { .room = { 0 } };

        s.sel.nkeys = 1; /* of all zeros: matches anything */
        if (msg == NULL || !put_filter(msg, &s, 0, target))
                return mt_fail(err, ENOMEM, "redirect what '%s' receives: out of memory", device->name);
        if (mt_nl_exchange(nl, msg, NULL, NULL, err) < 0)
                return mt_wrap(err, "redirect what '%s' receives", device->name);
        return 0;
}

int mt_filter_delete(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t qdisc, uint16_t priority,
                     struct mt_err *err)
{
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = filter_message(RTM_DELTFILTER, 0, device->ifindex, qdisc, priority);
        int r;

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "delete filter of '%s': out of memory", device->name);
        r = mt_nl_exchange(nl, msg, NULL, NULL, err);
        if (r < 0 && r != -ENOENT)
                return mt_wrap(err, "delete filter %u of '%s'", (unsigned)priority, device->name);
        return 0;
}

static int list_filter(void *ctx, struct nlmsghdr *h)
{
        const struct filter_list *list = ctx;
        const struct tcmsg *tc;
        const struct nlattr *kind;
        char name[16] = "";
        uint16_t priority;

        if (h->nlmsg_type != RTM_NEWTFILTER || !nlmsg_valid_hdr(h, sizeof(*tc)))
                return 0;
        tc = nlmsg_data(h);
        priority = (uint16_t)(tc->tcm_info >> 16);
        if (list->priority != 0 && list->priority != priority)
                return 0;
        kind = nlmsg_find_attr(h, sizeof(*tc), TCA_KIND);
        if (kind != NULL)
                (void)nla_strlcpy(name, kind, sizeof(name));
        return list->fn(list->ctx, priority, name);
}

int mt_filters(struct mt_nl *nl, const struct mt_tc_device *device, uint32_t qdisc, uint16_t priority, mt_filter_fn fn,
               void *ctx, struct mt_err *err)
{
        struct filter_list list = { .fn = fn, .ctx = ctx, .priority = priority };
        MT_CLEANUP(mt_nl_msg_freep)
        struct nl_msg *msg = filter_message(RTM_GETTFILTER, NLM_F_DUMP, device->ifindex, qdisc, priority);

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "list filters of '%s': out of memory", device->name);
        if (mt_nl_exchange(nl, msg, list_filter, &list, err) < 0)
                return mt_wrap(err, "list filters of '%s'", device->name);
        return 0;
}
