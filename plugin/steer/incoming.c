/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The destination learns of a migration from the qemu hook ("migrate begin", with the domain's XML and nothing about the
 * source), some 0.25 s before memory moves; then libvirt's STARTED/MIGRATED event; then the connection itself. What each
 * step makes possible:
 *
 *   announced   the intent (from the XML). If the uplink is configured, or the default route names one, the class is made
 *               with a filter on libvirt's migration ports.
 *   started     QEMU's process exists: from now on its sockets are looked at every 50 ms.
 *   connected   the peer's address gives the uplink for certain and the filter becomes exact (addresses and ports).
 *   ended       RESUMED/MIGRATED, or STOPPED, or the hook's "stopped"/"release", whichever is first: the class goes.
 *
 * A hook without a domain after it (Prepare failed) expires after ANNOUNCED_MS. The source decides R; here the class only
 * sees to it that the migration does not push aside what arrives for the VMs: the default class keeps its share first, the
 * migration is sure of its floor and may borrow the rest.
 */
#include "steer/incoming.h"
#include "cleanup.h"
#include "clock.h"
#include "log.h"
#include "measure/domain.h"
#include "policy/bandwidth.h"
#include "steer/gather.h"
#include "steer/meter.h"
#include "steer/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>

#define ANNOUNCED_MS 60000
#define CONNECT_MS 30000
#define CONNECT_SOON_MS 1000 /* what takes longer may be tunnelled, and already flow */
#define LOOK_MS 5000
#define POLICY_URI "urn:migtune:policy:1"

struct mt_incoming {
        struct mt_incoming *next;
        struct mt_identity id;
        struct mt_intent intent;
        uint64_t memory_bytes, reserve_bytes_s; /* the guest's; what its class guarantees */
        uint64_t since_ms;
        uint64_t looked_ms; /* when its domain's state was last asked for */
        bool started;       /* its domain exists */
        bool connected;     /* its sockets were found, or are not looked for any more */
        bool hidden;        /* they were not found */
        bool shaped;
        struct mt_link link;
        uint16_t minor;
        struct mt_meter meter;
};

static struct mt_incoming *find(const struct mt_host *host, const char *uuid, const char *name)
{
        for (struct mt_incoming *in = host->incoming; in != NULL; in = in->next)
                if (uuid != NULL && uuid[0] != '\0' ? strcmp(in->id.uuid, uuid) == 0
                                                    : name != NULL && strcmp(in->id.name, name) == 0)
                        return in;
        return NULL;
}

static struct mt_incoming *add(struct mt_host *host, const struct mt_domain_xml *xml)
{
        struct mt_incoming *in = calloc(1, sizeof(*in));
        struct mt_err err = { 0 };

        if (in == NULL)
                return NULL;
        in->id = xml->id;
        in->memory_bytes = xml->memory_bytes;
        in->since_ms = mt_now_ms();
        if (mt_config_intent(&host->config, &xml->id, &xml->metadata, &in->intent, &err) < 0)
                mt_log(MT_LOG_WARNING, "domain '%s': %s, using rules and defaults", xml->id.name, err.msg);
        in->next = host->incoming;
        host->incoming = in;
        return in;
}

static void unshape(struct mt_host *host, struct mt_incoming *in)
{
        struct mt_err err = { 0 };

        if (!in->shaped)
                return;
        in->shaped = false;
        if (mt_shape_remove(host->shaper, &in->link, in->minor, &err) < 0)
                mt_log(MT_LOG_WARNING,
                       "domain '%s': remove its ingress class on '%s': %s; `migtune cleanup` removes what is left",
                       in->id.name, in->link.device, err.msg);
}

static void drop(struct mt_host *host, struct mt_incoming *in)
{
        if (in->shaped)
                mt_residue_add(&host->residues, in->link.device, MT_INGRESS, in->meter.bytes_s, mt_now_ms());
        unshape(host, in);
        for (struct mt_incoming **p = &host->incoming; *p != NULL; p = &(*p)->next)
                if (*p == in) {
                        *p = in->next;
                        break;
                }
        free(in);
}

