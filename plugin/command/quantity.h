/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Quantities read from JSON, as short text for tables: three digits or four, and a unit that suits. NAN (not known) gives
 * "-", INFINITY (a prediction that never ends) "never". Each writes into text and returns text.
 */
#ifndef MT_COMMAND_QUANTITY_H
#define MT_COMMAND_QUANTITY_H

#include <stddef.h>

#define MT_QUANTITY_SIZE 24

/* "300 ms" "12.3 s" "99.9 min" "7.2 h" "8.1 d" ">9999 d": at most 8 columns. */
const char *mt_quantity_time(char *text, size_t size, double ms);

/* "512 B" "999.9 GiB" ">999 EiB": at most 9 columns. */
const char *mt_quantity_bytes(char *text, size_t size, double bytes);

/* "0 Mbit/s" "0.3 kbit/s" "999.9 Mbit/s" ">999 Tbit/s": at most 12 columns. */
const char *mt_quantity_rate(char *text, size_t size, double mbps);

/* "7", ">9999": at most 5 columns. */
const char *mt_quantity_count(char *text, size_t size, double count);

#endif
