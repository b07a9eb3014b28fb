/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/metrics_walk.h"

#include <inttypes.h>
#include <string.h>

#define MOST_VALUE (UINT64_MAX / 4) /* a counter can grow on from there */

static uint64_t power(unsigned decimals)
{
        uint64_t scale = 1;

        while (decimals-- > 0)
                scale *= 10;
        return scale;
}

static const char *number(char *ret, size_t size, uint64_t value, unsigned decimals)
{
        for (; decimals > 0 && value % 10 == 0; decimals--)
                value /= 10;
        if (decimals > 0)
                (void)snprintf(ret, size, "%" PRIu64 ".%0*" PRIu64, value / power(decimals), (int)decimals,
                               value % power(decimals));
        else
                (void)snprintf(ret, size, "%" PRIu64, value);
        return ret;
}

/* What number() gives, up to the end of its line. False: it is something else, or too large. */
static bool parse(const char *text, unsigned decimals, uint64_t *ret)
{
        bool point = false, digit = false;
        uint64_t value = 0;

        for (; *text != '\n'; text++) {
                if (*text == '.' && !point && digit) {
                        point = true;
                        continue;
                }
                if (*text < '0' || *text > '9' || (point && decimals == 0) || value > MOST_VALUE / 10)
                        return false;
                decimals -= point ? 1 : 0;
                digit = true;
                value = value * 10 + (uint64_t)(*text - '0');
        }
        if (!digit || value > MOST_VALUE / power(decimals))
                return false;
        *ret = value * power(decimals);
        return true;
}

bool mt_metrics_series(const struct mt_metrics_walk *walk, const char *suffix, const char *labels, unsigned decimals,
                       uint64_t *value)
{
        const char *open = labels[0] != '\0' ? "{" : "", *close = labels[0] != '\0' ? "}" : "", *at;
        char key[320], digits[48];

        (void)snprintf(key, sizeof(key), "\n%s%s%s%s%s ", walk->family, suffix, open, labels, close);
        if (walk->out != NULL) {
                (void)fprintf(walk->out, "%s%s\n", key + 1, number(digits, sizeof(digits), *value, decimals));
                return true;
        }
        at = strstr(walk->text, key);
        return at != NULL && parse(at + strlen(key), decimals, value);
}

void mt_metrics_counter(const struct mt_metrics_walk *walk, const char *labels, unsigned decimals, uint64_t *value)
{
        uint64_t earlier = 0;

        if (walk->out != NULL)
                (void)mt_metrics_series(walk, "", labels, decimals, value);
        else if (mt_metrics_series(walk, "", labels, decimals, &earlier))
                *value += earlier;
}

/* The labels of the i-th bucket. */
static const char *bucket(char *ret, size_t size, const char *labels, const struct mt_metrics_bounds *bounds, unsigned i)
{
        char bound[48] = "+Inf";

        if (i < bounds->n)
                (void)number(bound, sizeof(bound), bounds->bound[i], bounds->decimals);
        (void)snprintf(ret, size, "%s%sle=\"%s\"", labels, labels[0] != '\0' ? "," : "", bound);
        return ret;
}

static void write_buckets(const struct mt_metrics_walk *walk, const char *labels, const struct mt_metrics_bounds *bounds,
                          const struct mt_metrics_histogram *histogram)
{
        uint64_t count = 0, sum = histogram->sum;
        char all[160];

        for (unsigned i = 0; i <= bounds->n; i++) {
                count += histogram->in[i];
                (void)mt_metrics_series(walk, "_bucket", bucket(all, sizeof(all), labels, bounds, i), 0, &count);
        }
        (void)mt_metrics_series(walk, "_sum", labels, bounds->decimals, &sum);
        (void)mt_metrics_series(walk, "_count", labels, 0, &count);
}

void mt_metrics_buckets(const struct mt_metrics_walk *walk, const char *labels, const struct mt_metrics_bounds *bounds,
                        struct mt_metrics_histogram *histogram)
{
        struct mt_metrics_histogram earlier = { .sum = 0 };
        uint64_t before = 0, upto = 0, count = 0;
        char all[160];

        if (walk->out != NULL) {
                write_buckets(walk, labels, bounds, histogram);
                return;
        }
        for (unsigned i = 0; i <= bounds->n; i++) {
                if (!mt_metrics_series(walk, "_bucket", bucket(all, sizeof(all), labels, bounds, i), 0, &upto) ||
                    upto < before)
                        return;
                earlier.in[i] = upto - before;
                before = upto;
        }
        if (!mt_metrics_series(walk, "_sum", labels, bounds->decimals, &earlier.sum) ||
            !mt_metrics_series(walk, "_count", labels, 0, &count) || count != upto)
                return;
        for (unsigned i = 0; i <= bounds->n; i++)
                histogram->in[i] += earlier.in[i];
        histogram->sum += earlier.sum;
}

const char *mt_metrics_escape(char *ret, size_t size, const char *value)
{
        size_t at = 0;

        for (; *value != '\0' && at + sizeof("\\\\xHH") <= size; value++) {
                unsigned char c = (unsigned char)*value;

                if (c < 0x20 || c > 0x7e)
                        at += (size_t)snprintf(ret + at, size - at, "\\\\x%02x", c);
                else if (c == '\\' || c == '"')
                        at += (size_t)snprintf(ret + at, size - at, "\\%c", c);
                else
                        ret[at++] = (char)c;
        }
        ret[at] = '\0';
        return ret;
}
