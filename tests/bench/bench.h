/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clock and the report of the benchmarks: one JSON line a measurement, times in us. */
#ifndef MT_BENCH_H
#define MT_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BENCH_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline double bench_now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline int bench_compare(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return x < y ? -1 : x > y;
}

/* Sorts us[0..n) and prints {"bench", "unit", "n", "median", "p5", "p95"}. */
static inline void bench_report(const char *name, double *us, size_t n)
{
        qsort(us, n, sizeof(*us), bench_compare);
        printf("{\"bench\": \"%s\", \"unit\": \"us\", \"n\": %zu, \"median\": %.1f, \"p5\": %.1f, \"p95\": %.1f}\n", name, n,
               us[n / 2], us[n / 20], us[n - 1 - n / 20]);
        (void)fflush(stdout);
}

#endif
