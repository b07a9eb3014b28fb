/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Figures 3 to 6 of the WAN paper. It gives 4 GB, D 50, 250 and 500 Mbit/s (Fig. 3), tau about 0.7 s, tg about 0.5 s, limits
 * uniform in 1 s to 1.2 s and at most 30 iterations (Fig. 5 and 6); the rest is ours, and said in the notes.
 *
 * Fig. 5 and 6 show means over limits. Ours are the eleven limits 1.00, 1.02, ... 1.20 s, so that the same figure comes out
 * each time; n is whole for each of them, its mean is not.
 */
#include "model/wan.h"
#include "command/model/figure.h"

#include <stddef.h>

#define VM_MB 32000.0
#define TAU 0.7
#define TG 0.5
#define ROUNDS_FIG3 5
#define D_FIG4 250.0
#define MAX_ROUNDS 30
#define LIMITS 11

#define SOURCE "WAN paper, "
#define VM_NOTE "A VM of 4 GB (32000 Mbit at 8000 Mbit a GB, a factor that the paper does not give), tau 0.7 s, tg 0.5 s."
#define END                                                                                                                 \
        {                                                                                                                   \
                NULL, 0, 0.0                                                                                                \
        }

static const char limit_note[] =
        "The downtime limit is uniform in 1 s to 1.2 s: means over the eleven limits 1.00, 1.02, ... "
        "1.20 s. With each, the least n, at most 30.";

static struct mt_wan_vm vm_of(double D, double lambda)
{
        return (struct mt_wan_vm){ .vm_mb = VM_MB, .R = D / lambda, .D = D, .tau = TAU, .tg = TG };
}

static bool duration(const struct mt_figure_series *series, double lambda, double *ret)
{
        const struct mt_wan_vm vm = vm_of(series->of, lambda);

        *ret = mt_wan_tmig(&vm, ROUNDS_FIG3);
        return true;
}

static bool downtime(const struct mt_figure_series *series, double lambda, double *ret)
{
        const struct mt_wan_vm vm = vm_of(series->of, lambda);

        *ret = mt_wan_tdown(&vm, ROUNDS_FIG3);
        return true;
}

/* series->of is lambda, x the number of rounds. */
static bool duration_by_rounds(const struct mt_figure_series *series, double n, double *ret)
{
        const struct mt_wan_vm vm = vm_of(D_FIG4, series->of);

        *ret = mt_wan_tmig(&vm, (unsigned)n);
        return true;
}

/* The limits, spread over 1 s to 1.2 s with both ends. */
static double limit_at(unsigned i)
{
        return 1.0 + 0.2 * i / (LIMITS - 1);
}

static bool rounds(const struct mt_figure_series *series, double lambda, double *ret)
{
        const struct mt_wan_vm vm = vm_of(series->of, lambda);
        double sum = 0.0;

        for (unsigned i = 0; i < LIMITS; i++) {
                unsigned n;

                (void)mt_wan_min_n(&vm, limit_at(i), MAX_ROUNDS, 1, &n);
                sum += n;
        }
        *ret = sum / LIMITS;
        return true;
}

static bool consumption(const struct mt_figure_series *series, double lambda, double *ret)
{
        const struct mt_wan_vm vm = vm_of(series->of, lambda);
        double sum = 0.0;

        for (unsigned i = 0; i < LIMITS; i++) {
                unsigned n;

                (void)mt_wan_min_n(&vm, limit_at(i), MAX_ROUNDS, 1, &n);
                sum += mt_wan_wmig(&vm, n);
        }
        *ret = sum / LIMITS;
        return true;
}

