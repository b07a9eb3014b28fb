/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The requests of the local socket: {"request":"NAME", ...}; see requests.c for each one's members. */
#ifndef MT_SERVICE_REQUESTS_H
#define MT_SERVICE_REQUESTS_H

#include <json-c/json.h>
#include <sys/types.h>

/* An mt_server_fn; ctx is the struct mt_host. */
json_object *mt_requests_answer(void *ctx, json_object *request, uid_t uid);

#endif
