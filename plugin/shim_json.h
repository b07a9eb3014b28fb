/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a host that stands in migration calls and the watcher tell each other, as JSON: struct mt_call, mt_advice and
 * mt_report (migtune/plugin.h), each a table of its members, written and read by the same rows. Used on both sides of the
 * socket, so that they agree.
 *
 *   {"request":"advise","attach":"client","domain":"vm","uuid":"...","uri":"qemu+tls://b/system","flags":27, ...}
 *   {"action":"tune","bandwidth_mib_s":40,"flags_add":32768,"ticket":"...","reason":"..."}
 *   {"request":"report","what":"max-downtime","uuid":"...","value":50}
 *   {"answer":1}
 *
 * Members that are NULL, 0 or "" are left out; those that are missing are read as such, and unknown ones are ignored.
 */
#ifndef MT_SHIM_JSON_H
#define MT_SHIM_JSON_H

#include "err.h"

#include <json-c/json.h>
#include <migtune/plugin.h>

/* New objects that the caller puts; NULL: out of memory. The request's name is in the first and the third. */
json_object *mt_shim_call_json(const struct mt_call *call);
json_object *mt_shim_advice_json(const struct mt_advice *advice);
json_object *mt_shim_report_json(const struct mt_report *report);
json_object *mt_shim_answer_json(int32_t answer);

/*
 * The way back; 0, or -EINVAL with what was expected. *ret changes only on success, its struct_size is that of this build,
 * and its texts live as long as the object. A call and a report have a uuid, a call a name. An answer is 0 or 1.
 */
int mt_shim_call_read(json_object *object, struct mt_call *ret, struct mt_err *err);
int mt_shim_advice_read(json_object *object, struct mt_advice *ret, struct mt_err *err);
int mt_shim_report_read(json_object *object, struct mt_report *ret, struct mt_err *err);
int mt_shim_answer_read(json_object *object, int32_t *ret, struct mt_err *err);

#endif
