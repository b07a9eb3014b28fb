/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The undo list: the kernel has no tc transaction, so rollback is ours.
 *
 * Declare one with MT_CLEANUP(mt_undo_run), after what it points to; note every change once it was made; call
 * mt_undo_commit() when all went well. Leaving the scope before that takes the changes back, newest first, so that
 * children go before their parents. What was created was created with EXCL: an object that was there before is never noted.
 */
#ifndef MT_ENFORCE_UNDO_H
#define MT_ENFORCE_UNDO_H

#include "enforce/tc.h"

enum mt_undo_kind { MT_UNDO_LINK, MT_UNDO_QDISC, MT_UNDO_CLASS, MT_UNDO_CLASS_CHANGE, MT_UNDO_FILTERS };

struct mt_undo_step {
        enum mt_undo_kind kind;
        struct mt_tc_device device; /* LINK: what to delete; else where it is */
        uint32_t parent;            /* QDISC; FILTERS: the qdisc */
        uint32_t handle;            /* QDISC, CLASS */
        uint16_t priority;          /* FILTERS */
        struct mt_htb_class class;  /* CLASS_CHANGE: as it was */
};

#define MT_UNDO_STEPS 16 /* more than the longest sequence, a first ingress class, has */

struct mt_undo {
        struct mt_nl *nl;
        unsigned n;
        struct mt_undo_step steps[MT_UNDO_STEPS];
};

/*
 * Notes step if result, that of the request which made it, is success or a timeout (the request may have been carried out
 * all the same). Returns result.
 */
int mt_undo_note(struct mt_undo *undo, int result, const struct mt_undo_step *step);

void mt_undo_run(struct mt_undo *undo);
void mt_undo_commit(struct mt_undo *undo);

#endif
