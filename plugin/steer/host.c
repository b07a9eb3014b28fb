/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/host.h"
#include "clock.h"
#include "policy/inputs.h"
#include "record/json.h"
#include "steer/incoming.h"
#include "steer/job.h"
#include "steer/meter.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

uint64_t mt_host_tree_rate(uint64_t link_bytes_s)
{
        return (uint64_t)((double)link_bytes_s * MT_USABLE);
}

int mt_host_link(const struct mt_host *host, const struct mt_uplink *uplink, enum mt_direction direction, struct mt_link *ret,
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
        *ret = (struct mt_link){ .direction = direction, .rate_bytes_s = mt_host_tree_rate(uplink->link_bytes_s) };
        (void)memcpy(ret->device, uplink->device, sizeof(ret->device));
        if (direction == MT_EGRESS)
                (void)memcpy(ret->parent, host->config.tc.parent, sizeof(ret->parent));
        return 0;
}

struct mt_class_spec mt_host_class(const struct mt_link *link, uint64_t rate_bytes_s, uint64_t ceil_bytes_s, bool low_priority)
{
        uint64_t least = link->rate_bytes_s / 100;
        struct mt_class_spec spec = { .rate_bytes_s = rate_bytes_s, .ceil_bytes_s = ceil_bytes_s, .low_priority = low_priority };

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

void mt_host_ended(struct mt_host *host, const char *device, enum mt_direction direction, double bytes_s)
{
        struct mt_residue *slot = &host->residue[host->next_residue++ % MT_MAX_RESIDUES];

        *slot = (struct mt_residue){ .direction = direction, .bytes_s = bytes_s, .since_ms = mt_now_ms() };
        (void)snprintf(slot->device, sizeof(slot->device), "%s", device);
}

static uint64_t residue(const struct mt_host *host, const char *device, enum mt_direction direction, uint64_t now_ms)
{
        double sum = 0.0;

        for (size_t i = 0; i < MT_MAX_RESIDUES; i++) {
                const struct mt_residue *r = &host->residue[i];

                if (r->bytes_s > 0.0 && r->direction == direction && strcmp(r->device, device) == 0)
                        sum += r->bytes_s * exp(-(double)(now_ms - r->since_ms) / 1000.0 / MT_METER_SECONDS);
        }
        return (uint64_t)sum;
}

struct mt_traffic_fact mt_host_traffic(const struct mt_host *host, const char *device, uint64_t now_ms)
{
        struct mt_traffic_fact fact = { .known = false };
        struct mt_nic_rate rate;
        uint64_t own_out, own_in;

        if (host->nics == NULL)
                return fact;
        rate = mt_nic_rate(host->nics, device, now_ms);
        if (!rate.known)
                return fact;
        own_out = mt_job_own_rate(host, device) + residue(host, device, MT_EGRESS, now_ms);
        own_in = mt_incoming_own_rate(host, device) + residue(host, device, MT_INGRESS, now_ms);
        fact.known = true;
        fact.out_bytes_s = rate.out_bytes_s > own_out ? rate.out_bytes_s - own_out : 0;
        fact.in_bytes_s = rate.in_bytes_s > own_in ? rate.in_bytes_s - own_in : 0;
        fact.age_ms = rate.age_ms;
        return fact;
}

json_object *mt_link_json(const struct mt_link *link, uint16_t minor)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "device", mt_json_string(link->device));
        mt_json_add(o, "ingress", json_object_new_boolean(link->direction == MT_INGRESS));
        mt_json_add(o, "minor", mt_json_count(minor));
        return o;
}

json_object *mt_host_classes(const struct mt_host *host)
{
        json_object *array = json_object_new_array();

        if (array != NULL) {
                mt_job_classes(host, array);
                mt_incoming_classes(host, array);
        }
        return array;
}
