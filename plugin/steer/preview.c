/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/preview.h"
#include "measure/domain.h"
#include "measure/resolve.h"
#include "origin.h"
#include "policy/alternatives.h"
#include "policy/bandwidth.h"
#include "policy/inputs.h"
#include "record/json.h"
#include "reason.h"
#include "steer/expose.h"
#include "steer/gather.h"
#include "steer/job.h"
#include "steer/ledger.h"
#include "steer/link.h"
#include "steer/queue.h"

#include <errno.h>
#include <stdio.h>

static int apply_overrides(json_object *overrides, struct mt_intent *intent, struct mt_err *err)
{
        if (overrides == NULL)
                return 0;
        json_object_object_foreach(overrides, key, value)
        {
                int r = mt_intent_set(intent, key, json_object_get_string(value), err);

                if (r < 0)
                        return r;
                mt_origin_set(intent, mt_key_by_intent(key), MT_ORIGIN_COMMAND_LINE);
                (void)snprintf(intent->from, sizeof(intent->from), "command line");
        }
        return 0;
}

void mt_preview_pre_copy(struct mt_intent *intent)
{
        if (intent->technique == MT_CHOOSE_PRE_COPY)
                return;
        intent->technique = MT_CHOOSE_PRE_COPY;
        mt_origin_set(intent, mt_key_by_intent("technique"), MT_ORIGIN_ALONE);
}

/* Coming in, or known to go out. */
static bool is_moving(const struct mt_host *host, virDomainPtr domain, int state, int reason)
{
        char uuid[VIR_UUID_STRING_BUFLEN];

        return (state == VIR_DOMAIN_PAUSED &&
                (reason == VIR_DOMAIN_PAUSED_MIGRATION || reason == VIR_DOMAIN_PAUSED_POSTCOPY)) ||
               (virDomainGetUUIDString(domain, uuid) == 0 && mt_job_exists(host, uuid));
}

/* Takes the domain over: hands it on as *ret, or lets go of it. */
static int must_stand_still(struct mt_host *host, virDomainPtr domain, const char *name, virDomainPtr *ret,
                            struct mt_err *err)
{
        int state = 0, reason = 0;
        int r = 0;

        if (domain == NULL)
                return mt_fail(err, ENOENT, "domain '%s': not found here", name);
        if (virDomainGetState(domain, &state, &reason, 0) < 0 || state == VIR_DOMAIN_SHUTOFF)
                r = mt_fail(err, ENOENT, "domain '%s': not running", name);
        else if (is_moving(host, domain, state, reason)) /* libvirt may answer nothing about it for the whole blackout */
                r = mt_fail(err, EBUSY, "domain '%s': it is migrating now, see migtune status", name);
        if (r < 0)
                (void)virDomainFree(domain);
        else
                *ret = domain;
        return r;
}

static int must_be_connected(const struct mt_host *host, struct mt_err *err)
{
        return host->connection != NULL ? 0 : mt_fail(err, ENOTCONN, "not connected to libvirt");
}

int mt_preview_find(struct mt_host *host, const char *uuid, virDomainPtr *ret, struct mt_err *err)
{
        int r = must_be_connected(host, err);

        if (r < 0)
                return r;
        return must_stand_still(host, virDomainLookupByUUIDString(host->connection, uuid), uuid, ret, err);
}

static virDomainPtr look_up(struct mt_host *host, const char *domain)
{
        virDomainPtr found = virDomainLookupByName(host->connection, domain);

        return found != NULL ? found : virDomainLookupByUUIDString(host->connection, domain);
}

void mt_preview_gather(struct mt_host *host, virDomainPtr domain, const struct mt_domain_xml *xml,
                       const struct sockaddr_storage *peer, struct mt_preview *preview, struct mt_err *ret_why)
{
        struct mt_uplink uplink;

        ret_why->msg[0] = '\0';
        (void)mt_link_uplink(host, peer, &uplink, ret_why);
        mt_gather_facts(host, domain, xml, &preview->intent, &uplink, NULL, &preview->facts);
        mt_gather_destination(host, peer, &preview->facts);
}

