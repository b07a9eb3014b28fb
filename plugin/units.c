/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Numbers are read digit by digit and never through strtod() or printf("%f"): the plugin runs inside programs that may
 * have chosen a locale with a decimal comma. A quantity is whole * factor + fraction * factor, computed in integers, the
 * fraction to nine digits; bits become bytes by one last division, rounded to nearest.
 */
#include "units.h"
#include "cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FRACTION_DIGITS 9

struct unit {
        const char *name;
        uint64_t factor;  /* of the smallest part: bits, bytes, ms */
        unsigned divisor; /* smallest parts in what is returned: 8 where bits become bytes */
};

static const struct unit rate_units[] = {
        { "bit", UINT64_C(1), 8 },
        { "kbit", UINT64_C(1000), 8 },
        { "Mbit", UINT64_C(1000000), 8 },
        { "Gbit", UINT64_C(1000000000), 8 },
        { "bit/s", UINT64_C(1), 8 },
        { "kbit/s", UINT64_C(1000), 8 },
        { "Mbit/s", UINT64_C(1000000), 8 },
        { "Gbit/s", UINT64_C(1000000000), 8 },
        { "B/s", UINT64_C(1), 1 },
        { "KiB/s", MT_KIB, 1 },
        { "MiB/s", MT_MIB, 1 },
        { "GiB/s", MT_GIB, 1 },
};

static const struct unit size_units[] = {
        { "B", UINT64_C(1), 1 },
        { "KiB", MT_KIB, 1 },
        { "MiB", MT_MIB, 1 },
        { "GiB", MT_GIB, 1 },
};

static const struct unit time_units[] = {
        { "ms", UINT64_C(1), 1 },
        { "s", UINT64_C(1000), 1 },
        { "min", UINT64_C(60000), 1 },
};

/* A decimal number as read: whole + fraction / scale. */
struct number {
        uint64_t whole;
        uint64_t fraction; /* < scale <= 10^FRACTION_DIGITS */
        uint64_t scale;
        bool overflow;
};

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/* Reads DIGITS[.DIGITS] and returns what follows, or NULL if text does not begin so. */
static const char *read_number(const char *text, struct number *ret)
{
        struct number n = { .scale = 1 };
        unsigned digits = 0;

        if (!is_digit(*text))
                return NULL;
        for (; is_digit(*text); text++)
                n.overflow |= __builtin_mul_overflow(n.whole, UINT64_C(10), &n.whole) ||
                              __builtin_add_overflow(n.whole, (uint64_t)(*text - '0'), &n.whole);
        if (*text == '.') {
                text++;
                if (!is_digit(*text))
                        return NULL;
                for (; is_digit(*text); text++) {
                        if (digits++ >= FRACTION_DIGITS)
                                continue;
                        n.fraction = n.fraction * 10 + (uint64_t)(*text - '0');
                        n.scale *= 10;
                }
        }
        *ret = n;
        return text;
}

/* number * unit, rounded to nearest; false when it does not fit, or would read as MT_AUTO. */
static bool scale(const struct number *number, const struct unit *unit, uint64_t *ret)
{
        uint64_t whole, value;

        if (number->overflow || __builtin_mul_overflow(number->whole, unit->factor, &whole))
                return false;
        /* fraction < 10^9 and factor <= 2^30, so their product stays below 2^60 */
        if (__builtin_add_overflow(whole, (number->fraction * unit->factor + number->scale / 2) / number->scale, &value))
                return false;
        if (unit->divisor > 1)
                value = value / unit->divisor + (value % unit->divisor >= unit->divisor / 2 ? 1 : 0);
        if (value == MT_AUTO)
                return false;
        *ret = value;
        return true;
}

static int parse(const char *text, const struct unit *units, size_t n_units, uint64_t *ret)
{
        struct number number;
        bool negative = text[0] == '-';
        const char *rest = read_number(text + (negative ? 1 : 0), &number);

        if (rest == NULL)
                return -EINVAL;
        if (*rest == ' ')
                rest++;
        for (size_t i = 0; i < n_units; i++)
                if (strcmp(rest, units[i].name) == 0)
                        return !negative && scale(&number, &units[i], ret) ? 0 : -ERANGE;
        return -EINVAL;
}

int mt_parse_rate(const char *text, uint64_t *ret_bytes_s)
{
        return parse(text, rate_units, MT_ARRAY_SIZE(rate_units), ret_bytes_s);
}

