/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/destination.h"
#include "cleanup.h"
#include "clock.h"
#include "measure/exchange.h"
#include "measure/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_PEERS 64
#define KEEP_MS 60000

struct known_peer {
        struct in6_addr address;
        struct mt_peer *peer; /* NULL: the place is free */
        uint64_t asked_ms;
};

struct mt_destination {
        struct mt_exchange *exchange; /* NULL: no share_dir */
        struct known_peer peers[MAX_PEERS];
        char uri[256];
        bool has_complaint; /* a peer's thread did not start */
        struct mt_err complaint;
};

int mt_destination_uri(const char *uri, const struct in6_addr *address, char *ret, size_t size)
{
        bool is4 = IN6_IS_ADDR_V4MAPPED(address);
        char text[INET6_ADDRSTRLEN] = "";
        size_t at = 0;

        (void)inet_ntop(is4 ? AF_INET : AF_INET6, is4 ? (const void *)&address->s6_addr[12] : address, text, sizeof(text));
        while (*uri != '\0') {
                bool is_address = strncmp(uri, "%a", 2) == 0;
                int n;

                if (is_address)
                        n = snprintf(ret + at, size - at, is4 ? "%s" : "[%s]", text);
                else
                        n = snprintf(ret + at, size - at, "%c", *uri);
                if (n < 0 || (size_t)n >= size - at)
                        return -ENAMETOOLONG;
                at += (size_t)n;
                uri += is_address ? 2 : 1;
        }
        return 0;
}

int mt_destination_start(const char *share_dir, const char *uri, const char *host, struct mt_destination **ret,
                         struct mt_err *err)
{
        struct mt_destination *destination = calloc(1, sizeof(*destination));
        int r;

        if (destination == NULL)
                return mt_fail(err, ENOMEM, "destination: out of memory");
        (void)snprintf(destination->uri, sizeof(destination->uri), "%s", uri);
        r = share_dir[0] != '\0' ? mt_exchange_start(share_dir, host, &destination->exchange, err) : 0;
        if (r < 0) {
                free(destination);
                return r;
        }
        *ret = destination;
        return 0;
}

void mt_destination_stop(struct mt_destination *destination)
{
        if (destination == NULL)
                return;
        for (unsigned i = 0; i < MAX_PEERS; i++)
                mt_peer_release(destination->peers[i].peer);
        mt_exchange_stop(destination->exchange);
        free(destination);
}

void mt_destination_publish(struct mt_destination *destination, const struct mt_share_sample *sample)
{
        if (destination != NULL && destination->exchange != NULL)
                mt_exchange_publish(destination->exchange, sample);
}

/* The peer's place, with its thread; NULL: it has none. */
static struct known_peer *peer_at(struct mt_destination *destination, const struct in6_addr *address)
{
        for (unsigned i = 0; i < MAX_PEERS; i++)
                if (destination->peers[i].peer != NULL && IN6_ARE_ADDR_EQUAL(&destination->peers[i].address, address))
                        return &destination->peers[i];
        return NULL;
}

/* Gives it one, with a thread that asks uri; NULL: none can be had. */
static struct known_peer *peer_new(struct mt_destination *destination, const struct in6_addr *address, const char *uri)
{
        for (unsigned i = 0; i < MAX_PEERS; i++) {
                struct known_peer *known = &destination->peers[i];

                if (known->peer != NULL)
                        continue;
                if (mt_peer_start(uri, &known->peer, &destination->complaint) < 0) {
                        destination->has_complaint = true;
                        return NULL;
                }
                known->address = *address;
                return known;
        }
        return NULL;
}

struct mt_traffic_fact mt_destination_get(struct mt_destination *destination, const struct sockaddr_storage *peer)
{
        struct mt_traffic_fact fact = { .known = false };
        struct known_peer *known;
        struct in6_addr address;
        char uri[512];

        if (destination == NULL || !mt_share_address((const struct sockaddr *)peer, &address))
                return fact;
        if (destination->exchange != NULL)
                fact = mt_exchange_find(destination->exchange, &address);
        if (fact.known)
                return fact;
        known = peer_at(destination, &address);
        if (known == NULL && destination->uri[0] != '\0' &&
            mt_destination_uri(destination->uri, &address, uri, sizeof(uri)) == 0)
                known = peer_new(destination, &address, uri);
        if (known == NULL)
                return fact;
        known->asked_ms = mt_now_ms();
        return mt_peer_traffic(known->peer);
}

struct mt_share_send mt_destination_others(struct mt_destination *destination, const struct sockaddr_storage *peer)
{
        struct in6_addr address;

        if (destination == NULL || destination->exchange == NULL ||
            !mt_share_address((const struct sockaddr *)peer, &address))
                return (struct mt_share_send){ .migrations = 0 };
        return mt_exchange_others(destination->exchange, &address);
}

void mt_destination_offer(struct mt_destination *destination, const struct sockaddr_storage *peer, const char *uri)
{
        struct known_peer *known;
        struct in6_addr address;

        if (destination == NULL || destination->uri[0] != '\0' ||
            !mt_share_address((const struct sockaddr *)peer, &address) || peer_at(destination, &address) != NULL)
                return;
        if (destination->exchange != NULL && mt_exchange_find(destination->exchange, &address).known)
                return;
        known = peer_new(destination, &address, uri);
        if (known != NULL)
                known->asked_ms = mt_now_ms();
}

bool mt_destination_pending(struct mt_destination *destination, const struct sockaddr_storage *peer)
{
        struct known_peer *known;
        struct in6_addr address;

        if (destination == NULL || !mt_share_address((const struct sockaddr *)peer, &address))
                return false;
        known = peer_at(destination, &address);
        return known != NULL && mt_peer_is_pending(known->peer);
}

bool mt_destination_tick(struct mt_destination *destination, struct mt_err *ret_complaint)
{
        bool any = false;

        if (destination == NULL)
                return false;
        for (unsigned i = 0; i < MAX_PEERS && !any; i++) {
                struct known_peer *known = &destination->peers[i];

                if (known->peer == NULL)
                        continue;
                any = mt_peer_complaint(known->peer, ret_complaint);
                if (!any && mt_now_ms() - known->asked_ms > KEEP_MS && !mt_peer_is_busy(known->peer))
                        mt_peer_release(MT_STEAL(&known->peer));
        }
        if (!any && destination->has_complaint) {
                destination->has_complaint = false;
                *ret_complaint = destination->complaint;
                any = true;
        }
        return any || (destination->exchange != NULL && mt_exchange_complaint(destination->exchange, ret_complaint));
}
