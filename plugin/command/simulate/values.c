/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/simulate/values.h"
#include "array.h"
#include "command/model/registry.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mt_simulate_rate(const char *text, double *ret_mbps)
{
        uint64_t bytes_s;
        int r = mt_parse_rate(text, &bytes_s);

        if (r == 0)
                *ret_mbps = mt_mbps(bytes_s);
        return r;
}

int mt_simulate_memory(const char *text, double *ret_mbit)
{
        const size_t length = strlen(text);
        uint64_t bytes;
        char bits[40];
        int r = mt_parse_size(text, &bytes);

        if (r == 0) {
                *ret_mbit = mt_mbit(bytes);
                return 0;
        }
        if (length < 3 || length > sizeof(bits) - sizeof("bit") || strcmp(text + length - 2, "GB") != 0)
                return r;
        (void)snprintf(bits, sizeof(bits), "%.*sbit", (int)length - 1, text); /* "4GB": eight times "4Gbit" */
        r = mt_simulate_rate(bits, ret_mbit);
        if (r == 0)
                *ret_mbit *= 8.0;
        return r;
}

int mt_simulate_time(const char *text, double *ret_s)
{
        uint64_t ms;
        int r = mt_parse_time(text, &ms);

        if (r == 0)
                *ret_s = mt_seconds(ms);
        return r;
}

int mt_simulate_number(const char *text, double *ret)
{
        static const struct mt_model_arg number = {
                .name = "number", .kind = MT_MODEL_REAL, .unit = "", .range = &mt_model_any
        };
        struct mt_model_value value;

        if (mt_model_parse(&number, text, &value, NULL) < 0)
                return -EINVAL;
        *ret = value.real;
        return 0;
}

/* Copies the start of text as a string of its own. */
static int copy_start(const char *text, size_t length, char *ret, size_t size)
{
        if (length >= size)
                return -EINVAL;
        (void)memcpy(ret, text, length);
        ret[length] = '\0';
        return 0;
}

int mt_simulate_arrivals(const char *text, double *ret_each_s)
{
        static const struct {
                const char *unit;
                double seconds;
        } units[] = { { "/s", 1.0 }, { "/min", 60.0 }, { "/h", 3600.0 } };
        const size_t length = strcspn(text, "/");
        char number[40];
        double value;

        if (copy_start(text, length, number, sizeof(number)) < 0 || mt_simulate_number(number, &value) != 0)
                return -EINVAL;
        for (size_t i = 0; i < MT_ARRAY_SIZE(units); i++)
                if (strcmp(text + length, units[i].unit) == 0) {
                        *ret_each_s = value / units[i].seconds;
                        return 0;
                }
        return -EINVAL;
}

int mt_simulate_whole(const char *text, uint64_t *ret)
{
        uint64_t value;

        if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
                return -EINVAL;
        errno = 0;
        value = strtoull(text, NULL, 10);
        if (errno != 0)
                return -ERANGE;
        *ret = value;
        return 0;
}

int mt_simulate_range(const char *text, mt_simulate_parse_fn parse, double *ret_ends)
{
        const size_t length = strcspn(text, ":");
        double low, high;
        char first[40];
        int r = copy_start(text, length, first, sizeof(first));

        if (r == 0)
                r = parse(first, &low);
        if (r == 0)
                r = parse(text[length] == ':' ? text + length + 1 : first, &high);
        if (r != 0)
                return r;
        if (low > high)
                return -ERANGE;
        ret_ends[0] = low;
        ret_ends[1] = high;
        return 0;
}

/* The index of the name that the first `length` characters of text are, or n_names. */
static unsigned find_name(const char *text, size_t length, const char *(*name)(unsigned i), unsigned n_names)
{
        unsigned i = 0;

        while (i < n_names && (strlen(name(i)) != length || strncmp(name(i), text, length) != 0))
                i++;
        return i;
}

int mt_simulate_names(const char *text, const char *(*name)(unsigned i), unsigned n_names, unsigned *ret_values)
{
        unsigned n = 0;

        if (strcmp(text, "all") == 0) {
                for (; n < n_names; n++)
                        ret_values[n] = n;
                return (int)n;
        }
        for (;; text++) {
                const size_t length = strcspn(text, ",");
                const unsigned found = find_name(text, length, name, n_names);

                if (found == n_names)
                        return -EINVAL;
                for (unsigned k = 0; k < n; k++)
                        if (ret_values[k] == found)
                                return -EINVAL;
                ret_values[n++] = found;
                text += length;
                if (*text == '\0')
                        return (int)n;
        }
}
