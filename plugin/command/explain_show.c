/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/explain_show.h"
#include "command/member.h"
#include "command/terminal.h"
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LABEL 19

void mt_explain_row(const struct mt_explained *e, const char *label, const char *format, ...)
{
        char text[2048], name[LABEL * 4 + 1];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        (void)snprintf(name, sizeof(name), "%s", label);
        mt_terminal_clip(name, LABEL);
        mt_print("  %s%*s ", name, (int)(LABEL - mt_terminal_width(name)), "");
        mt_terminal_wrap(text, LABEL + 3, e->columns > 0 ? e->columns - 1 : 0);
}

static const char *or_dash(const char *text)
{
        return text[0] != '\0' ? text : "-";
}

static void show_head(const struct mt_explained *e)
{
        json_object *record = e->record;
        const char *error = mt_member_text(record, "error"), *attach = mt_member_text(record, "attach");

        mt_print("%s -> %s: %s%s%s%s\n", or_dash(mt_member_text(record, e->running ? "domain" : "domain/name")),
                 or_dash(mt_member_text(record, "destination")),
                 or_dash(mt_member_text(record, e->running ? "state" : "result")), error[0] != '\0' ? ": " : "", error,
                 mt_member_is_true(record, "adopted") ? ", found running already" : "");
        mt_print("  id %s\n", or_dash(mt_member_text(record, "id")));
        if (!e->running)
                mt_print("  began %s on %s\n", or_dash(mt_member_text(record, "started")),
                         or_dash(mt_member_text(record, "source")));
        mt_print("  mode %s%s%s\n", or_dash(mt_member_text(record, "mode")), attach[0] != '\0' ? ", seen by " : "", attach);
}

void mt_explain_show(const struct mt_explained *e)
{
        show_head(e);
        mt_explain_measured(e);
        mt_explain_intent(e);
        mt_explain_reasons(e);
        mt_explain_plan(e);
        mt_explain_ways(e);
        mt_explain_outcome(e);
        mt_explain_events(e);
        mt_explain_samples(e);
        mt_explain_classes(e);
}
