/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/peer.h"
#include "cleanup.h"
#include "clock.h"
#include "measure/vm_traffic.h"
#include "thread.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <string.h>

#define FRESH_MS 5000
#define EVERY_MS 1000
#define FIRST_MS 500 /* from the first reading to the second: a migration is waiting for the rate */
#define BACKOFF_MS 5000
#define MAX_BACKOFF_MS 30000
#define KEEPALIVE_S 5
#define KEEPALIVE_COUNT 3

struct mt_peer {
        pthread_mutex_t lock; /* released, busy, fact, known_ms, failed, has_complaint, complaint */
        pthread_cond_t wake;
        bool released, busy;
        struct mt_traffic_fact fact;
        uint64_t known_ms; /* when fact was read */
        bool failed, has_complaint;
        struct mt_err complaint;
        /* the thread's own */
        struct mt_vm_traffic traffic;
        char uri[512];
};

static void peer_free(struct mt_peer *peer)
{
        mt_vm_traffic_done(&peer->traffic);
        (void)pthread_cond_destroy(&peer->wake);
        (void)pthread_mutex_destroy(&peer->lock);
        free(peer);
}

static void set_busy(struct mt_peer *peer, bool busy)
{
        (void)pthread_mutex_lock(&peer->lock);
        peer->busy = busy;
        (void)pthread_mutex_unlock(&peer->lock);
}

/* Keeps the first reason of each failure; a reading that works ends it. */
static void note_result(struct mt_peer *peer, const char *what, bool good)
{
        (void)pthread_mutex_lock(&peer->lock);
        if (!good && !peer->failed) {
                peer->has_complaint = true;
                (void)mt_fail(&peer->complaint, EIO, "%s '%s': %s; the traffic there counts as unknown", what, peer->uri,
                              virGetLastErrorMessage());
        }
        peer->failed = !good;
        if (good) {
                peer->known_ms = mt_now_ms();
                peer->fact = (struct mt_traffic_fact){ .known = peer->traffic.known,
                                                       .source = MT_TRAFFIC_LIBVIRT,
                                                       .in_bytes_s = (uint64_t)peer->traffic.in_bytes_s,
                                                       .out_bytes_s = (uint64_t)peer->traffic.out_bytes_s };
        }
        (void)pthread_mutex_unlock(&peer->lock);
}

static virConnectPtr connect_to(struct mt_peer *peer)
{
        virConnectPtr connection = virConnectOpenReadOnly(peer->uri);

        if (connection != NULL)
                (void)virConnectSetKeepAlive(connection, KEEPALIVE_S, KEEPALIVE_COUNT); /* a local driver has none */
        else
                note_result(peer, "connect to", false);
        return connection;
}

/* One reading of all domains. False: the connection is of no use any more. */
static bool read_all(struct mt_peer *peer, virConnectPtr connection)
{
        const unsigned flags = VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT;
        virDomainStatsRecordPtr *records = NULL;
        int n = virConnectGetAllDomainStats(connection, VIR_DOMAIN_STATS_INTERFACE, &records, flags);

        for (int i = 0; i < n; i++) {
                char uuid[VIR_UUID_STRING_BUFLEN];

                if (virDomainGetUUIDString(records[i]->dom, uuid) == 0)
                        (void)mt_vm_traffic_add(&peer->traffic, uuid, records[i]->params, records[i]->nparams);
        }
        if (n >= 0) {
                virDomainStatsRecordListFree(records);
                mt_vm_traffic_end(&peer->traffic, mt_now_ms());
        }
        note_result(peer, "read the VMs' traffic from", n >= 0);
        return n >= 0;
}

/* Connects where needed, and reads. Returns how long to wait before the next time. */
static uint64_t step(struct mt_peer *peer, virConnectPtr *connection, uint64_t *backoff_ms)
{
        uint64_t pause_ms = *backoff_ms;

        set_busy(peer, true);
        if (*connection == NULL) {
                mt_vm_traffic_done(&peer->traffic);
                *connection = connect_to(peer);
        }
        if (*connection != NULL && !read_all(peer, *connection))
                (void)virConnectClose(MT_STEAL(connection));
        set_busy(peer, false);
        if (*connection == NULL) {
                *backoff_ms = pause_ms * 2 < MAX_BACKOFF_MS ? pause_ms * 2 : MAX_BACKOFF_MS;
                return pause_ms;
        }
        *backoff_ms = BACKOFF_MS;
        return peer->traffic.known ? EVERY_MS : FIRST_MS;
}

static void *run(void *arg)
{
        struct mt_peer *peer = arg;
        virConnectPtr connection = NULL;
        uint64_t backoff_ms = BACKOFF_MS, pause_ms;

        do
                pause_ms = step(peer, &connection, &backoff_ms);
        while (!mt_thread_wait(&peer->lock, &peer->wake, &peer->released, pause_ms));
        if (connection != NULL)
                (void)virConnectClose(connection);
        peer_free(peer);
        return NULL;
}

int mt_peer_start(const char *uri, struct mt_peer **ret, struct mt_err *err)
{
        struct mt_peer *peer = calloc(1, sizeof(*peer));
        int r;

        if (peer == NULL)
                return mt_fail(err, ENOMEM, "peer '%s': out of memory", uri);
        (void)snprintf(peer->uri, sizeof(peer->uri), "%s", uri);
        (void)pthread_mutex_init(&peer->lock, NULL);
        mt_thread_cond_init(&peer->wake);
        r = mt_thread_detached(run, peer);
        if (r != 0) {
                peer_free(peer);
                return mt_fail(err, r, "peer '%s': cannot start its thread: %s", uri, strerror(r));
        }
        *ret = peer;
        return 0;
}

void mt_peer_release(struct mt_peer *peer)
{
        if (peer == NULL)
                return;
        (void)pthread_mutex_lock(&peer->lock);
        peer->released = true;
        (void)pthread_cond_signal(&peer->wake);
        (void)pthread_mutex_unlock(&peer->lock);
}

struct mt_traffic_fact mt_peer_traffic(struct mt_peer *peer)
{
        struct mt_traffic_fact fact;

        (void)pthread_mutex_lock(&peer->lock);
        fact = peer->fact;
        fact.age_ms = mt_now_ms() - peer->known_ms;
        (void)pthread_mutex_unlock(&peer->lock);
        return fact.known && fact.age_ms <= FRESH_MS ? fact : (struct mt_traffic_fact){ .known = false };
}

bool mt_peer_is_pending(struct mt_peer *peer)
{
        bool pending;

        (void)pthread_mutex_lock(&peer->lock);
        pending = !peer->fact.known && !peer->failed;
        (void)pthread_mutex_unlock(&peer->lock);
        return pending;
}

bool mt_peer_is_busy(struct mt_peer *peer)
{
        bool busy;

        (void)pthread_mutex_lock(&peer->lock);
        busy = peer->busy;
        (void)pthread_mutex_unlock(&peer->lock);
        return busy;
}

bool mt_peer_complaint(struct mt_peer *peer, struct mt_err *ret)
{
        bool any;

        (void)pthread_mutex_lock(&peer->lock);
        any = peer->has_complaint;
        peer->has_complaint = false;
        if (any)
                *ret = peer->complaint;
        (void)pthread_mutex_unlock(&peer->lock);
        return any;
}