/* What the class guarantees and allows, by urgency (thesis algorithm 2 from the receiver's side). */
static struct mt_class_spec spec_of(const struct mt_incoming *in, const struct mt_link *link)
{
        uint64_t deadline = in->intent.deadline_ms_per_gib[in->intent.urgency];
        uint64_t floor = in->intent.min_bandwidth_bytes_s;
        uint64_t ceil = link->rate_bytes_s;
        uint64_t keep = in->intent.urgency == MT_URGENCY_LOW    ? in->intent.sla_upper_bytes_s
                        : in->intent.urgency == MT_URGENCY_HIGH ? 0
                                                                : in->intent.sla_lower_bytes_s;

        if (deadline != MT_AUTO && deadline > 0 && MT_GIB * 1000 / deadline > floor)
                floor = MT_GIB * 1000 / deadline;
        if (in->intent.urgency == MT_URGENCY_HIGH)
                floor = link->rate_bytes_s / 100 * MT_SURE_AT_HIGH;
        return mt_link_class(link, floor, ceil > keep ? ceil - keep : 1, in->intent.urgency == MT_URGENCY_LOW);
}

/* Makes the class; with no flows yet, for everything that arrives at libvirt's migration ports. */
static void shape(struct mt_host *host, struct mt_incoming *in, const struct mt_uplink *uplink, const struct mt_flows *flows)
{
        struct mt_err err = { 0 };
        struct mt_class_spec spec;
        int r;

        if (in->intent.mode != MT_MODE_ENFORCE)
                return;
        r = mt_link_of(host, uplink, MT_INGRESS, &in->link, &err);
        if (r == 0) {
                spec = spec_of(in, &in->link);
                r = mt_shape_add(host->shaper, &in->link, &spec, flows, &in->minor, &err);
        }
        if (r == 0 && flows == NULL) {
                r = mt_shape_match_port_range(host->shaper, &in->link, in->minor, &err);
                if (r < 0)
                        (void)mt_shape_remove(host->shaper, &in->link, in->minor, NULL);
        }
        in->shaped = r == 0;
        in->reserve_bytes_s = r == 0 ? spec.rate_bytes_s : 0;
        if (in->shaped)
                mt_meter_read(&in->meter, 0, mt_now_ms()); /* from the first byte on */
        if (r == 0)
                mt_log(MT_LOG_INFO, "domain '%s': incoming migration: ingress class %x:%x on '%s'%s", in->id.name,
                       MT_TC_MAJOR, in->minor, uplink->device, flows == NULL ? ", by port range until it connects" : "");
        else if (r != -ENOTSUP)
                mt_log_limited(MT_LOG_WARNING, "ingress", "domain '%s': %s, leaving its ingress unshaped", in->id.name,
                               err.msg);
}

/* The uplink before the peer is known: the configured one, else the default route's (a FIB look-up, nothing is sent). */
static bool guess_uplink(const struct mt_host *host, struct mt_uplink *ret)
{
        struct sockaddr_storage anywhere = { 0 };
        struct sockaddr_in *in4 = (struct sockaddr_in *)&anywhere;

        in4->sin_family = AF_INET;
        (void)inet_pton(AF_INET, "192.0.2.1", &in4->sin_addr); /* TEST-NET-1: only a default route leads there */
        return mt_link_uplink(host, &anywhere, ret, NULL) == 0;
}

void mt_incoming_announced(struct mt_host *host, const char *xml_text)
{
        struct mt_domain_xml xml;
        struct mt_uplink uplink;
        struct mt_err err = { 0 };
        struct mt_incoming *in;

        if (mt_domain_xml_parse(xml_text, &xml, &err) < 0) {
                mt_log(MT_LOG_WARNING, "hook: %s, leaving this incoming migration unshaped", err.msg);
                return;
        }
        in = find(host, xml.id.uuid, xml.id.name);
        if (in != NULL)
                drop(host, in); /* an earlier try that left no trace */
        in = add(host, &xml);
        if (in != NULL && guess_uplink(host, &uplink))
                shape(host, in, &uplink, NULL);
}

