/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Robust linear regression on one or two variables: y = b0 + b1*x1 (+ b2*x2), by Huber's M-estimator. A minority of wild
 * observations (a stalled migration, a link that was full) moves the result by little. Pure: no I/O, no allocation.
 */
#ifndef MT_MODEL_REGRESSION_H
#define MT_MODEL_REGRESSION_H

#include <stddef.h>

#define MT_MAX_COEFFICIENTS 3

struct mt_observation {
        double y, x[MT_MAX_COEFFICIENTS - 1];
};

struct mt_regression {
        double coefficient[MT_MAX_COEFFICIENTS]; /* b0, the intercept, and so on */
        double error[MT_MAX_COEFFICIENTS];       /* their standard errors */
        double spread; /* of the residuals: 1.4826 * their median size, a robust standard deviation */
};

/*
 * Fits n observations with `coefficients` (2 or 3) coefficients. work: n doubles.
 * 0; -ENODATA: fewer than coefficients + 2 observations; -EDOM: the x do not vary, or vary only together. *ret changes only
 * on success.
 */
int mt_regression_fit(const struct mt_observation *observations, size_t n, unsigned coefficients, double *work,
                      struct mt_regression *ret);

#endif
