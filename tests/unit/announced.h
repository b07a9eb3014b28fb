/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A watcher's host with libvirt's test driver for its libvirt and loopback for its uplink, as if of 1 Gbit/s: what callers
 * ask goes through mt_requests_answer(), as it comes from the socket. Names of domains say what is wanted for them: "high-",
 * "low-", "observe-", "off-"; others are of medium urgency.
 */
#ifndef MT_TEST_ANNOUNCED_H
#define MT_TEST_ANNOUNCED_H

#include "array.h"
#include "clock.h"
#include "config_keys.h"
#include "log.h"
#include "service/requests.h"
#include "steer/call_match.h"
#include "steer/job.h"
#include "steer/job_state.h"
#include "steer/queue.h"
#include "steer/turn.h"
#include "table.h"

#include <json-c/json.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LINK_BYTES_S UINT64_C(125000000)
#define MAX_RECORDS 8
#define NOVA 64060 /* a member of the group migtune */

struct bench {
        struct mt_host host;
        struct mt_rule rules[4];
        unsigned n_records;
        json_object *record[MAX_RECORDS];
        json_object *reply; /* the last one */
        uid_t uid;          /* who asks and reports; NOVA */
};

static struct {
        char text[65536];
        unsigned n;
} bench_log;

static inline void bench_keep_log(void *ctx, int32_t priority, const char *message)
{
        size_t used = strlen(bench_log.text);

        (void)ctx;
        if (priority == MT_LOG_DEBUG)
                return;
        bench_log.n++;
        (void)snprintf(bench_log.text + used, sizeof(bench_log.text) - used, "%s\n", message);
}

static inline void bench_ignore_error(void *opaque, virErrorPtr error)
{
        (void)opaque;
        (void)error;
}

static inline void bench_keep_record(void *ctx, const char *json, const char *const *fields)
{
        struct bench *bench = ctx;

        assert_non_null(fields[0]);
        if (bench->n_records < MAX_RECORDS)
                bench->record[bench->n_records++] = json_tokener_parse(json);
}

/* A rule that sets one key of the intent. */
static inline struct mt_rule bench_rule(const char *glob, const char *key, const char *value)
{
        struct mt_rule rule = { .origin = "test", .fields = mt_key_bit(mt_key_by_intent(key)) };

        assert_int_equal(mt_intent_set(&rule.set, key, value, NULL), 0);
        (void)snprintf(rule.match.name, sizeof(rule.match.name), "%s", glob);
        return rule;
}

static inline struct bench *bench_new(void)
{
        struct bench *bench = calloc(1, sizeof(*bench));
        struct mt_host *host = &bench->host;

        assert_non_null(bench);
        bench->uid = NOVA;
        mt_config_defaults(&host->config);
        host->config.history.file[0] = '\0';
        host->config.link.rate_bytes_s = LINK_BYTES_S;
        (void)snprintf(host->config.link.device, sizeof(host->config.link.device), "lo");
        bench->rules[0] = bench_rule("high-*", "urgency", "high");
        bench->rules[1] = bench_rule("low-*", "urgency", "low");
        bench->rules[2] = bench_rule("observe-*", "mode", "observe");
        bench->rules[3] = bench_rule("off-*", "mode", "off");
        host->config.rules = bench->rules;
        host->config.n_rules = MT_ARRAY_SIZE(bench->rules);
        (void)snprintf(host->name, sizeof(host->name), "host-a");
        host->record = bench_keep_record;
        host->record_ctx = bench;
        host->connection = virConnectOpen("test:///default");
        assert_non_null(host->connection);
        host->agent_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        assert_true(host->agent_fd >= 0);
        bench_log.text[0] = '\0';
        bench_log.n = 0;
        mt_log_init(bench_keep_log, NULL, NULL);
        return bench;
}

static inline void bench_free(struct bench *bench)
{
        while (bench->host.jobs != NULL)
                mt_job_free(&bench->host, bench->host.jobs);
        for (int i = 0; i < 1000 && mt_agents_running() > 0; i++)
                (void)usleep(10000);
        (void)close(bench->host.agent_fd);
        mt_call_clear(&bench->host);
        mt_destination_stop(bench->host.destination);
        (void)virConnectClose(bench->host.connection);
        for (unsigned i = 0; i < bench->n_records; i++)
                (void)json_object_put(bench->record[i]);
        (void)json_object_put(bench->reply);
        mt_log_init(NULL, NULL, NULL);
        free(bench);
}

/* The domain's uuid: a running domain of this name is made where there is none. Valid until the next call. */
static inline const char *bench_domain(struct bench *bench, const char *name)
{
        static char uuid[VIR_UUID_STRING_BUFLEN];
        virDomainPtr domain = virDomainLookupByName(bench->host.connection, name);
        char xml[512];

        (void)snprintf(xml, sizeof(xml),
                       "<domain type='test'><name>%s</name><memory unit='MiB'>1024</memory><vcpu>1</vcpu>"
                       "<os><type>hvm</type></os></domain>",
                       name);
        if (domain == NULL)
                domain = virDomainCreateXML(bench->host.connection, xml, 0);
        assert_non_null(domain);
        assert_int_equal(virDomainGetUUIDString(domain, uuid), 0);
        (void)virDomainFree(domain);
        return uuid;
}

/* The answer to a request of bench->uid's. Valid until the next one. */
static inline json_object *bench_request(struct bench *bench, json_object *request)
{
        (void)json_object_put(bench->reply);
        bench->reply = mt_requests_answer(&bench->host, request, bench->uid);
        (void)json_object_put(request);
        return bench->reply;
}

