/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the caller of one migration wants for it, whatever rules and the VM's metadata say: members of the request "advise"
 * beside the call's own, which the preload shim never sends.
 *
 *   {"request":"advise", ..., "urgency":"high","max_downtime_ms":100,"post_copy":"never"}
 */
#ifndef MT_WISHES_H
#define MT_WISHES_H

#include "err.h"
#include "intent.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* Zeroed: none. */
struct mt_wishes {
        bool has_urgency, has_post_copy;
        enum mt_urgency urgency;
        enum mt_permission post_copy;
        uint64_t max_downtime_ms; /* 0: as rules and metadata say */
};

/* Adds those that there are to a request. */
void mt_wishes_write(const struct mt_wishes *wishes, json_object *request);

/* 0, or -EINVAL with "MEMBER: expected ...". *ret changes only on success. */
int mt_wishes_read(json_object *request, struct mt_wishes *ret, struct mt_err *err);

/*
 * Sets one from text, as an option of the command line has it. key: "urgency", "max_downtime" or "post_copy". 0, or -EINVAL
 * with "expected ...".
 */
int mt_wishes_set(struct mt_wishes *wishes, const char *key, const char *text, struct mt_err *err);

/* The intent with them; its `from` says so. exceed_downtime is raised to max_downtime, which it cannot be less than. */
void mt_wishes_apply(const struct mt_wishes *wishes, struct mt_intent *intent);

/* As the `intent` of the request "plan": {"urgency":"high","max_downtime":"100ms"}. A new object. */
json_object *mt_wishes_intent_json(const struct mt_wishes *wishes);

#endif
