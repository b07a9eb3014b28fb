/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Quantities: what is read can be printed and read again, and means about the same; MT_AUTO never comes out. */
#include "replay.h"
#include "units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check(int (*parse)(const char *, uint64_t *), const char *(*format)(char *, size_t, uint64_t), const char *text)
{
        uint64_t value = 7, again;
        char printed[64];

        if (parse(text, &value) < 0) {
                if (value != 7)
                        abort();
                return;
        }
        if (value == MT_AUTO || strlen(format(printed, sizeof(printed), value)) >= sizeof(printed) - 1)
                abort();
        if (parse(printed, &again) == 0 && fabs((double)again - (double)value) > 0.051 * (double)value)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1);

        if (text == NULL)
                return 0;
        if (size > 0)
                (void)memcpy(text, data, size);
        text[size] = '\0';
        check(mt_parse_rate, mt_format_rate, text);
        check(mt_parse_size, mt_format_size, text);
        check(mt_parse_time, mt_format_time, text);
        free(text);
        return 0;
}
