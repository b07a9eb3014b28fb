/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A source wants to know the destination's traffic without migrations, above all without the very migration that it
 * asks for: a migration that counts as the traffic it must leave room for would slow itself down. mt_host_traffic()
 * subtracts what our classes count. An incoming migration without a class (tc.ingress off, mode observe, no right to
 * shape) cannot be told apart: while one runs, and until the smoothing has forgotten it, what arrived before it goes on
 * being told, with its age.
 *
 * Outgoing migrations are told as planned, by destination: what several sources send there is shared among them (ledger.c).
 */
#include "steer/publish.h"
#include "clock.h"
#include "log.h"
#include "measure/destination.h"
#include "measure/uplinks.h"
#include "steer/gather.h"
#include "steer/host.h"
#include "steer/incoming.h"
#include "steer/job_state.h"

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

/* The entry of that destination, a new one if need be; NULL: there is no room, or the address means nothing elsewhere. */
static struct mt_share_send *send_to(struct mt_share_sample *sample, const struct sockaddr_storage *peer)
{
        struct in6_addr to;

        if (!mt_share_address((const struct sockaddr *)peer, &to))
                return NULL;
        for (unsigned i = 0; i < sample->n_sends; i++)
                if (IN6_ARE_ADDR_EQUAL(&sample->send[i].to, &to))
                        return &sample->send[i];
        if (sample->n_sends == MT_SHARE_SENDS)
                return NULL;
        sample->send[sample->n_sends] = (struct mt_share_send){ .to = to };
        return &sample->send[sample->n_sends++];
}

static void tell_sends(const struct mt_host *host, struct mt_share_sample *sample)
{
        sample->n_sends = 0;
        for (const struct mt_job *job = host->jobs; job != NULL; job = job->next) {
                const struct sockaddr_storage *peer = mt_gather_peer(&job->flows);
                struct mt_share_send *send = NULL;

                if (job->state != MT_JOB_OVER && job->intent.mode == MT_MODE_ENFORCE && peer != NULL)
                        send = send_to(sample, peer);
                if (send != NULL) {
                        send->migrations++;
                        send->bytes_s += job->plan.bandwidth_bytes_s;
                }
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
        tell_sends(host, &publish->sample);
        mt_destination_publish(host->destination, &publish->sample);
}
