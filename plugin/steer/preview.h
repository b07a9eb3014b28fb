/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What would be done with a migration that has not started: changes nothing. */
#ifndef MT_STEER_PREVIEW_H
#define MT_STEER_PREVIEW_H

#include "facts.h"
#include "intent.h"
#include "measure/domain_xml.h"
#include "plan.h"
#include "steer/advice.h"
#include "steer/host.h"

#include <json-c/json.h>
#include <migtune/plugin.h>
#include <sys/socket.h>

struct mt_preview {
        struct mt_identity id;
        struct mt_facts facts;
        struct mt_intent intent;
        struct mt_plan plan;
};

/*
 * Plans a migration of the domain (name or uuid) to address (numeric IPv4 or IPv6). overrides: a JSON object of intent keys
 * and their values as text, or NULL. call: as it would be made by who then stands in it; NULL: nobody does. measured_bytes_s:
 * a dirty rate measured just now, 0: none. host->connection is used for reading. The first call for an address starts the
 * connection to destination.uri, so only a later one knows what that tells.
 * -ENOENT: no such running domain.
 */
int mt_preview(struct mt_host *host, const char *domain, const char *address, json_object *overrides,
               const struct mt_call *call, uint64_t measured_bytes_s, struct mt_preview *ret, struct mt_err *err);

/*
 * {"domain", "facts", "intent", "plan", "reasons", "queue"}; the caller puts it. "queue" has the numbers of struct mt_queue
 * that are its own, in Mbit/s: "share_mbps", "available_mbps", "left_mbps", "least_mbps".
 */
json_object *mt_preview_json(const struct mt_preview *preview);

/* Of the connection's libvirt and its QEMU; what cannot be told is 0. */
struct mt_versions mt_preview_versions(virConnectPtr connection);

/* Nobody steers: only pre-copy can be planned, whatever is wanted. */
void mt_preview_pre_copy(struct mt_intent *intent);

/*
 * The steps of mt_preview, for who knows more of the migration. The domain by uuid, if it runs here and no migration of it
 * does: *ret, the caller's to free. -ENOTCONN, -ENOENT, -EBUSY.
 */
int mt_preview_find(struct mt_host *host, const char *uuid, virDomainPtr *ret, struct mt_err *err);

/*
 * preview->facts by preview->intent. peer: where it goes, of family AF_UNSPEC where that is not known. *ret_why: why nothing
 * could be shaped; its message is "" where something can.
 */
void mt_preview_gather(struct mt_host *host, virDomainPtr domain, const struct mt_domain_xml *xml,
                       const struct sockaddr_storage *peer, struct mt_preview *preview, struct mt_err *ret_why);

/* preview->plan by its facts and intent, and by its share beside what runs already. */
void mt_preview_decide(const struct mt_host *host, const struct sockaddr_storage *peer, struct mt_preview *preview,
                       const struct mt_err *why);

#endif
