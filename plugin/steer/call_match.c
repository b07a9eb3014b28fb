/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A domain migrates once at a time, and still several of its calls may be announced:
 *
 *   twice         where the shim is in the client and in libvirt's daemon, both announce the same call. The client's comes
 *                 first, is let go, and reaches the daemon as it was advised: then it is the same, and has been decided. If
 *                 it comes as it was given, its client took no advice (which came too late, it gave up waiting, or could not
 *                 say it to libvirt): then it is the same, and is decided now, unless it was the daemon that refused the
 *                 changes, or nothing was to be changed (mode observe). Only flags that a plan can change, and the
 *                 bandwidth, are compared: libvirt's client library sets others. One record, and two tickets, so that both
 *                 can tell the end.
 *   one by one    a client that makes another one when the first has failed, or was started again after it died.
 *   at once       two clients, of which libvirt refuses one.
 *
 * Each of these is kept until it ends by itself: who speaks last must not take another's place, ticket and time in the
 * queue. The job that then begins is most likely that of a call that the daemon has, then of one that was let go to where
 * the job's connections lead, and of several the latest. If that call fails while the job runs, it was the other one.
 */
#include "steer/call_match.h"
#include "steer/job.h"

#include <netinet/in.h>
#include <string.h>

/* What a plan may change in a call, or what decides that; libvirt's clients add others on their own. */
#define COMPARED_FLAGS                                                                                                      \
        (MT_FLAG_LIVE | MT_FLAG_TUNNELLED | MT_FLAG_COMPRESSED | MT_FLAG_AUTO_CONVERGE | MT_FLAG_POSTCOPY | MT_FLAG_TLS |   \
         MT_FLAG_PARALLEL | MT_FLAG_ZEROCOPY)
/* They have parameters, which a client cannot give by libvirt's older functions: it then leaves them out. */
#define OPTIONAL_FLAGS (MT_FLAG_COMPRESSED | MT_FLAG_PARALLEL)

static bool is_of(const struct mt_announced *announced, const char *uuid)
{
        return strcmp(announced->outcome.domain.uuid, uuid) == 0;
}

struct mt_announced *mt_call_by_ticket(const struct mt_host *host, const char *ticket, uid_t uid, uint32_t *ret_by)
{
        if (ticket[0] == '\0') /* who has not asked has none */
                return NULL;
        for (struct mt_announced *call = host->calls; call != NULL; call = call->next)
                for (uint32_t by = MT_CALL_BY_CLIENT; by <= MT_CALL_BY_DAEMON; by++) {
                        const struct mt_asker *asker = &call->asker[by];

                        if (strcmp(asker->ticket, ticket) != 0 || (uid != 0 && uid != asker->uid))
                                continue;
                        if (ret_by != NULL)
                                *ret_by = by;
                        return call;
                }
        return NULL;
}

struct mt_announced *mt_call_find(const struct mt_host *host, const char *uuid)
{
        struct mt_announced *found = NULL;

        for (struct mt_announced *call = host->calls; call != NULL; call = call->next)
                if (call->state != MT_ANNOUNCED_RUNNING && is_of(call, uuid))
                        found = call;
        return found;
}

bool mt_call_as_advised(const struct mt_announced *announced, const struct mt_call *by_daemon)
{
        const struct mt_call_changes *changes = &announced->outcome.plan.call;
        uint64_t flags = (announced->asked.flags & ~changes->flags_drop) | changes->flags_add;

        if (announced->state != MT_ANNOUNCED_ADVISED)
                return false;
        if (!announced->tuned)
                return announced->refused || announced->outcome.intent.mode != MT_MODE_ENFORCE;
        return by_daemon->bandwidth_mib_s == mt_mib_s_ceil(announced->outcome.plan.bandwidth_bytes_s) &&
               ((flags ^ by_daemon->flags) & COMPARED_FLAGS & ~OPTIONAL_FLAGS) == 0;
}

