/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text in a page of HTML. What stands in a record comes from anywhere: nothing of it may become markup. */
#ifndef MT_COMMAND_REPORT_HTML_H
#define MT_COMMAND_REPORT_HTML_H

#include <stdio.h>

/*
 * Writes text so that it is text, between tags and within a quoted attribute: & < > " ' as entities, and what a terminal
 * must not see (terminal.h: control characters, those without width or that turn the direction, what is no UTF-8) as '?'.
 */
void mt_html_text(FILE *out, const char *text);

/* The same of a name, isolated, so that its own direction does not reorder what stands beside it; "-" where it is "". */
void mt_html_name(FILE *out, const char *name);

#endif
