/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the watcher is asked and told about a migration that this command makes. As the shim does it, with wishes beside. */
#ifndef MT_MIGRATE_ASK_H
#define MT_MIGRATE_ASK_H

#include "command/migrate/move.h"
#include "command/migrate/options.h"
#include "err.h"

#include <json-c/json.h>
#include <migtune/plugin.h>
#include <stdbool.h>

/* The flags of the domain's call: live, peer to peer, and what the options say. */
unsigned long mt_ask_flags(const struct mt_migrate_options *options, bool is_persistent);

/* The call as it would be made to uri. Texts are the arguments' own. ticket: of an earlier answer, or NULL. */
struct mt_call mt_ask_call(const struct mt_migrate_options *options, const struct mt_move *move, const char *uri,
                           bool is_paused, const char *ticket);

/*
 * What to make of the call, by the watcher. -ENOTCONN, -EACCES: there is none, or not for this user; other errors: then the
 * call is to be made as it is.
 */
int mt_ask_advice(const struct mt_host_ops *host, const struct mt_migrate_options *options, const struct mt_call *call,
                  struct mt_advice *ret, struct mt_err *err);

/* The same decided alone, which a line in the log says. */
int mt_ask_alone(const struct mt_host_ops *host, const struct mt_migrate_options *options, const struct mt_call *call,
                 struct mt_advice *ret, struct mt_err *err);

/* Tells the watcher of what became of a call (MT_REPORT_*). Its answer: 0 or 1; 0 where there is none. */
int mt_ask_report(const struct mt_host_ops *host, uint32_t what, const char *uuid, const char *ticket, int result,
                  const char *text);

/* The watcher's answer to "status", the caller's to put; NULL: there is none. */
json_object *mt_ask_status(const struct mt_host_ops *host);

/* What that predicts for the running migration of a domain. False: it tells of none. */
bool mt_ask_predicted(json_object *status, const char *uuid, struct mt_move_figures *ret);

#endif
