/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where marks and labels go, so that axes are round and no two texts lie on one another. Pure. */
#ifndef MT_COMMAND_REPORT_PLACE_H
#define MT_COMMAND_REPORT_PLACE_H

#include <stddef.h>

/* A step of 1, 2 or 5 times a power of ten, so that `range` has at most `most` of them (range > 0, most >= 1). */
double mt_place_step(double range, unsigned most);

/*
 * Moves places apart, as little as that takes, so that each is at least `apart` from the next and all are within [from,
 * until] where they fit at all. Their order stays; equal ones keep the order that they are given in.
 */
#define MT_PLACES 8
void mt_place_apart(double *places, size_t n, double apart, double from, double until);

/* Round marks of a logarithmic axis of time. */
struct mt_place_tick {
        double ms;
        const char *label; /* "20 s" */
};

/* Those in [from_ms, until_ms]; only every third or so where there would be more than `most`. Returns how many. */
#define MT_PLACE_TICKS 40
size_t mt_place_time_ticks(double from_ms, double until_ms, size_t most, struct mt_place_tick *ret);

#endif
