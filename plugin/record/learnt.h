/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that earlier migrations have taught, kept in memory: dirty rates, costs beside the copying, evidence, and what the
 * evidence comes to.
 */
#ifndef MT_RECORD_LEARNT_H
#define MT_RECORD_LEARNT_H

#include "err.h"
#include "record/calibration.h"
#include "record/evidence.h"
#include "record/overheads.h"
#include "record/past_rates.h"

#include <json-c/json.h>
#include <stdatomic.h>

/* Zeroed: nothing. */
struct mt_learnt {
        struct mt_past_rates rates;
        struct mt_overheads overheads;
        struct mt_evidence evidence;
        struct mt_calibration calibration; /* of the evidence; mt_calibrate brings it up to date */
};

/* Takes what one migration's record tells; one that was taken before tells nothing new. Does not calibrate. */
void mt_learnt_record(struct mt_learnt *learnt, json_object *record);

/*
 * Takes the records at the end of a history file (MT_HISTORY_RECENT_BYTES of it), and calibrates. Damaged lines are passed
 * over; a missing file has no records. 150 ms for 1000 records. *stop, if not NULL, ends it early when it becomes true.
 */
int mt_learnt_load(struct mt_learnt *learnt, const char *history_file, const atomic_bool *stop, struct mt_err *err);

/* Frees what it holds and zeroes it. */
void mt_learnt_done(struct mt_learnt *learnt);

#endif