static bool as_given(const struct mt_announced *announced, const struct mt_call *by_daemon)
{
        return by_daemon->bandwidth_mib_s == announced->asked.bandwidth_mib_s &&
               ((announced->asked.flags ^ by_daemon->flags) & COMPARED_FLAGS) == 0;
}

/* How likely the daemon's call is this client's; 0: it is not. */
static unsigned likeness(const struct mt_announced *announced, const struct mt_call *by_daemon)
{
        bool advised = announced->state == MT_ANNOUNCED_ADVISED;

        if (announced->state > MT_ANNOUNCED_ADVISED || announced->asker[MT_CALL_BY_CLIENT].ticket[0] == '\0' ||
            announced->asker[MT_CALL_BY_CLIENT].ended || announced->asker[MT_CALL_BY_DAEMON].ticket[0] != '\0')
                return 0;
        if (advised && announced->tuned && mt_call_as_advised(announced, by_daemon))
                return 3;
        if (!as_given(announced, by_daemon))
                return 0;
        return advised ? 2 : 1;
}

struct mt_announced *mt_call_of_client(const struct mt_host *host, const struct mt_call *by_daemon)
{
        struct mt_announced *found = NULL;
        unsigned most = 0;

        for (struct mt_announced *call = host->calls; call != NULL; call = call->next)
                if (is_of(call, by_daemon->uuid) && likeness(call, by_daemon) > most) {
                        most = likeness(call, by_daemon);
                        found = call;
                }
        return found;
}

/* Whether both are the same address, whatever the port. */
static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
        const struct sockaddr_in *a4 = (const struct sockaddr_in *)a, *b4 = (const struct sockaddr_in *)b;
        const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a, *b6 = (const struct sockaddr_in6 *)b;

        if (a->ss_family != b->ss_family)
                return false;
        if (a->ss_family == AF_INET)
                return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
        return a->ss_family == AF_INET6 && memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

/* How likely a job that begins is this call's. */
static unsigned aptness(const struct mt_announced *announced, const struct mt_flows *flows)
{
        switch (announced->state) {
        case MT_ANNOUNCED_ADVISED:
                if (announced->asker[MT_CALL_BY_DAEMON].ticket[0] != '\0')
                        return 5;
                return flows != NULL && flows->n > 0 && same_address(&announced->peer, &flows->flow[0].peer) ? 4 : 3;
        case MT_ANNOUNCED_GATHERING:
        case MT_ANNOUNCED_WAITING: /* it waits no longer, and did not say so */
                return 2;
        case MT_ANNOUNCED_ENDED: /* the event comes late */
                return 1;
        case MT_ANNOUNCED_RUNNING:
                break;
        }
        return 0;
}

struct mt_announced *mt_call_begun(struct mt_host *host, const char *uuid, const struct mt_flows *flows)
{
        struct mt_announced *found = NULL;
        unsigned most = 1;

        for (struct mt_announced *call = host->calls; call != NULL; call = call->next)
                if (is_of(call, uuid) && aptness(call, flows) >= most) {
                        most = aptness(call, flows);
                        found = call;
                }
        if (found != NULL)
                found->state = MT_ANNOUNCED_RUNNING;
        return found;
}

struct mt_announced *mt_call_instead(const struct mt_host *host, const struct mt_announced *failed)
{
        struct mt_announced *found = NULL;

        for (struct mt_announced *call = host->calls; call != NULL; call = call->next)
                if (call != failed && call->state == MT_ANNOUNCED_ADVISED && is_of(call, failed->outcome.domain.uuid))
                        found = call;
        return found;
}

bool mt_call_counts(const struct mt_host *host, const struct mt_announced *announced)
{
        const char *uuid = announced->outcome.domain.uuid;

        if (announced->state != MT_ANNOUNCED_ADVISED || mt_job_exists(host, uuid))
                return false;
        for (const struct mt_announced *later = announced->next; later != NULL; later = later->next)
                if (later->state == MT_ANNOUNCED_ADVISED && is_of(later, uuid))
                        return false;
        return true;
}
