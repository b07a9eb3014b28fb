/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between a migration call as its host describes it (migtune/plugin.h) and the facts and plan that policy/ works with. */
#ifndef MT_STEER_ADVICE_H
#define MT_STEER_ADVICE_H

#include "config.h"
#include "facts.h"
#include "intent.h"
#include "plan.h"
#include "record/outcome.h"
#include "versions.h"

#include <migtune/plugin.h>

/* A limit of libvirt's, MiB/s, in bytes/s; 0: none, or one so large that it is none. */
uint64_t mt_advice_limit_bytes_s(uint64_t mib_s);

/*
 * The call as a fact. versions: of the source's libvirtd and its QEMU; the older of libvirtd and the caller's library
 * counts.
 */
struct mt_call_fact mt_advice_call_fact(const struct mt_call *call, enum mt_caller_limits limits,
                                        const struct mt_versions *versions);

/* The same call once it has been made with these changes. */
struct mt_call_fact mt_advice_made(const struct mt_call_fact *given, const struct mt_call_changes *changes);

/* Whether the source's QEMU knows at which rate the last copy goes: by the caller, or by the changes. */
bool mt_advice_switchover(const struct mt_call_fact *given, const struct mt_call_changes *changes);

/*
 * What to make of the call: the plan's bandwidth and changes, and one sentence. In mode "enforce" only; else to leave it,
 * and the sentence says what would be done. The ticket is left empty.
 */
void mt_advice_fill(const struct mt_intent *intent, const struct mt_plan *plan, struct mt_advice *ret);

/* Advice to leave the call as it is, or to wait; the sentence is the reason. */
void mt_advice_leave(struct mt_advice *ret, const char *format, ...) MT_PRINTF(2, 3);
void mt_advice_wait(struct mt_advice *ret, uint32_t ms, const char *reason);

/* MT_CALL_BY_* as a record's "attach". */
enum mt_attach mt_advice_attach(uint32_t by);

#endif
