/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A timer has the connection opened (in a thread, see connector.h), at once and then every 1, 2, 4, ... 30 s until it
 * works. When it works: callbacks are registered first, then the domains are listed, so that no migration falls
 * between. Three events are enough: LIFECYCLE (guest stopped for the last copy; incoming domain started, resumed;
 * gone), MIGRATION_ITERATION (the first thing a source sees of a migration) and JOB_COMPLETED (full statistics). Losing
 * the connection ends nothing: jobs keep their classes and are matched again after the reconnect.
 *
 * Keep-alives find a libvirtd that hangs after about 20 s; what we ask of it meanwhile fails then instead of waiting
 * forever. (One whose main loop answers while its workers hang is not found.)
 */
#include "service/libvirt.h"
#include "cleanup.h"
#include "log.h"
#include "service/connector.h"
#include "steer/expose.h"
#include "steer/incoming.h"
#include "steer/job.h"
#include "steer/preview.h"
#include "steer/recover.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/eventfd.h>

#define MAX_BACKOFF_MS 30000
#define KEEPALIVE_S 5
#define KEEPALIVE_COUNT 3
#define POLL_INCOMING_MS 50

struct mt_libvirt {
        struct mt_host *host;
        char uri[256];
        struct mt_connector *connector; /* while it opens */
        int wake_fd, wake_watch;        /* the connector's */
        int connect_timer, poll_timer;
        int backoff_ms;
        bool complained;
        int callbacks[3];
        size_t n_callbacks;
        char versions[512]; /* as they were told last */
};

static void poll_incoming_soon(struct mt_libvirt *libvirt)
{
        virEventUpdateTimeout(libvirt->poll_timer, POLL_INCOMING_MS);
}

static void on_poll(int timer, void *opaque)
{
        struct mt_libvirt *libvirt = opaque;

        if (!mt_incoming_poll(libvirt->host))
                virEventUpdateTimeout(timer, -1);
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *opaque)
{
        struct mt_libvirt *libvirt = opaque;
        char uuid[VIR_UUID_STRING_BUFLEN];

        (void)connection;
        if (virDomainGetUUIDString(domain, uuid) < 0)
                return 0;
        switch (event) {
        case VIR_DOMAIN_EVENT_SUSPENDED:
                if (detail == VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED || detail == VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY)
                        mt_job_switchover(libvirt->host, uuid, detail == VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY);
                else if (detail == VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED)
                        mt_job_post_copy_failed(libvirt->host, uuid);
                break;
        case VIR_DOMAIN_EVENT_STARTED:
                if (detail == VIR_DOMAIN_EVENT_STARTED_MIGRATED) {
                        mt_incoming_started(libvirt->host, domain);
                        poll_incoming_soon(libvirt);
                }
                break;
        case VIR_DOMAIN_EVENT_RESUMED:
                if (detail == VIR_DOMAIN_EVENT_RESUMED_MIGRATED)
                        mt_incoming_ended(libvirt->host, uuid, NULL, "resumed here");
                mt_job_resumed(libvirt->host, uuid);
                break;
        case VIR_DOMAIN_EVENT_STOPPED:
                mt_incoming_ended(libvirt->host, uuid, NULL, "stopped");
                mt_job_domain_stopped(libvirt->host, uuid, detail);
                break;
        default:
                break;
        }
        return 0;
}

static void on_iteration(virConnectPtr connection, virDomainPtr domain, int iteration, void *opaque)
{
        struct mt_libvirt *libvirt = opaque;

        (void)connection;
        mt_job_iteration(libvirt->host, domain, iteration);
}

static void on_job_completed(virConnectPtr connection, virDomainPtr domain, virTypedParameterPtr params, int n, void *opaque)
{
        struct mt_libvirt *libvirt = opaque;
        struct mt_job_stats stats;
        char uuid[VIR_UUID_STRING_BUFLEN];

        (void)connection;
        if (virDomainGetUUIDString(domain, uuid) < 0)
                return;
        mt_domain_job_params(params, n, &stats);
        stats.type = VIR_DOMAIN_JOB_COMPLETED;
        mt_job_completed(libvirt->host, uuid, &stats);
}

