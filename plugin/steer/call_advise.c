/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of one question: announce, gather, plan, queue, advise. See call.c for the states. */
#include "clock.h"
#include "log.h"
#include "measure/domain_xml.h"
#include "measure/uri.h"
#include "reason.h"
#include "steer/advice.h"
#include "steer/call_match.h"
#include "steer/gather.h"
#include "steer/preview.h"
#include "steer/turn.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define GATHER_MS 50                             /* ask again after so long while facts are due */
#define WAIT_MS 1000                             /* and while others go first */
#define MOST_UNPRIVILEGED (MT_MAX_CALLS / 4 * 3) /* so that the group cannot keep root's out */

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

/* NULL: there is no room for another. */
static struct mt_announced *announce(struct mt_host *host, const struct mt_call *call, uint32_t by, uid_t uid)
{
        struct mt_announced *announced, **end = &host->calls;
        unsigned n = 0;

        for (; *end != NULL; end = &(*end)->next)
                n++;
        announced = n < (uid == 0 ? MT_MAX_CALLS : MOST_UNPRIVILEGED) ? calloc(1, sizeof(*announced)) : NULL;
        if (announced == NULL || !make_ticket(announced->asker[by].ticket)) {
                free(announced);
                return NULL;
        }
        announced->asker[by].uid = uid;
        announced->asked.flags = call->flags;
        announced->asked.bandwidth_mib_s = call->bandwidth_mib_s;
        announced->since_ms = mt_now_ms();
        announced->peer.ss_family = AF_UNSPEC;
        if (call->uri != NULL && strlen(call->uri) < sizeof(announced->uri))
                (void)snprintf(announced->uri, sizeof(announced->uri), "%s", call->uri);
        if (call->migrate_uri != NULL && strlen(call->migrate_uri) < sizeof(announced->migrate_uri))
                (void)snprintf(announced->migrate_uri, sizeof(announced->migrate_uri), "%s", call->migrate_uri);
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

/*
 * Whether the destination's traffic is learnt by the call's own URI. From others than root only where memory goes to the
 * host in it: the traffic is then taken for that of the address, whoever migrates there.
 */
static bool offers_uri(const struct mt_announced *announced, const struct mt_call *call)
{
        const struct mt_asker *client = &announced->asker[MT_CALL_BY_CLIENT];
        char uri_host[256], host[256];

        if (call->uri == NULL || !mt_uri_is_plain(call->uri))
                return false;
        return client->ticket[0] == '\0' || client->uid == 0 ||
               (mt_uri_host(call->uri, uri_host, sizeof(uri_host)) == 0 && destination_name(call, host, sizeof(host)) &&
                strcmp(host, uri_host) == 0);
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
        if (offers_uri(announced, call))
                mt_destination_offer(host->destination, &announced->peer, call->uri);
        if (mt_destination_get(host->destination, &announced->peer).known ||
            !mt_destination_pending(host->destination, &announced->peer))
                return NULL;
        return "the destination's libvirt is asked for its traffic";
}

static void plan(struct mt_host *host, virDomainPtr domain, const struct mt_domain_xml *xml, const struct mt_call *call,
                 struct mt_preview *preview, struct mt_announced *announced)
{
        struct mt_versions versions = mt_preview_versions(host->connection);
        struct mt_outcome *outcome = &announced->outcome;
        struct mt_err why;

        announced->limits_known = mt_qemu_limits_get(domain, &announced->limits, NULL) == 0;
        announced->given = mt_advice_call_fact(call, host->config.shim.caller_limits, &versions);
        mt_preview_gather(host, domain, xml, &announced->peer, preview, &why);
        preview->facts.call = announced->given;
        mt_preview_decide(host, &announced->peer, preview, &why);
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
        mt_wishes_apply(&announced->wishes, &preview.intent);
        if (preview.intent.mode == MT_MODE_OFF) {
                mt_advice_leave(ret, "mode off");
                return false;
        }
        if (host->alone)
                mt_preview_pre_copy(&preview.intent);
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

/* The call that a question is about: one that was announced, NULL: it is new. */
static struct mt_announced *known(const struct mt_host *host, const struct mt_call *call, uint32_t by, uid_t uid)
{
        uint32_t given_to = 0;
        struct mt_announced *announced = call->ticket != NULL ? mt_call_by_ticket(host, call->ticket, uid, &given_to) : NULL;

