/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Adding lines to a plan's explanation. */
#ifndef MT_REASON_H
#define MT_REASON_H

#include "err.h"
#include "plan.h"

#include <stddef.h>

/* Appends one reason; when the list is full its last line says so. reasons NULL: nobody wants to know. */
void mt_reason(struct mt_reasons *reasons, const char *format, ...) MT_PRINTF(2, 3);

/* snprintf, for folders that know no stdio.h: text gets what fits of it. */
void mt_sentence(char *text, size_t size, const char *format, ...) MT_PRINTF(3, 4);

/* "technique", "post-copy", ..., "lambda"; "" of MT_BAR_NONE. */
const char *mt_bar_name(enum mt_bar bar);

#endif
