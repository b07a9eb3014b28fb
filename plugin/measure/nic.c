/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/nic.h"

#include "array_room.h"
#include "cleanup.h"
#include "netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <math.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define TIME_CONSTANT_S 2.0
#define STALE_MS 5000

struct device {
        int ifindex;
        char name[IFNAMSIZ];
        uint64_t rx_bytes, tx_bytes;
        double in_bytes_s, out_bytes_s;
        uint64_t at_ms;   /* of the last sample */
        unsigned samples; /* without a break; the rates hold from 2 on */
        unsigned round;   /* in which it was last seen */
};

struct mt_nic_table {
        struct mt_nl *nl;
        size_t n, room;
        struct device *device;
        unsigned round;
        uint64_t now_ms;
        size_t next; /* where the dump's next device most likely is: it lists them in the same order every time */
};

int mt_nic_table_new(struct mt_nic_table **ret, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) struct mt_nic_table *table = calloc(1, sizeof(*table));
        int r;

        if (table == NULL)
                return mt_fail(err, ENOMEM, "device statistics: %m");
        r = mt_nl_open(&table->nl, NETLINK_ROUTE, err);
        if (r < 0)
                return r;
        *ret = MT_STEAL(&table);
        return 0;
}

void mt_nic_table_free(struct mt_nic_table *table)
{
        if (table == NULL)
                return;
        mt_nl_close(table->nl);
        free(table->device);
        free(table);
}

/* The entry of a device, new ones at the end; NULL: no memory. */
static struct device *entry(struct mt_nic_table *table, int ifindex)
{
        struct device *array;

        for (size_t i = 0; i < table->n; i++) {
                const size_t at = (table->next + i) % table->n;

                if (table->device[at].ifindex == ifindex) {
                        table->next = at + 1;
                        return &table->device[at];
                }
        }
        array = mt_array_room(table->device, table->n, &table->room, sizeof(*array));
        if (array == NULL)
                return NULL;
        table->device = array;
        table->device[table->n] = (struct device){ .ifindex = ifindex };
        table->next = table->n + 1;
        return &table->device[table->n++];
}

static void restart(struct device *device, uint64_t rx, uint64_t tx, uint64_t now_ms)
{
        device->rx_bytes = rx;
        device->tx_bytes = tx;
        device->at_ms = now_ms;
        device->samples = 1;
}

static void update(struct device *device, uint64_t rx, uint64_t tx, uint64_t now_ms)
{
        const double dt = (double)(now_ms - device->at_ms) / 1000;
        double in, out, weight;

        if (device->samples == 0 || rx < device->rx_bytes || tx < device->tx_bytes || now_ms < device->at_ms) {
                restart(device, rx, tx, now_ms);
                return;
        }
        if (now_ms == device->at_ms)
                return;
        in = (double)(rx - device->rx_bytes) / dt;
        out = (double)(tx - device->tx_bytes) / dt;
        weight = device->samples == 1 ? 1 : 1 - exp(-dt / TIME_CONSTANT_S);
        device->in_bytes_s += weight * (in - device->in_bytes_s);
        device->out_bytes_s += weight * (out - device->out_bytes_s);
        device->rx_bytes = rx;
        device->tx_bytes = tx;
        device->at_ms = now_ms;
        device->samples = 2;
}

static int sample_device(void *ctx, struct nlmsghdr *h)
{
        struct mt_nic_table *table = ctx;
        const struct ifinfomsg *info;
        const struct nlattr *name, *stats;
        struct rtnl_link_stats64 s = { 0 };
        struct device *device;

        if (h->nlmsg_type != RTM_NEWLINK || !nlmsg_valid_hdr(h, sizeof(*info)))
                return 0;
        info = nlmsg_data(h);
        name = nlmsg_find_attr(h, sizeof(*info), IFLA_IFNAME);
        stats = nlmsg_find_attr(h, sizeof(*info), IFLA_STATS64);
        if (name == NULL || stats == NULL)
                return 0;
        device = entry(table, info->ifi_index);
        if (device == NULL)
                return -ENOMEM;
        (void)memcpy(&s, nla_data(stats), (size_t)nla_len(stats) < sizeof(s) ? (size_t)nla_len(stats) : sizeof(s));
        (void)nla_strlcpy(device->name, name, sizeof(device->name));
        update(device, s.rx_bytes, s.tx_bytes, table->now_ms);
        device->round = table->round;
        return 0;
}

static void forget_absent(struct mt_nic_table *table)
{
        size_t kept = 0;

        for (size_t i = 0; i < table->n; i++)
                if (table->device[i].round == table->round)
                        table->device[kept++] = table->device[i];
        table->n = kept;
}

int mt_nic_sample(struct mt_nic_table *table, uint64_t now_ms, struct mt_err *err)
{
        const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
        MT_CLEANUP(mt_nl_msg_freep) struct nl_msg *msg = mt_nl_msg(RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info));
        int r;

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "device statistics: out of memory");
        table->round++;
        table->now_ms = now_ms;
        table->next = 0;
        r = mt_nl_exchange(table->nl, msg, sample_device, table, err);
        if (r < 0) {
                (void)mt_wrap(err, "device statistics");
                return r;
        }
        if (r == 0) /* else devices came or went while they were listed, and one may have been passed over */
                forget_absent(table);
        return 0;
}

struct mt_nic_rate mt_nic_rate(const struct mt_nic_table *table, const char *device, uint64_t now_ms)
{
        for (size_t i = 0; i < table->n; i++) {
                const struct device *d = &table->device[i];
                const uint64_t age = now_ms > d->at_ms ? now_ms - d->at_ms : 0;

                if (strcmp(d->name, device) != 0)
                        continue;
                return (struct mt_nic_rate){
                        .known = d->samples >= 2 && age < STALE_MS,
                        .in_bytes_s = (uint64_t)(d->in_bytes_s + 0.5),
                        .out_bytes_s = (uint64_t)(d->out_bytes_s + 0.5),
                        .age_ms = age,
                        .rx_bytes = d->rx_bytes,
                        .tx_bytes = d->tx_bytes,
                };
        }
        return (struct mt_nic_rate){ 0 };
}
