/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/links.h"

#include "array_room.h"
#include "cleanup.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define READ_ATTEMPTS 3 /* while devices come and go */
#define MAC_SIZE 6

struct mac {
        bool known;
        unsigned char octet[MAC_SIZE];
};

struct port_search {
        int bridge;
        struct mac mac;
        int port;
};

void mt_links_done(struct mt_links *links)
{
        free(links->link);
        *links = (struct mt_links){ 0 };
}

static void parse_link(struct nlmsghdr *h, struct mt_link_info *ret)
{
        const struct ifinfomsg *info = nlmsg_data(h);
        const struct nlattr *attr = nlmsg_find_attr(h, sizeof(*info), IFLA_IFNAME);
        struct nlattr *linkinfo = nlmsg_find_attr(h, sizeof(*info), IFLA_LINKINFO);
        const bool elsewhere = nlmsg_find_attr(h, sizeof(*info), IFLA_LINK_NETNSID) != NULL;

        *ret = (struct mt_link_info){ .ifindex = info->ifi_index, .tx_queues = 1 };
        if (attr != NULL)
                (void)nla_strlcpy(ret->name, attr, sizeof(ret->name));
        attr = linkinfo != NULL ? nla_find(nla_data(linkinfo), nla_len(linkinfo), IFLA_INFO_KIND) : NULL;
        if (attr != NULL)
                (void)nla_strlcpy(ret->kind, attr, sizeof(ret->kind));
        attr = nlmsg_find_attr(h, sizeof(*info), IFLA_MASTER);
        if (attr != NULL)
                ret->master = (int)nla_get_u32(attr);
        attr = nlmsg_find_attr(h, sizeof(*info), IFLA_LINK);
        if (attr != NULL && !elsewhere) /* else the number belongs to another namespace */
                ret->parent = (int)nla_get_u32(attr);
        attr = nlmsg_find_attr(h, sizeof(*info), IFLA_NUM_TX_QUEUES);
        if (attr != NULL)
                ret->tx_queues = nla_get_u32(attr);
}

static int add_link(void *ctx, struct nlmsghdr *h)
{
        struct mt_links *links = ctx;
        struct mt_link_info *array;

        if (h->nlmsg_type != RTM_NEWLINK || !nlmsg_valid_hdr(h, sizeof(struct ifinfomsg)))
                return 0;
        array = mt_array_room(links->link, links->n, &links->room, sizeof(*array));
        if (array == NULL)
                return -ENOMEM;
        links->link = array;
        parse_link(h, &links->link[links->n++]);
        return 0;
}

int mt_links_read(struct mt_nl *nl, struct mt_links *ret, struct mt_err *err)
{
        const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = mt_nl_msg(RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info));
        int r = 1;

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "list devices: out of memory");
        for (int attempt = 0; attempt < READ_ATTEMPTS && r == 1; attempt++) {
                ret->n = 0;
                r = mt_nl_exchange(nl, msg, add_link, ret, err);
        }
        return r < 0 ? mt_wrap(err, "list devices") : 0;
}

const struct mt_link_info *mt_links_by_index(const struct mt_links *links, int ifindex)
{
        for (size_t i = 0; i < links->n; i++)
                if (links->link[i].ifindex == ifindex)
                        return &links->link[i];
        return NULL;
}

const struct mt_link_info *mt_links_by_name(const struct mt_links *links, const char *name)
{
        for (size_t i = 0; i < links->n; i++)
                if (strcmp(links->link[i].name, name) == 0)
                        return &links->link[i];
        return NULL;
}

static int keep_mac(void *ctx, struct nlmsghdr *h)
{
        struct mac *mac = ctx;
        const struct nlattr *attr;

        if (h->nlmsg_type != RTM_NEWNEIGH || !nlmsg_valid_hdr(h, sizeof(struct ndmsg)))
                return 0;
        attr = nlmsg_find_attr(h, sizeof(struct ndmsg), NDA_LLADDR);
        if (attr != NULL && nla_len(attr) == MAC_SIZE) {
                (void)memcpy(mac->octet, nla_data(attr), MAC_SIZE);
                mac->known = true;
        }
        return 0;
}

static int keep_port(void *ctx, struct nlmsghdr *h)
{
        struct port_search *search = ctx;
        const struct ndmsg *nd;
        const struct nlattr *mac, *master;

        if (h->nlmsg_type != RTM_NEWNEIGH || !nlmsg_valid_hdr(h, sizeof(*nd)))
                return 0;
        nd = nlmsg_data(h);
        mac = nlmsg_find_attr(h, sizeof(*nd), NDA_LLADDR);
        master = nlmsg_find_attr(h, sizeof(*nd), NDA_MASTER);
        if (mac != NULL && master != NULL && nla_len(mac) == MAC_SIZE && (int)nla_get_u32(master) == search->bridge &&
            memcmp(nla_data(mac), search->mac.octet, MAC_SIZE) == 0)
                search->port = nd->ndm_ifindex;
        return 0;
}

static struct mac neighbour_mac(struct mt_nl *nl, int ifindex, const struct sockaddr_storage *neighbour)
{
        const struct ndmsg nd = { .ndm_family = (uint8_t)neighbour->ss_family, .ndm_ifindex = ifindex };
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = mt_nl_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));
        struct mac mac = { 0 };
        int r = -EAFNOSUPPORT;

        if (msg != NULL && neighbour->ss_family == AF_INET)
                r = nla_put(msg, NDA_DST, 4, &((const struct sockaddr_in *)(const void *)neighbour)->sin_addr);
        else if (msg != NULL && neighbour->ss_family == AF_INET6)
                r = nla_put(msg, NDA_DST, 16, &((const struct sockaddr_in6 *)(const void *)neighbour)->sin6_addr);
        if (r == 0)
                (void)mt_nl_exchange(nl, msg, keep_mac, &mac, NULL);
        return mac;
}

int mt_links_learnt_port(struct mt_nl *nl, int bridge, const struct sockaddr_storage *neighbour)
{
        const struct ndmsg nd = { .ndm_family = AF_BRIDGE };
        struct port_search search = { .bridge = bridge, .mac = neighbour_mac(nl, bridge, neighbour) };
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = NULL;

        if (!search.mac.known)
                return 0;
        msg = mt_nl_msg(RTM_GETNEIGH, NLM_F_DUMP, &nd, sizeof(nd));
        if (msg != NULL)
                (void)mt_nl_exchange(nl, msg, keep_port, &search, NULL);
        return search.port;
}
