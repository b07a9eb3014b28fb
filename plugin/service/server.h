/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The answering side of the watcher's local socket, driven by libvirt's event loop: one JSON request a line, one JSON reply
 * a line. Root may ask anything; members of the group "migtune" what changes nothing (plan, status) and what concerns a
 * migration call of their own (advise, report: nova-compute is no root); nobody else connects. A member can announce a
 * migration that it never makes, so it belongs to services that may migrate guests anyway; what another user has announced
 * it can neither change nor end.
 */
#ifndef MT_SERVICE_SERVER_H
#define MT_SERVICE_SERVER_H

#include "err.h"

#include <json-c/json.h>
#include <sys/types.h>

struct mt_server;

/*
 * Answers one request. uid: the peer's user, 0 root. Returns the reply (owned by the caller), never NULL; a refusal is
 * {"error": "..."}.
 */
typedef json_object *(*mt_server_fn)(void *ctx, json_object *request, uid_t uid);

/*
 * Makes run_dir (0755) and listens on its migtune.sock (0660, group migtune where that group exists). -EBUSY: another
 * watcher holds run_dir/migtune.lock. A stale socket is replaced.
 */
int mt_server_start(const char *run_dir, mt_server_fn answer, void *ctx, struct mt_server **ret, struct mt_err *err);

/* Closes all connections and removes the socket. Accepts NULL. */
void mt_server_stop(struct mt_server *server);

#endif