/* Not by virDomainGetXMLDesc(): for a domain that is coming in it waits until the memory is there, and the loop with it. */
static void identify(virDomainPtr domain, const char *uuid, struct mt_domain_xml *ret)
{
        MT_CLEANUP(mt_freep)
        char *policy = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, POLICY_URI, VIR_DOMAIN_AFFECT_LIVE);
        MT_CLEANUP(mt_freep) char *xml = NULL;
        const char *name = virDomainGetName(domain);

        if (policy == NULL || asprintf(&xml, "<domain><name>-</name><metadata>%s</metadata></domain>", policy) < 0 ||
            mt_domain_xml_parse(xml, ret, NULL) < 0)
                *ret = (struct mt_domain_xml){ .memory_bytes = 0 };
        (void)snprintf(ret->id.uuid, sizeof(ret->id.uuid), "%s", uuid);
        (void)snprintf(ret->id.name, sizeof(ret->id.name), "%s", name != NULL ? name : "");
}

void mt_incoming_started(struct mt_host *host, virDomainPtr domain)
{
        struct mt_domain_xml xml;
        char uuid[VIR_UUID_STRING_BUFLEN];
        struct mt_incoming *in;

        if (virDomainGetUUIDString(domain, uuid) < 0)
                return;
        in = find(host, uuid, NULL);
        if (in == NULL) {
                identify(domain, uuid, &xml);
                in = add(host, &xml);
        }
        if (in != NULL && !in->started) {
                in->started = true;
                in->since_ms = in->looked_ms = mt_now_ms();
        }
}

void mt_incoming_ended(struct mt_host *host, const char *uuid, const char *name, const char *why)
{
        struct mt_incoming *in = find(host, uuid, name);

        if (in == NULL)
                return;
        mt_log(MT_LOG_INFO, "domain '%s': incoming migration ended (%s)%s", in->id.name, why,
               in->shaped ? ", ingress class removed" : "");
        drop(host, in);
}

/*
 * The one port of an incoming migration and its peer's address: multifd's and later connections come to that port as
 * well, from ports of their own.
 */
static struct mt_flows any_port_of_peer(const struct mt_flows *flows)
{
        struct mt_flows one = { .n = 1 };
        struct sockaddr_storage *peer = &one.flow[0].peer;

        one.flow[0] = flows->flow[0];
        if (peer->ss_family == AF_INET)
                ((struct sockaddr_in *)peer)->sin_port = 0;
        else if (peer->ss_family == AF_INET6)
                ((struct sockaddr_in6 *)peer)->sin6_port = 0;
        return one;
}

/* The connection is there: exact filters, on the uplink that its peer is reached through. */
static void connected(struct mt_host *host, struct mt_incoming *in, const struct mt_flows *found)
{
        const struct mt_flows one = any_port_of_peer(found);
        const struct mt_flows *flows = &one;
        struct mt_uplink uplink;
        struct mt_err err = { 0 };

        in->connected = true;
        if (mt_link_uplink(host, &flows->flow[0].peer, &uplink, &err) < 0) {
                mt_log_limited(MT_LOG_WARNING, "ingress", "domain '%s': %s, leaving its ingress unshaped", in->id.name,
                               err.msg);
                unshape(host, in);
                return;
        }
        if (in->shaped && strcmp(in->link.device, uplink.device) != 0)
                unshape(host, in); /* the guess was wrong */
        if (!in->shaped)
                shape(host, in, &uplink, flows);
        else if (mt_shape_match(host->shaper, &in->link, in->minor, flows, &err) < 0)
                mt_log_limited(MT_LOG_WARNING, "ingress", "domain '%s': %s, keeping the filter by port range", in->id.name,
                               err.msg);
}

bool mt_incoming_poll(struct mt_host *host)
{
        bool waiting = false;

        for (struct mt_incoming *in = host->incoming; in != NULL; in = in->next) {
                struct mt_flows flows = { .n = 0 };
                pid_t pid;

                if (!in->started || in->connected)
                        continue;
                if (mt_now_ms() - in->since_ms > CONNECT_MS) {
                        in->connected = in->hidden = true; /* tunnelled, or over a unix socket: nothing to tell apart */
                        continue;
                }
                waiting = true;
                if (mt_qemu_pid(in->id.name, in->id.uuid, &pid, NULL) == 0 && mt_sockets_incoming(pid, &flows, NULL) == 0 &&
                    flows.n > 0 && flows.flow[0].peer.ss_family != AF_UNSPEC)
                        connected(host, in, &flows);
        }
        return waiting;
}

