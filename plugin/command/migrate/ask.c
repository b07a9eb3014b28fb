/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/migrate/ask.h"
#include "cleanup.h"
#include "record/json.h"
#include "service/alone.h"
#include "shim_handle.h"
#include "shim_json.h"

#include <string.h>

#define ADVICE_MS 3000u
#define REPORT_MS 1000u
#define STATUS_MS 2000u

static inline void json_putp(json_object **object)
{
        (void)json_object_put(*object);
}

unsigned long mt_ask_flags(const struct mt_migrate_options *options, bool is_persistent)
{
        unsigned long flags = VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER;

        if (is_persistent)
                flags |= VIR_MIGRATE_PERSIST_DEST;
        if (is_persistent && options->undefine)
                flags |= VIR_MIGRATE_UNDEFINE_SOURCE;
        if (options->post_copy)
                flags |= VIR_MIGRATE_POSTCOPY;
        return flags;
}

struct mt_call mt_ask_call(const struct mt_migrate_options *options, const struct mt_move *move, const char *uri,
                           bool is_paused, const char *ticket)
{
        unsigned long version = 0;

        (void)virGetVersion(&version, NULL, NULL);
        return (struct mt_call){ .struct_size = sizeof(struct mt_call),
                                 .timeout_ms = ADVICE_MS,
                                 .attach = MT_CALL_BY_CLIENT,
                                 .state = is_paused ? MT_CALL_PAUSED : 0,
                                 .domain = move->name,
                                 .uuid = move->uuid,
                                 .uri = uri,
                                 .ticket = ticket,
                                 .flags = mt_ask_flags(options, move->persistent),
                                 .bandwidth_mib_s = options->bandwidth_mib_s,
                                 .libvirt_version = version };
}

int mt_ask_advice(const struct mt_host_ops *host, const struct mt_migrate_options *options, const struct mt_call *call,
                  struct mt_advice *ret, struct mt_err *err)
{
        MT_CLEANUP(json_putp) json_object *reply = NULL;
        json_object *request = mt_shim_call_json(call);
        int r;

        mt_wishes_write(&options->wishes, request);
        r = mt_shim_request(host, request, call->timeout_ms, &reply, err);
        if (r < 0)
                return r;
        return mt_shim_advice_read(reply, ret, err) == 0 ? 0 : mt_wrap(err, "the watcher's advice is not understood");
}

int mt_ask_alone(const struct mt_host_ops *host, const struct mt_migrate_options *options, const struct mt_call *call,
                 struct mt_advice *ret, struct mt_err *err)
{
        return mt_alone_advise(host, options->connect, call, &options->wishes, ret, err);
}

int mt_ask_report(const struct mt_host_ops *host, uint32_t what, const char *uuid, const char *ticket, int result,
                  const char *text)
{
        const struct mt_report report = { .struct_size = sizeof(report),
                                          .timeout_ms = REPORT_MS,
                                          .what = what,
                                          .result = result,
                                          .uuid = uuid,
                                          .ticket = ticket,
                                          .text = text };
        MT_CLEANUP(json_putp) json_object *reply = NULL;
        struct mt_err ignored = { 0 };
        int32_t answer = 0;

        if (mt_shim_request(host, mt_shim_report_json(&report), REPORT_MS, &reply, &ignored) < 0 ||
            mt_shim_answer_read(reply, &answer, &ignored) < 0)
                return 0;
        return answer;
}

json_object *mt_ask_status(const struct mt_host_ops *host)
{
        json_object *request = json_object_new_object(), *reply = NULL;
        struct mt_err ignored = { 0 };

        mt_json_add(request, "request", mt_json_string("status"));
        return mt_shim_request(host, request, STATUS_MS, &reply, &ignored) == 0 ? reply : NULL;
}

/* A count of a prediction; null: never. */
static uint64_t count_of(json_object *prediction, const char *key)
{
        json_object *value = json_object_object_get(prediction, key);

        return json_object_is_type(value, json_type_int) ? (uint64_t)json_object_get_int64(value) : UINT64_MAX;
}

bool mt_ask_predicted(json_object *status, const char *uuid, struct mt_move_figures *ret)
{
        json_object *list = json_object_object_get(status, "migrations");
        size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

        for (size_t i = 0; i < n; i++) {
                json_object *job = json_object_array_get_idx(list, i);
                const char *state = json_object_get_string(json_object_object_get(job, "state"));
                const char *whose = json_object_get_string(json_object_object_get(job, "uuid"));
                json_object *prediction = json_object_object_get(json_object_object_get(job, "plan"), "prediction");

                if (whose == NULL || strcmp(whose, uuid) != 0 || state == NULL || strcmp(state, "waiting") == 0 ||
                    prediction == NULL)
                        continue;
                *ret = (struct mt_move_figures){ .total_ms = count_of(prediction, "total_ms"),
                                                 .downtime_ms = count_of(prediction, "downtime_ms") };
                return true;
        }
        return false;
}
