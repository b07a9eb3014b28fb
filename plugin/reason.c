/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reason.h"

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

void mt_alternative_name(struct mt_alternative *alternative, enum mt_technique technique, enum mt_strategy strategy)
{
        (void)snprintf(alternative->name, sizeof(alternative->name), "%s, %s", mt_technique_name(technique),
                       mt_strategy_name(strategy));
}
