/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the next watcher needs to resume a post-copy that it finds broken, and could not learn any more: a small file for
 * each domain in the run directory, from the switch to the migration's end.
 */
#ifndef MT_STEER_RECOVER_NOTE_H
#define MT_STEER_RECOVER_NOTE_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct mt_recover_note {
        char peer[64];         /* address that the memory went to; "": not known */
        char uri[256];         /* of the destination's libvirt, as a call told; "": none did */
        char migrate_uri[256]; /* likewise */
        uint64_t flags;        /* the call's; 0: not known */
};

/* Each for the domain of that uuid, in run_dir (NULL: there is none, and nothing is done). Writing replaces. */
int mt_recover_note_write(const char *run_dir, const char *uuid, const struct mt_recover_note *note, struct mt_err *err);
/* -ENOENT: there is none. -EINVAL: it is none of ours. */
int mt_recover_note_read(const char *run_dir, const char *uuid, struct mt_recover_note *ret, struct mt_err *err);
void mt_recover_note_remove(const char *run_dir, const char *uuid);

/* Removes the notes of domains that keep() does not want. */
void mt_recover_note_sweep(const char *run_dir, bool (*keep)(const void *ctx, const char *uuid), const void *ctx);

#endif