        if (announced == NULL || given_to != by || strcmp(announced->outcome.domain.uuid, call->uuid) != 0 ||
            announced->state >= MT_ANNOUNCED_RUNNING)
                return NULL;
        if (by == MT_CALL_BY_CLIENT && announced->state == MT_ANNOUNCED_ADVISED &&
            announced->asker[MT_CALL_BY_DAEMON].ticket[0] != '\0') /* another one, made with the same flags, is there */
                return NULL;
        return announced;
}

/* libvirt's daemon announces a call that its client announced before. NULL: it is another one. */
static struct mt_announced *join(const struct mt_host *host, const struct mt_call *call, uid_t uid)
{
        struct mt_announced *announced = mt_call_of_client(host, call);
        struct mt_asker *daemon = announced != NULL ? &announced->asker[MT_CALL_BY_DAEMON] : NULL;

        if (announced == NULL || !make_ticket(daemon->ticket))
                return NULL;
        daemon->uid = uid;
        daemon->ended = false;
        if (mt_call_as_advised(announced, call)) {
                announced->seen = true;
                announced->seen_flags = call->flags;
                mt_call_event(announced, "libvirt's daemon has the call as its client was advised");
                return announced;
        }
        announced->outcome.attach = mt_advice_attach(MT_CALL_BY_DAEMON);
        announced->seen = false;
        announced->tuned = false;
        if (announced->state == MT_ANNOUNCED_ADVISED)
                announced->state = MT_ANNOUNCED_GATHERING;
        mt_call_event(announced, "libvirt's daemon has the call as it was given: its client took no advice");
        return announced;
}

/* The advice for a call that is announced. False: it is none of ours. */
static bool answer(struct mt_host *host, const struct mt_call *call, uint32_t by, struct mt_announced *announced,
                   struct mt_advice *ret)
{
        announced->asked_ms = mt_now_ms();
        if (announced->aborted) {
                mt_advice_leave(ret, "its caller asked to abort it");
                return true;
        }
        if (by == MT_CALL_BY_DAEMON && announced->seen) {
                mt_advice_leave(ret, "its client was advised already");
                return true;
        }
        if (announced->state == MT_ANNOUNCED_ADVISED) /* it does not count beside itself */
                announced->state = MT_ANNOUNCED_GATHERING;
        return look(host, call, announced, ret);
}

void mt_call_advise(struct mt_host *host, const struct mt_call *call, const struct mt_wishes *wishes, uid_t uid,
                    struct mt_advice *ret)
{
        const uint32_t by = call->attach == MT_CALL_BY_DAEMON ? MT_CALL_BY_DAEMON : MT_CALL_BY_CLIENT;
        struct mt_announced *announced;

        if ((call->flags & (MT_FLAG_OFFLINE | MT_FLAG_POSTCOPY_RESUME)) != 0) {
                mt_advice_leave(ret, "it copies no memory, or resumes a broken post-copy");
                return;
        }
        if (by == MT_CALL_BY_DAEMON && uid != 0) {
                mt_advice_leave(ret, "only root announces calls as libvirt's daemon");
                return;
        }
        announced = known(host, call, by, uid);
        if (announced == NULL && by == MT_CALL_BY_DAEMON)
                announced = join(host, call, uid);
        if (announced == NULL)
                announced = announce(host, call, by, uid);
        if (announced == NULL) {
                mt_advice_leave(ret, "too many calls are announced just now");
                return;
        }
        if (announced->asker[MT_CALL_BY_CLIENT].ticket[0] == '\0' || by == MT_CALL_BY_CLIENT)
                announced->wishes = wishes != NULL ? *wishes : (struct mt_wishes){ .has_urgency = false };
        if (answer(host, call, by, announced, ret))
                (void)snprintf(ret->ticket, sizeof(ret->ticket), "%s", announced->asker[by].ticket);
        else
                mt_call_forget(host, announced);
}
