/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/preview.h"
#include "measure/domain.h"
#include "policy/decide.h"
#include "record/json.h"
#include "reason.h"
#include "steer/gather.h"
#include "steer/job.h"
#include "steer/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

static int parse_address(const char *text, struct sockaddr_storage *ret, struct mt_err *err)
{
        const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
        struct addrinfo *found = NULL;

        if (getaddrinfo(text, NULL, &hints, &found) != 0 || found == NULL)
                return mt_fail(err, EINVAL, "destination '%s': expected a numeric address", text);
        (void)memset(ret, 0, sizeof(*ret));
        (void)memcpy(ret, found->ai_addr, found->ai_addrlen);
        freeaddrinfo(found);
        return 0;
}

static int apply_overrides(json_object *overrides, struct mt_intent *intent, struct mt_err *err)
{
        if (overrides == NULL)
                return 0;
        json_object_object_foreach(overrides, key, value)
        {
                int r = mt_intent_set(intent, key, json_object_get_string(value), err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static virDomainPtr look_up(struct mt_host *host, const char *domain)
{
        virDomainPtr found = virDomainLookupByName(host->connection, domain);

        return found != NULL ? found : virDomainLookupByUUIDString(host->connection, domain);
}

static int preview(struct mt_host *host, virDomainPtr domain, const struct sockaddr_storage *peer, json_object *overrides,
                   uint64_t measured_bytes_s, struct mt_preview *ret, struct mt_err *err)
{
        struct mt_domain_xml xml;
        struct mt_uplink uplink;
        struct mt_err why = { 0 };
        int r = mt_gather_domain(domain, &xml, err);

        if (r < 0)
                return r;
        ret->id = xml.id;
        r = mt_config_intent(&host->config, &xml.id, &xml.metadata, &ret->intent, err);
        if (r == 0)
                r = apply_overrides(overrides, &ret->intent, err);
        if (r < 0)
                return r;
        (void)mt_link_uplink(host, peer, &uplink, &why);
        mt_gather_facts(host, domain, &xml, &ret->intent, &uplink, NULL, NULL, &ret->facts);
        ret->facts.dst = mt_destination_get(host->destination, peer);
        if (measured_bytes_s > 0) {
                ret->facts.dirty_rate_bytes_s = measured_bytes_s;
                ret->facts.dirty_source = MT_DIRTY_MEASURED;
                ret->facts.dirty_age_ms = 0;
        }
        mt_decide(&ret->facts, &ret->intent, &ret->plan);
        if (why.msg[0] != '\0')
                mt_reason(&ret->plan.reasons, "no shaping: %s", why.msg);
        return 0;
}

/* Coming in, or known to go out. */
static bool is_moving(const struct mt_host *host, virDomainPtr domain, int state, int reason)
{
        char uuid[VIR_UUID_STRING_BUFLEN];

        return (state == VIR_DOMAIN_PAUSED &&
                (reason == VIR_DOMAIN_PAUSED_MIGRATION || reason == VIR_DOMAIN_PAUSED_POSTCOPY)) ||
               (virDomainGetUUIDString(domain, uuid) == 0 && mt_job_exists(host, uuid));
}

int mt_preview(struct mt_host *host, const char *domain_name, const char *address, json_object *overrides,
               uint64_t measured_bytes_s, struct mt_preview *ret, struct mt_err *err)
{
        struct sockaddr_storage peer;
        virDomainPtr domain;
        int state = 0, reason = 0;
        int r = parse_address(address, &peer, err);

        if (r < 0)
                return r;
        if (host->connection == NULL)
                return mt_fail(err, ENOTCONN, "not connected to libvirt");
        domain = look_up(host, domain_name);
        if (domain == NULL)
                return mt_fail(err, ENOENT, "domain '%s': not found here", domain_name);
        if (virDomainGetState(domain, &state, &reason, 0) < 0 || state == VIR_DOMAIN_SHUTOFF)
                r = mt_fail(err, ENOENT, "domain '%s': not running", domain_name);
        else if (is_moving(host, domain, state, reason)) /* libvirt may answer nothing about it for the whole blackout */
                r = mt_fail(err, EBUSY, "domain '%s': it is migrating now, see migtune status", domain_name);
        else
                r = preview(host, domain, &peer, overrides, measured_bytes_s, ret, err);
        (void)virDomainFree(domain);
        return r;
}

json_object *mt_preview_json(const struct mt_preview *preview)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "domain", mt_json_string(preview->id.name));
        mt_json_add(o, "facts", mt_facts_json(&preview->facts, &preview->plan));
        mt_json_add(o, "intent", mt_intent_json(&preview->intent));
        mt_json_add(o, "plan", mt_plan_json(&preview->plan));
        mt_json_add(o, "reasons", mt_reasons_json(&preview->plan.reasons));
        return o;
}
