/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which announced call a question, a report or a job is about. See call_match.c. */
#ifndef MT_STEER_CALL_MATCH_H
#define MT_STEER_CALL_MATCH_H

#include "measure/sockets.h"
#include "steer/call.h"

/*
 * By its ticket, which the user uid (or root, for anybody's) must have been given; NULL: none. *ret_by, which may be NULL:
 * MT_CALL_BY_*, whom it was given to.
 */
struct mt_announced *mt_call_by_ticket(const struct mt_host *host, const char *ticket, uid_t uid, uint32_t *ret_by);

/* The call that has not ended and has no job, of the domain; NULL: none was announced. The latest, if there are several. */
struct mt_announced *mt_call_find(const struct mt_host *host, const char *uuid);

/*
 * The call that libvirt's daemon announces now, if a client announced it before; NULL: it is another one. A call that both
 * announced is one call.
 */
struct mt_announced *mt_call_of_client(const struct mt_host *host, const struct mt_call *by_daemon);

/* Whether this call, as libvirt's daemon has it, was changed as its client was advised (or was to be left as it is). */
bool mt_call_as_advised(const struct mt_announced *announced, const struct mt_call *by_daemon);

/* The domain's migration begins, over these connections: its call is the job's from now on. NULL: none was announced. */
struct mt_announced *mt_call_begun(struct mt_host *host, const char *uuid, const struct mt_flows *flows);

/*
 * Another call of the domain that was let go, where the one that its job was taken for has failed: libvirt migrates a domain
 * once at a time, so the job is that one's. NULL: there is none.
 */
struct mt_announced *mt_call_instead(const struct mt_host *host, const struct mt_announced *failed);

/*
 * Whether the call counts among the migrations that run: it was let go, and no job tells of its domain yet. Of several calls
 * of one domain one counts.
 */
bool mt_call_counts(const struct mt_host *host, const struct mt_announced *announced);

#endif
