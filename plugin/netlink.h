/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one place through which all netlink goes, of measure/ and of enforce/.
 *
 * Messages are built and taken apart with libnl (nlmsg_*, nla_*); sending, receiving and judging the answer are done here,
 * because libnl drops the kernel's extended ack, merges errnos, and aborts the process when it is asked for a tc object
 * that it finds absurd. Every request is acknowledged, every answer's sequence number and sender are checked, the kernel's
 * own words are kept, and no receive waits longer than 2 s. (The kernel carries a request out inside sendmsg(2), where it
 * may wait for its global rtnl lock; nothing in user space can bound that.)
 */
#ifndef MT_NETLINK_H
#define MT_NETLINK_H

#include "err.h"

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdint.h>

struct mt_nl; /* one socket; one thread a socket */

/* Opens a socket of protocol NETLINK_ROUTE or NETLINK_SOCK_DIAG. 0 or -errno. */
int mt_nl_open(struct mt_nl **ret, int protocol, struct mt_err *err);
void mt_nl_close(struct mt_nl *nl);

/* For MT_CLEANUP. */
void mt_nl_closep(struct mt_nl **nl);
void mt_nl_msg_freep(struct nl_msg **msg);

/*
 * A new message of this type with the family header (tcmsg, ifinfomsg, ...) in it. NULL: no memory. flags: NLM_F_CREATE and
 * the like; NLM_F_REQUEST and NLM_F_ACK are added when it is sent.
 */
struct nl_msg *mt_nl_msg(uint16_t type, uint16_t flags, const void *header, size_t size);

/* Notes in failed (a bool) that a put did not fit, so that a builder checks once, at its end. */
#define MT_NL_PUT(failed, put) ((failed) |= (put) < 0)

/* Sees one answer. Returns 0, or -errno: the rest is then read, thrown away, and the exchange fails with it. */
typedef int (*mt_nl_fn)(void *ctx, struct nlmsghdr *answer);

/*
 * Sends msg and reads until its acknowledgement or, with NLM_F_DUMP, its end; fn (may be NULL) sees every answer before.
 * 0; or 1: the dump is complete but changed while it was read, so it may miss or repeat objects; or -errno with the kernel's
 * words; -ETIMEDOUT when no answer came (whether the request was carried out is then unknown).
 * msg stays the caller's.
 */
int mt_nl_exchange(struct mt_nl *nl, struct nl_msg *msg, mt_nl_fn fn, void *ctx, struct mt_err *err);

#endif
