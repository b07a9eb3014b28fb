/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seeded noise, the same in each run (Knuth's MMIX generator). */
#ifndef MT_TEST_NOISE_H
#define MT_TEST_NOISE_H

#include <stdint.h>
#include <stdlib.h>

/* How often to draw: a tenth where an emulated processor makes each draw slow (valgrind; tests/run sets MIGTUNE_TEST_SLOW). */
static inline unsigned noise_draws(unsigned draws)
{
        return getenv("MIGTUNE_TEST_SLOW") != NULL ? draws / 10 : draws;
}

/* 0 <= x < 1. */
static inline double noise_uniform(uint64_t *seed)
{
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (double)(*seed >> 11) / 9007199254740992.0;
}

/* Irwin and Hall's: twelve uniform numbers less 6, variance 1. */
static inline double noise_normal(uint64_t *seed)
{
        double sum = -6.0;

        for (unsigned i = 0; i < 12; i++)
                sum += noise_uniform(seed);
        return sum;
}

#endif
