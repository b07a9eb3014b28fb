/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "enforce/undo.h"

#include <errno.h>

int mt_undo_note(struct mt_undo *undo, int result, const struct mt_undo_step *step)
{
        if ((result == 0 || result == -ETIMEDOUT) && undo->n < MT_UNDO_STEPS)
                undo->steps[undo->n++] = *step;
        return result;
}

/* The error that led here is the one to report: what fails now is left to a sweep. */
static void undo_step(struct mt_nl *nl, const struct mt_undo_step *step)
{
        switch (step->kind) {
        case MT_UNDO_LINK:
                (void)mt_tc_link_delete(nl, &step->device, NULL);
                break;
        case MT_UNDO_QDISC:
                (void)mt_tc_qdisc_delete(nl, &step->device, step->parent, step->handle, NULL);
                break;
        case MT_UNDO_CLASS:
                (void)mt_htb_class_delete(nl, &step->device, step->handle, NULL);
                break;
        case MT_UNDO_CLASS_CHANGE:
                (void)mt_htb_class_change(nl, &step->device, &step->class, NULL);
                break;
        case MT_UNDO_FILTERS:
                (void)mt_filter_delete(nl, &step->device, step->parent, step->priority, NULL);
                break;
        }
}

void mt_undo_run(struct mt_undo *undo)
{
        while (undo->n > 0)
                undo_step(undo->nl, &undo->steps[--undo->n]);
}

void mt_undo_commit(struct mt_undo *undo)
{
        undo->n = 0;
}
