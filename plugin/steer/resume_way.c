/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/resume_way.h"
#include "array.h"
#include "call_flags.h"
#include "measure/destination.h"
#include "measure/share.h"
#include "measure/status_file.h"
#include "measure/uri.h"
#include "steer/job_state.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

/* The URI of the job's call, if it may be used: root's, or one that can do no harm. */
static const char *uri_of_call(const struct mt_job *job)
{
        const struct mt_announced *call = job->call;
        bool by_root = true;

        if (call == NULL || call->uri[0] == '\0')
                return "";
        for (size_t i = 0; i < MT_ARRAY_SIZE(call->asker); i++)
                by_root = by_root && (call->asker[i].ticket[0] == '\0' || call->asker[i].uid == 0);
        return by_root || mt_uri_is_plain(call->uri) ? call->uri : "";
}

void mt_resume_learn(const struct mt_job *job, struct mt_recover_note *note)
{
        const struct sockaddr *peer = (const struct sockaddr *)&job->flows.flow[0].peer;
        socklen_t size = peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        uint64_t flags = 0;

        if (job->flows.n > 0 && getnameinfo(peer, size, note->peer, sizeof(note->peer), NULL, 0, NI_NUMERICHOST) != 0)
                note->peer[0] = '\0';
        if (uri_of_call(job)[0] != '\0') {
                (void)snprintf(note->uri, sizeof(note->uri), "%s", uri_of_call(job));
                (void)snprintf(note->migrate_uri, sizeof(note->migrate_uri), "%s", job->call->migrate_uri);
        }
        if (mt_status_migration_flags(job->xml.id.name, &flags, NULL) == 0)
                note->flags = flags;
        else if (job->call != NULL && note->flags == 0)
                note->flags = job->facts.call.flags;
}

/* destination.uri with the peer's address. False: none is configured, or the address is not known. */
static bool configured_uri(const struct mt_host *host, const struct mt_recover_note *note, char *ret, size_t size)
{
        const char *pattern = host->config.destination.uri;
        struct addrinfo hints = { .ai_flags = AI_NUMERICHOST }, *found = NULL;
        struct in6_addr address = IN6ADDR_ANY_INIT;
        bool known = note->peer[0] != '\0' && getaddrinfo(note->peer, NULL, &hints, &found) == 0 &&
                     mt_share_address(found->ai_addr, &address);

        if (found != NULL)
                freeaddrinfo(found);
        return pattern[0] != '\0' && (known || strstr(pattern, "%a") == NULL) &&
               mt_destination_uri(pattern, &address, ret, size) == 0;
}

/* Memory goes to where it went before, unless a certificate has to fit a host's name. */
static void keep_address(const struct mt_recover_note *note, struct mt_resume *way)
{
        bool is_ipv6 = strchr(note->peer, ':') != NULL;

        if (note->flags != 0 && (note->flags & MT_FLAG_TLS) == 0 && note->peer[0] != '\0')
                (void)snprintf(way->migrate_uri, sizeof(way->migrate_uri), is_ipv6 ? "tcp://[%s]" : "tcp://%s", note->peer);
}

unsigned mt_resume_ways(const struct mt_host *host, const struct mt_recover_note *note, struct mt_resume *ret)
{
        const bool peer_to_peer = note->flags == 0 || (note->flags & (uint64_t)VIR_MIGRATE_PEER2PEER) != 0;
        struct mt_resume told = { .flags = note->flags }, configured = { .flags = note->flags };
        unsigned n = 0;

        (void)memcpy(told.uri, note->uri, sizeof(told.uri));
        (void)memcpy(told.migrate_uri, note->migrate_uri, sizeof(told.migrate_uri));
        if (!configured_uri(host, note, configured.uri, sizeof(configured.uri)))
                configured.uri[0] = '\0';
        else
                keep_address(note, &configured);
        if (told.uri[0] != '\0' && peer_to_peer)
                ret[n++] = told;
        if (configured.uri[0] != '\0' && strcmp(configured.uri, told.uri) != 0)
                ret[n++] = configured;
        if (told.uri[0] != '\0' && !peer_to_peer)
                ret[n++] = told;
        return n;
}

const char *mt_resume_command(const struct mt_recover_note *note, const char *domain, char *ret, size_t size)
{
        const uint64_t flags = mt_qemu_resume_flags(note->flags);
        size_t used = (size_t)snprintf(ret, size, "virsh migrate");

        for (unsigned bit = 0; bit < 64; bit++)
                if ((flags & UINT64_C(1) << bit) != 0 && mt_flag_name(bit) != NULL && used < size)
                        used += (size_t)snprintf(ret + used, size - used, " --%s", mt_flag_name(bit));
        if (used < size)
                (void)snprintf(ret + used, size - used,
                               strchr(note->peer, ':') != NULL ? " %s qemu://[%s]/system" : " %s qemu://%s/system", domain,
                               note->peer[0] != '\0' ? note->peer : "DESTINATION");
        return ret;
}
