/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A source wants to know the destination's traffic without migrations, above all without the very migration that it
 * asks for: a migration that counts as the traffic it must leave room for would slow itself down. mt_host_traffic()
 * subtracts what our classes count. An incoming migration without a class (tc.ingress off, mode observe, no right to
 * shape) cannot be told apart: while one runs, and until the smoothing has forgotten it, what arrived before it goes on
 * being told, with its age.
 */
#include "steer/publish.h"
#include "clock.h"
#include "log.h"
#include "measure/destination.h"
#include "measure/uplinks.h"
#include "steer/host.h"
#include "steer/incoming.h"

#include <string.h>

#define UPLINKS_EVERY_MS 10000
#define FORGOTTEN_MS 10000 /* five times the smoothing's 2 s */

static bool same_devices(const struct mt_share_sample *a, const struct mt_share_sample *b)
{
        for (unsigned i = 0; i < a->n && i < b->n; i++)
                if (strcmp(a->uplink[i].device, b->uplink[i].device) != 0)
                        return false;
        return a->n == b->n;
}

/* Addresses and uplinks, now and then. */
static void read_uplinks(struct mt_host *host, uint64_t now)
{
        struct mt_publish *publish = &host->publish;
        struct mt_share_sample fresh = { .n = 0 };
        struct mt_err err = { 0 };

        if (publish->uplinks_ms != 0 && now - publish->uplinks_ms < UPLINKS_EVERY_MS)
                return;
        publish->uplinks_ms = now;
        if (mt_uplinks_read(host->config.link.device, &fresh, &err) < 0)
                mt_log_limited(MT_LOG_WARNING, "publish", "%s, telling other hosts nothing of this one's traffic", err.msg);
        if (!same_devices(&fresh, &publish->sample)) {
                publish->sample = fresh;
                (void)memset(publish->in_ms, 0, sizeof(publish->in_ms));
                return;
        }
        for (unsigned i = 0; i < fresh.n; i++) { /* the traffic may have to be told on */
                publish->sample.uplink[i].n = fresh.uplink[i].n;
                (void)memcpy(publish->sample.uplink[i].address, fresh.uplink[i].address, sizeof(fresh.uplink[i].address));
        }
}

void mt_publish_tick(struct mt_host *host)
{
        struct mt_publish *publish = &host->publish;
        uint64_t now = mt_now_ms();

        if (host->destination == NULL || host->config.destination.share_dir[0] == '\0')
                return;
        read_uplinks(host, now);
        if (mt_incoming_uncounted(host))
                publish->unsure_until_ms = now + FORGOTTEN_MS;
        for (unsigned i = 0; i < publish->sample.n; i++) {
                struct mt_share_uplink *uplink = &publish->sample.uplink[i];
                struct mt_traffic_fact traffic = mt_host_traffic(host, uplink->device, now);

                if (traffic.known && now >= publish->unsure_until_ms) {
                        uplink->in_bytes_s = traffic.in_bytes_s;
                        publish->in_ms[i] = now - traffic.age_ms;
                }
                uplink->out_bytes_s = traffic.out_bytes_s;
                uplink->known = traffic.known && publish->in_ms[i] != 0;
                uplink->age_ms = now - publish->in_ms[i];
        }
        mt_destination_publish(host->destination, &publish->sample);
}
