/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Round i sends Ps * rho^i pages (i = 0..n), the stop sends the Ps * rho^(n+1) that are left. Hot II copies only the
 * share 1 - beta so, and leaves all hot pages for the stop; with beta = 0 its equations are the others', so one
 * evaluation serves the three cases: uniform and hot I are hot II with beta = 0 and their own rho.
 *
 * Where the paper is to be read with care:
 * - Eq (13), (16) and their twins count alpha * Ps pages for the stop although only Ps * rho^(n+1) are sent, so its
 *   utilisation exceeds 1. They are kept as printed; PActual and Unet_capped count what is sent.
 * - Hot II adds alpha + beta, with alpha counted over all pages although Tdown counts it over the share 1 - beta.
 * - Under Eq (16) Unet rises with alpha inside a step and its least value per step falls to its infimum as alpha -> 0: as
 *   printed there is no trade-off between downtime and utilisation, hence alpha_min in mt_alpha_optimise.
 * - Table 3's downtimes come out with alpha = rho^k approached from below (strict); its utilisations with no reading.
 */
#include "alpha.h"

#include <limits.h>
#include <math.h>

/* How near to equal two numbers are that a reader would call equal. */
#define EQUAL 1e-12

/* Pages are whole: what exceeds a whole number by less than this share is rounding. */
#define WHOLE 1e-13

const char *mt_alpha_case_name(enum mt_alpha_case which)
{
        static const char *const names[] = { "uniform", "hot1", "hot2" };

        return names[which];
}

/* Does the step n reach alpha? */
static bool reaches(double alpha, double rho, bool strict, double n)
{
        const double left = pow(rho, n + 1.0);

        return strict ? left < alpha * (1.0 - EQUAL) : left <= alpha * (1.0 + EQUAL);
}

unsigned mt_alpha_n(double alpha, double rho, bool strict)
{
        double n;

        if (reaches(alpha, rho, strict, 0.0))
                return 0;
        if (!(alpha > 0.0) || !(rho < 1.0))
                return UINT_MAX;
        n = ceil(log(alpha) / log(rho) - 1.0);
        if (n >= (double)UINT_MAX)
                return UINT_MAX;
        /* The logarithms may miss by one at a step's edge. */
        while (n > 0.0 && reaches(alpha, rho, strict, n - 1.0))
                n--;
        while (!reaches(alpha, rho, strict, n))
                n++;
        return (unsigned)n;
}

struct mt_alpha_vm mt_alpha_table2(double Ps)
{
        return (struct mt_alpha_vm){ .Ps = Ps, .D = 2.0, .Dnh = 1.8, .Dh = 4.0, .beta = 0.1, .S = 16.0, .B = 60.0 };
}

double mt_alpha_rho(enum mt_alpha_case which, const struct mt_alpha_vm *vm)
{
        switch (which) {
        case MT_ALPHA_HOT1:
                return (vm->Dnh * (1.0 - vm->beta) + vm->Dh * vm->beta) * vm->S / vm->B;
        case MT_ALPHA_HOT2:
                return vm->Dnh * vm->S / vm->B;
        case MT_ALPHA_UNIFORM:
                break;
        }
        return vm->D * vm->S / vm->B;
}

struct mt_alpha_result mt_alpha_evaluate(enum mt_alpha_case which, const struct mt_alpha_vm *vm, double alpha, bool strict)
{
        const double beta = which == MT_ALPHA_HOT2 ? vm->beta : 0.0;
        const double whole = vm->Ps * vm->S / vm->B; /* time to send all pages once */
        const double rho = mt_alpha_rho(which, vm);
        struct mt_alpha_result r = { .rho = rho, .n = mt_alpha_n(alpha, rho, strict) };
        const double left = pow(rho, r.n + 1.0);
        const double copied = (1.0 - beta) * (1.0 - left) / (1.0 - rho); /* in rounds 0..n, as a multiple of Ps */
        const double stopped = (1.0 - beta) * left + beta;               /* at the stop, likewise */

        r.Tdown = whole * stopped;
        r.Tprecopy = whole * copied;
        r.Ttotal = r.Tprecopy + r.Tdown;
        r.PTotalMig = ceil(vm->Ps * (copied + alpha + beta) * (1.0 - WHOLE));
        r.PActual = vm->Ps * (copied + stopped);
        r.G = 1.0 / stopped;
        r.Unet = (rho * copied + alpha + beta) / (copied + stopped);
        r.Unet_capped = (rho * copied + stopped) / (copied + stopped);
        return r;
}

double mt_alpha_unet_infimum(double rho, double beta)
{
        return ((1.0 - beta) * rho + beta * (1.0 - rho)) / ((1.0 - beta) + beta * (1.0 - rho));
}

bool mt_alpha_optimise(enum mt_alpha_case which, const struct mt_alpha_vm *vm, double Umax, double alpha_min, bool capped,
                       double *ret_alpha, struct mt_alpha_result *ret_result)
{
        const double rho = mt_alpha_rho(which, vm);
        double alpha = alpha_min;

        /* Upwards from the least alpha Tdown never falls, so the first that satisfies Umax is the optimum. */
        for (unsigned k = mt_alpha_n(alpha_min, rho, false) + 1; k > 0; k--) {
                const struct mt_alpha_result r = mt_alpha_evaluate(which, vm, alpha, false);

                if ((capped ? r.Unet_capped : r.Unet) <= Umax) {
                        *ret_alpha = alpha;
                        *ret_result = r;
                        return true;
                }
                alpha = pow(rho, k - 1.0);
        }
        return false;
}
