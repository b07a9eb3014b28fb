/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim_handle.h"
#include "cleanup.h"
#include "handle.h"
#include "log.h"
#include "service/client.h"
#include "shim_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static inline void json_putp(struct json_object **object)
{
        (void)json_object_put(*object);
}

int mt_shim_take_call(const struct mt_call *call, struct mt_call *ret)
{
        struct mt_call taken = { .struct_size = 0 };

        if (call == NULL || call->struct_size < MT_CALL_SIZE_1_0)
                return -EPROTO;
        (void)memcpy(&taken, call, call->struct_size < sizeof(taken) ? call->struct_size : sizeof(taken));
        taken.struct_size = sizeof(taken);
        if (taken.domain == NULL || taken.uuid == NULL)
                return -EINVAL;
        *ret = taken;
        return 0;
}

int mt_shim_give_advice(const struct mt_advice *advice, struct mt_advice *ret)
{
        uint32_t size;

        if (ret == NULL || ret->struct_size < MT_ADVICE_SIZE_1_0)
                return -EPROTO;
        size = ret->struct_size;
        (void)memcpy(ret, advice, size < sizeof(*advice) ? size : sizeof(*advice));
        ret->struct_size = size;
        return 0;
}

int mt_shim_request(const struct mt_host_ops *host, json_object *request, uint64_t timeout_ms, json_object **ret,
                    struct mt_err *err)
{
        MT_CLEANUP(json_putp) json_object *question = request;
        MT_CLEANUP(json_putp) json_object *object = NULL;
        MT_CLEANUP(mt_freep) char *reply = NULL;
        const char *text = json_object_to_json_string_ext(question, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        json_object *error = NULL;
        int r;

        if (question == NULL || text == NULL)
                return mt_fail(err, ENOMEM, "out of memory for the request to the watcher");
        r = mt_client_call(host->run_dir, text, timeout_ms, &reply, err);
        if (r == -ENOENT || r == -ECONNREFUSED) {
                err->code = ENOTCONN;
                return -ENOTCONN;
        }
        if (r < 0)
                return r;
        object = json_tokener_parse(reply);
        if (!json_object_is_type(object, json_type_object))
                return mt_fail(err, EPROTO, "the watcher's reply is not understood: %.80s", reply);
        if (json_object_object_get_ex(object, "error", &error))
                return mt_fail(err, EREMOTEIO, "the watcher refused: %.200s", json_object_get_string(error));
        *ret = MT_STEAL(&object);
        return 0;
}

int mt_shim_ask(const struct mt_host_ops *host, const struct mt_call *call, struct mt_advice *ret, struct mt_err *err)
{
        MT_CLEANUP(json_putp) json_object *reply = NULL;
        int r = mt_shim_request(host, mt_shim_call_json(call), call->timeout_ms, &reply, err);

        if (r < 0)
                return r;
        if (mt_shim_advice_read(reply, ret, err) == 0)
                return 0;
        err->code = EPROTO;
        return mt_wrap(err, "the watcher's advice is not understood");
}

void mt_shim_complain(const struct mt_call *call, const struct mt_err *err)
{
        mt_log_limited(MT_LOG_WARNING, err->msg, "domain '%s': %s, leaving its migration untuned", call->domain, err->msg);
}

int32_t mt_shim_advise(void *handle, const struct mt_call *call, struct mt_advice *ret_advice)
{
        struct mt_advice advice;
        struct mt_err err = { 0 };
        struct mt_call taken;
        int r = mt_shim_take_call(call, &taken);

        if (r < 0)
                return r;
        r = mt_shim_ask(mt_handle_host(handle), &taken, &advice, &err);
        if (r < 0) {
                if (r != -ENOTCONN) /* the host may have another to ask, and tells that no watcher runs */
                        mt_shim_complain(&taken, &err);
                return r;
        }
        return mt_shim_give_advice(&advice, ret_advice);
}

int32_t mt_shim_report(void *handle, const struct mt_report *report)
{
        MT_CLEANUP(json_putp) json_object *reply = NULL;
        struct mt_report taken = { .struct_size = 0 };
        struct mt_err err = { 0 };
        int32_t answer = 0;
        int r;

        if (report == NULL || report->struct_size < MT_REPORT_SIZE_1_0)
                return -EPROTO;
        (void)memcpy(&taken, report, report->struct_size < sizeof(taken) ? report->struct_size : sizeof(taken));
        if (taken.uuid == NULL)
                return -EINVAL;
        r = mt_shim_request(mt_handle_host(handle), mt_shim_report_json(&taken), taken.timeout_ms, &reply, &err);
        if (r == 0)
                r = mt_shim_answer_read(reply, &answer, &err);
        if (r == 0)
                return answer;
        /* without a watcher nothing is steered, and advise() has said so */
        mt_log_limited(r == -ENOTCONN ? MT_LOG_DEBUG : MT_LOG_WARNING, err.msg, "domain '%s': %s", taken.uuid, err.msg);
        return r;
}
