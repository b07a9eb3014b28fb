/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page, section by section. */
#ifndef MT_COMMAND_REPORT_PAGE_H
#define MT_COMMAND_REPORT_PAGE_H

#include "command/report/select.h"
#include "err.h"

#include <migtune/plugin.h>

#include <json-c/json.h>
#include <stdio.h>

/* What a page is made of. */
struct mt_page {
        const struct mt_host_ops *host;
        const struct mt_selection *selection;
        const struct mt_history_counts *counts;
        const char *file; /* the history */
        uint64_t now_ms;  /* since 1970 */
};

/* Writes it all. 0 or -errno with a message: a picture could not be drawn. */
int mt_report_page(const struct mt_page *page, FILE *out, struct mt_err *err);

/* sections.c: what is told of all together: limits, predictions, bytes (bytes.c). */
int mt_report_sections(const struct mt_page *page, FILE *out, struct mt_err *err);
int mt_report_bytes(const struct mt_page *page, FILE *out, struct mt_err *err);

/* Begins a section of these, with its heading. */
void mt_report_section(FILE *out, const char *id, const char *title);

/* rows.c: the table of migrations, newest first. */
void mt_report_rows(const struct mt_page *page, FILE *out);

/* courses.c: the timelines, newest first; a progress bar on a terminal. */
int mt_report_courses(const struct mt_page *page, FILE *out, struct mt_err *err);

/* Pieces. Times are ms since 1970; text is written harmless. */

/* A moment for people and programs: <time datetime="2026-11-20T06:15:00.123Z">2026-11-20 06:15:00</time>; "-": 0. */
void mt_report_moment(FILE *out, uint64_t unix_ms);

/* How it ended: a sign and a word. */
void mt_report_state(FILE *out, json_object *record);

/* The migration's number in the page: the i-th oldest of a ring's is its (selected - n + i + 1)-th. */
uint64_t mt_report_number(const struct mt_selection *selection, const struct mt_ring *ring, size_t i);

#endif
