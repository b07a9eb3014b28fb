/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/host.h"
#include "steer/incoming.h"
#include "steer/job.h"

struct mt_traffic_fact mt_host_traffic(const struct mt_host *host, const char *device, uint64_t now_ms)
{
        struct mt_traffic_fact fact = { .known = false };
        struct mt_nic_rate rate;
        uint64_t own_out, own_in, sampled_ms;

        if (host->nics == NULL)
                return fact;
        rate = mt_nic_rate(host->nics, device, now_ms);
        if (!rate.known)
                return fact;
        sampled_ms = now_ms - rate.age_ms; /* a rate stands still between its samples, so what is left in it does, too */
        own_out = mt_job_own_rate(host, device) + mt_residue_get(&host->residues, device, MT_EGRESS, sampled_ms);
        own_in = mt_incoming_own_rate(host, device) + mt_residue_get(&host->residues, device, MT_INGRESS, sampled_ms);
        fact.known = true;
        fact.out_bytes_s = rate.out_bytes_s > own_out ? rate.out_bytes_s - own_out : 0;
        fact.in_bytes_s = rate.in_bytes_s > own_in ? rate.in_bytes_s - own_in : 0;
        fact.age_ms = rate.age_ms;
        return fact;
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