void mt_preview_decide(const struct mt_host *host, const struct sockaddr_storage *peer, struct mt_preview *preview,
                       const struct mt_err *why)
{
        mt_host_decide(host, &preview->facts, &preview->intent, &preview->plan);
        preview->facts.granted_bytes_s =
                mt_ledger_preview(host, &preview->facts, &preview->intent, &preview->plan, peer, preview->id.uuid);
        if (preview->facts.granted_bytes_s > 0)
                mt_host_decide(host, &preview->facts, &preview->intent, &preview->plan);
        mt_alternatives(&preview->facts, &preview->intent, &preview->plan);
        if (why->msg[0] != '\0')
                mt_reason(&preview->plan.reasons, "no shaping: %s", why->msg);
}

struct mt_versions mt_preview_versions(virConnectPtr connection)
{
        unsigned long libvirt = 0, qemu = 0;

        (void)virConnectGetLibVersion(connection, &libvirt);
        (void)virConnectGetVersion(connection, &qemu);
        return (struct mt_versions){ .libvirt = libvirt, .qemu = qemu };
}

static struct mt_call_fact call_fact(const struct mt_host *host, const struct mt_call *call)
{
        struct mt_versions versions = mt_preview_versions(host->connection);

        return mt_advice_call_fact(call, host->config.shim.caller_limits, &versions);
}

static int preview(struct mt_host *host, virDomainPtr domain, const struct sockaddr_storage *peer, json_object *overrides,
                   const struct mt_call *call, uint64_t measured_bytes_s, struct mt_preview *ret, struct mt_err *err)
{
        struct mt_domain_xml xml;
        struct mt_err why;
        int r = mt_gather_domain(domain, &xml, err);

        if (r < 0)
                return r;
        ret->id = xml.id;
        r = mt_config_intent(&host->config, &xml.id, &xml.metadata, &ret->intent, err);
        if (r == 0)
                r = apply_overrides(overrides, &ret->intent, err);
        if (r < 0)
                return r;
        if (host->alone && call != NULL) /* it would be made with nobody there to switch */
                mt_preview_pre_copy(&ret->intent);
        mt_preview_gather(host, domain, &xml, peer, ret, &why);
        if (call != NULL)
                ret->facts.call = call_fact(host, call);
        if (measured_bytes_s > 0) {
                ret->facts.dirty_rate_bytes_s = measured_bytes_s;
                ret->facts.dirty_source = MT_DIRTY_MEASURED;
                ret->facts.dirty_age_ms = 0;
        }
        mt_preview_decide(host, peer, ret, &why);
        return 0;
}

int mt_preview(struct mt_host *host, const char *domain_name, const char *address, json_object *overrides,
               const struct mt_call *call, uint64_t measured_bytes_s, struct mt_preview *ret, struct mt_err *err)
{
        struct sockaddr_storage peer;
        virDomainPtr domain;
        int r;

        if (mt_resolve_numeric(address, &peer) < 0)
                return mt_fail(err, EINVAL, "destination '%s': expected a numeric address", address);
        r = must_be_connected(host, err);
        if (r == 0)
                r = must_stand_still(host, look_up(host, domain_name), domain_name, &domain, err);
        if (r < 0)
                return r;
        r = preview(host, domain, &peer, overrides, call, measured_bytes_s, ret, err);
        (void)virDomainFree(domain);
        return r;
}

/* What the queue (queue.h) would weigh: who asks for many plans can tell from it which of them would wait. */
static json_object *queue_json(const struct mt_preview *preview)
{
        json_object *o = json_object_new_object();
        struct mt_inputs in;

        mt_inputs_make(&preview->facts, &preview->intent, &in, /* why= */ NULL);
        mt_json_add(o, "share_mbps", mt_json_number(MT_QUEUE_SHARE * mt_bandwidth_ideal(preview->plan.technique, &in), 3));
        mt_json_add(o, "available_mbps", mt_json_number(in.available, 3));
        mt_json_add(o, "left_mbps", mt_json_number(in.free, 3));
        mt_json_add(o, "least_mbps", mt_json_number(in.min_bandwidth, 3));
        return o;
}

json_object *mt_preview_json(const struct mt_preview *preview)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "domain", mt_json_string(preview->id.name));
        mt_json_add(o, "facts", mt_facts_json(&preview->facts, &preview->plan));
        mt_json_add(o, "intent", mt_intent_json(&preview->intent));
        mt_json_add(o, "plan", mt_plan_json(&preview->plan));
        mt_json_add(o, "reasons", mt_reasons_json(&preview->plan.reasons));
        mt_json_add(o, "queue", queue_json(preview));
        return o;
}
