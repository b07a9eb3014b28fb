/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MT_CONFIG_FILE_H
#define MT_CONFIG_FILE_H

#include "config.h"
#include "err.h"

/*
 * The text of a configuration file, to be freed by the caller. Refuses what is no regular file, is larger than 1 MiB, or
 * holds a NUL, here and in the files it includes. Relative @include paths count from the directory dir.
 */
int mt_config_file_text(const char *path, const char *dir, char **ret_text, struct mt_err *err);

/*
 * Reads one file over what *config holds, and verifies the result whole. On failure *config is half changed: for
 * mt_config_load, which works on a copy. dir: the directory of the main file, for @include and for short rule origins.
 */
int mt_config_file_read(const char *path, const char *dir, struct mt_config *config, struct mt_err *err);

/* Overlays what the rule sets on *intent. */
void mt_rule_apply(const struct mt_rule *rule, struct mt_intent *intent);

#endif
