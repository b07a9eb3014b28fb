/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Huber's estimator (Huber 1964) minimises the squares of residuals up to k standard deviations s and the sizes of those
 * beyond. It is found by weighted least squares again and again: an observation whose residual r is beyond k*s weighs
 * k*s/|r|. s is found anew each time, as 1.4826 times the median size of the residuals: the standard deviation if they are
 * normal, and untouched by what fewer than half of them do.
 */
#include "regression.h"

#include <errno.h>
#include <float.h>
#include <math.h>

#define K 1.345       /* 95 % as efficient as least squares where all is normal */
#define NORMAL 1.4826 /* standard deviation / median size of a normal residual */
#define MAX_ROUNDS 50
#define SETTLED 1e-9     /* relative change of the coefficients at which it stops */
#define NOTHING 1e-9     /* residuals below this part of the largest y are as good as none */
#define INDEPENDENT 1e-9 /* share of a variable's squares that the others must leave unexplained */

struct system {
        double a[MT_MAX_COEFFICIENTS]
                [MT_MAX_COEFFICIENTS]; /* X'WX; after factor() its Cholesky factor, below and on the diagonal */
        double b[MT_MAX_COEFFICIENTS]; /* X'Wy */
        unsigned p;
};

static double variable(const struct mt_observation *o, unsigned k)
{
        return k == 0 ? 1.0 : o->x[k - 1];
}

static double residual(const struct mt_observation *o, const double *coefficient, unsigned p)
{
        double r = o->y;

        for (unsigned k = 0; k < p; k++)
                r -= coefficient[k] * variable(o, k);
        return r;
}

static void add(struct system *s, const struct mt_observation *o, double weight)
{
        for (unsigned i = 0; i < s->p; i++) {
                for (unsigned j = 0; j <= i; j++)
                        s->a[i][j] += weight * variable(o, i) * variable(o, j);
                s->b[i] += weight * variable(o, i) * o->y;
        }
}

static int factor(struct system *s)
{
        for (unsigned i = 0; i < s->p; i++)
                for (unsigned j = 0; j <= i; j++) {
                        const double whole = s->a[i][j];

                        for (unsigned k = 0; k < j; k++)
                                s->a[i][j] -= s->a[i][k] * s->a[j][k];
                        if (i != j) {
                                s->a[i][j] /= s->a[j][j];
                                continue;
                        }
                        if (!(s->a[i][i] > INDEPENDENT * whole))
                                return -EDOM;
                        s->a[i][i] = sqrt(s->a[i][i]);
                }
        return 0;
}

/* Solves a*x = b with the factor. */
static void solve(const struct system *s, const double *b, double *x)
{
        for (unsigned i = 0; i < s->p; i++) {
                x[i] = b[i];
                for (unsigned k = 0; k < i; k++)
                        x[i] -= s->a[i][k] * x[k];
                x[i] /= s->a[i][i];
        }
        for (unsigned i = s->p; i-- > 0;) {
                for (unsigned k = i + 1; k < s->p; k++)
                        x[i] -= s->a[k][i] * x[k];
                x[i] /= s->a[i][i];
        }
}

/* Hoare's selection: the k-th smallest of n values, which change places. */
static double kth(double *value, size_t n, size_t k)
{
        size_t low = 0, high = n - 1;

        while (low < high) {
                const double pivot = value[low + (high - low) / 2];
                size_t i = low, j = high;

                for (;;) {
                        double swapped;

                        while (value[i] < pivot)
                                i++;
                        while (pivot < value[j])
                                j--;
                        if (i >= j)
                                break;
                        swapped = value[i];
                        value[i++] = value[j];
                        value[j--] = swapped;
                }
                if (k <= j)
                        high = j;
                else
                        low = j + 1;
        }
        return value[low];
}

/* 1.4826 times the median size of the residuals. */
static double scale(const struct mt_observation *o, size_t n, const double *coefficient, unsigned p, double *work)
{
        for (size_t i = 0; i < n; i++)
                work[i] = fabs(residual(&o[i], coefficient, p));
        return NORMAL * kth(work, n, n / 2);
}

static double weight(double r, double s)
{
        return fabs(r) <= K * s ? 1.0 : K * s / fabs(r);
}

/* One round of weighted least squares. Returns the greatest relative change of a coefficient, or negative: singular. */
static double round_with(const struct mt_observation *o, size_t n, double s, unsigned p, double *coefficient)
{
        double fresh[MT_MAX_COEFFICIENTS] = { 0.0 }, change = 0.0;
        struct system system = { .p = p };

        for (size_t i = 0; i < n; i++)
                add(&system, &o[i], weight(residual(&o[i], coefficient, p), s));
        if (factor(&system) < 0)
                return -1.0;
        solve(&system, system.b, fresh);
        for (unsigned k = 0; k < p; k++) {
                change = fmax(change, fabs(fresh[k] - coefficient[k]) / fmax(fabs(fresh[k]), DBL_MIN));
                coefficient[k] = fresh[k];
        }
        return change;
}

/*
 * Standard errors, as Huber gives them for large n: variance of the bounded residuals / (share that was not bounded)^2,
 * times the diagonal of the inverse of X'X.
 */
static int find_errors(const struct mt_observation *o, size_t n, unsigned p, struct mt_regression *fit)
{
        struct system system = { .p = p };
        double squares = 0.0, whole = 0.0;

        for (size_t i = 0; i < n; i++) {
                const double r = residual(&o[i], fit->coefficient, p);
                const double w = weight(r, fit->spread);

                squares += w * r * w * r;
                whole += w < 1.0 ? 0.0 : 1.0;
                add(&system, &o[i], 1.0);
        }
        if (factor(&system) < 0)
                return -EDOM;
        for (unsigned k = 0; k < p; k++) {
                double unit[MT_MAX_COEFFICIENTS] = { 0.0 }, column[MT_MAX_COEFFICIENTS] = { 0.0 };

                unit[k] = 1.0;
                solve(&system, unit, column);
                fit->error[k] = sqrt(fmax(squares / (double)(n - p) * column[k], 0.0)) * (double)n / fmax(whole, 1.0);
        }
        return 0;
}

int mt_regression_fit(const struct mt_observation *observations, size_t n, unsigned coefficients, double *work,
                      struct mt_regression *ret)
{
        struct mt_regression fit = { .spread = (double)INFINITY };
        double least = DBL_MIN, change = 1.0;

        if (n < coefficients + 2)
                return -ENODATA;
        for (size_t i = 0; i < n; i++)
                least = fmax(least, NOTHING * fabs(observations[i].y));
        for (unsigned i = 0; i < MAX_ROUNDS && !(change < SETTLED); i++) { /* the first is plain least squares */
                change = round_with(observations, n, fit.spread, coefficients, fit.coefficient);
                if (change < 0.0)
                        return -EDOM;
                fit.spread = fmax(scale(observations, n, fit.coefficient, coefficients, work), least);
        }
        if (find_errors(observations, n, coefficients, &fit) < 0)
                return -EDOM;
        *ret = fit;
        return 0;
}
