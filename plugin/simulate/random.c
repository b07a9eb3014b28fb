/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/random.h"

#include <math.h>

#define TWO_PI 6.28318530717958647693

uint64_t mt_random_splitmix(uint64_t *state)
{
        uint64_t z;

        *state += UINT64_C(0x9e3779b97f4a7c15); /* 2^64 over the golden ratio, odd: every state comes once */
        z = *state;
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

void mt_random_seed(struct mt_random *random, uint64_t seed, uint64_t stream)
{
        uint64_t state = seed;

        state = mt_random_splitmix(&state) + stream; /* mixed first, so that seed + 1 is not the next stream */
        for (unsigned i = 0; i < 4; i++)
                random->s[i] = mt_random_splitmix(&state);
}

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
        return value << bits | value >> (64 - bits);
}

uint64_t mt_random_next(struct mt_random *random)
{
        uint64_t *s = random->s;
        const uint64_t result = rotate_left(s[1] * 5, 7) * 9, shifted = s[1] << 17;

        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = rotate_left(s[3], 45);
        return result;
}

double mt_random_unit(struct mt_random *random)
{
        return (double)(mt_random_next(random) >> 11) * 0x1p-53;
}

/* The high half of bits * n; the few bits whose low half makes some results more likely are drawn again. */
uint32_t mt_random_below(struct mt_random *random, uint32_t n)
{
        const uint32_t unfair = -n % n; /* 2^32 modulo n */
        uint64_t product;

        do
                product = (mt_random_next(random) >> 32) * n;
        while ((uint32_t)product < unfair);
        return (uint32_t)(product >> 32);
}

double mt_random_uniform(struct mt_random *random, double low, double high)
{
        return low + (high - low) * mt_random_unit(random);
}

double mt_random_exponential(struct mt_random *random, double mean)
{
        return -mean * log1p(-mt_random_unit(random));
}

/* The distribution function on [low, high], from low, is 1 - e^(-(x - low)/mean), up to what it reaches at high. */
double mt_random_exponential_within(struct mt_random *random, double mean, double low, double high)
{
        const double reached = -expm1(-(high - low) / mean);

        return fmin(low - mean * log1p(-mt_random_unit(random) * reached), high);
}

/* Wide against the range, a normal is nearly flat there: then points of the range are accepted by its density. */
static double normal_wide(struct mt_random *random, double sd, double low, double high)
{
        const double middle = 0.5 * (low + high);
        double x, z;

        do {
                x = mt_random_uniform(random, low, high);
                z = (x - middle) / sd;
        } while (mt_random_unit(random) >= exp(-0.5 * z * z));
        return x;
}

double mt_random_normal_within(struct mt_random *random, double sd, double low, double high)
{
        double x;

        if (sd > high - low)
                return normal_wide(random, sd, low, high);
        do { /* Box and Muller; the second value is not kept, so that a generator's state is all there is */
                const double radius = sqrt(-2.0 * log1p(-mt_random_unit(random)));

                x = 0.5 * (low + high) + sd * radius * cos(TWO_PI * mt_random_unit(random));
        } while (x < low || x > high);
        return x;
}
