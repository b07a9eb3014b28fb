/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hot and cold pages: what is found in synthetic guests whose truth is known, sampled as QEMU samples; the fit against a
 * search through all parameters; and input that shows nothing, or makes no sense.
 */
#include "array.h"
#include "model/alpha.h"
#include "model/hot.h"
#include "noise.h"
#include "table.h"

#include <math.h>

#define MEMORY 8589.934592 /* 1 GiB */
#define PAGE 16.777216     /* what a sampled page of 512 a GiB stands for */

/* splitmix64: the same draws on every machine. */
static double uniform(uint64_t *seed)
{
        uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
        return ((double)(z >> 11) + 0.5) * 0x1p-53;
}

/* The mean of `windows` windows of page sampling: each of the 512 pages a GiB is dirty with the same probability. */
static double sampled(uint64_t *seed, double dirtied, unsigned windows)
{
        const unsigned pages = (unsigned)(MEMORY / PAGE) * windows;
        unsigned dirty = 0;

        for (unsigned i = 0; i < pages; i++)
                dirty += uniform(seed) < dirtied / MEMORY;
        return dirty * PAGE / windows;
}

/* U(t), written down once more. */
static double truth(const struct mt_hot_pages *guest, double t)
{
        double hot = guest->hot > 0.0 ? guest->hot * (1.0 - exp(-guest->hot_rate * t / guest->hot)) : 0.0;

        return fmin(guest->cold_rate * t + hot, MEMORY);
}

/* --- two windows, no noise: the formulas of the theory of operation --- */

static const struct pair_case {
        const char *name;
        double t1, u1, t2, u2;
} pairs[] = {
        { "lab's hot guest", 1, 447, 5, 627 },
        { "nothing but hot pages", 1, 400, 5, 400 },
        { "a little hot", 1, 300, 5, 500 },
        { "half of the memory hot", 1, 4400, 5, 4800 },
        { "windows of 2 and 20 s", 2, 700, 20, 1600 },
        { "the longer one first", 5, 627, 1, 447 },
};

static void test_pair(void **state)
{
        const struct pair_case *c = *state;
        const struct mt_hot_point points[] = { { c->t1, c->u1, 10 }, { c->t2, c->u2, 10 } };
        const double cold = (c->u2 - c->u1) / (c->t2 - c->t1), hot = c->u1 - cold * c->t1;
        struct mt_hot_pages pages;

        assert_true(mt_hot_fit(points, 2, MEMORY, &pages));
        assert_true(fabs(pages.hot / hot - 1.0) < 0.08);
        assert_true(fabs(pages.cold_rate - cold) < 0.02 * c->u1);
        if (cold > 0.0) { /* then both are met, and nothing but the prior tells the rate */
                assert_true(fabs(pages.hot_rate / pages.hot - 3.0) < 0.15);
                assert_true(fabs(mt_hot_dirtied(&pages, MEMORY, c->t1) / c->u1 - 1.0) < 1e-6);
                assert_true(fabs(mt_hot_dirtied(&pages, MEMORY, c->t2) / c->u2 - 1.0) < 1e-6);
        }
}

/* --- guests sampled as QEMU samples --- */

static const struct guest_case {
        const char *name;
        struct mt_hot_pages guest;
        unsigned windows;               /* that each point is the mean of */
        double found_least, found_most; /* the part of the draws in which a hot set is seen */
        double off;                     /* by what part its size may be wrong, in nine draws of ten */
} guests[] = {
        { "hot, one pair", { 402, 855, 45 }, 1, 0.7, 1, 0.5 },
        { "hot, two pairs", { 402, 855, 45 }, 2, 0.97, 1, 0.4 },
        { "hot, many pairs", { 402, 855, 45 }, 5, 0.999, 1, 0.3 },
        { "very hot", { 402, 8000, 45 }, 5, 0.999, 1, 0.3 },
        { "large hot set", { 1500, 6000, 300 }, 5, 0.999, 1, 0.3 },
        { "small hot set beside much", { 40, 400, 200 }, 5, 0, 0.05, 99 },
        { "idle", { 0, 0, 0 }, 2, 0, 0, 0 },
        { "hardly anything", { 0, 0, 2 }, 1, 0, 0.005, 99 },
        { "some, one pair", { 0, 0, 30 }, 1, 0, 0.005, 99 },
        { "some, many pairs", { 0, 0, 30 }, 5, 0, 0.005, 99 },
        { "much, one pair", { 0, 0, 300 }, 1, 0, 0.005, 99 },
        { "much, many pairs", { 0, 0, 300 }, 5, 0, 0.005, 99 },
        { "faster than its link", { 0, 0, 1400 }, 5, 0, 0.005, 99 },
        { "all memory within the longer window", { 0, 0, 3000 }, 5, 0, 0.005, 99 },
};

