/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints a record in which no field is missing that a record can have: test_manual.py compares it with the manual. */
#include "record/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A call that changes all that can be changed. */
static void fill_call(struct mt_outcome *o)
{
        o->facts.call = (struct mt_call_fact){ .known = true, .flags = 1 };
        o->plan.call = (struct mt_call_changes){ .known = true, .compression = MT_COMPRESSION_XBZRLE };
}

/* What is written only where it happened. */
static void fill_happenings(struct mt_outcome *o)
{
        (void)snprintf(o->domain.nova_flavor, sizeof(o->domain.nova_flavor), "m1");
        (void)snprintf(o->domain.nova_project, sizeof(o->domain.nova_project), "p1");
        (void)snprintf(o->unshaped, sizeof(o->unshaped), "why");
        o->facts.dirty_spread_bytes_s = 1000;
        o->facts.process_bytes = 1000;
        o->facts.setup_ms = 1;
        o->facts.dst_migrations = 1;
        o->applied.pace_bytes_s = 1000;
        o->recovery.breaks = 1;
        o->arbitrated.downtimes = 1;
        o->adopted = true;
        o->n_tc = 1;
        o->plan.n_alternatives = 1;
        o->plan.tenants.known = o->plan.alternatives[0].tenants.known = true;
        o->plan.prediction.stall_ms = o->plan.alternatives[0].prediction.stall_ms = 1;
        mt_outcome_event(o, 0, "text");
}

int main(void)
{
        static struct mt_outcome outcome;
        char *text;

        mt_intent_defaults(&outcome.intent);
        fill_call(&outcome);
        fill_happenings(&outcome);
        if (mt_outcome_sample(&outcome, &(struct mt_sample){ .iteration = 1 }) < 0)
                return EXIT_FAILURE;
        text = mt_outcome_text(&outcome, /* max_bytes= */ 0);
        if (text == NULL)
                return EXIT_FAILURE;
        (void)puts(text);
        free(text);
        mt_outcome_done(&outcome);
        return EXIT_SUCCESS;
}
