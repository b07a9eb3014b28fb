/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests, one row each in the table below:
 *   hook    domain, operation, suboperation, extra, xml    {"ok":true}; from libvirt's qemu hook
 *   status                                                 {"host", "mode", "libvirt", "migrations", "classes"}; those that
 *                                                          wait for their turn are among the migrations
 *   plan    domain, address, intent (optional object),     {"domain", "facts", "intent", "plan", "reasons", "queue"}
 *           call (likewise, as of advise)
 *   advise  a migration call (shim_json.h), wishes for it  {"action", ...}; from who stands in the call
 *           (wishes.h)
 *   report  what else a caller does, or a call's end       {"answer":0} or 1
 */
#include "service/requests.h"
#include "cleanup.h"
#include "shim_json.h"
#include "steer/arbitrate.h"
#include "steer/call.h"
#include "steer/host.h"
#include "steer/incoming.h"
#include "steer/job.h"
#include "steer/preview.h"

#include <string.h>

static json_object *error_object(const char *message)
{
        json_object *reply = json_object_new_object();

        (void)json_object_object_add(reply, "error", json_object_new_string(message));
        return reply;
}

/* A string member, or "" where it is missing or something else. */
static const char *text_of(json_object *request, const char *key)
{
        json_object *value = NULL;

        if (!json_object_object_get_ex(request, key, &value) || !json_object_is_type(value, json_type_string))
                return "";
        return json_object_get_string(value);
}

static json_object *answer_hook(struct mt_host *host, json_object *request, uid_t uid)
{
        const char *operation = text_of(request, "operation");
        json_object *reply = json_object_new_object();

        (void)uid;
        if (strcmp(operation, "migrate") == 0)
                mt_incoming_announced(host, text_of(request, "xml"));
        else if (strcmp(operation, "stopped") == 0 || strcmp(operation, "release") == 0)
                mt_incoming_ended(host, NULL, text_of(request, "domain"), "hook");
        (void)json_object_object_add(reply, "ok", json_object_new_boolean(1));
        return reply;
}

static json_object *answer_status(struct mt_host *host, json_object *request, uid_t uid)
{
        json_object *reply = json_object_new_object();
        json_object *migrations = mt_job_status(host);

        (void)request;
        (void)uid;
        mt_call_status(host, migrations);
        (void)json_object_object_add(reply, "host", json_object_new_string(host->name));
        (void)json_object_object_add(reply, "mode", json_object_new_string(mt_mode_name(host->config.defaults.mode)));
        (void)json_object_object_add(reply, "libvirt", json_object_new_boolean(host->connection != NULL));
        (void)json_object_object_add(reply, "migrations", migrations);
        (void)json_object_object_add(reply, "classes", mt_host_classes(host));
        return reply;
}

static json_object *answer_plan(struct mt_host *host, json_object *request, uid_t uid)
{
        struct mt_preview preview;
        struct mt_err err = { 0 };
        json_object *overrides = NULL, *described = NULL;
        struct mt_call call;

        (void)uid;
        (void)json_object_object_get_ex(request, "intent", &overrides);
        (void)json_object_object_get_ex(request, "call", &described);
        if (described != NULL && mt_shim_call_read(described, &call, &err) < 0)
                return error_object(err.msg);
        if (mt_preview(host, text_of(request, "domain"), text_of(request, "address"),
                       json_object_is_type(overrides, json_type_object) ? overrides : NULL, described != NULL ? &call : NULL,
                       0, &preview, &err) < 0)
                return error_object(err.msg);
        return mt_preview_json(&preview);
}

static json_object *answer_advise(struct mt_host *host, json_object *request, uid_t uid)
{
        struct mt_wishes wishes;
        struct mt_advice advice;
        struct mt_err err = { 0 };
        struct mt_call call;

        if (mt_shim_call_read(request, &call, &err) < 0 || mt_wishes_read(request, &wishes, &err) < 0)
                return error_object(err.msg);
        mt_call_advise(host, &call, &wishes, uid, &advice);
        return mt_shim_advice_json(&advice);
}

static json_object *answer_report(struct mt_host *host, json_object *request, uid_t uid)
{
        struct mt_report report;
        struct mt_err err = { 0 };

        if (mt_shim_report_read(request, &report, &err) < 0)
                return error_object(err.msg);
        return mt_shim_answer_json(mt_arbitrate(host, &report, uid));
}

json_object *mt_requests_answer(void *ctx, json_object *request, uid_t uid)
{
        static const struct {
                const char *name;
                bool needs_root;
                json_object *(*answer)(struct mt_host *host, json_object *request, uid_t uid);
        } table[] = {
                { "hook", true, answer_hook },      { "status", false, answer_status }, { "plan", false, answer_plan },
                { "advise", false, answer_advise }, { "report", false, answer_report },
        };
        const char *name = text_of(request, "request");

        for (size_t i = 0; i < MT_ARRAY_SIZE(table); i++) {
                if (strcmp(name, table[i].name) != 0)
                        continue;
                if (table[i].needs_root && uid != 0)
                        return error_object("only root may ask that");
                return table[i].answer(ctx, request, uid);
        }
        return error_object("unknown request: expected hook, status, plan, advise or report");
}
