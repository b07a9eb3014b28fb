/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gnuplot's SVG, made fit to stand in a page. */
#ifndef MT_COMMAND_REPORT_SVG_H
#define MT_COMMAND_REPORT_SVG_H

#include "err.h"

#include <stddef.h>
#include <stdio.h>

/* What somebody is told who does not see the picture. */
struct mt_svg_label {
        const char *id;          /* unique in the page: letters, digits and '-' */
        const char *title;       /* what it shows; any text */
        const char *description; /* what is to be seen in it; any text */
};

/*
 * Colours as they are given to gnuplot, each of which becomes a class that the page's style sheet gives a colour for light,
 * dark and paper (style.c). Any other one becomes that of MT_SVG_INK.
 */
#define MT_SVG_BLUE "#0072b2"      /* class b */
#define MT_SVG_VERMILION "#d55e00" /* class v */
#define MT_SVG_GREEN "#009e73"     /* class n */
#define MT_SVG_INK "#000000"       /* class k: text, axes */
#define MT_SVG_FAINT "#666666"     /* class f: lesser text, lines that help */
#define MT_SVG_GRID "#dddddd"      /* class g */
#define MT_SVG_BLUE_AREA "#0072b3" /* class ba: pale */
#define MT_SVG_HATCH "#d55e01"     /* class vh: vermilion stripes */

/*
 * Writes the picture: shapes, numbers and text alone, with roles and names for assistive technology, without identifiers of
 * gnuplot's own, which would be there as often as pictures are. Marks are drawn by reference to the page's definitions
 * (mt_svg_definitions). -EIO: it is no SVG.
 */
int mt_svg_inline(FILE *out, const char *svg, size_t size, const struct mt_svg_label *label, struct mt_err *err);

/* Writes what pictures refer to: once a page, before them. */
void mt_svg_definitions(FILE *out);

#endif