static const struct mt_figure_series rates[] = {
        { "D = 50 Mbit/s", 0, 50 }, { "D = 250 Mbit/s", 0, 250 }, { "D = 500 Mbit/s", 0, 500 }, END
};
static const struct mt_figure_series high_rates[] = { { "D = 250 Mbit/s", 0, 250 }, { "D = 500 Mbit/s", 0, 500 }, END };
static const struct mt_figure_series low_rates[] = { { "D = 10 Mbit/s", 0, 10 }, { "D = 50 Mbit/s", 0, 50 }, END };
static const struct mt_figure_series lambdas[] = { { "lambda = 0.1", 0, 0.1 }, { "lambda = 0.3", 0, 0.3 },
                                                   { "lambda = 0.5", 0, 0.5 }, { "lambda = 0.7", 0, 0.7 },
                                                   { "lambda = 0.9", 0, 0.9 }, END };

const struct mt_figure mt_wan_figures[MT_WAN_FIGURES] = {
        { .name = "wan.3",
          .caption = "Migration duration and downtime for different D and lambda",
          .source = SOURCE "Fig. 3, Eq (2) with its exponents corrected, and Eq (3)",
          .notes = (const char *const[]){ VM_NOTE, "n = 5: the paper does not say.", NULL },
          .x = { .name = "lambda",
                 .label = "λ = D/R",
                 .unit = "",
                 .first = 0.05,
                 .last = 0.95,
                 .rows = 19,
                 .finer = 4,
                 .tics = "0.1, 0.1, 0.9" },
          .panels = { { .y = "migration duration", .unit = "s", .log = true, .series = rates, .value = duration },
                      { .y = "downtime", .unit = "s", .log = true, .series = rates, .value = downtime } } },
        { .name = "wan.4",
          .caption = "Migration duration for different numbers of iterations and lambda",
          .source = SOURCE "Fig. 4, Eq (2) with its exponents corrected",
          .notes = (const char *const[]){ VM_NOTE, "D = 250 Mbit/s: the paper does not say.", NULL },
          .x = { .name = "n",
                 .label = "pre-copy iterations n",
                 .unit = "",
                 .first = 1,
                 .last = 30,
                 .rows = 30,
                 .finer = 1,
                 .tics = "0, 5, 30" },
          .panels = { { .y = "migration duration",
                        .unit = "s",
                        .log = true,
                        .series = lambdas,
                        .value = duration_by_rounds } } },
        { .name = "wan.5",
          .caption = "Minimum required iterations for a downtime of 1 s to 1.2 s",
          .source = SOURCE "Fig. 5, Eq (3)",
          .notes =
                  (const char *const[]){
                          VM_NOTE, limit_note,
                          "30 means that the limit is not met: from lambda = 0.5 on the floor lambda*tau/(1-lambda) + tg is "
                          "1.2 s or more.",
                          NULL },
          .x = { .name = "lambda",
                 .label = "λ = D/R, falling",
                 .unit = "",
                 .first = 0.9,
                 .last = 0.05,
                 .rows = 35,
                 .finer = 5,
                 .tics = "0.1, 0.1, 0.9" },
          .panels = { { .y = "pre-copy iterations n", .unit = "", .series = rates, .value = rounds } } },
        { .name = "wan.6",
          .caption = "Resource consumption with exponential decrease of lambda",
          .source = SOURCE "Fig. 6, Eq (3) and (4)",
          .notes = (const char *const[]){ VM_NOTE, limit_note,
                                          "Wmig is what is reserved, R for the whole of Tmig, which is more than is sent.",
                                          "D: the paper says higher and lower dirty rates without values.", NULL },
          .x = { .name = "lambda",
                 .label = "λ = D/R, falling",
                 .unit = "",
                 .first = 0.8,
                 .last = 0.025,
                 .rows = 21,
                 .finer = 4,
                 .log = true,
                 .tics = "(0.8, 0.4, 0.2, 0.1, 0.05, 0.025)" },
          .panels = { { .y = "Wmig", .unit = "Mbit", .series = high_rates, .value = consumption },
                      { .y = "Wmig", .unit = "Mbit", .series = low_rates, .value = consumption } } },
};
