/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the texts of `migtune simulate`'s options to numbers in the models' units. Each: 0, -EINVAL or -ERANGE. */
#ifndef MT_COMMAND_SIMULATE_VALUES_H
#define MT_COMMAND_SIMULATE_VALUES_H

#include <stdint.h>

typedef int (*mt_simulate_parse_fn)(const char *text, double *ret);

int mt_simulate_rate(const char *text, double *ret_mbps);       /* units.h's */
int mt_simulate_memory(const char *text, double *ret_mbit);     /* units.h's sizes, and decimal "4GB", 32000 Mbit */
int mt_simulate_time(const char *text, double *ret_s);          /* units.h's */
int mt_simulate_number(const char *text, double *ret);          /* a decimal number, whatever the locale */
int mt_simulate_arrivals(const char *text, double *ret_each_s); /* "0.5/s", "30/min", "100/h" */
int mt_simulate_whole(const char *text, uint64_t *ret);

/* "LOW:HIGH", or one value for both; LOW <= HIGH. ret_ends[0] and [1]. */
int mt_simulate_range(const char *text, mt_simulate_parse_fn parse, double *ret_ends);

/*
 * A list of names with commas between them, each at most once, or "all": their indices go to ret_values[0..n_names); name(i)
 * is the i-th name. Returns how many there are (> 0) or -EINVAL.
 */
int mt_simulate_names(const char *text, const char *(*name)(unsigned i), unsigned n_names, unsigned *ret_values);

#endif
