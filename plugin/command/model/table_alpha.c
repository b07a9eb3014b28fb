/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Table 3 of the alpha paper. Its downtimes come out at alpha = rho^k approached from below (so that one round more is
 * needed), k = 3, 3 and 1; its utilisations come out of no reading, and cannot: under Eq (16) and (31) Unet exceeds rho.
 */
#include "model/alpha.h"
#include "command/model/table.h"

#include <math.h>
#include <stdio.h>

/* The limit that the paper's optimum keeps, its table 2. */
#define UMAX 0.4
#define ALPHA_MIN 0.05

/* What the paper prints; Tdown to three digits, or whole below 1000. */
static const struct printed {
        enum mt_alpha_case which;
        const char *name;
        unsigned k; /* the power of rho that its alpha rounds */
        double alpha, Unet, Tdown[4];
} printed[] = {
        { MT_ALPHA_UNIFORM, "uniform", 3, 0.152, 0.394, { 88, 177, 353, 707 } },
        { MT_ALPHA_HOT1, "Hot I", 3, 0.156, 0.399, { 92, 184, 368, 736 } },
        { MT_ALPHA_HOT2, "Hot II", 1, 0.480, 0.400, { 336, 671, 1340, 2690 } },
};

enum { CASE, PS, ALPHA, ALPHA_PRINTED, TDOWN, TDOWN_PRINTED, UNET, UNET_PRINTED, INFIMUM };

static const struct mt_table_column columns[] = { { "case", "" },          { "Ps", "pages" },      { "alpha", "" },
                                                  { "printed alpha", "" }, { "Tdown", "s" },       { "printed Tdown", "s" },
                                                  { "Unet", "" },          { "printed Unet", "" }, { "least Unet", "" },
                                                  { NULL, NULL } };

/* Half of the last printed digit's unit. */
static double half_unit(double value, double unit)
{
        return 0.5 * unit * (1.0 + 1e-9) + 1e-12 * fabs(value);
}

static struct mt_table_cell number(double value, int decimals, bool differs)
{
        return (struct mt_table_cell){ .number = value, .decimals = decimals, .mark = differs ? '*' : '\0' };
}

/* Returns whether some alpha from ALPHA_MIN on keeps UMAX. */
static bool fill_row(struct mt_table_cell *cells, const struct printed *p, unsigned i)
{
        const struct mt_alpha_vm vm = mt_alpha_table2(4096 << i);
        const double alpha = pow(mt_alpha_rho(p->which, &vm), p->k), shown = p->Tdown[i];
        const struct mt_alpha_result r = mt_alpha_evaluate(p->which, &vm, alpha, true);
        struct mt_alpha_result best;
        double best_alpha;

        cells[CASE] = (struct mt_table_cell){ .text = p->name };
        cells[PS] = number(vm.Ps, 0, false);
        cells[ALPHA] = number(alpha, 6, fabs(alpha - p->alpha) > half_unit(alpha, 0.001));
        cells[ALPHA_PRINTED] = number(p->alpha, 3, false);
        cells[TDOWN] = number(r.Tdown, 2, fabs(r.Tdown - shown) > half_unit(r.Tdown, shown < 1000 ? 1.0 : 10.0));
        cells[TDOWN_PRINTED] = number(shown, 0, false);
        cells[UNET] = number(r.Unet, 4, fabs(r.Unet - p->Unet) > half_unit(r.Unet, 0.001));
        cells[UNET_PRINTED] = number(p->Unet, 3, false);
        cells[INFIMUM] = number(mt_alpha_unet_infimum(r.rho, p->which == MT_ALPHA_HOT2 ? vm.beta : 0.0), 4, false);
        return mt_alpha_optimise(p->which, &vm, UMAX, ALPHA_MIN, false, &best_alpha, &best);
}

static void fill(struct mt_table_rows *ret_rows)
{
        unsigned feasible = 0, differ = 0;

        for (unsigned c = 0; c < sizeof(printed) / sizeof(printed[0]); c++) {
                for (unsigned i = 0; i < 4; i++) {
                        struct mt_table_cell *cells = ret_rows->cells[ret_rows->n++];

                        feasible += fill_row(cells, &printed[c], i);
                        for (unsigned k = 0; columns[k].name != NULL; k++)
                                differ += cells[k].mark != '\0';
                }
        }
        (void)snprintf(ret_rows->summary, sizeof(ret_rows->summary),
                       "%u cells differ. Under Eq (16), (23) and (31) %u of the %u rows have an alpha >= %g that keeps the "
                       "paper's Unet <= %g.",
                       differ, feasible, ret_rows->n, ALPHA_MIN, UMAX);
}

static const char *const notes[] = {
        "alpha is rho^3, rho_eff^3 and rho_nh approached from below, n = 3, 3 and 1: the reading that gives all printed "
        "downtimes. The printed alphas, rounded up, put into Eq (11) do not: n would be 2 (uniform) and 0 (Hot II).",
        "least Unet is the infimum, for alpha -> 0; below it no Umax can be kept, and the paper's 0.4 is below all three.",
        NULL,
};

const struct mt_table mt_alpha_tables[MT_ALPHA_TABLES] = {
        { .name = "alpha.3",
          .caption = "the alpha with the least downtime, and downtime and utilisation there, beside print",
          .source = "alpha paper, table 3; Eq (6), (16), (18), (23), (25) and (31) with table 2's parameters",
          .columns = columns,
          .marks = { { '*', "differs from the printed value: no reading of the paper's equations gives its utilisations" },
                     { '\0', NULL } },
          .notes = notes,
          .fill = fill },
};
