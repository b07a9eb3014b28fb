/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `migtune model --list` and `migtune model NAME --help`: what there is to know about each model. */
#ifndef MT_COMMAND_MODEL_LIST_H
#define MT_COMMAND_MODEL_LIST_H

#include "command/model/registry.h"

#include <stdbool.h>

/* The model of that name, or NULL. */
const struct mt_model *mt_model_find(const char *name);

/* Prints one model: "wan.min_n(vm_mb, ..., max_n=20)" and what there is to know about it, for people. */
void mt_model_describe(const struct mt_model *model);

/* Prints them all; json: as one line for programs. */
void mt_model_list(bool json);

#endif