static void test_guest(void **state)
{
        const struct guest_case *c = *state;
        const unsigned draws = noise_draws(2000);
        unsigned found = 0, right = 0;
        uint64_t seed = 1;
        double cold = 0.0;

        for (unsigned i = 0; i < draws; i++) {
                const struct mt_hot_point points[] = { { 1, sampled(&seed, truth(&c->guest, 1), c->windows), c->windows },
                                                       { 5, sampled(&seed, truth(&c->guest, 5), c->windows), c->windows } };
                struct mt_hot_pages pages;

                if (points[1].dirtied >= MEMORY) /* only the first tells anything: none, at its rate */
                        continue;
                assert_true(mt_hot_fit(points, 2, MEMORY, &pages));
                found += pages.hot > 0.0;
                right += pages.hot > 0.0 && fabs(pages.hot / c->guest.hot - 1.0) <= c->off;
                cold += pages.cold_rate / draws;
                assert_true((pages.hot > 0.0) == (pages.hot_rate > 0.0));
        }
        if (found < c->found_least * draws || found > c->found_most * draws || right < 0.9 * found * (c->off < 99))
                fail_msg("seen in %u of %u draws, right in %u", found, draws, right);
        if (c->guest.hot > 0.0 && c->found_least > 0.9)
                assert_true(fabs(cold - c->guest.cold_rate) < 0.25 * c->guest.cold_rate);
        if (c->guest.hot <= 0.0 && c->guest.cold_rate < 1500.0)
                assert_true(fabs(cold - c->guest.cold_rate) <= 0.1 * c->guest.cold_rate);
}

/* --- a migration's iterations, shorter and shorter, tell the rate as well --- */

static const struct flight_case {
        const char *name;
        struct mt_hot_pages guest;
} flights[] = {
        { "lab's hot guest in flight", { 402, 855, 45 } },
        { "slow hot set in flight", { 800, 800, 20 } },
        { "fast hot set in flight", { 300, 4000, 100 } },
        { "very fast hot set in flight", { 200, 8000, 50 } },
};

static void test_flight(void **state)
{
        static const double lengths[] = { 4, 1.2, 0.6, 0.4, 0.25, 0.15, 0.08, 0.05 };
        const struct mt_hot_pages *guest = &((const struct flight_case *)*state)->guest;
        struct mt_hot_point points[MT_ARRAY_SIZE(lengths)];
        uint64_t seed = 3;

        for (int draw = 0; draw < 200; draw++) {
                struct mt_hot_pages pages;

                for (size_t i = 0; i < MT_ARRAY_SIZE(lengths); i++)
                        points[i] =
                                (struct mt_hot_point){ lengths[i], truth(guest, lengths[i]) * (0.98 + 0.04 * uniform(&seed)),
                                                       MT_HOT_COUNTED };
                assert_true(mt_hot_fit(points, MT_ARRAY_SIZE(lengths), MEMORY, &pages));
                assert_true(fabs(pages.hot / guest->hot - 1.0) < 0.25);
                assert_true(fabs(pages.hot_rate / guest->hot_rate - 1.0) < 0.25);
                assert_true(fabs(pages.cold_rate - guest->cold_rate) * lengths[0] < 0.25 * guest->hot);
        }
}

/* Windows and iterations together, in any order: the same. */
static void test_order(void **state)
{
        struct mt_hot_point points[] = {
                { 4, 560, 1000 }, { 1, 440, 5 }, { 0.3, 200, 1000 }, { 5, 640, 5 }, { 0.9, 380, 1000 }
        };
        struct mt_hot_pages one, other;

        (void)state;
        assert_true(mt_hot_fit(points, MT_ARRAY_SIZE(points), MEMORY, &one));
        for (size_t i = 0; i < MT_ARRAY_SIZE(points) / 2; i++) {
                struct mt_hot_point swapped = points[i];

                points[i] = points[MT_ARRAY_SIZE(points) - 1 - i];
                points[MT_ARRAY_SIZE(points) - 1 - i] = swapped;
        }
        assert_true(mt_hot_fit(points, MT_ARRAY_SIZE(points), MEMORY, &other));
        assert_true(one.hot > 300.0 && fabs(one.hot / other.hot - 1.0) < 1e-6);
        assert_true(fabs(one.hot_rate / other.hot_rate - 1.0) < 1e-6);
}

