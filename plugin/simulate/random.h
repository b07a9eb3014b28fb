/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random numbers that are the same on every machine: xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", ACM TOMS 47(4), 2021), its state filled by splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
 */
#ifndef MT_SIMULATE_RANDOM_H
#define MT_SIMULATE_RANDOM_H

#include <stdint.h>

struct mt_random {
        uint64_t s[4]; /* not all 0 */
};

/* splitmix64: moves *state on and returns the next number. */
uint64_t mt_random_splitmix(uint64_t *state);

/* The generator of a seed's stream: streams of one seed, and those of other seeds, have nothing to do with each other. */
void mt_random_seed(struct mt_random *random, uint64_t seed, uint64_t stream);

/* 64 random bits. */
uint64_t mt_random_next(struct mt_random *random);
/* [0, 1), in steps of 2^-53. */
double mt_random_unit(struct mt_random *random);
/* 0 to n - 1, each as often; n > 0. */
uint32_t mt_random_below(struct mt_random *random, uint32_t n);

/* [low, high); low where they are equal. */
double mt_random_uniform(struct mt_random *random, double low, double high);
/* Exponential; mean > 0. */
double mt_random_exponential(struct mt_random *random, double mean);
/* Exponential of this mean, but drawn again until it lies in [low, high], 0 <= low <= high; at once, by inversion. */
double mt_random_exponential_within(struct mt_random *random, double mean, double low, double high);
/* Normal around the middle of [low, high], low <= high, sd > 0, drawn again until it lies there. */
double mt_random_normal_within(struct mt_random *random, double sd, double low, double high);

#endif
