/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of one question: announce, gather, plan, queue, advise. See call.c for the states. */
#include "clock.h"
#include "log.h"
#include "measure/domain_xml.h"
#include "measure/uri.h"
#include "reason.h"
#include "steer/advice.h"
#include "steer/call.h"
#include "steer/gather.h"
#include "steer/preview.h"
#include "steer/turn.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define GATHER_MS 50 /* ask again after so long while facts are due */
#define WAIT_MS 1000 /* and while others go first */

/* False: no random numbers are to be had. */
static bool make_ticket(char *ret)
{
        unsigned char random[(MT_TICKET_SIZE - 1) / 2];

        if (getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
                return false;
        for (size_t i = 0; i < sizeof(random); i++)
                (void)snprintf(ret + 2 * i, 3, "%02x", random[i]);
        return true;
}

/* Replaces a call of the same domain that never came to anything. NULL: there is no room for another. */
static struct mt_announced *announce(struct mt_host *host, const struct mt_call *call)
{
        struct mt_announced *announced = mt_call_find(host, call->uuid);
        struct mt_announced **end = &host->calls;
        unsigned n = 0;

        if (announced != NULL && announced->state != MT_ANNOUNCED_ENDED)
                mt_call_forget(host, announced);
        for (; *end != NULL; end = &(*end)->next)
                n++;
        announced = n < MT_MAX_CALLS ? calloc(1, sizeof(*announced)) : NULL;
        if (announced == NULL || !make_ticket(announced->ticket)) {
                free(announced);
                return NULL;
        }
        announced->since_ms = mt_now_ms();
        announced->peer.ss_family = AF_UNSPEC;
        announced->outcome.started_ms = mt_wall_ms();
        announced->outcome.attach = mt_advice_attach(call->attach);
        (void)snprintf(announced->outcome.domain.uuid, sizeof(announced->outcome.domain.uuid), "%s", call->uuid);
        (void)snprintf(announced->outcome.domain.name, sizeof(announced->outcome.domain.name), "%s", call->domain);
        (void)memcpy(announced->outcome.source, host->name, sizeof(announced->outcome.source));
        (void)snprintf(announced->outcome.destination, sizeof(announced->outcome.destination), "unknown");
        *end = announced;
        return announced;
}

/* Where memory is to go: the caller's own word for it, else the host of the destination's libvirt. False: unsaid. */
static bool destination_name(const struct mt_call *call, char *ret_name, size_t size)
{
        return (call->migrate_uri != NULL && mt_uri_host(call->migrate_uri, ret_name, size) == 0) ||
               (call->uri != NULL && mt_uri_host(call->uri, ret_name, size) == 0);
}

static void name_peer(struct mt_announced *announced, const char *name)
{
        const struct sockaddr *peer = (const struct sockaddr *)&announced->peer;
        struct mt_outcome *outcome = &announced->outcome;
        socklen_t size = peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

        announced->resolved = true;
        if (peer->sa_family == AF_UNSPEC ||
            getnameinfo(peer, size, outcome->destination, sizeof(outcome->destination), NULL, 0, NI_NUMERICHOST) != 0)
                (void)snprintf(outcome->destination, sizeof(outcome->destination), "%s", name);
}

/* Finds the destination's address. False: it is still looked up. */
static bool resolve(struct mt_announced *announced, const struct mt_call *call, bool late)
{
        char name[256];
        struct mt_err err = { 0 };
        int r = 0;

        if (announced->resolved)
                return true;
        if (!destination_name(call, name, sizeof(name))) {
                name_peer(announced, "unknown");
                return true;
        }
        if (announced->resolver == NULL && mt_resolve_numeric(name, &announced->peer) < 0)
                r = mt_resolver_start(name, &announced->resolver, &err);
        if (announced->resolver != NULL) {
                r = mt_resolver_take(announced->resolver, &announced->peer, &err);
                if (r == -EAGAIN && !late)
                        return false;
                if (r == -EAGAIN) {
                        mt_resolver_abandon(announced->resolver);
                        (void)mt_fail(&err, ETIMEDOUT, "host '%s': no name server has answered yet", name);
                }
                announced->resolver = NULL;
        }
        if (r < 0)
                mt_log(MT_LOG_INFO, "domain '%s': %s; planning without the destination", call->domain, err.msg);
        name_peer(announced, name);
        return true;
}

/* Everything that takes a moment. NULL: the facts are there; else what they lack. */
static const char *still_gathering(struct mt_host *host, struct mt_announced *announced, const struct mt_call *call)
{
        const struct mt_config *config = &host->config;
        uint64_t waited = mt_now_ms() - announced->since_ms;
        uint64_t traffic_ms = config->measure.before_start_ms < config->shim.timeout_ms ? config->measure.before_start_ms
                                                                                        : config->shim.timeout_ms;

        if (!resolve(announced, call, waited >= config->shim.timeout_ms))
                return "the destination's address is looked up";
        if (announced->peer.ss_family == AF_UNSPEC || waited >= traffic_ms)
                return NULL;
        if (call->uri != NULL && mt_uri_is_plain(call->uri))
                mt_destination_offer(host->destination, &announced->peer, call->uri);
        if (mt_destination_get(host->destination, &announced->peer).known ||
            !mt_destination_pending(host->destination, &announced->peer))
                return NULL;
        return "the destination's libvirt is asked for its traffic";
}

static struct mt_versions versions_of(virConnectPtr connection)
{
        unsigned long libvirt = 0, qemu = 0;

        (void)virConnectGetLibVersion(connection, &libvirt);
        (void)virConnectGetVersion(connection, &qemu);
        return (struct mt_versions){ .libvirt = libvirt, .qemu = qemu };
}

static void plan(struct mt_host *host, virDomainPtr domain, const struct mt_domain_xml *xml, const struct mt_call *call,
                 struct mt_preview *preview, struct mt_announced *announced)
{
        struct mt_versions versions = versions_of(host->connection);
        struct mt_outcome *outcome = &announced->outcome;
        struct mt_err why;

        announced->limits_known = mt_qemu_limits_get(domain, &announced->limits, NULL) == 0;
        announced->given = mt_advice_call_fact(call, host->config.shim.caller_limits, &versions);
        mt_preview_gather(host, domain, xml, &announced->peer, preview, &why);
        preview->facts.call = announced->given;
        mt_preview_decide(preview, &why);
        outcome->domain = preview->id;
        outcome->facts = preview->facts;
        outcome->intent = preview->intent;
        outcome->plan = preview->plan;
}

/* True: it has to wait. */
static bool queue(struct mt_host *host, struct mt_announced *announced, struct mt_advice *ret)
{
        uint64_t now = mt_now_ms(), most_ms = host->config.shim.max_wait_ms, waited;
        char reason[sizeof(ret->reason)];
        struct mt_turn turn;

        if (announced->outcome.intent.mode != MT_MODE_ENFORCE || most_ms == 0)
                return false;
        turn = mt_turn_of(host, announced);
        waited = announced->waiting_ms != 0 ? now - announced->waiting_ms : 0;
        if (!turn.go && waited < most_ms) {
                (void)snprintf(reason, sizeof(reason), "others go first: %s", turn.reason);
                mt_advice_wait(ret, WAIT_MS, reason);
                if (announced->waiting_ms == 0) {
                        announced->waiting_ms = now;
                        mt_log(MT_LOG_INFO, "domain '%s': its migration waits, %s", announced->outcome.domain.name, reason);
                }
                announced->state = MT_ANNOUNCED_WAITING;
                return true;
        }
        if (announced->waiting_ms != 0)
                mt_call_event(announced, "waited %.1f s for its turn%s", mt_seconds(waited),
                              turn.go ? "" : " (shim.max_wait), and goes although others should go first");
        return false;
}

/* The advice for a call of a domain that runs here. False: it is none of ours. */
static bool consider(struct mt_host *host, virDomainPtr domain, const struct mt_call *call, struct mt_announced *announced,
                     struct mt_advice *ret)
{
        struct mt_preview preview;
        struct mt_domain_xml xml;
        struct mt_err err = { 0 };
        const char *lacking;

        if (mt_gather_domain(domain, &xml, &err) < 0) {
                mt_advice_leave(ret, "domain '%s': %s", call->domain, err.msg);
                return false;
        }
        preview.id = xml.id;
        if (mt_config_intent(&host->config, &xml.id, &xml.metadata, &preview.intent, &err) < 0)
                mt_log_limited(MT_LOG_WARNING, xml.id.uuid, "domain '%s': %s, using rules and defaults", xml.id.name,
                               err.msg);
        if (preview.intent.mode == MT_MODE_OFF) {
                mt_advice_leave(ret, "mode off");
                return false;
        }
        if (host->alone)
                preview.intent.technique = MT_CHOOSE_PRE_COPY;
        lacking = still_gathering(host, announced, call);
        if (lacking != NULL) {
                mt_advice_wait(ret, GATHER_MS, lacking);
                return true;
        }
        plan(host, domain, &xml, call, &preview, announced);
        if (queue(host, announced, ret))
                return true;
        mt_advice_fill(&preview.intent, &preview.plan, ret);
        announced->tuned = ret->action == MT_ADVICE_TUNE;
        announced->state = MT_ANNOUNCED_ADVISED;
        announced->advised_ms = mt_now_ms();
        mt_call_event(announced, "%s: %s", announced->tuned ? "the call is made so" : "the call is left as it is",
                      ret->reason);
        return true;
}

static bool look(struct mt_host *host, const struct mt_call *call, struct mt_announced *announced, struct mt_advice *ret)
{
        virDomainPtr domain = NULL;
        struct mt_err err = { 0 };
        bool ours;

        if (mt_preview_find(host, call->uuid, &domain, &err) < 0) {
                mt_advice_leave(ret, "%s", err.msg);
                return false;
        }
        ours = consider(host, domain, call, announced, ret);
        (void)virDomainFree(domain);
        return ours;
}

void mt_call_advise(struct mt_host *host, const struct mt_call *call, struct mt_advice *ret)
{
        struct mt_announced *announced = call->ticket != NULL ? mt_call_by_ticket(host, call->ticket) : NULL;

        if ((call->flags & (MT_FLAG_OFFLINE | MT_FLAG_POSTCOPY_RESUME)) != 0) {
                mt_advice_leave(ret, "it copies no memory, or resumes a broken post-copy");
                return;
        }
        if (announced == NULL || strcmp(announced->outcome.domain.uuid, call->uuid) != 0 ||
            announced->state >= MT_ANNOUNCED_RUNNING)
                announced = announce(host, call);
        if (announced == NULL) {
                mt_advice_leave(ret, "too many calls are announced just now");
                return;
        }
        announced->asked_ms = mt_now_ms();
        if (announced->state == MT_ANNOUNCED_ADVISED) /* it does not count beside itself */
                announced->state = MT_ANNOUNCED_GATHERING;
        if (announced->aborted)
                mt_advice_leave(ret, "its caller asked to abort it");
        else if (!look(host, call, announced, ret)) {
                mt_call_forget(host, announced);
                return;
        }
        (void)snprintf(ret->ticket, sizeof(ret->ticket), "%s", announced->ticket);
}