/* --- the fit against a search --- */

/* What the fit makes least, from its theory of operation. */
static double distance(const struct mt_hot_point *points, size_t n, double hot, double k, double cold)
{
        double sum = pow(log(k / 3.0) / 1.5, 2.0);

        for (size_t i = 0; i < n; i++) {
                const double u = points[i].dirtied, off = u - cold * points[i].t - hot * (1.0 - exp(-k * points[i].t));

                sum += off * off / (PAGE * fmax(u, PAGE) / points[i].weight + 0.01 * u * u);
        }
        return sum;
}

/* The least over all that can be: a lattice of 25 sizes by 25 cold rates by 25 k, drawn together around its best. */
static double search(const struct mt_hot_point *points, size_t n, const double low[3], const double high[3])
{
        double centre[3], half[3], best = HUGE_VAL;

        for (int i = 0; i < 3; i++) {
                centre[i] = 0.5 * (low[i] + high[i]);
                half[i] = 0.5 * (high[i] - low[i]);
        }
        for (int zoom = 0; zoom < 7; zoom++) {
                double at[3], found[3] = { centre[0], centre[1], centre[2] };

                for (int step = 0; step < 25 * 25 * 25; step++) {
                        const int steps[] = { step % 25, step / 25 % 25, step / 625 };
                        double value;

                        for (int i = 0; i < 3; i++)
                                at[i] = fmin(fmax(centre[i] + half[i] * (steps[i] - 12) / 12.0, low[i]), high[i]);
                        value = distance(points, n, at[0], exp(at[2]), at[1]);
                        if (value < best) {
                                best = value;
                                for (int i = 0; i < 3; i++)
                                        found[i] = at[i];
                        }
                }
                for (int i = 0; i < 3; i++) {
                        centre[i] = found[i];
                        half[i] *= 0.3;
                }
        }
        return best;
}

static void test_brute_force(void **state)
{
        uint64_t seed = 11;
        unsigned compared = 0;

        (void)state;
        for (int draw = 0; draw < 40; draw++) {
                const struct mt_hot_pages guest = { 100 + 900 * uniform(&seed), 200 + 3000 * uniform(&seed),
                                                    100 * uniform(&seed) };
                const size_t n = 2 + (size_t)(uniform(&seed) * 6);
                struct mt_hot_point points[8];
                struct mt_hot_pages pages;
                double greatest = 0.0, shortest = HUGE_VAL, longest = 0.0;

                for (size_t i = 0; i < n; i++) {
                        const double t = 8.0 * pow(0.5, (double)i * (0.7 + 0.2 * uniform(&seed)));

                        points[i] = (struct mt_hot_point){ t, truth(&guest, t) * (0.7 + 0.6 * uniform(&seed)),
                                                           1 + 20 * uniform(&seed) };
                        greatest = fmax(greatest, points[i].dirtied);
                        shortest = fmin(shortest, t);
                        longest = fmax(longest, t);
                }
                assert_true(mt_hot_fit(points, n, MEMORY, &pages));
                if (pages.hot <= 0.0)
                        continue;
                compared++;
                const double low[] = { 0, 0, log(fmin(1.0 / longest, 3.0)) };
                const double high[] = { 2.0 * greatest, greatest / shortest, log(fmax(5.0 / shortest, 3.0)) };

                assert_true(distance(points, n, pages.hot, pages.hot_rate / pages.hot, pages.cold_rate) <=
                            search(points, n, low, high) + 0.001);
        }
        assert_true(compared >= 20);
}

/* --- what shows nothing --- */

