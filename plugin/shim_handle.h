/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* advise() and report() of struct mt_plugin_ops, as questions to the watcher. Any number of threads may call. */
#ifndef MT_SHIM_HANDLE_H
#define MT_SHIM_HANDLE_H

#include "err.h"

#include <json-c/json.h>
#include <migtune/plugin.h>

/* The caller's struct in this build's size: what it does not have is 0. -EPROTO: it is older than any release. */
int mt_shim_take_call(const struct mt_call *call, struct mt_call *ret);

/* Puts as much of the advice into the caller's struct as that has room for. -EPROTO as above. */
int mt_shim_give_advice(const struct mt_advice *advice, struct mt_advice *ret);

/*
 * Asks the watcher, within call->timeout_ms. Logs nothing. -ENOTCONN: there is no watcher; -EACCES: it is not for this user;
 * -EREMOTEIO: it refused, with its words; -EPROTO: its answer was not understood; and what mt_client_call returns.
 */
int mt_shim_ask(const struct mt_host_ops *host, const struct mt_call *call, struct mt_advice *ret, struct mt_err *err);

/*
 * Any request to the watcher (which is put; NULL: there was no memory for it) and its answer, an object that the caller puts,
 * within timeout_ms. Logs nothing; returns as mt_shim_ask does.
 */
int mt_shim_request(const struct mt_host_ops *host, json_object *request, uint64_t timeout_ms, json_object **ret,
                    struct mt_err *err);

/*
 * advise and report of migtune-client.so. *ret_advice changes only on success. That there is no watcher (-ENOTCONN) is not
 * logged: the host does, or asks migtune.so, which can do without.
 */
int32_t mt_shim_advise(void *handle, const struct mt_call *call, struct mt_advice *ret_advice);
int32_t mt_shim_report(void *handle, const struct mt_report *report);

/* Logs, once a minute for each reason, that a call is left as it is. */
void mt_shim_complain(const struct mt_call *call, const struct mt_err *err);

#endif
