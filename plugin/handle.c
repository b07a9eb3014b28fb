/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handle.h"
#include "cleanup.h"
#include "err.h"
#include "log.h"
#include "mt_build.h"
#include "service/client.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

struct handle {
        struct mt_host_ops host;
};

static inline void json_putp(struct json_object **object)
{
        (void)json_object_put(*object);
}

const struct mt_host_ops *mt_handle_host(const void *handle)
{
        return &((const struct handle *)handle)->host;
}

int32_t mt_handle_open(const struct mt_host_ops *host, void **ret_handle)
{
        struct handle *handle;

        if (host == NULL || host->abi_major != MT_ABI_MAJOR || host->struct_size < MT_HOST_OPS_SIZE_1_0)
                return -EPROTO;
        if ((host->flags & ~MT_HOST_ALL_FLAGS) != 0) /* a wish we do not know must not be ignored silently */
                return -EINVAL;
        handle = calloc(1, sizeof(*handle));
        if (handle == NULL)
                return -ENOMEM;
        (void)memcpy(&handle->host, host,
                     host->struct_size < sizeof(handle->host) ? host->struct_size : sizeof(handle->host));
        if (handle->host.run_dir == NULL)
                handle->host.run_dir = MT_RUN_DIR;
        if (handle->host.config_file == NULL)
                handle->host.config_file = MT_CONFIG_PATH;
        mt_log_init(handle->host.log, handle->host.print, handle->host.ctx);
        *ret_handle = handle;
        return 0;
}

void mt_handle_close(void *handle)
{
        if (handle == NULL)
                return;
        mt_log_init(NULL, NULL, NULL);
        free(handle);
}

/* Adds a member; false when out of memory. A NULL value counts as "". */
static bool add_text(struct json_object *object, const char *key, const char *value)
{
        struct json_object *text = json_object_new_string(value != NULL ? value : "");

        if (text != NULL && json_object_object_add(object, key, text) == 0)
                return true;
        (void)json_object_put(text);
        return false;
}

/* {"ok":true} is 0; {"ok":false,"error":"..."} is -EREMOTEIO with the watcher's words. */
static int check_reply(const char *reply, struct mt_err *err)
{
        MT_CLEANUP(json_putp) struct json_object *object = json_tokener_parse(reply);
        struct json_object *ok = NULL, *error = NULL;

        if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, "ok", &ok))
                return mt_fail(err, EPROTO, "the watcher's reply is not understood: %.80s", reply);
        if (json_object_get_boolean(ok))
                return 0;
        (void)json_object_object_get_ex(object, "error", &error);
        return mt_fail(err, EREMOTEIO, "the watcher refused: %s",
                       error != NULL ? json_object_get_string(error) : "no reason given");
}

static int send_event(const char *run_dir, const struct mt_hook_event *event, struct mt_err *err)
{
        MT_CLEANUP(json_putp) struct json_object *request = json_object_new_object();
        MT_CLEANUP(mt_freep) char *reply = NULL;
        const char *text = NULL;
        int r;

        if (request != NULL && add_text(request, "request", "hook") && add_text(request, "domain", event->domain) &&
            add_text(request, "operation", event->operation) && add_text(request, "suboperation", event->suboperation) &&
            add_text(request, "extra", event->extra) && add_text(request, "xml", event->xml))
                text = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        if (text == NULL)
                return mt_fail(err, ENOMEM, "out of memory for the request to the watcher");
        r = mt_client_call(run_dir, text, event->timeout_ms, &reply, err);
        return r < 0 ? r : check_reply(reply, err);
}

int32_t mt_handle_hook_event(void *handle, const struct mt_hook_event *event)
{
        struct mt_err err = { .code = 0 };
        struct mt_hook_event e = { .struct_size = 0 };
        int r;

        if (event == NULL || event->struct_size < MT_HOOK_EVENT_SIZE_1_0)
                return -EPROTO;
        (void)memcpy(&e, event, event->struct_size < sizeof(e) ? event->struct_size : sizeof(e));
        r = send_event(mt_handle_host(handle)->run_dir, &e, &err);
        if (r < 0)
                mt_log(MT_LOG_WARNING, "domain '%s', %s %s: %s", e.domain != NULL ? e.domain : "",
                       e.operation != NULL ? e.operation : "", e.suboperation != NULL ? e.suboperation : "", err.msg);
        return r;
}
