/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/exchange.h"
#include "cleanup.h"
#include "clock.h"
#include "thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EVERY_MS 1000
#define STOP_MS 500

enum trouble { CANNOT_WRITE, CANNOT_READ, BROKEN_FILE, CLOCKS_DIFFER, N_TROUBLES };

struct mt_exchange {
        pthread_mutex_t lock; /* all but dir and host */
        pthread_cond_t wake, over;
        bool stopping, ended;
        bool orphaned; /* nobody waits for the thread any more: it frees this itself */
        bool has_own;
        struct mt_share_sample own;
        uint64_t own_ms;
        struct mt_share share;
        struct {
                bool now, pending;
                struct mt_err err;
        } trouble[N_TROUBLES];
        char dir[256], host[256];
};

static void exchange_free(struct mt_exchange *exchange)
{
        mt_share_done(&exchange->share);
        (void)pthread_cond_destroy(&exchange->over);
        (void)pthread_cond_destroy(&exchange->wake);
        (void)pthread_mutex_destroy(&exchange->lock);
        free(exchange);
}

/* Notes whether a trouble is there; its beginning is worth a complaint. Called with the lock held. */
static void note(struct mt_exchange *exchange, enum trouble which, bool is_there, const char *so, const struct mt_err *err)
{
        if (is_there && !exchange->trouble[which].now) {
                exchange->trouble[which].pending = true;
                (void)mt_fail(&exchange->trouble[which].err, err->code, "%.400s; %s", err->msg, so);
        }
        exchange->trouble[which].now = is_there;
}

static void write_own(struct mt_exchange *exchange)
{
        struct mt_share_sample own;
        struct mt_err err = { 0 };
        uint64_t age_ms;
        bool fresh;

        (void)pthread_mutex_lock(&exchange->lock);
        own = exchange->own;
        age_ms = mt_now_ms() - exchange->own_ms;
        fresh = exchange->has_own && age_ms <= MT_SHARE_FRESH_MS;
        (void)pthread_mutex_unlock(&exchange->lock);
        if (!fresh || exchange->host[0] == '\0')
                return;
        for (unsigned i = 0; i < own.n; i++)
                own.uplink[i].age_ms += age_ms;
        (void)mt_share_write(exchange->dir, exchange->host, &own, mt_wall_ms(), &err);
        (void)pthread_mutex_lock(&exchange->lock);
        note(exchange, CANNOT_WRITE, err.code != 0, "other hosts do not learn this one's traffic", &err);
        (void)pthread_mutex_unlock(&exchange->lock);
}

static void read_all(struct mt_exchange *exchange)
{
        MT_CLEANUP(mt_share_done) struct mt_share share = { .n = 0 };
        struct mt_err err = { 0 }, broken = { 0 }, ahead = { 0 };
        int r = mt_share_read(exchange->dir, exchange->host, &share, &err);
        bool is_ahead = share.newest_ms > mt_wall_ms() + MT_SHARE_FRESH_MS;

        if (share.broken > 0)
                (void)mt_fail(&broken, EINVAL, "share_dir '%s': file %s (%u such files)", exchange->dir, share.first_broken,
                              share.broken);
        if (is_ahead)
                (void)mt_fail(&ahead, EINVAL, "share_dir '%s': '%s' is from the future: the hosts' clocks differ",
                              exchange->dir, share.newest);
        (void)pthread_mutex_lock(&exchange->lock);
        note(exchange, CANNOT_READ, r < 0, "other hosts' traffic counts as unknown", &err);
        note(exchange, BROKEN_FILE, share.broken > 0, "ignoring it", &broken);
        note(exchange, CLOCKS_DIFFER, is_ahead, "ignoring it", &ahead);
        if (r == 0) { /* the old one is released here, outside of the lock */
                struct mt_share old = exchange->share;

                exchange->share = share;
                share = old;
        }
        (void)pthread_mutex_unlock(&exchange->lock);
}

