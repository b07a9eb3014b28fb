/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The call that resumes a post-copy (virDomainMigrateToURI3 with VIR_MIGRATE_POSTCOPY_RESUME) returns when the migration is
 * over, or broken again, so it has a thread and a libvirt connection of its own; both outlive the watcher's connection, and
 * a new connection is opened where libvirtd was restarted. Before each attempt the thread looks, since a wrong one does harm
 * (as seen with libvirt 9.0 to 11.3):
 *
 *   the domain's state is         then
 *   paused (post-copy failed)     the migration's connection is gone: attempt. It is there: wait, see below.
 *   paused (post-copy)            nothing: the migration runs. (An attempt would fail, and libvirt would then throw the job
 *                                 away: after that nobody can resume it.)
 *   anything else, or it is gone  nothing: it is over
 *
 * "Failed" is also what libvirt says where it lost hold of a migration that runs on: QEMU's connection is QEMU's own, and a
 * restart of either daemon does not touch it. libvirt finishes such a migration when QEMU says that it is completed, but only
 * if no attempt to resume it is under way at that moment; so there is none while the connection is there.
 *
 * The destination's daemon of libvirt 11.2 and 11.3 crashes whenever it is asked (mended in 11.4): it is asked for its version
 * first, and not asked to resume. When it has been updated the next look finds that out.
 *
 * Waits double from 0.5 s to 30 s, with jitter, so that the hosts of a network that is back do not all come at once; they
 * begin anew when a resumed migration breaks again.
 */
#include "steer/resumer.h"
#include "call_flags.h"
#include "cleanup.h"
#include "clock.h"
#include "measure/sockets.h"
#include "thread.h"
#include "versions.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_WAIT_MS 500
#define LONGEST_WAIT_MS 30000
#define IDLE_MS 1000
#define KEEPALIVE_S 5
#define KEEPALIVE_COUNT 3

struct mt_resumer {
        pthread_mutex_t lock; /* news, released, succeeded */
        pthread_cond_t wake;
        struct mt_resumer_news news;
        bool released, succeeded;
        int wake_fd;
        struct mt_resume_order order;
        virConnectPtr connection; /* the thread's own, from here on */
        unsigned failed;          /* attempts since the last one that worked */
        unsigned next_way;
};

enum sight { BROKEN, CONNECTED, NOTHING_TO_DO, NOT_SEEN };

uint64_t mt_resumer_wait_ms(unsigned failed, uint32_t random)
{
        const uint64_t doubled = failed < 6 ? (uint64_t)FIRST_WAIT_MS << failed : LONGEST_WAIT_MS;
        const uint64_t wait = doubled < LONGEST_WAIT_MS ? doubled : LONGEST_WAIT_MS;

        return wait - wait / 4 + (wait / 2 * random >> 32); /* wait is below 2^16, so nothing is lost */
}

bool mt_resumer_crashes(uint64_t libvirt_version)
{
        const struct mt_versions versions = { .libvirt = libvirt_version };

        return !mt_able(MT_ABILITY_RESUME, &versions);
}

static void resumer_free(struct mt_resumer *resumer)
{
        if (resumer->connection != NULL)
                (void)virConnectClose(resumer->connection);
        (void)pthread_cond_destroy(&resumer->wake);
        (void)pthread_mutex_destroy(&resumer->lock);
        free(resumer);
}

/* Sets the state, for the loop. False: released. */
static bool tell(struct mt_resumer *resumer, enum mt_resumer_state state, uint64_t next_ms)
{
        const uint64_t one = 1;
        bool released;

        (void)pthread_mutex_lock(&resumer->lock);
        resumer->news.state = state;
        resumer->news.next_ms = next_ms;
        if (state == MT_RESUMER_CALLS) {
                resumer->news.attempts++;
                resumer->news.refused = false;
        }
        released = resumer->released;
        if (!released && write(resumer->wake_fd, &one, sizeof(one)) < 0)
                released = resumer->released; /* the counter is full: the loop is awake anyway */
        (void)pthread_mutex_unlock(&resumer->lock);
        return !released;
}

