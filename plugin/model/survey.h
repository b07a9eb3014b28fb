/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The textbook equations of pre-copy, Eq (1)-(6) of the 2017 survey.
 *
 * Units: bits, bit/s, seconds; the dirty rate d is in bit/s like r, but in pages/s in Eq (2), which has a page size to
 * convert it. r and b name the same bandwidth. The equations know no delay between rounds and no downtime: they are the WAN
 * paper's at tau = tg = 0. Whether round n is the last of pre-copy or the stop the survey does not say. Pure.
 */
#ifndef MT_MODEL_SURVEY_H
#define MT_MODEL_SURVEY_H

/* Eq (1): vm/b, the time to send a VM once: a lower bound, since it ignores what is sent again. */
double mt_survey_tm(double vm, double b);
/* Eq (2): d*l*tn/b, the downtime; d pages/s, l bits a page, tn: duration of the last round, s. */
double mt_survey_td(double d, double l, double tn, double b);
/* Eq (3): bits sent in round i >= 0: all of vmem at first, then what round i - 1, which took t_prev, dirtied. */
double mt_survey_v(unsigned i, double vmem, double d, double t_prev);
/* Eq (4): duration of round i >= 0. */
double mt_survey_t(unsigned i, double vmem, double d, double r);
/* Eq (5): bits sent in rounds 0..n. */
double mt_survey_vmig(unsigned n, double vmem, double d, double r);
/* Eq (6): duration of rounds 0..n. */
double mt_survey_tmig(unsigned n, double vmem, double d, double r);

#endif
