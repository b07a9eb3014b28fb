/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/gather.h"
#include "cleanup.h"
#include "clock.h"
#include "measure/domain.h"
#include "measure/headroom.h"
#include "model/hot.h"
#include "policy/inputs.h"
#include "steer/learn.h"
#include "steer/turn.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* tau: QEMU synchronises its dirty bitmap between iterations and waits for the destination's acknowledgements. */
#define SYNC_MS 5
/* t_g: what a blackout has beyond the last copy: device state and libvirt's handshake, 25 to 40 ms in QEMU's own count, and
 * the announcement in the network, 10 to 50 ms more as a client sees it (lab). */
#define RECONFIGURATION_MS 60
/* QEMU's own memory: code, buffers, devices; 30 to 80 MiB without much of graphics. What the guest freed and zeroed adds to it. */
#define OVERHEAD_BYTES (64 * MT_MIB)
#define LEAST_TOUCHED 0.25 /* of what is resident: whatever other guests' overhead was */
/* A pair of sampling windows holds for so many of its domain's turns (every fourth is one). */
#define STALE_PAIR_PERIODS 10

int mt_gather_domain(virDomainPtr domain, struct mt_domain_xml *ret, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *xml = virDomainGetXMLDesc(domain, 0);

        if (xml == NULL)
                return mt_libvirt_fail(err, "domain XML");
        return mt_domain_xml_parse(xml, ret, err);
}

/* The memory that a first pass has to send: huge pages do not count as resident. */
static uint64_t touched_bytes(const struct mt_facts *facts)
{
        double process = (double)facts->process_bytes;
        double touched = fmax(process - (double)facts->overhead_bytes, LEAST_TOUCHED * process);

        if (facts->process_bytes == 0 || facts->huge_pages || touched >= (double)facts->memory_bytes)
                return facts->memory_bytes;
        return (uint64_t)touched;
}

static void gather_dirty_rate(const struct mt_host *host, const char *uuid, struct mt_facts *facts)
{
        uint64_t stale_ms = 5 * host->config.measure.dirty_rate_every_ms;

        if (host->sampler != NULL &&
            mt_dirty_sampler_get(host->sampler, uuid, &facts->dirty_rate_bytes_s, &facts->dirty_age_ms) &&
            facts->dirty_age_ms <= stale_ms) {
                facts->dirty_source = MT_DIRTY_MEASURED;
        } else if (mt_past_rates_get(&host->learnt.rates, uuid, mt_wall_ms(), &facts->dirty_rate_bytes_s,
                                     &facts->dirty_age_ms)) {
                facts->dirty_source = MT_DIRTY_HISTORY;
        } else {
                facts->dirty_source = MT_DIRTY_DEFAULT;
                facts->dirty_rate_bytes_s = mt_bytes_s((MT_DEFAULT_DL_MBPS + MT_DEFAULT_DH_MBPS) / 2.0);
                facts->dirty_age_ms = 0;
        }
}

size_t mt_gather_hot_points(const struct mt_host *host, const char *uuid, struct mt_hot_point *ret)
{
        struct mt_dirty_windows windows;
        const struct mt_dirty_window *const both[] = { &windows.shorter, &windows.longer };

        if (host->sampler == NULL || !mt_dirty_sampler_windows(host->sampler, uuid, &windows) ||
            windows.longer.age_ms > STALE_PAIR_PERIODS * host->config.measure.dirty_rate_every_ms)
                return 0;
        for (size_t i = 0; i < MT_ARRAY_SIZE(both); i++)
                ret[i] = (struct mt_hot_point){ .t = both[i]->seconds,
                                                .dirtied = mt_mbit(both[i]->bytes),
                                                .weight = fmin(both[i]->samples, MT_DIRTY_SMOOTHED_OVER) };
        return MT_ARRAY_SIZE(both);
}

void mt_gather_hot_pages(const struct mt_hot_point *points, size_t n, enum mt_hot_source source, struct mt_facts *facts)
{
        struct mt_hot_pages pages;

        if (!mt_hot_fit(points, n, mt_mbit(facts->memory_bytes), &pages))
                return;
        facts->hot_bytes = mt_bytes(pages.hot);
        facts->hot_rate_bytes_s = mt_bytes_s(pages.hot_rate);
        facts->cold_rate_bytes_s = mt_bytes_s(pages.cold_rate);
        facts->hot_source = source;
}