static void note_error(struct mt_resumer *resumer, const struct mt_err *err, bool refused)
{
        (void)pthread_mutex_lock(&resumer->lock);
        (void)snprintf(resumer->news.error, sizeof(resumer->news.error), "%.250s", err->msg);
        resumer->news.refused = refused;
        (void)pthread_mutex_unlock(&resumer->lock);
}

static uint64_t wait_ms(unsigned failed)
{
        uint32_t random = 0x80000000u;

        (void)getrandom(&random, sizeof(random), GRND_NONBLOCK); /* without it the hosts are less apart, no more */
        return mt_resumer_wait_ms(failed, random);
}

/* False: released. */
static bool pause_for(struct mt_resumer *resumer, enum mt_resumer_state state, uint64_t ms)
{
        return tell(resumer, state, mt_now_ms() + ms) &&
               !mt_thread_wait(&resumer->lock, &resumer->wake, &resumer->released, ms);
}

static int failed_libvirt(struct mt_err *err, const char *what)
{
        const char *message = virGetLastErrorMessage();

        return mt_fail(err, EIO, "%s: libvirt: %s", what, message != NULL ? message : "unknown error");
}

/* Opens the connection anew where it is dead. */
static int connect_here(struct mt_resumer *resumer, struct mt_err *err)
{
        if (resumer->connection != NULL && virConnectIsAlive(resumer->connection) == 1)
                return 0;
        if (resumer->connection != NULL)
                (void)virConnectClose(MT_STEAL(&resumer->connection));
        resumer->connection = virConnectOpen(resumer->order.libvirt_uri);
        if (resumer->connection == NULL)
                return failed_libvirt(err, "connect to this host's libvirt");
        (void)virConnectSetKeepAlive(resumer->connection, KEEPALIVE_S, KEEPALIVE_COUNT);
        return 0;
}

/* Whether QEMU still holds a connection of the migration's. Where that cannot be told, libvirt's word counts: no. */
static bool is_connected(const struct mt_resumer *resumer)
{
        struct mt_flows flows;

        return resumer->order.pid != 0 && mt_sockets_outgoing(resumer->order.pid, &flows, NULL) == 0 && !flows.guessed;
}

/* *ret_domain: the caller's to free, where it is BROKEN. */
static enum sight look(struct mt_resumer *resumer, virDomainPtr *ret_domain, struct mt_err *err)
{
        enum sight sight = NOTHING_TO_DO;
        int state = 0, reason = 0;
        virDomainPtr domain;

