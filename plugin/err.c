/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef mt_fail /* err.h wraps them for the analyzer */
#undef mt_wrap

int mt_fail(struct mt_err *err, int code, const char *format, ...)
{
        va_list args;

        if (err == NULL)
                return -code;
        err->code = code;
        va_start(args, format);
        (void)vsnprintf(err->msg, sizeof(err->msg), format, args);
        va_end(args);
        return -code;
}

int mt_wrap(struct mt_err *err, const char *format, ...)
{
        char context[256];
        size_t used, kept;
        va_list args;

        if (err == NULL)
                return -EIO;
        va_start(args, format);
        (void)vsnprintf(context, sizeof(context) - 2, format, args);
        va_end(args);
        used = strlen(context);
        (void)memcpy(context + used, ": ", 2);
        used += 2;
        kept = strnlen(err->msg, sizeof(err->msg) - 1 - used); /* the end of a long chain is cut */
        (void)memmove(err->msg + used, err->msg, kept);
        (void)memcpy(err->msg, context, used);
        err->msg[used + kept] = '\0';
        return -err->code;
}
