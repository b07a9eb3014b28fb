/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/link.h"
#include "policy/inputs.h"
#include "record/json.h"

#include <errno.h>
#include <string.h>

int mt_link_uplink(const struct mt_host *host, const struct sockaddr_storage *peer, struct mt_uplink *ret,
                   struct mt_err *err)
{
        struct mt_uplink uplink = { .device = "" };
        int r;

        *ret = uplink;
        if (host->config.link.device[0] != '\0')
                r = mt_route_device(host->config.link.device, &uplink, err);
        else
                r = mt_route_uplink(peer, &uplink, err);
        if (r < 0)
                return r;
        if (host->config.link.rate_bytes_s != MT_AUTO)
                uplink.link_bytes_s = host->config.link.rate_bytes_s;
        *ret = uplink;
        return 0;
}

/*
 * Rate that our tree gives to a link of link_bytes_s: slightly less than the wire, so that the queue forms in our classes,
 * where priorities count, and not in the device behind them (MT_USABLE).
 */
static uint64_t tree_rate(uint64_t link_bytes_s)
{
        return (uint64_t)((double)link_bytes_s * MT_USABLE);
}

int mt_link_of(const struct mt_host *host, const struct mt_uplink *uplink, enum mt_direction direction, struct mt_link *ret,
               struct mt_err *err)
{
        char rate[32], max[32];

        if (!host->config.tc.enable)
                return mt_fail(err, ENOTSUP, "tc.enable is off");
        if (direction == MT_INGRESS && !host->config.tc.ingress)
                return mt_fail(err, ENOTSUP, "tc.ingress is off");
        if (host->shaper == NULL)
                return mt_fail(err, EPERM, "no netlink socket for tc");
        if (uplink->device[0] == '\0')
                return mt_fail(err, ENODEV, "the uplink is not known");
        if (uplink->link_bytes_s == 0)
                return mt_fail(err, ENODATA, "device '%s' does not tell its speed: set link.rate", uplink->device);
        if (uplink->link_bytes_s > host->config.tc.max_link_bytes_s)
                return mt_fail(err, ENOTSUP, "device '%s' is wider (%s) than tc.max_link (%s)", uplink->device,
                               mt_format_rate(rate, sizeof(rate), uplink->link_bytes_s),
                               mt_format_rate(max, sizeof(max), host->config.tc.max_link_bytes_s));
        *ret = (struct mt_link){ .direction = direction, .rate_bytes_s = tree_rate(uplink->link_bytes_s) };
        (void)memcpy(ret->device, uplink->device, sizeof(ret->device));
        if (direction == MT_EGRESS)
                (void)memcpy(ret->parent, host->config.tc.parent, sizeof(ret->parent));
        return 0;
}

struct mt_class_spec mt_link_class(const struct mt_link *link, uint64_t rate_bytes_s, uint64_t ceil_bytes_s,
                                   bool low_priority)
{
        uint64_t least = link->rate_bytes_s / 100 + 1;
        struct mt_class_spec spec = { .rate_bytes_s = rate_bytes_s,
                                      .ceil_bytes_s = ceil_bytes_s,
                                      .low_priority = low_priority };

        if (spec.ceil_bytes_s > link->rate_bytes_s)
                spec.ceil_bytes_s = link->rate_bytes_s;
        if (spec.ceil_bytes_s < 1)
                spec.ceil_bytes_s = 1;
        if (spec.rate_bytes_s < least)
                spec.rate_bytes_s = least;
        if (spec.rate_bytes_s > spec.ceil_bytes_s)
                spec.rate_bytes_s = spec.ceil_bytes_s;
        return spec;
}

json_object *mt_link_json(const struct mt_link *link, uint16_t minor)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "device", mt_json_string(link->device));
        mt_json_add(o, "ingress", json_object_new_boolean(link->direction == MT_INGRESS));
        mt_json_add(o, "minor", mt_json_count(minor));
        return o;
}