/* The VM's own traffic: its taps'. What leaves the host enters the bridge from the tap, so the directions swap. */
static void gather_vm_traffic(const struct mt_host *host, const struct mt_domain_xml *xml, uint64_t now,
                              struct mt_facts *facts)
{
        for (unsigned i = 0; i < xml->n_taps; i++) {
                struct mt_nic_rate rate = host->nics != NULL ? mt_nic_rate(host->nics, xml->tap[i], now)
                                                             : (struct mt_nic_rate){ .known = false };

                if (!rate.known)
                        continue;
                facts->vm.known = true;
                facts->vm.in_bytes_s += rate.out_bytes_s;
                facts->vm.out_bytes_s += rate.in_bytes_s;
        }
}

const struct sockaddr_storage *mt_gather_peer(const struct mt_flows *flows)
{
        return flows != NULL && flows->n > 0 ? &flows->flow[0].peer : NULL;
}

void mt_gather_destination(const struct mt_host *host, const struct sockaddr_storage *peer, struct mt_facts *facts)
{
        struct mt_share_send others = { .migrations = 0 };

        facts->dst = (struct mt_traffic_fact){ .known = false };
        if (peer != NULL) {
                facts->dst = mt_destination_get(host->destination, peer);
                others = mt_destination_others(host->destination, peer);
        }
        facts->dst_migrations = others.migrations;
        facts->dst_migrations_bytes_s = others.bytes_s;
}

void mt_gather_facts(const struct mt_host *host, virDomainPtr domain, const struct mt_domain_xml *xml,
                     const struct mt_intent *intent, const struct mt_uplink *uplink, const struct mt_flows *flows,
                     struct mt_facts *ret)
{
        struct mt_facts facts = { .dirty_low_bytes_s = MT_AUTO,
                                  .dirty_high_bytes_s = MT_AUTO,
                                  .post_copy = MT_CALLER_UNKNOWN };
        uint64_t now = mt_now_ms();
        struct mt_hot_point points[MT_HOT_WINDOW_POINTS];

        facts.memory_source = MT_VALUE_READ;
        if (mt_domain_memory(domain, &facts.memory_bytes, &facts.process_bytes, NULL) < 0) {
                facts.memory_bytes = xml->memory_bytes;
                facts.memory_source = MT_VALUE_CONFIGURED; /* in its definition */
        }
        gather_dirty_rate(host, xml->id.uuid, &facts);
        mt_gather_hot_pages(points, mt_gather_hot_points(host, xml->id.uuid, points), MT_HOT_WINDOWS, &facts);
        (void)memcpy(facts.device, uplink->device, sizeof(facts.device));
        facts.link_bytes_s = uplink->link_bytes_s;
        if (facts.link_bytes_s != 0)
                facts.link_source = host->config.link.rate_bytes_s != MT_AUTO ? MT_VALUE_CONFIGURED : MT_VALUE_READ;
        if (uplink->device[0] != '\0')
                facts.src = mt_host_traffic(host, uplink->device, now);
        mt_gather_destination(host, mt_gather_peer(flows), &facts);
        gather_vm_traffic(host, xml, now, &facts);
        if (uplink->device[0] != '\0')
                mt_turn_share(host, xml->id.uuid, &facts);
        facts.headroom = mt_headroom_read();
        facts.host_device = xml->hostdev;
        facts.huge_pages = xml->hugepages;
        facts.rtt_us = flows != NULL && flows->n > 0 ? flows->flow[0].rtt_us : 0;
        facts.tau_source = intent->inter_iteration_delay_ms != MT_AUTO ? MT_VALUE_CONFIGURED : MT_VALUE_BUILT_IN;
        facts.tg_source = intent->reconfiguration_time_ms != MT_AUTO ? MT_VALUE_CONFIGURED : MT_VALUE_BUILT_IN;
        facts.tau_ms = intent->inter_iteration_delay_ms != MT_AUTO ? intent->inter_iteration_delay_ms
                                                                   : SYNC_MS + facts.rtt_us / 1000;
        facts.tg_ms = intent->reconfiguration_time_ms != MT_AUTO ? intent->reconfiguration_time_ms : RECONFIGURATION_MS;
        facts.overhead_bytes = OVERHEAD_BYTES;
        mt_learn_facts(host, intent, &facts);
        facts.resident_bytes = touched_bytes(&facts);
        *ret = facts;
}
