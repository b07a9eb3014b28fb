/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/report/place.h"
#include "array.h"

#include <math.h>
#include <stdbool.h>

double mt_place_step(double range, unsigned most)
{
        const double least = range / (double)most;
        const double power = pow(10.0, floor(log10(least)));
        const double digits = least / power;

        return power * (digits <= 1.0 + 1e-9 ? 1.0 : digits <= 2.0 + 1e-9 ? 2.0 : digits <= 5.0 + 1e-9 ? 5.0 : 10.0);
}

/* Indices of the places, least first; n is small. */
static void sort(const double *places, size_t n, size_t *ret)
{
        for (size_t i = 0; i < n; i++) {
                size_t at = i;

                for (; at > 0 && places[ret[at - 1]] > places[i]; at--)
                        ret[at] = ret[at - 1];
                ret[at] = i;
        }
}

/* From the least on each one is pushed up by the one below, then from `until` down by the one above: never under `from`. */
void mt_place_apart(double *places, size_t n, double apart, double from, double until)
{
        size_t order[MT_PLACES];

        if (n == 0 || n > MT_PLACES)
                return;
        sort(places, n, order);
        for (size_t i = 0; i < n; i++) {
                const double least = i == 0 ? from : places[order[i - 1]] + apart;

                places[order[i]] = fmax(places[order[i]], least);
        }
        for (size_t i = n; i-- > 0;) {
                const double most = i + 1 == n ? until : places[order[i + 1]] - apart;

                places[order[i]] = fmax(fmin(places[order[i]], most), from + (double)i * apart);
        }
}

size_t mt_place_time_ticks(double from_ms, double until_ms, size_t most, struct mt_place_tick *ret)
{
        static const struct {
                struct mt_place_tick tick;
                bool major;
        } ticks[] = {
                { { 1, "1 ms" }, true },       { { 2, "2 ms" }, false },     { { 5, "5 ms" }, false },
                { { 10, "10 ms" }, true },     { { 20, "20 ms" }, false },   { { 50, "50 ms" }, false },
                { { 100, "100 ms" }, true },   { { 200, "200 ms" }, false }, { { 500, "500 ms" }, false },
                { { 1e3, "1 s" }, true },      { { 2e3, "2 s" }, false },    { { 5e3, "5 s" }, false },
                { { 1e4, "10 s" }, true },     { { 2e4, "20 s" }, false },   { { 6e4, "1 min" }, true },
                { { 12e4, "2 min" }, false },  { { 3e5, "5 min" }, false },  { { 6e5, "10 min" }, true },
                { { 12e5, "20 min" }, false }, { { 36e5, "1 h" }, true },    { { 72e5, "2 h" }, false },
                { { 18e6, "5 h" }, false },    { { 36e6, "10 h" }, true },   { { 864e5, "1 d" }, false },
                { { 1728e5, "2 d" }, false },  { { 432e6, "5 d" }, true },   { { 864e7, "100 d" }, true },
        };
        size_t n = 0;

        for (unsigned all = 1;; all = 0) {
                n = 0;
                for (size_t i = 0; i < MT_ARRAY_SIZE(ticks); i++)
                        if ((all || ticks[i].major) && ticks[i].tick.ms >= from_ms && ticks[i].tick.ms <= until_ms)
                                ret[n++] = ticks[i].tick;
                if (n <= most || !all)
                        return n;
        }
}
