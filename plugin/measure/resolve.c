/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/resolve.h"
#include "thread.h"

#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS 16u

struct mt_resolver {
        pthread_mutex_t lock; /* done, abandoned, result, address */
        bool done, abandoned;
        int result; /* getaddrinfo's */
        struct sockaddr_storage address;
        char name[256];
};

static atomic_uint threads;

static int look_up(const char *text, int flags, struct sockaddr_storage *ret)
{
        const struct addrinfo hints = { .ai_flags = flags, .ai_socktype = SOCK_STREAM };
        struct addrinfo *found = NULL;
        int r = getaddrinfo(text, NULL, &hints, &found);

        if (r != 0)
                return r;
        (void)memset(ret, 0, sizeof(*ret));
        (void)memcpy(ret, found->ai_addr, found->ai_addrlen);
        freeaddrinfo(found);
        return 0;
}

int mt_resolve_numeric(const char *text, struct sockaddr_storage *ret)
{
        struct sockaddr_storage address;

        if (text[0] == '\0' || look_up(text, AI_NUMERICHOST, &address) != 0)
                return -EINVAL;
        *ret = address;
        return 0;
}

static void resolver_free(struct mt_resolver *resolver)
{
        (void)pthread_mutex_destroy(&resolver->lock);
        free(resolver);
}

static void *run(void *arg)
{
        struct mt_resolver *resolver = arg;
        struct sockaddr_storage address = { 0 };
        int r = look_up(resolver->name, 0, &address);
        bool abandoned;

        (void)pthread_mutex_lock(&resolver->lock);
        resolver->result = r;
        resolver->address = address;
        resolver->done = true;
        abandoned = resolver->abandoned;
        (void)pthread_mutex_unlock(&resolver->lock);
        (void)atomic_fetch_sub(&threads, 1);
        if (abandoned)
                resolver_free(resolver);
        return NULL;
}

int mt_resolver_start(const char *name, struct mt_resolver **ret, struct mt_err *err)
{
        struct mt_resolver *resolver;
        int r;

        if (strlen(name) >= sizeof(resolver->name))
                return mt_fail(err, ENAMETOOLONG, "host '%.40s...': the name is too long", name);
        resolver = calloc(1, sizeof(*resolver));
        if (resolver == NULL)
                return mt_fail(err, ENOMEM, "host '%s': out of memory", name);
        (void)snprintf(resolver->name, sizeof(resolver->name), "%s", name);
        (void)pthread_mutex_init(&resolver->lock, NULL);
        r = atomic_fetch_add(&threads, 1) < MAX_THREADS ? mt_thread_detached(run, resolver) : EBUSY;
        if (r != 0) {
                (void)atomic_fetch_sub(&threads, 1);
                resolver_free(resolver);
                return mt_fail(err, r, "host '%s': cannot look it up: %s", name, strerror(r));
        }
        *ret = resolver;
        return 0;
}

int mt_resolver_take(struct mt_resolver *resolver, struct sockaddr_storage *ret, struct mt_err *err)
{
        bool done;
        int r = 0;

        (void)pthread_mutex_lock(&resolver->lock);
        done = resolver->done;
        (void)pthread_mutex_unlock(&resolver->lock);
        if (!done)
                return -EAGAIN;
        if (resolver->result == 0)
                *ret = resolver->address;
        else
                r = mt_fail(err, ENOENT, "host '%s': %s", resolver->name, gai_strerror(resolver->result));
        resolver_free(resolver);
        return r;
}

void mt_resolver_abandon(struct mt_resolver *resolver)
{
        bool done;

        if (resolver == NULL)
                return;
        (void)pthread_mutex_lock(&resolver->lock);
        resolver->abandoned = true;
        done = resolver->done;
        (void)pthread_mutex_unlock(&resolver->lock);
        if (done)
                resolver_free(resolver);
}
