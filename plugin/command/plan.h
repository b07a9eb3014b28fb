/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `migtune plan` asks, for other commands that want to know it. */
#ifndef MT_COMMAND_PLAN_H
#define MT_COMMAND_PLAN_H

#include "err.h"

#include <json-c/json.h>
#include <migtune/plugin.h>

/* All pointers are the caller's. */
struct mt_plan_question {
        const char *domain, *destination; /* its name or uuid; a libvirt URI */
        const char *connect;              /* this host's libvirt, where no watcher runs; NULL: libvirt's default */
        json_object *intent;              /* keys and their values as text, or NULL */
        json_object *call;                /* the request "advise" that would be made, or NULL */
};

/*
 * The watcher's answer to the request "plan" (service/requests.c), or, where none answers this user, one of our own making,
 * which takes measure.before_start. *ret is the caller's to put. -EINVAL: the destination is no such URI; -ENOENT: its name
 * is not known, or there is no such running domain; -EREMOTEIO: the watcher said no, in its words.
 */
int mt_plan_ask(const struct mt_host_ops *host, const struct mt_plan_question *question, json_object **ret,
                struct mt_err *err);

#endif