static const struct odd_case {
        const char *name;
        struct mt_hot_point points[4];
        size_t n;
        double memory;
        bool fits;
        double hot_least, hot_most, cold; /* cold < 0: not looked at */
} odd[] = {
        { "no points", { { 0 } }, 0, MEMORY, false, 0, 0, 0 },
        { "one point", { { 1, 400, 5 } }, 1, MEMORY, false, 0, 0, 0 },
        { "equal windows", { { 1, 400, 5 }, { 1, 300, 5 } }, 2, MEMORY, false, 0, 0, 0 },
        { "windows almost equal", { { 1, 400, 5 }, { 1.4, 300, 5 } }, 2, MEMORY, false, 0, 0, 0 },
        { "a length of nothing", { { 0, 400, 5 }, { 5, 400, 5 } }, 2, MEMORY, false, 0, 0, 0 },
        { "a negative length", { { -1, 400, 5 }, { 5, 400, 5 } }, 2, MEMORY, false, 0, 0, 0 },
        { "an endless window", { { 1, 400, 5 }, { HUGE_VAL, 400, 5 } }, 2, MEMORY, false, 0, 0, 0 },
        { "a point without weight", { { 1, 400, 5 }, { 5, 400, 0 } }, 2, MEMORY, false, 0, 0, 0 },
        { "less than nothing dirtied", { { 1, -400, 5 }, { 5, 400, 5 } }, 2, MEMORY, false, 0, 0, 0 },
        { "not a number", { { 1, NAN, 5 }, { 5, 400, 5 } }, 2, MEMORY, false, 0, 0, 0 },
        { "no memory", { { 1, 400, 5 }, { 5, 400, 5 } }, 2, 0, false, 0, 0, 0 },
        { "memory is not a number", { { 1, 400, 5 }, { 5, 400, 5 } }, 2, NAN, false, 0, 0, 0 },
        { "bad points beside good ones",
          { { 1, 300, 5 }, { NAN, 1, 1 }, { 5, 1500, 5 }, { 2, 1, -1 } },
          4,
          MEMORY,
          true,
          0,
          0,
          300 },
        { "nothing dirtied", { { 1, 0, 5 }, { 5, 0, 5 } }, 2, MEMORY, true, 0, 0, 0 },
        { "in proportion", { { 1, 300, 5 }, { 5, 1500, 5 } }, 2, MEMORY, true, 0, 0, 300 },
        { "in proportion, counted",
          { { 0.1, 30, MT_HOT_COUNTED }, { 1, 300, MT_HOT_COUNTED }, { 9, 2700, MT_HOT_COUNTED } },
          3,
          MEMORY,
          true,
          0,
          0,
          300 },
        { "more than in proportion", { { 1, 100, 5 }, { 5, 1500, 5 } }, 2, MEMORY, true, 0, 0, -1 },
        { "less in the longer window", { { 1, 500, 5 }, { 5, 300, 5 } }, 2, MEMORY, true, 300, 500, 0 },
        { "nothing in the longer window", { { 1, 500, 5 }, { 5, 0, 5 } }, 2, MEMORY, true, 0, 500, 0 },
        { "all memory in both", { { 1, MEMORY, 5 }, { 5, MEMORY, 5 } }, 2, MEMORY, true, 0.9 * MEMORY, MEMORY, -1 },
        { "more than the memory", { { 1, 9 * MEMORY, 5 }, { 5, HUGE_VAL, 5 } }, 2, MEMORY, true, 0.9 * MEMORY, MEMORY, -1 },
        { "all memory in the longest is left out",
          { { 1, 2000, 50 }, { 3, 6000, 50 }, { 9, MEMORY, 50 } },
          3,
          MEMORY,
          true,
          0,
          0,
          2000 },
        { "endless weight", { { 1, 400, HUGE_VAL }, { 5, 400, HUGE_VAL } }, 2, MEMORY, true, 380, 420, -1 },
        { "endless weight of nothing", { { 1, 0, HUGE_VAL }, { 5, 0, HUGE_VAL } }, 2, MEMORY, true, 0, 0, 0 },
};

static void test_odd(void **state)
{
        const struct odd_case *c = *state;
        struct mt_hot_pages pages = { .hot = 7, .hot_rate = 7, .cold_rate = 7 };

        assert_int_equal(mt_hot_fit(c->points, c->n, c->memory, &pages), c->fits);
        if (!c->fits) {
                assert_true(pages.hot == 7 && pages.hot_rate == 7 && pages.cold_rate == 7);
                return;
        }
        assert_true(pages.hot >= c->hot_least && pages.hot <= c->hot_most);
        assert_true(isfinite(pages.hot_rate) && isfinite(pages.cold_rate));
        if (c->cold >= 0.0)
                assert_true(fabs(pages.cold_rate - c->cold) <= 0.02 * fmax(c->cold, 1.0));
}

