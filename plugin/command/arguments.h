/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is the same in the arguments of every subcommand. */
#ifndef MT_COMMAND_ARGUMENTS_H
#define MT_COMMAND_ARGUMENTS_H

#include <stdbool.h>

/* Is --help or -h among them, wherever before "--"? Then nothing else of them counts. */
bool mt_help_wanted(int argc, const char *const *argv);

/*
 * Takes the option `name` with its value, "NAME VALUE" or "NAME=VALUE", if that is at argv[*i]: 1, *ret_value is argv's,
 * and *i that of the last argument taken. 0: another argument is there; -1: the value is missing; in both *i and *ret_value
 * stay.
 */
int mt_option_value(const char *name, int argc, const char *const *argv, int *i, const char **ret_value);

#endif
