/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MT_COMMAND_REPORT_STYLE_H
#define MT_COMMAND_REPORT_STYLE_H

/*
 * The page's style sheet. Colours are Okabe's and Ito's palette ("Color Universal Design", 2008), darker where text has
 * them, brighter where the page is dark, which follows from the reader's settings; paper is always light.
 */
extern const char mt_report_style[];

#endif