static void *run(void *arg)
{
        struct mt_exchange *exchange = arg;
        bool orphaned;

        do {
                write_own(exchange);
                read_all(exchange);
        } while (!mt_thread_wait(&exchange->lock, &exchange->wake, &exchange->stopping, EVERY_MS));
        if (exchange->host[0] != '\0')
                (void)mt_share_remove(exchange->dir, exchange->host, NULL);
        (void)pthread_mutex_lock(&exchange->lock);
        exchange->ended = true;
        orphaned = exchange->orphaned;
        (void)pthread_cond_signal(&exchange->over);
        (void)pthread_mutex_unlock(&exchange->lock);
        if (orphaned)
                exchange_free(exchange);
        return NULL;
}

int mt_exchange_start(const char *dir, const char *host, struct mt_exchange **ret, struct mt_err *err)
{
        struct mt_exchange *exchange = calloc(1, sizeof(*exchange));
        int r;

        if (exchange == NULL)
                return mt_fail(err, ENOMEM, "share_dir '%s': out of memory", dir);
        (void)snprintf(exchange->dir, sizeof(exchange->dir), "%s", dir);
        (void)snprintf(exchange->host, sizeof(exchange->host), "%s", host);
        (void)pthread_mutex_init(&exchange->lock, NULL);
        mt_thread_cond_init(&exchange->wake);
        mt_thread_cond_init(&exchange->over);
        r = mt_thread_detached(run, exchange);
        if (r != 0) {
                exchange_free(exchange);
                return mt_fail(err, r, "share_dir '%s': cannot start its thread: %s", dir, strerror(r));
        }
        *ret = exchange;
        return 0;
}

void mt_exchange_stop(struct mt_exchange *exchange)
{
        bool ended;

        if (exchange == NULL)
                return;
        (void)pthread_mutex_lock(&exchange->lock);
        exchange->stopping = true;
        (void)pthread_cond_signal(&exchange->wake);
        (void)pthread_mutex_unlock(&exchange->lock);
        (void)mt_thread_wait(&exchange->lock, &exchange->over, &exchange->ended, STOP_MS);
        (void)pthread_mutex_lock(&exchange->lock);
        ended = exchange->ended;
        exchange->orphaned = !ended;
        (void)pthread_mutex_unlock(&exchange->lock);
        if (ended)
                exchange_free(exchange);
}

void mt_exchange_publish(struct mt_exchange *exchange, const struct mt_share_sample *sample)
{
        (void)pthread_mutex_lock(&exchange->lock);
        exchange->own = *sample;
        exchange->own_ms = mt_now_ms();
        exchange->has_own = true;
        (void)pthread_mutex_unlock(&exchange->lock);
}

struct mt_traffic_fact mt_exchange_find(struct mt_exchange *exchange, const struct in6_addr *address)
{
        struct mt_traffic_fact fact;

        (void)pthread_mutex_lock(&exchange->lock);
        fact = mt_share_find(&exchange->share, address, mt_wall_ms());
        (void)pthread_mutex_unlock(&exchange->lock);
        return fact;
}

struct mt_share_send mt_exchange_others(struct mt_exchange *exchange, const struct in6_addr *address)
{
        struct mt_share_send sum;

        (void)pthread_mutex_lock(&exchange->lock);
        sum = mt_share_others(&exchange->share, address, mt_wall_ms());
        (void)pthread_mutex_unlock(&exchange->lock);
        return sum;
}

bool mt_exchange_complaint(struct mt_exchange *exchange, struct mt_err *ret)
{
        bool any = false;

        (void)pthread_mutex_lock(&exchange->lock);
        for (unsigned i = 0; i < N_TROUBLES && !any; i++) {
                any = exchange->trouble[i].pending;
                exchange->trouble[i].pending = false;
                if (any)
                        *ret = exchange->trouble[i].err;
        }
        (void)pthread_mutex_unlock(&exchange->lock);
        return any;
}
