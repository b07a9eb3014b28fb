/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/route.h"

#include "cleanup.h"
#include "measure/links.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 8 /* bridge over vlan over bond ...; more is a loop */
#define BYTES_S_PER_MBPS UINT64_C(125000)

struct route {
        int ifindex;
        unsigned char type;               /* RTN_UNICAST, RTN_LOCAL, ... */
        struct sockaddr_storage next_hop; /* the gateway, or the destination itself */
};

static const char *address_text(const struct sockaddr_storage *address, char *text, socklen_t size)
{
        const void *raw = address->ss_family == AF_INET6
                                  ? (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr
                                  : (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;

        return inet_ntop(address->ss_family, raw, text, size) != NULL ? text : "?";
}

static void set_next_hop(struct route *route, int family, const void *address, size_t size)
{
        struct sockaddr_in *in = (void *)&route->next_hop;
        struct sockaddr_in6 *in6 = (void *)&route->next_hop;

        if (family == AF_INET && size == sizeof(in->sin_addr)) {
                route->next_hop = (struct sockaddr_storage){ .ss_family = AF_INET };
                (void)memcpy(&in->sin_addr, address, size);
        } else if (family == AF_INET6 && size == sizeof(in6->sin6_addr)) {
                route->next_hop = (struct sockaddr_storage){ .ss_family = AF_INET6 };
                (void)memcpy(&in6->sin6_addr, address, size);
        }
}

static int keep_route(void *ctx, struct nlmsghdr *h)
{
        struct route *route = ctx;
        const struct rtmsg *rt;
        const struct nlattr *attr;

        if (h->nlmsg_type != RTM_NEWROUTE || !nlmsg_valid_hdr(h, sizeof(*rt)))
                return 0;
        rt = nlmsg_data(h);
        route->type = rt->rtm_type;
        attr = nlmsg_find_attr(h, sizeof(*rt), RTA_OIF);
        if (attr != NULL)
                route->ifindex = (int)nla_get_u32(attr);
        attr = nlmsg_find_attr(h, sizeof(*rt), RTA_GATEWAY);
        if (attr != NULL)
                set_next_hop(route, rt->rtm_family, nla_data(attr), (size_t)nla_len(attr));
        attr = nlmsg_find_attr(h, sizeof(*rt), RTA_VIA); /* an IPv4 destination behind an IPv6 gateway */
        if (attr != NULL && nla_len(attr) > (int)sizeof(struct rtvia)) {
                const struct rtvia *via = nla_data(attr);

                set_next_hop(route, via->rtvia_family, via->rtvia_addr, (size_t)nla_len(attr) - sizeof(*via));
        }
        return 0;
}

static int read_route(struct mt_nl *nl, const struct sockaddr_storage *address, struct route *ret, struct mt_err *err)
{
        const struct sockaddr_in *in = (const void *)address;
        const struct sockaddr_in6 *in6 = (const void *)address;
        const bool v6 = address->ss_family == AF_INET6;
        const struct rtmsg rt = { .rtm_family = (unsigned char)address->ss_family, .rtm_dst_len = v6 ? 128 : 32 };
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = NULL;
        bool failed = false;

        if (!v6 && address->ss_family != AF_INET)
                return mt_fail(err, EAFNOSUPPORT, "route: neither an IPv4 nor an IPv6 address");
        msg = mt_nl_msg(RTM_GETROUTE, 0, &rt, sizeof(rt));
        if (msg != NULL) {
                MT_NL_PUT(failed, nla_put(msg, RTA_DST, v6 ? 16 : 4,
                                          v6 ? (const void *)&in6->sin6_addr : (const void *)&in->sin_addr));
                if (v6 && in6->sin6_scope_id != 0) /* fe80::...%eth0 */
                        MT_NL_PUT(failed, nla_put_u32(msg, RTA_OIF, in6->sin6_scope_id));
        }
        if (msg == NULL || failed)
                return mt_fail(err, ENOMEM, "route: out of memory");
        *ret = (struct route){ .next_hop = *address };
        return mt_nl_exchange(nl, msg, keep_route, ret, err) < 0 ? mt_wrap(err, "route") : 0;
}

/* /sys/class/net/DEV/speed: Mbit/s, -1 or an error where the driver does not tell. */
static uint64_t read_speed(const char *device)
{
        char path[64];
        MT_CLEANUP(mt_fclosep) FILE *file = NULL;
        long mbps;

        (void)snprintf(path, sizeof(path), "/sys/class/net/%s/speed", device);
        file = fopen(path, "re");
        return file != NULL && fscanf(file, "%ld", &mbps) == 1 && mbps > 0 ? (uint64_t)mbps * BYTES_S_PER_MBPS : 0;
}

/*
 * The bridge's port to the outside. Taps are guests'. With more than one other port the bridge itself knows best: behind
 * which it has learnt the next hop. If it has not yet, a veth among them is more likely a container's.
 */
static int follow_bridge(struct mt_nl *nl, const struct mt_links *links, const struct mt_link_info *bridge,
                         const struct sockaddr_storage *next_hop, const struct mt_link_info **ret, struct mt_err *err)
{
        const struct mt_link_info *found = NULL, *no_veth = NULL;
        unsigned candidates = 0, no_veths = 0;

        for (size_t i = 0; i < links->n; i++) {
                const struct mt_link_info *port = &links->link[i];

                if (port->master != bridge->ifindex || strcmp(port->kind, "tun") == 0)
                        continue;
                found = port;
                candidates++;
                if (strcmp(port->kind, "veth") != 0) {
                        no_veth = port;
                        no_veths++;
                }
        }
        if (candidates == 0)
                return mt_fail(err, ENODEV, "bridge '%s' has no port but the guests'", bridge->name);
        if (candidates > 1) {
                found = next_hop == NULL ? NULL
                                         : mt_links_by_index(links, mt_links_learnt_port(nl, bridge->ifindex, next_hop));
                if (found == NULL && no_veths == 1)
                        found = no_veth;
                if (found == NULL)
                        return mt_fail(err, ENOTUNIQ, "bridge '%s' has %u ports that may be the uplink; set link.device",
                                       bridge->name, candidates);
        }
        *ret = found;
        return 0;
}

/* Goes down from a device to where everybody's traffic passes. next_hop NULL: not known. */
static int follow(struct mt_nl *nl, const struct mt_links *links, const struct mt_link_info *link,
                  const struct sockaddr_storage *next_hop, struct mt_uplink *ret, struct mt_err *err)
{
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
                const bool stacked = strcmp(link->kind, "vlan") == 0 || strcmp(link->kind, "macvlan") == 0;
                int r;

                if (strcmp(link->kind, "bridge") == 0) {
                        r = follow_bridge(nl, links, link, next_hop, &link, err);
                        if (r < 0)
                                return r;
                } else if (stacked && mt_links_by_index(links, link->parent) != NULL) {
                        link = mt_links_by_index(links, link->parent);
                } else {
                        *ret = (struct mt_uplink){ .ifindex = link->ifindex,
                                                   .tx_queues = link->tx_queues,
                                                   .link_bytes_s = read_speed(link->name) };
                        (void)memcpy(ret->device, link->name, sizeof(ret->device));
                        return 0;
                }
        }
        return mt_fail(err, ELOOP, "device '%s' is stacked more than %d deep", link->name, MAX_DEPTH);
}

int mt_route_uplink(const struct sockaddr_storage *address, struct mt_uplink *ret, struct mt_err *err)
{
        MT_CLEANUP(mt_nl_closep) struct mt_nl *nl = NULL;
        MT_CLEANUP(mt_links_done) struct mt_links links = { 0 };
        const struct mt_link_info *link;
        char text[INET6_ADDRSTRLEN] = "?";
        struct route route;
        struct mt_err ignored = { 0 };
        int r;

        err = err != NULL ? err : &ignored;
        r = mt_nl_open(&nl, NETLINK_ROUTE, err);
        if (r < 0)
                return r;
        (void)address_text(address, text, sizeof(text));
        r = read_route(nl, address, &route, err);
        if (r < 0)
                return mt_wrap(err, "uplink to %s", text);
        if (route.type == RTN_LOCAL)
                return mt_fail(err, EADDRNOTAVAIL, "uplink to %s: it is this host's own address", text);
        if (route.type != RTN_UNICAST)
                return mt_fail(err, ENETUNREACH, "uplink to %s: no unicast route", text);
        r = mt_links_read(nl, &links, err);
        if (r < 0)
                return mt_wrap(err, "uplink to %s", text);
        link = mt_links_by_index(&links, route.ifindex);
        if (link == NULL)
                return mt_fail(err, ENODEV, "uplink to %s: its route's device has gone", text);
        r = follow(nl, &links, link, &route.next_hop, ret, err);
        return r < 0 ? mt_wrap(err, "uplink to %s", text) : 0;
}

int mt_route_device(const char *device, struct mt_uplink *ret, struct mt_err *err)
{
        MT_CLEANUP(mt_nl_closep) struct mt_nl *nl = NULL;
        MT_CLEANUP(mt_links_done) struct mt_links links = { 0 };
        const struct mt_link_info *link;
        struct mt_err ignored = { 0 };
        int r;

        err = err != NULL ? err : &ignored;
        r = mt_nl_open(&nl, NETLINK_ROUTE, err);
        if (r == 0)
                r = mt_links_read(nl, &links, err);
        if (r < 0)
                return mt_wrap(err, "uplink '%s'", device);
        link = mt_links_by_name(&links, device);
        if (link == NULL)
                return mt_fail(err, ENODEV, "uplink '%s': there is no such device", device);
        r = follow(nl, &links, link, NULL, ret, err);
        return r < 0 ? mt_wrap(err, "uplink '%s'", device) : 0;
}

bool mt_route_is_local(const struct sockaddr_storage *address)
{
        MT_CLEANUP(mt_nl_closep) struct mt_nl *nl = NULL;
        struct route route;

        return mt_nl_open(&nl, NETLINK_ROUTE, NULL) == 0 && read_route(nl, address, &route, NULL) == 0 &&
               route.type == RTN_LOCAL;
}