        if (connect_here(resumer, err) < 0)
                return NOT_SEEN;
        domain = virDomainLookupByUUIDString(resumer->connection, resumer->order.uuid);
        if (domain == NULL) {
                if (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
                        return NOTHING_TO_DO;
                (void)failed_libvirt(err, "look up the domain");
                return NOT_SEEN;
        }
        if (virDomainGetState(domain, &state, &reason, 0) < 0) {
                (void)failed_libvirt(err, "the domain's state");
                sight = NOT_SEEN;
        } else if (state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_POSTCOPY_FAILED) {
                sight = is_connected(resumer) ? CONNECTED : BROKEN;
        }
        if (sight == BROKEN)
                *ret_domain = domain;
        else
                (void)virDomainFree(domain);
        return sight;
}

/* A destination that cannot be asked for its version is taken for one that survives: the daemon may reach it where we cannot. */
static int check_version(const struct mt_resumer *resumer, const char *uri, struct mt_err *err)
{
        virConnectPtr connection;
        unsigned long version = 0;

        if (resumer->order.whatever_version)
                return 0;
        connection = virConnectOpen(uri);
        if (connection == NULL)
                return 0;
        (void)virConnectGetLibVersion(connection, &version);
        (void)virConnectClose(connection);
        if (!mt_resumer_crashes(version))
                return 0;
        return mt_fail(
                err, ENOTSUP,
                "the destination's libvirt %lu.%lu.%lu crashes when a post-copy is resumed: update it there to 11.4 or "
                "later, the guest goes on then",
                version / 1000000, version / 1000 % 1000, version % 1000);
}

/* One attempt; returns when the migration is over, or broken. */
static int attempt(struct mt_resumer *resumer, virDomainPtr domain, struct mt_err *err)
{
        const struct mt_resume *way = &resumer->order.way[resumer->next_way];
        int r;

        resumer->next_way = (resumer->next_way + 1) % resumer->order.n;
        r = check_version(resumer, way->uri, err);
        if (r < 0) {
                note_error(resumer, err, /* refused= */ true);
                return r;
        }
        if (!tell(resumer, MT_RESUMER_CALLS, 0))
                return -ECANCELED;
        r = mt_qemu_resume_post_copy(domain, way, err);
        if (r < 0)
                note_error(resumer, err, /* refused= */ false);
        return r;
}

/* Whether the attempt before got the migration going, so that this is a new break. */
static bool take_success(struct mt_resumer *resumer)
{
        bool succeeded;

        (void)pthread_mutex_lock(&resumer->lock);
        succeeded = resumer->succeeded;
        resumer->succeeded = false;
        (void)pthread_mutex_unlock(&resumer->lock);
        return succeeded;
}

/* One look and what follows from it. False: there is nothing more to do. *ret_idle: the connection is there. */
static bool step(struct mt_resumer *resumer, bool *ret_idle)
{
        virDomainPtr domain = NULL;
        struct mt_err err = { 0 };
        int r = -EIO;

        *ret_idle = false;
        switch (look(resumer, &domain, &err)) {
        case NOTHING_TO_DO:
                return false;
        case CONNECTED:
                *ret_idle = true;
                return true;
        case NOT_SEEN:
                note_error(resumer, &err, /* refused= */ false);
                break;
        case BROKEN:
                r = attempt(resumer, domain, &err);
                (void)virDomainFree(domain);
                break;
        }
        resumer->failed = take_success(resumer) ? 0 : resumer->failed + 1;
        return r != 0;
}

static void *run(void *arg)
{
        struct mt_resumer *resumer = arg;
        bool idle = false;

        while (pause_for(resumer, idle ? MT_RESUMER_IDLES : MT_RESUMER_WAITS, idle ? IDLE_MS : wait_ms(resumer->failed)))
                if (!step(resumer, &idle))
                        break;
        (void)tell(resumer, MT_RESUMER_ENDED, 0);
        while (!mt_thread_wait(&resumer->lock, &resumer->wake, &resumer->released, LONGEST_WAIT_MS))
                ; /* who has started it may still look at it */
        resumer_free(resumer);
        return NULL;
}

int mt_resumer_start(const struct mt_resume_order *order, int wake_fd, struct mt_resumer **ret, struct mt_err *err)
{
        struct mt_resumer *resumer = calloc(1, sizeof(*resumer));
        int r;

        if (resumer == NULL)
                return mt_fail(err, ENOMEM, "resume the post-copy: out of memory");
        resumer->order = *order;
        resumer->wake_fd = wake_fd;
        (void)pthread_mutex_init(&resumer->lock, NULL);
        mt_thread_cond_init(&resumer->wake);
        r = mt_thread_detached(run, resumer);
        if (r != 0) {
                resumer_free(resumer);
                return mt_fail(err, r, "resume the post-copy: cannot start its thread: %s", strerror(r));
        }
        *ret = resumer;
        return 0;
}

void mt_resumer_look(struct mt_resumer *resumer, struct mt_resumer_news *ret)
{
        (void)pthread_mutex_lock(&resumer->lock);
        *ret = resumer->news;
        (void)pthread_mutex_unlock(&resumer->lock);
}

void mt_resumer_succeeded(struct mt_resumer *resumer)
{
        (void)pthread_mutex_lock(&resumer->lock);
        resumer->succeeded = true;
        resumer->news.error[0] = '\0';
        (void)pthread_mutex_unlock(&resumer->lock);
}

void mt_resumer_release(struct mt_resumer *resumer)
{
        if (resumer == NULL)
                return;
        (void)pthread_mutex_lock(&resumer->lock);
        resumer->released = true;
        (void)pthread_cond_broadcast(&resumer->wake);
        (void)pthread_mutex_unlock(&resumer->lock);
}
