/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures 1 to 4 of the alpha paper, with the parameters of its table 2. */
#include "model/alpha.h"
#include "command/model/figure.h"

#include <stddef.h>

/* How far alpha may exceed rho and still be meant to equal it. */
#define EQUAL 1e-12

#define SOURCE "alpha paper, "
#define TABLE2 "The parameters are those of the paper's table 2: B 60 KB/s, S 16 KB, D 2, Dnh 1.8, Dh 4 pages/s, beta 0.1."
#define END                                                                                                                 \
        {                                                                                                                   \
                NULL, 0, 0.0                                                                                                \
        }

/* The model at alpha for the series' case and pages; false outside 0 < alpha <= rho. */
static bool evaluate(const struct mt_figure_series *series, double alpha, struct mt_alpha_result *ret)
{
        const enum mt_alpha_case which = (enum mt_alpha_case)series->which;
        const struct mt_alpha_vm vm = mt_alpha_table2(series->of);

        if (alpha > mt_alpha_rho(which, &vm) * (1.0 + EQUAL))
                return false;
        *ret = mt_alpha_evaluate(which, &vm, alpha, false);
        return true;
}

static bool downtime(const struct mt_figure_series *series, double alpha, double *ret)
{
        struct mt_alpha_result result;

        if (!evaluate(series, alpha, &result))
                return false;
        *ret = result.Tdown;
        return true;
}

static bool gain(const struct mt_figure_series *series, double alpha, double *ret)
{
        struct mt_alpha_result result;

        if (!evaluate(series, alpha, &result))
                return false;
        *ret = result.G;
        return true;
}

static bool pages(const struct mt_figure_series *series, double alpha, double *ret)
{
        struct mt_alpha_result result;

        if (!evaluate(series, alpha, &result))
                return false;
        *ret = result.PTotalMig;
        return true;
}

/* HG at beta; series->of is alpha. Where alpha exceeds rho one round is copied, n = 0, as the paper's figure must have. */
static bool ratio(const struct mt_figure_series *series, double beta, double *ret)
{
        struct mt_alpha_vm vm = mt_alpha_table2(4096);

        vm.beta = beta;
        if (!(mt_alpha_rho(MT_ALPHA_HOT1, &vm) < 1.0))
                return false;
        *ret = mt_alpha_evaluate(MT_ALPHA_HOT1, &vm, series->of, false).Tdown /
               mt_alpha_evaluate(MT_ALPHA_HOT2, &vm, series->of, false).Tdown;
        return true;
}

static const struct mt_figure_series by_alpha[] = {
        { "alpha = 0.1", 0, 0.1 }, { "alpha = 0.4", 0, 0.4 }, { "alpha = 0.7", 0, 0.7 }, END
};
static const struct mt_figure_series by_pages[] = { { "Ps = 4096", MT_ALPHA_UNIFORM, 4096 },
                                                    { "Ps = 8192", MT_ALPHA_UNIFORM, 8192 },
                                                    { "Ps = 16384", MT_ALPHA_UNIFORM, 16384 },
                                                    { "Ps = 32768", MT_ALPHA_UNIFORM, 32768 },
                                                    END };
static const struct mt_figure_series any_pages[] = { { "any Ps", MT_ALPHA_UNIFORM, 4096 }, END };
static const struct mt_figure_series hot[] = { { "Hot I, Ps = 4096", MT_ALPHA_HOT1, 4096 },
                                               { "Hot II, Ps = 4096", MT_ALPHA_HOT2, 4096 },
                                               { "Hot I, Ps = 16384", MT_ALPHA_HOT1, 16384 },
                                               { "Hot II, Ps = 16384", MT_ALPHA_HOT2, 16384 },
                                               END };
static const struct mt_figure_series hot_any[] = { { "Hot I, any Ps", MT_ALPHA_HOT1, 4096 },
                                                   { "Hot II, any Ps", MT_ALPHA_HOT2, 4096 },
                                                   END };

#define ALPHA                                                                                                               \
        {                                                                                                                   \
                .name = "alpha", .label = "α", .unit = "", .first = 0.05, .last = 0.5, .rows = 10, .finer = 19,             \
                .tics = "0.05, 0.05, 0.5"                                                                                   \
        }
#define OUTSIDE "outside the model's condition alpha <= rho (hot II: rho_nh = 0.48)"

const struct mt_figure mt_alpha_figures[MT_ALPHA_FIGURES] = {
        { .name = "alpha.1",
          .caption = "HG, the downtime under Hot I over that under Hot II, against beta",
          .source = SOURCE "Fig. 1, Eq (18) and (25)",
          .condition = "outside the model's condition rho_eff < 1",
          .notes =
                  (const char *const[]){
                          TABLE2 " HG does not depend on Ps.",
                          "alpha = 0.7 breaks the paper's own condition alpha <= rho; n = 0 is taken there.",
                          "HG jumps where Hot I, which has more to copy with each hot page, needs a round more.",
                          "The text says that HG falls with beta. At alpha = 0.7 it rises up to beta = 0.37, at 0.1 and 0.4 "
                          "it does both.",
                          NULL },
          .x = { .name = "beta",
                 .label = "β",
                 .unit = "",
                 .first = 0.0,
                 .last = 0.5,
                 .rows = 51,
                 .finer = 10,
                 .tics = "0, 0.1, 0.5" },
          .panels = { { .y = "HG", .unit = "", .series = by_alpha, .value = ratio } } },
        { .name = "alpha.2",
          .caption = "Downtime and gain against alpha, uniform dirty rate",
          .source = SOURCE "Fig. 2, Eq (6), (11) and (14)",
          .condition = NULL,
          .notes = (const char *const[]){ TABLE2, "Between two powers of rho (0.533) nothing changes: n is the same.",
                                          "G, the downtime without live migration over that with it, does not depend on Ps.",
                                          NULL },
          .x = ALPHA,
          .panels = { { .y = "Tdown", .unit = "s", .series = by_pages, .value = downtime },
                      { .y = "G", .unit = "", .series = any_pages, .value = gain } } },
        { .name = "alpha.3",
          .caption = "Pages copied (uniform dirty rate) and downtime (with hot pages) against alpha",
          .source = SOURCE "Fig. 3, Eq (13), (18) and (25)",
          .condition = OUTSIDE,
          .notes =
                  (const char *const[]){
                          TABLE2,
                          "PTotalMig counts alpha * Ps pages for the stop, as Eq (13) is printed; Ps * rho^(n+1), which is "
                          "less, are left.",
                          NULL },
          .x = ALPHA,
          .panels = { { .y = "PTotalMig", .unit = "pages", .series = by_pages, .value = pages },
                      { .y = "Tdown", .unit = "s", .series = hot, .value = downtime } } },
        { .name = "alpha.4",
          .caption = "Gain and pages copied, with hot pages, against alpha",
          .source = SOURCE "Fig. 4, Eq (21), (22), (28) and (29)",
          .condition = OUTSIDE,
          .notes = (const char *const[]){ TABLE2 " G does not depend on Ps.",
                                          "PTotalMig counts alpha * Ps pages for the stop, as Eq (21) and (28) are printed.",
                                          NULL },
          .x = ALPHA,
          .panels = { { .y = "G", .unit = "", .series = hot_any, .value = gain },
                      { .y = "PTotalMig", .unit = "pages", .series = hot, .value = pages } } },
};