/* Whatever goes in: what comes out can be. */
static void test_any_points(void **state)
{
        static const double scale[] = { 0, 1e-12, 1e-3, 1, 30, 1e4, 1e9 };
        uint64_t seed = 5;

        (void)state;
        for (unsigned draw = 0; draw < noise_draws(20000); draw++) {
                const double memory = scale[1 + (size_t)(uniform(&seed) * 6)] * (0.1 + uniform(&seed));
                const size_t n = (size_t)(uniform(&seed) * 6);
                struct mt_hot_pages pages = { 0 };
                struct mt_hot_point points[6];

                for (size_t i = 0; i < n; i++)
                        points[i] = (struct mt_hot_point){ scale[(size_t)(uniform(&seed) * 7)] * uniform(&seed),
                                                           scale[(size_t)(uniform(&seed) * 7)] * uniform(&seed),
                                                           scale[(size_t)(uniform(&seed) * 7)] * uniform(&seed) };
                if (!mt_hot_fit(points, n, memory, &pages))
                        continue;
                assert_true(pages.hot >= 0.0 && pages.hot <= memory && pages.cold_rate >= 0.0 && isfinite(pages.cold_rate));
                assert_true(isfinite(pages.hot_rate) && (pages.hot > 0.0) == (pages.hot_rate > 0.0));
                for (double t = 1e-9; t < 1e9; t *= 1e3) {
                        const double dirtied = mt_hot_dirtied(&pages, memory, t);

                        assert_true(dirtied >= 0.0 && dirtied <= memory);
                }
        }
}

/* --- U(t) and beta --- */

static void test_dirtied(void **state)
{
        static const struct mt_hot_pages guest = { 402, 855, 45 }, even = { 0, 0, 300 }, still = { 0 };

        (void)state;
        assert_true(mt_hot_dirtied(&guest, MEMORY, 0) == 0.0 && mt_hot_dirtied(&guest, MEMORY, -1) == 0.0);
        for (double t = 0.001; t < 1000.0; t *= 1.7)
                assert_true(fabs(mt_hot_dirtied(&guest, MEMORY, t) / truth(&guest, t) - 1.0) < 1e-12);
        assert_true(fabs(mt_hot_dirtied(&guest, MEMORY, 1e-6) / 900e-6 - 1.0) < 1e-3); /* Rh + Dc at first */
        assert_true(mt_hot_dirtied(&guest, MEMORY, 1e9) == MEMORY && mt_hot_dirtied(&guest, MEMORY, HUGE_VAL) == MEMORY);
        assert_true(mt_hot_dirtied(&even, MEMORY, 2) == 600.0);
        assert_true(mt_hot_dirtied(&still, MEMORY, HUGE_VAL) == 0.0);
}

/* The alpha paper's rates are weighted by page share. */
static void test_alpha_paper(void **state)
{
        static const struct mt_hot_pages guest = { 402, 855, 45 };
        const double beta = mt_hot_beta(&guest, MEMORY);
        const struct mt_alpha_vm vm = { .Ps = 262144,
                                        .Dnh = guest.cold_rate / (1.0 - beta) / 0.032768, /* pages of 4 KiB */
                                        .Dh = guest.hot_rate / beta / 0.032768,
                                        .beta = beta,
                                        .S = 4.096,
                                        .B = 125000 };

        (void)state;
        assert_true(fabs(beta - 402 / MEMORY) < 1e-15);
        assert_true(fabs(mt_alpha_rho(MT_ALPHA_HOT1, &vm) - 0.9) < 1e-12); /* (45 + 855) / 1000 */
        assert_true(mt_hot_beta(&guest, 100) == 1.0 && mt_hot_beta(&guest, 0) == 0.0);
        assert_true(mt_hot_beta(&(struct mt_hot_pages){ 0 }, MEMORY) == 0.0);
}

int main(void)
{
        struct CMUnitTest
                tests[MT_ARRAY_SIZE(pairs) + MT_ARRAY_SIZE(guests) + MT_ARRAY_SIZE(flights) + MT_ARRAY_SIZE(odd) + 5];
        size_t n = 0;

        ADD_ROWS(tests, n, pairs, test_pair);
        ADD_ROWS(tests, n, guests, test_guest);
        ADD_ROWS(tests, n, flights, test_flight);
        ADD_ROWS(tests, n, odd, test_odd);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_order);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_brute_force);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_any_points);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_dirtied);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_alpha_paper);
        return _cmocka_run_group_tests("hot", tests, n, NULL, NULL);
}
