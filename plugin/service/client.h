/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The asking side of the watcher's local socket, RUN_DIR/migtune.sock: one JSON request a line, one JSON reply a line.
 */
#ifndef MT_SERVICE_CLIENT_H
#define MT_SERVICE_CLIENT_H

#include "err.h"

#include <stdint.h>

#define MT_SOCKET_NAME "migtune.sock"
#define MT_MAX_REPLY_BYTES (16u << 20)

/*
 * Sends request_json (one line, without newline) and waits for the reply; all of it within timeout_ms. *ret_reply_json has
 * no newline, is not parsed, and is freed by the caller with free().
 * -ENOENT, -ECONNREFUSED: no watcher is running. -ETIMEDOUT: it did not answer in time. -EACCES: the socket is not for
 * this user. -EPROTO: the connection ended before a whole reply. -EMSGSIZE: the reply is longer than MT_MAX_REPLY_BYTES.
 * -EINVAL: the request has a newline.
 */
int mt_client_call(const char *run_dir, const char *request_json, uint64_t timeout_ms, char **ret_reply_json,
                   struct mt_err *err);

#endif
