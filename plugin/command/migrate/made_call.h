/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration call as it is made: our own wishes, changed as the watcher advises. No I/O. */
#ifndef MT_MIGRATE_MADE_CALL_H
#define MT_MIGRATE_MADE_CALL_H

#include "err.h"

#include <libvirt/libvirt.h>
#include <migtune/plugin.h>
#include <stdbool.h>
#include <stdint.h>

/* What virDomainMigrateToURI3 takes. */
struct mt_made_call {
        unsigned long flags;
        virTypedParameterPtr params;
        int n, size;
};

/*
 * The call with these flags and at most bandwidth_mib_s (0: no limit of ours), and, unless advice is NULL, the changes
 * that it advises. mt_made_call_done frees what *ret holds. -ENOMEM.
 */
int mt_made_call_make(unsigned long flags, uint64_t bandwidth_mib_s, const struct mt_advice *advice,
                      struct mt_made_call *ret, struct mt_err *err);

void mt_made_call_done(struct mt_made_call *call);

/*
 * True if libvirt's error (code, and its message or NULL) says that a call was refused before anything moved, so that one
 * without the changes may be tried. Some of these also come at other times: who uses it makes sure that the guest is as it
 * was.
 */
bool mt_made_call_is_refusal(int code, const char *message);

#endif