/*
 * Whether a started entry's domain still waits for its memory. Only a net below the events, and seldom asked: libvirtd
 * may hold the domain while it runs a hook that waits for us.
 */
static bool still_incoming(struct mt_host *host, const struct mt_incoming *in)
{
        virDomainPtr domain = virDomainLookupByUUIDString(host->connection, in->id.uuid);
        int state = 0, reason = 0;
        bool waits;

        if (domain == NULL)
                return virGetLastErrorCode() != VIR_ERR_NO_DOMAIN;
        waits = virDomainGetState(domain, &state, &reason, 0) == 0 &&
                ((state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_MIGRATION) ||
                 (state == VIR_DOMAIN_RUNNING &&
                  (reason == VIR_DOMAIN_RUNNING_POSTCOPY || reason == VIR_DOMAIN_RUNNING_POSTCOPY_FAILED)));
        (void)virDomainFree(domain);
        return waits;
}

void mt_incoming_tick(struct mt_host *host)
{
        uint64_t now = mt_now_ms();

        for (struct mt_incoming *in = host->incoming, *next; in != NULL; in = next) {
                struct mt_class_state state;

                next = in->next;
                if (in->shaped && mt_shape_query(host->shaper, &in->link, in->minor, &state, NULL) == 0)
                        mt_meter_read(&in->meter, state.bytes, now);
                if (!in->started && now - in->since_ms > ANNOUNCED_MS) {
                        mt_incoming_ended(host, in->id.uuid, NULL, "its domain never started");
                } else if (in->started && host->connection != NULL && now - in->looked_ms > LOOK_MS) {
                        in->looked_ms = now;
                        if (!still_incoming(host, in))
                                mt_incoming_ended(host, in->id.uuid, NULL, "seen to run, or gone");
                }
        }
}

void mt_incoming_adopt(struct mt_host *host)
{
        virDomainPtr *domains = NULL;
        int n = virConnectListAllDomains(host->connection, &domains, VIR_CONNECT_LIST_DOMAINS_PAUSED);

        for (int i = 0; i < n; i++) {
                int state = 0, reason = 0;

                if (virDomainGetState(domains[i], &state, &reason, 0) == 0 && state == VIR_DOMAIN_PAUSED &&
                    reason == VIR_DOMAIN_PAUSED_MIGRATION && !mt_domain_is_migrating_out(domains[i]))
                        mt_incoming_started(host, domains[i]);
                (void)virDomainFree(domains[i]);
        }
        free(domains);
}

void mt_incoming_classes(const struct mt_host *host, json_object *array)
{
        for (const struct mt_incoming *in = host->incoming; in != NULL; in = in->next)
                if (in->shaped)
                        (void)json_object_array_add(array, mt_link_json(&in->link, in->minor));
}

uint64_t mt_incoming_own_rate(const struct mt_host *host, const char *device)
{
        double sum = 0.0;

        for (const struct mt_incoming *in = host->incoming; in != NULL; in = in->next)
                if (in->shaped && strcmp(in->link.device, device) == 0)
                        sum += in->meter.bytes_s;
        return (uint64_t)sum;
}

uint64_t mt_incoming_granted(const struct mt_host *host, const char *device)
{
        uint64_t sum = 0;

        for (const struct mt_incoming *in = host->incoming; in != NULL; in = in->next)
                if (in->shaped && strcmp(in->link.device, device) == 0)
                        sum += in->reserve_bytes_s;
        return sum;
}

unsigned mt_incoming_count(const struct mt_host *host)
{
        unsigned n = 0;

        for (const struct mt_incoming *in = host->incoming; in != NULL; in = in->next)
                n += in->started ? 1 : 0;
        return n;
}

bool mt_incoming_uncounted(const struct mt_host *host)
{
        for (const struct mt_incoming *in = host->incoming; in != NULL; in = in->next)
                if (in->started &&
                    (in->connected ? in->hidden || !in->shaped : mt_now_ms() - in->since_ms > CONNECT_SOON_MS))
                        return true;
        return false;
}

void mt_incoming_clear(struct mt_host *host)
{
        while (host->incoming != NULL)
                drop(host, host->incoming);
}
