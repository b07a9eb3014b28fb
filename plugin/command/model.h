/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MT_COMMAND_MODEL_H
#define MT_COMMAND_MODEL_H

/*
 * `migtune model NAME key=value...`: evaluates one model of the papers and prints one line of JSON. `model --list [--json]`
 * prints the table of models. argv[0] is "model". Output goes through mt_print and mt_print_err. Returns the exit status: 0,
 * or 2 after one line that names the argument and the condition (unknown model or argument, missing, malformed, out of
 * range).
 */
int mt_command_model(int argc, const char *const *argv);

#endif
