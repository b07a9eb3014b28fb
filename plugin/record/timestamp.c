/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/timestamp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void split(uint64_t unix_ms, struct tm *tm)
{
        time_t seconds = (time_t)(unix_ms / 1000);

        if (gmtime_r(&seconds, tm) == NULL) /* a year beyond int: not a time of this world */
                (void)memset(tm, 0, sizeof(*tm));
}

const char *mt_timestamp(char *text, size_t size, uint64_t unix_ms)
{
        struct tm tm;

        split(unix_ms, &tm);
        (void)snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                       tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(unix_ms % 1000));
        return text;
}

const char *mt_record_id(char *text, size_t size, uint64_t started_ms, const char *uuid)
{
        struct tm tm;

        split(started_ms, &tm);
        (void)snprintf(text, size, "%04d%02d%02dT%02d%02d%02d.%03uZ-%.8s", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                       tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(started_ms % 1000), uuid);
        return text;
}

/* Reads n digits, or returns -1. */
static int digits(const char *text, unsigned n)
{
        int value = 0;

        for (; n > 0; n--, text++) {
                if (*text < '0' || *text > '9')
                        return -1;
                value = value * 10 + (*text - '0');
        }
        return value;
}

int mt_timestamp_parse(const char *text, uint64_t *ret_unix_ms)
{
        static const char form[] = "dddd-dd-ddTdd:dd:dd";
        struct tm tm = { .tm_isdst = 0 };
        int ms = 0;
        time_t seconds;

        if (strlen(text) < sizeof(form))
                return -EINVAL;
        for (unsigned i = 0; i < sizeof(form) - 1; i++)
                if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
                        return -EINVAL;
        if (strcmp(text + 19, "Z") != 0) {
                ms = text[19] == '.' ? digits(text + 20, 3) : -1;
                if (ms < 0 || strcmp(text + 23, "Z") != 0)
                        return -EINVAL;
        }
        tm.tm_year = digits(text, 4) - 1900;
        tm.tm_mon = digits(text + 5, 2) - 1;
        tm.tm_mday = digits(text + 8, 2);
        tm.tm_hour = digits(text + 11, 2);
        tm.tm_min = digits(text + 14, 2);
        tm.tm_sec = digits(text + 17, 2);
        if (tm.tm_year < 70 || tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
            tm.tm_min > 59 || tm.tm_sec > 60)
                return -EINVAL;
        seconds = timegm(&tm);
        if (seconds < 0)
                return -EINVAL;
        *ret_unix_ms = (uint64_t)seconds * 1000 + (uint64_t)ms;
        return 0;
}
