/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Adding lines to a plan's explanation. */
#ifndef MT_REASON_H
#define MT_REASON_H

#include "err.h"
#include "plan.h"

/* Appends one reason; when the list is full its last line says so. reasons NULL: nobody wants to know. */
void mt_reason(struct mt_reasons *reasons, const char *format, ...) MT_PRINTF(2, 3);

/* Names an alternative: "post-copy, lambda-range". */
void mt_alternative_name(struct mt_alternative *alternative, enum mt_technique technique, enum mt_strategy strategy);

#endif
