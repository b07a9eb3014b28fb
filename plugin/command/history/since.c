/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/history/options.h"
#include "record/timestamp.h"
#include "units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)

/* "90min" and the like by units.h, which has no longer units: whole hours, days and weeks. */
static int parse_age(const char *text, uint64_t *ret_ms)
{
        const size_t digits = strspn(text, "0123456789");
        const char *unit = text + digits;
        const unsigned hours = strcmp(unit, "h") == 0 ? 1 : strcmp(unit, "d") == 0 ? 24 : strcmp(unit, "w") == 0 ? 168 : 0;

        if (digits == 0 || digits > 9 || hours == 0)
                return mt_parse_time(text, ret_ms);
        *ret_ms = (uint64_t)strtoul(text, NULL, 10) * hours * 60 * (uint64_t)MINUTE_MS;
        return 0;
}

/* Two digits below `below`, or -1. */
static int two_digits(const char *text, int below)
{
        int value;

        if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
                return -1;
        value = (text[0] - '0') * 10 + (text[1] - '0');
        return value < below ? value : -1;
}

/* "Z" or "+hh:mm": how far local time is ahead of UTC. */
static bool parse_zone(const char *text, int64_t *ret_ms)
{
        int hours, minutes;

        *ret_ms = 0;
        if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
                return true;
        if ((text[0] != '+' && text[0] != '-') || strlen(text) != strlen("+hh:mm") || text[3] != ':')
                return false;
        hours = two_digits(text + 1, 24);
        minutes = two_digits(text + 4, 60);
        *ret_ms = (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS;
        return hours >= 0 && minutes >= 0;
}

/* ".5" as 500; *text is moved behind it. -1: a point without digits. */
static int parse_fraction(const char **text)
{
        int ms = 0, scale = 100;
        const char *c = *text;

        if (*c != '.')
                return 0;
        for (c++; *c >= '0' && *c <= '9'; c++, scale /= 10)
                ms += (*c - '0') * scale;
        if (c == *text + 1)
                return -1;
        *text = c;
        return ms;
}

static int parse_time(const char *text, uint64_t *ret_unix_ms)
{
        static const size_t date = sizeof("2026-11-20") - 1, time = sizeof("06:15:00") - 1;
        const bool whole_day = strlen(text) == date;
        char canonical[MT_TIMESTAMP_SIZE], again[MT_TIMESTAMP_SIZE];
        const char *rest;
        int64_t zone_ms = 0, sum;
        uint64_t unix_ms;
        int ms = 0;

        if (!whole_day && (strlen(text) <= date + 1 + time || strchr("Tt ", text[date]) == NULL))
                return -EINVAL;
        (void)snprintf(canonical, sizeof(canonical), "%.*sT%.*sZ", (int)date, text, (int)time,
                       whole_day ? "00:00:00" : text + date + 1);
        if (mt_timestamp_parse(canonical, &unix_ms) < 0)
                return -EINVAL;
        /* no 30th of February, which became a day in March; a leap second at midnight is the next day's */
        if (strncmp(mt_timestamp(again, sizeof(again), unix_ms), canonical, date) != 0 && strstr(canonical, ":60Z") == NULL)
                return -EINVAL;
        if (!whole_day) {
                rest = text + date + 1 + time;
                ms = parse_fraction(&rest);
                if (ms < 0 || !parse_zone(rest, &zone_ms))
                        return -EINVAL;
        }
        sum = (int64_t)unix_ms + ms - zone_ms;
        *ret_unix_ms = sum > 0 ? (uint64_t)sum : 1;
        return 0;
}

int mt_since_parse(const char *text, uint64_t now_ms, uint64_t *ret_unix_ms)
{
        uint64_t age_ms;

        if (parse_age(text, &age_ms) < 0)
                return parse_time(text, ret_unix_ms);
        *ret_unix_ms = age_ms < now_ms ? now_ms - age_ms : 1;
        return 0;
}
