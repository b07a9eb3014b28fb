/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reason.h"
#include "array.h"

#include <stdarg.h>
#include <stdio.h>

void mt_reason(struct mt_reasons *reasons, const char *format, ...)
{
        va_list args;

        if (reasons == NULL)
                return;
        if (reasons->n == MT_MAX_REASONS) {
                (void)snprintf(reasons->text[MT_MAX_REASONS - 1], MT_REASON_SIZE, "(further reasons left out)");
                return;
        }
        va_start(args, format);
        (void)vsnprintf(reasons->text[reasons->n++], MT_REASON_SIZE, format, args);
        va_end(args);
}

void mt_sentence(char *text, size_t size, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, size, format, args);
        va_end(args);
}

const char *mt_bar_name(enum mt_bar bar)
{
        static const char *const names[MT_BARS] = { "",      "technique",   "post-copy", "strategy", "caller",   "turn",
                                                    "share", "low-urgency", "sla",       "urgency",  "too-slow", "lambda" };

        return (unsigned)bar < MT_ARRAY_SIZE(names) ? names[(unsigned)bar] : "?";
}