int mt_parse_size(const char *text, uint64_t *ret_bytes)
{
        return parse(text, size_units, MT_ARRAY_SIZE(size_units), ret_bytes);
}

int mt_parse_time(const char *text, uint64_t *ret_ms)
{
        return parse(text, time_units, MT_ARRAY_SIZE(time_units), ret_ms);
}

/* One step of a printed unit: from `least` on (so that "1000.0" never shows), value / divisor with one decimal. */
struct step {
        const char *name;
        uint64_t least;
        uint64_t divisor;
};

/* steps are ordered from the largest; the last one, with divisor 1, prints whole numbers. */
static const char *format(char *text, size_t size, uint64_t value, const struct step *steps)
{
        uint64_t whole, tenth;

        while (value < steps->least)
                steps++;
        if (steps->divisor == 1) {
                (void)snprintf(text, size, "%" PRIu64 " %s", value, steps->name);
                return text;
        }
        whole = value / steps->divisor;
        tenth = ((value % steps->divisor) * 10 + steps->divisor / 2) / steps->divisor;
        if (tenth == 10) {
                whole++;
                tenth = 0;
        }
        (void)snprintf(text, size, "%" PRIu64 ".%" PRIu64 " %s", whole, tenth, steps->name);
        return text;
}

const char *mt_format_rate(char *text, size_t size, uint64_t bytes_s)
{
        static const struct step steps[] = {
                { "Gbit/s", UINT64_C(999950000), UINT64_C(1000000000) },
                { "Mbit/s", UINT64_C(999950), UINT64_C(1000000) },
                { "kbit/s", UINT64_C(1000), UINT64_C(1000) },
                { "bit/s", UINT64_C(0), UINT64_C(1) },
        };

        if (bytes_s == MT_AUTO)
                (void)snprintf(text, size, "auto");
        else if (bytes_s > UINT64_MAX / 8) /* no such link: the whole Gbit/s, exactly enough */
                (void)snprintf(text, size, "%" PRIu64 ".0 Gbit/s", bytes_s / UINT64_C(125000000));
        else
                return format(text, size, bytes_s * 8, steps);
        return text;
}

const char *mt_format_size(char *text, size_t size, uint64_t bytes)
{
        static const struct step steps[] = {
                { "GiB", MT_GIB - MT_GIB / 20480, MT_GIB },
                { "MiB", MT_MIB - MT_MIB / 20480, MT_MIB },
                { "KiB", MT_KIB, MT_KIB },
                { "B", UINT64_C(0), UINT64_C(1) },
        };

        if (bytes != MT_AUTO)
                return format(text, size, bytes, steps);
        (void)snprintf(text, size, "auto");
        return text;
}

const char *mt_format_time(char *text, size_t size, uint64_t ms)
{
        static const struct step steps[] = {
                { "min", UINT64_C(119950), UINT64_C(60000) },
                { "s", UINT64_C(1000), UINT64_C(1000) },
                { "ms", UINT64_C(0), UINT64_C(1) },
        };

        if (ms != MT_AUTO)
                return format(text, size, ms, steps);
        (void)snprintf(text, size, "auto");
        return text;
}

/* A double to the nearest count: negative and NaN 0, too large UINT64_MAX - 1 (UINT64_MAX is MT_AUTO). */
static uint64_t to_count(double value)
{
        if (!(value > 0))
                return 0;
        if (value >= 18446744073709549568.0) /* the largest double below 2^64 */
                return UINT64_MAX - 1;
        if (value >= 9007199254740992.0) /* 2^53: a double has no fraction from here on */
                return (uint64_t)value;
        return (uint64_t)(value + 0.5);
}

double mt_mbps(uint64_t bytes_s)
{
        return (double)bytes_s * 8.0 / 1e6;
}

uint64_t mt_bytes_s(double mbps)
{
        return to_count(mbps * 1e6 / 8.0);
}

double mt_mbit(uint64_t bytes)
{
        return (double)bytes * 8.0 / 1e6;
}

uint64_t mt_bytes(double mbit)
{
        return to_count(mbit * 1e6 / 8.0);
}

double mt_seconds(uint64_t ms)
{
        return (double)ms / 1000.0;
}

uint64_t mt_ms(double seconds)
{
        return to_count(seconds * 1000.0);
}

uint64_t mt_mib_s_ceil(uint64_t bytes_s)
{
        uint64_t whole = bytes_s / MT_MIB + (bytes_s % MT_MIB != 0 ? 1 : 0);

        return whole > 0 ? whole : 1;
}
