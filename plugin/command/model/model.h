/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MT_COMMAND_MODEL_H
#define MT_COMMAND_MODEL_H

#include <migtune/plugin.h>

/*
 * `migtune model NAME key=value...`: evaluates one model of the papers and prints one line of JSON. `model --list [--json]`
 * prints the table of models; `--figure` and `--table` a figure or a table of the papers; `--plot FILE` draws the figure by
 * host->run. argv[0] is "model". Output goes through mt_print and mt_print_err. Returns the exit status: 0; 1 after one
 * line when the picture could not be drawn; 2 after one line that names the argument and the condition (unknown model,
 * argument, figure or table, missing, malformed, out of range).
 */
int mt_command_model(const struct mt_host_ops *host, int argc, const char *const *argv);

#endif
