/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "survey.h"

#include <math.h>

double mt_survey_tm(double vm, double b)
{
        return vm / b;
}

double mt_survey_td(double d, double l, double tn, double b)
{
        return d * l * tn / b;
}

double mt_survey_v(unsigned i, double vmem, double d, double t_prev)
{
        return i == 0 ? vmem : d * t_prev;
}

/* Printed as vmem * d^i / r^(i+1); the powers of bit rates overflow from round 34 on, their quotient does not. */
double mt_survey_t(unsigned i, double vmem, double d, double r)
{
        return vmem / r * pow(d / r, i);
}

double mt_survey_vmig(unsigned n, double vmem, double d, double r)
{
        const double count = n + 1.0, x = (d - r) / r;

        if (d <= 0.0)
                return vmem;
        if (x == 0.0)
                return vmem * count;
        return vmem * (expm1(count * log1p(x)) / x);
}

double mt_survey_tmig(unsigned n, double vmem, double d, double r)
{
        return mt_survey_vmig(n, vmem, d, r) / r;
}