/* A text of the last reply; "" where there is none. */
static inline const char *bench_said(const struct bench *bench, const char *key)
{
        json_object *value = json_object_object_get(bench->reply, key);

        return value != NULL ? json_object_get_string(value) : "";
}

/* Asks about the domain's migration to uri, by "client" or "daemon". Returns the action. */
static inline const char *bench_ask_by(struct bench *bench, const char *by, const char *name, const char *uri,
                                       const char *ticket, uint64_t flags, uint64_t mib_s)
{
        json_object *request = json_object_new_object();

        (void)json_object_object_add(request, "request", json_object_new_string("advise"));
        (void)json_object_object_add(request, "attach", json_object_new_string(by));
        (void)json_object_object_add(request, "domain", json_object_new_string(name));
        (void)json_object_object_add(request, "uuid", json_object_new_string(bench_domain(bench, name)));
        (void)json_object_object_add(request, "uri", json_object_new_string(uri));
        (void)json_object_object_add(request, "flags", json_object_new_int64((int64_t)(flags | MT_FLAG_LIVE)));
        (void)json_object_object_add(request, "bandwidth_mib_s", json_object_new_int64((int64_t)mib_s));
        (void)json_object_object_add(request, "libvirt_version", json_object_new_int64(11003000));
        if (ticket != NULL)
                (void)json_object_object_add(request, "ticket", json_object_new_string(ticket));
        (void)bench_request(bench, request);
        return bench_said(bench, "action");
}

static inline const char *bench_ask(struct bench *bench, const char *name, const char *uri, const char *ticket,
                                    uint64_t flags, uint64_t mib_s)
{
        return bench_ask_by(bench, "client", name, uri, ticket, flags, mib_s);
}

/* As bench_ask, for the first time and with nothing special. *ret_ticket: MT_TICKET_SIZE bytes. */
static inline const char *bench_ask_first(struct bench *bench, const char *name, char *ret_ticket)
{
        const char *action = bench_ask(bench, name, "qemu+ssh://10.0.0.2/system", NULL, 0, 0);

        if (ret_ticket != NULL)
                (void)snprintf(ret_ticket, MT_TICKET_SIZE, "%s", bench_said(bench, "ticket"));
        return action;
}

static inline const char *bench_ask_again(struct bench *bench, const char *name, const char *ticket)
{
        return bench_ask(bench, name, "qemu+ssh://10.0.0.2/system", ticket, 0, 0);
}

/* Reports; ticket and text may be NULL. Returns the answer, -1: refused. */
static inline int bench_report(struct bench *bench, const char *what, const char *uuid, const char *ticket, int result,
                               const char *text, uint64_t value)
{
        json_object *request = json_object_new_object();
        json_object *answer;

        (void)json_object_object_add(request, "request", json_object_new_string("report"));
        (void)json_object_object_add(request, "what", json_object_new_string(what));
        (void)json_object_object_add(request, "uuid", json_object_new_string(uuid));
        (void)json_object_object_add(request, "result", json_object_new_int(result));
        (void)json_object_object_add(request, "value", json_object_new_int64((int64_t)value));
        if (ticket != NULL)
                (void)json_object_object_add(request, "ticket", json_object_new_string(ticket));
        if (text != NULL)
                (void)json_object_object_add(request, "text", json_object_new_string(text));
        answer = json_object_object_get(bench_request(bench, request), "answer");
        return answer != NULL ? json_object_get_int(answer) : -1;
}

/* The call of a domain, whatever its state but running. */
static inline struct mt_announced *bench_call(struct bench *bench, const char *name)
{
        return mt_call_find(&bench->host, bench_domain(bench, name));
}

static inline unsigned bench_calls(const struct bench *bench)
{
        unsigned n = 0;

        for (const struct mt_announced *call = bench->host.calls; call != NULL; call = call->next)
                n++;
        return n;
}

/* A text of a record, "" where there is none: "result", or "domain" and "name". */
static inline const char *bench_record(const struct bench *bench, unsigned i, const char *key, const char *inner)
{
        json_object *value = i < bench->n_records ? json_object_object_get(bench->record[i], key) : NULL;

        if (inner != NULL)
                value = json_object_object_get(value, inner);
        return value != NULL ? json_object_get_string(value) : "";
}

/* A job as mt_job_begin makes it, but without libvirt's job and without a class. */
static inline struct mt_job *bench_begin(struct bench *bench, const char *name)
{
        struct mt_job *job = calloc(1, sizeof(*job));
        virDomainPtr domain = virDomainLookupByUUIDString(bench->host.connection, bench_domain(bench, name));

        assert_non_null(job);
        assert_int_equal(mt_agent_start(domain, bench->host.agent_fd, &job->agent, NULL), 0);
        (void)virDomainFree(domain);
        job->limits_saved = true;
        job->since_ms = mt_now_ms();
        (void)snprintf(job->xml.id.uuid, sizeof(job->xml.id.uuid), "%s", bench_domain(bench, name));
        (void)snprintf(job->xml.id.name, sizeof(job->xml.id.name), "%s", name);
        assert_int_equal(mt_config_intent(&bench->host.config, &job->xml.id, NULL, &job->intent, NULL), 0);
        job->call = mt_call_begun(&bench->host, job->xml.id.uuid, /* flows= */ NULL);
        job->outcome.domain = job->xml.id;
        job->outcome.intent = job->intent;
        if (job->call != NULL) {
                job->facts = job->call->outcome.facts;
                job->plan = job->call->outcome.plan;
                mt_call_facts(job->call, &job->facts);
                job->outcome.facts = job->facts;
                job->outcome.plan = job->plan;
                mt_call_record(job->call, &job->outcome);
        }
        job->next = bench->host.jobs;
        bench->host.jobs = job;
        return job;
}

#endif
