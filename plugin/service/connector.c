/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/connector.h"
#include "cleanup.h"
#include "thread.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

struct mt_connector {
        pthread_mutex_t lock; /* done, abandoned, connection, error */
        bool done, abandoned;
        virConnectPtr connection;
        char error[256];
        int wake_fd;
        char uri[256];
};

static void connector_free(struct mt_connector *connector)
{
        if (connector->connection != NULL)
                (void)virConnectClose(connector->connection);
        (void)pthread_mutex_destroy(&connector->lock);
        free(connector);
}

static void *run(void *arg)
{
        struct mt_connector *connector = arg;
        const uint64_t one = 1;
        virConnectPtr connection = virConnectOpen(connector->uri);
        const char *message = connection == NULL ? virGetLastErrorMessage() : "";
        bool abandoned;

        (void)pthread_mutex_lock(&connector->lock);
        connector->connection = connection;
        (void)snprintf(connector->error, sizeof(connector->error), "%s", message != NULL ? message : "unknown error");
        connector->done = true;
        abandoned = connector->abandoned;
        if (!abandoned && write(connector->wake_fd, &one, sizeof(one)) < 0)
                abandoned = connector->abandoned; /* the counter is full: the loop is awake anyway */
        (void)pthread_mutex_unlock(&connector->lock);
        if (abandoned)
                connector_free(connector);
        return NULL;
}

int mt_connector_start(const char *uri, int wake_fd, struct mt_connector **ret, struct mt_err *err)
{
        struct mt_connector *connector = calloc(1, sizeof(*connector));
        int r;

        if (connector == NULL)
                return mt_fail(err, ENOMEM, "libvirt connection: out of memory");
        connector->wake_fd = wake_fd;
        (void)snprintf(connector->uri, sizeof(connector->uri), "%s", uri);
        (void)pthread_mutex_init(&connector->lock, NULL);
        r = mt_thread_detached(run, connector);
        if (r != 0) {
                connector_free(connector);
                return mt_fail(err, r, "libvirt connection: cannot start its thread: %s", strerror(r));
        }
        *ret = connector;
        return 0;
}

int mt_connector_take(struct mt_connector *connector, virConnectPtr *ret, struct mt_err *err)
{
        bool done;
        int r = 0;

        (void)pthread_mutex_lock(&connector->lock);
        done = connector->done;
        (void)pthread_mutex_unlock(&connector->lock);
        if (!done)
                return -EAGAIN;
        if (connector->connection != NULL)
                *ret = MT_STEAL(&connector->connection);
        else
                r = mt_fail(err, ENOTCONN, "%s", connector->error);
        connector_free(connector);
        return r;
}

void mt_connector_abandon(struct mt_connector *connector)
{
        bool done;

        if (connector == NULL)
                return;
        (void)pthread_mutex_lock(&connector->lock);
        connector->abandoned = true;
        done = connector->done;
        (void)pthread_mutex_unlock(&connector->lock);
        if (done)
                connector_free(connector);
}