static int register_callbacks(struct mt_libvirt *libvirt, virConnectPtr connection)
{
        const struct {
                int event;
                virConnectDomainEventGenericCallback callback;
        } wanted[] = {
                { VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle) },
                { VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, VIR_DOMAIN_EVENT_CALLBACK(on_iteration) },
                { VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, VIR_DOMAIN_EVENT_CALLBACK(on_job_completed) },
        };

        libvirt->n_callbacks = 0;
        for (size_t i = 0; i < MT_ARRAY_SIZE(wanted); i++) {
                int id = virConnectDomainEventRegisterAny(connection, NULL, wanted[i].event, wanted[i].callback, libvirt,
                                                          NULL);

                if (id < 0) { /* a callback that stays would keep the connection */
                        while (libvirt->n_callbacks > 0)
                                (void)virConnectDomainEventDeregisterAny(connection,
                                                                         libvirt->callbacks[--libvirt->n_callbacks]);
                        return -1;
                }
                libvirt->callbacks[libvirt->n_callbacks++] = id;
        }
        return 0;
}

/* Running migrations of domains that were there before us. */
static void adopt(struct mt_libvirt *libvirt)
{
        virDomainPtr *domains = NULL;
        int n = virConnectListAllDomains(libvirt->host->connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);

        for (int i = 0; i < n; i++) {
                if (mt_domain_is_migrating_out(domains[i]))
                        mt_job_adopt(libvirt->host, domains[i]);
                (void)virDomainFree(domains[i]);
        }
        free(domains);
        if (n >= 0)
                mt_recover_sweep(libvirt->host);
        mt_incoming_adopt(libvirt->host);
        poll_incoming_soon(libvirt);
}

static void on_close(virConnectPtr connection, int reason, void *opaque)
{
        struct mt_libvirt *libvirt = opaque;

        (void)connection;
        (void)reason;
        mt_log(MT_LOG_WARNING, "libvirt at %s went away, reconnecting; running migrations keep what they have",
               libvirt->uri);
        mt_failed_open(libvirt->host, MT_FAIL_OPEN_LIBVIRT);
        virEventUpdateTimeout(libvirt->connect_timer, 0); /* closed from the timer, not from inside the callback */
}

static void let_go(struct mt_libvirt *libvirt)
{
        virConnectPtr connection = libvirt->host->connection;

        if (connection == NULL)
                return;
        mt_job_disconnected(libvirt->host);
        libvirt->host->connection = NULL;
        for (size_t i = 0; i < libvirt->n_callbacks; i++)
                (void)virConnectDomainEventDeregisterAny(connection, libvirt->callbacks[i]);
        (void)virConnectUnregisterCloseCallback(connection, on_close);
        (void)virConnectClose(connection);
}

static void try_again_later(struct mt_libvirt *libvirt, const char *why)
{
        if (!libvirt->complained)
                mt_log(MT_LOG_WARNING, "connect to libvirt at %s: %s; trying again until it works", libvirt->uri, why);
        libvirt->complained = true;
        virEventUpdateTimeout(libvirt->connect_timer, libvirt->backoff_ms);
        libvirt->backoff_ms = libvirt->backoff_ms * 2 < MAX_BACKOFF_MS ? libvirt->backoff_ms * 2 : MAX_BACKOFF_MS;
}

/* The timer: lets go of a dead connection, then has a new one opened. */
static void on_connect_timer(int timer, void *opaque)
{
        struct mt_libvirt *libvirt = opaque;
        struct mt_err err = { 0 };

        let_go(libvirt);
        virEventUpdateTimeout(timer, -1);
        if (libvirt->connector == NULL && mt_connector_start(libvirt->uri, libvirt->wake_fd, &libvirt->connector, &err) < 0)
                try_again_later(libvirt, err.msg);
}

/* The close callback first: from then on no loss goes unnoticed. */
static bool set_up(struct mt_libvirt *libvirt, virConnectPtr connection)
{
        if (virConnectRegisterCloseCallback(connection, on_close, libvirt, NULL) < 0)
                return false;
        (void)virConnectSetKeepAlive(connection, KEEPALIVE_S, KEEPALIVE_COUNT);
        if (register_callbacks(libvirt, connection) == 0 && virConnectIsAlive(connection) == 1)
                return true;
        (void)virConnectUnregisterCloseCallback(connection, on_close);
        return false;
}

