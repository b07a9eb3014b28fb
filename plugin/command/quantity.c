/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/quantity.h"

#include <math.h>
#include <stdio.h>

/* A unit: for values below `below` (chosen so that rounding never shows a digit more), printed as value / scale. */
struct step {
        const char *unit;
        double scale, below;
        int decimals;
};

/* Steps from the smallest; beyond the last one: ">" and the largest whole number that it shows. */
static const char *format(char *text, size_t size, double value, const struct step *steps, size_t n)
{
        const struct step *step = steps;

        if (isnan(value) || value < 0.0) {
                (void)snprintf(text, size, "-");
                return text;
        }
        if (isinf(value)) {
                (void)snprintf(text, size, "never");
                return text;
        }
        while (value >= step->below && step < steps + n - 1)
                step++;
        if (value >= step->below)
                (void)snprintf(text, size, ">%.0f%s", floor(step->below / step->scale), step->unit);
        else
                (void)snprintf(text, size, "%.*f%s", step->decimals, value / step->scale, step->unit);
        return text;
}

#define FORMAT(steps) format(text, size, value, steps, sizeof(steps) / sizeof((steps)[0]))

const char *mt_quantity_time(char *text, size_t size, double value)
{
        static const struct step steps[] = {
                { " ms", 1.0, 999.5, 0 },        { " s", 1e3, 599.95e3, 1 },        { " min", 6e4, 99.95 * 6e4, 1 },
                { " h", 36e5, 71.95 * 36e5, 1 }, { " d", 864e5, 99.95 * 864e5, 1 }, { " d", 864e5, 9999.5 * 864e5, 0 },
        };

        return FORMAT(steps);
}

const char *mt_quantity_bytes(char *text, size_t size, double value)
{
        static const struct step steps[] = {
                { " B", 1.0, 999.5, 0 },
                { " KiB", 0x1p10, 999.95 * 0x1p10, 1 },
                { " MiB", 0x1p20, 999.95 * 0x1p20, 1 },
                { " GiB", 0x1p30, 999.95 * 0x1p30, 1 },
                { " TiB", 0x1p40, 999.95 * 0x1p40, 1 },
                { " PiB", 0x1p50, 999.95 * 0x1p50, 1 },
                { " EiB", 0x1p60, 999.95 * 0x1p60, 1 },
        };

        return FORMAT(steps);
}

const char *mt_quantity_rate(char *text, size_t size, double value)
{
        static const struct step steps[] = {
                { " Mbit/s", 1.0, 5e-5, 0 }, /* nothing */
                { " kbit/s", 1e-3, 0.99995, 1 }, { " Mbit/s", 1.0, 999.95, 1 },
                { " Gbit/s", 1e3, 999.95e3, 1 }, { " Tbit/s", 1e6, 999.95e6, 1 },
        };

        return FORMAT(steps);
}

const char *mt_quantity_count(char *text, size_t size, double value)
{
        static const struct step steps[] = { { "", 1.0, 9999.5, 0 } };

        return FORMAT(steps);
}
