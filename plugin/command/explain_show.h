/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The story of one migration, for people. */
#ifndef MT_COMMAND_EXPLAIN_SHOW_H
#define MT_COMMAND_EXPLAIN_SHOW_H

#include "err.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* What is shown. */
struct mt_explained {
        json_object *record; /* of the history; or, if it runs, what the watcher's status says. Harmless (mt_member_clean) */
        bool running;
        bool ahead;     /* a plan of what has not begun: no record yet, and nothing came of it */
        size_t columns; /* of the terminal; 0: none */
};

/* All of it. What a record does not have (an older version wrote it) is left out. */
void mt_explain_show(const struct mt_explained *e);

/* Its parts: what was measured (explain_measured.c), wanted, decided and why (explain_plan.c). */
void mt_explain_measured(const struct mt_explained *e);
void mt_explain_intent(const struct mt_explained *e);
void mt_explain_reasons(const struct mt_explained *e);
void mt_explain_plan(const struct mt_explained *e);
/* What other ways would have cost, and why this one (explain_ways.c). */
void mt_explain_ways(const struct mt_explained *e);
/* What came of it (explain_course.c). */
void mt_explain_outcome(const struct mt_explained *e);
void mt_explain_events(const struct mt_explained *e);
void mt_explain_samples(const struct mt_explained *e);
void mt_explain_classes(const struct mt_explained *e);

/* "  LABEL    text", text broken to the terminal's width. */
void mt_explain_row(const struct mt_explained *e, const char *label, const char *format, ...) MT_PRINTF(3, 4);

#endif