/* Once, and again when another libvirt has taken its place. */
static void tell_versions(struct mt_libvirt *libvirt, virConnectPtr connection)
{
        const struct mt_versions versions = mt_preview_versions(connection);
        char text[sizeof(libvirt->versions)];
        unsigned long library = 0;

        (void)virGetVersion(&library, NULL, NULL);
        mt_versions_text(&versions, library, text, sizeof(text));
        if (strcmp(text, libvirt->versions) == 0)
                return;
        (void)memcpy(libvirt->versions, text, sizeof(text));
        mt_log(MT_LOG_INFO, "%s", text);
        if (mt_version_too_old(versions.libvirt) || mt_version_too_old(library))
                mt_log(MT_LOG_WARNING, "libvirt is older than 9.0, the oldest that migtune was tried with: update it");
}

/* The connector is done. */
static void on_connected(int watch, int fd, int events, void *opaque)
{
        struct mt_libvirt *libvirt = opaque;
        virConnectPtr connection = NULL;
        struct mt_err err = { 0 };
        uint64_t count;
        int r;

        (void)watch;
        (void)events;
        if (read(fd, &count, sizeof(count)) < 0 || libvirt->connector == NULL)
                return;
        r = mt_connector_take(libvirt->connector, &connection, &err);
        if (r == -EAGAIN)
                return;
        libvirt->connector = NULL;
        if (r == 0 && !set_up(libvirt, connection)) {
                const char *message = virGetLastErrorMessage();

                r = mt_fail(&err, EIO, "%s", message != NULL ? message : "unknown error");
                (void)virConnectClose(connection);
        }
        if (r < 0) {
                try_again_later(libvirt, err.msg);
                return;
        }
        libvirt->backoff_ms = 1000;
        libvirt->complained = false;
        libvirt->host->connection = connection;
        mt_log(MT_LOG_INFO, "connected to libvirt at %s", libvirt->uri);
        tell_versions(libvirt, connection);
        mt_job_reconnected(libvirt->host);
        adopt(libvirt);
}

/* libvirt prints errors on standard error by default; ours are logged where they matter. */
static void ignore_error(void *opaque, virErrorPtr error)
{
        (void)opaque;
        (void)error;
}

int mt_libvirt_start(struct mt_host *host, const char *uri, struct mt_libvirt **ret, struct mt_err *err)
{
        struct mt_libvirt *libvirt = calloc(1, sizeof(*libvirt));

        if (libvirt == NULL)
                return mt_fail(err, ENOMEM, "libvirt connection: out of memory");
        virSetErrorFunc(NULL, ignore_error);
        libvirt->host = host;
        libvirt->backoff_ms = 1000;
        (void)snprintf(libvirt->uri, sizeof(libvirt->uri), "%s", uri);
        libvirt->connect_timer = virEventAddTimeout(0, on_connect_timer, libvirt, NULL);
        libvirt->poll_timer = virEventAddTimeout(-1, on_poll, libvirt, NULL);
        libvirt->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        libvirt->wake_watch = virEventAddHandle(libvirt->wake_fd, VIR_EVENT_HANDLE_READABLE, on_connected, libvirt, NULL);
        if (libvirt->connect_timer < 0 || libvirt->poll_timer < 0 || libvirt->wake_fd < 0 || libvirt->wake_watch < 0) {
                mt_libvirt_stop(libvirt);
                return mt_fail(err, ENOMEM, "libvirt connection: cannot join the event loop");
        }
        *ret = libvirt;
        return 0;
}

void mt_libvirt_stop(struct mt_libvirt *libvirt)
{
        if (libvirt == NULL)
                return;
        let_go(libvirt);
        mt_connector_abandon(libvirt->connector);
        if (libvirt->wake_watch >= 0)
                (void)virEventRemoveHandle(libvirt->wake_watch);
        if (libvirt->wake_fd >= 0)
                (void)close(libvirt->wake_fd);
        if (libvirt->connect_timer >= 0)
                (void)virEventRemoveTimeout(libvirt->connect_timer);
        if (libvirt->poll_timer >= 0)
                (void)virEventRemoveTimeout(libvirt->poll_timer);
        free(libvirt);
}
