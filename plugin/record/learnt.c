/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/learnt.h"
#include "record/history.h"

#include <string.h>

void mt_learnt_record(struct mt_learnt *learnt, json_object *record)
{
        mt_past_rates_learn_record(&learnt->rates, record);
        mt_overheads_learn(&learnt->overheads, record);
        mt_evidence_learn(&learnt->evidence, record);
}

struct loading {
        struct mt_learnt *learnt;
        const atomic_bool *stop;
};

static bool load_record(void *ctx, json_object *record)
{
        const struct loading *loading = ctx;

        mt_learnt_record(loading->learnt, record);
        return loading->stop == NULL || !atomic_load(loading->stop);
}

int mt_learnt_load(struct mt_learnt *learnt, const char *history_file, const atomic_bool *stop, struct mt_err *err)
{
        struct loading loading = { .learnt = learnt, .stop = stop };
        int r = mt_history_newest(history_file, MT_HISTORY_RECENT_BYTES, NULL, load_record, &loading, NULL);

        if (r < 0)
                return mt_fail(err, -r, "read the history '%s': %s", history_file, strerror(-r));
        mt_calibrate(&learnt->evidence, &learnt->calibration);
        return 0;
}

void mt_learnt_done(struct mt_learnt *learnt)
{
        mt_past_rates_done(&learnt->rates);
        mt_evidence_done(&learnt->evidence);
        (void)memset(learnt, 0, sizeof(*learnt));
}
