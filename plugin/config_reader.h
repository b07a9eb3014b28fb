/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a configuration file's reading share: which file it is, where its errors go, how they name a line. */
#ifndef MT_CONFIG_READER_H
#define MT_CONFIG_READER_H

#include "config.h"
#include "err.h"
#include "origin.h"

#include <libconfig.h>
#include <stddef.h>

#define MT_CONFIG_FILE_SHOWN 81 /* of a file's name in an origin, with NUL; what is longer is cut */

struct mt_config_reader {
        const char *path; /* of the file being read; libconfig only names those it includes */
        const char *dir;
        struct mt_config *config;
        const config_setting_t *set_at[64]; /* where this file sets row i */
        struct mt_err *err;
};

/* Puts "FILE:LINE: " in front of the error; file as libconfig names it: NULL or, for an included one, as it was included. */
int mt_config_at_line(const struct mt_config_reader *reader, const char *file, unsigned line);

/* Puts "FILE:LINE: LABEL: " in front of the error. */
int mt_config_at(const struct mt_config_reader *reader, const config_setting_t *setting, const char *label);

/* The error "FILE:LINE: LABEL: WHAT". Returns -EINVAL. */
int mt_config_refuse(const struct mt_config_reader *reader, const config_setting_t *setting, const char *label,
                     const char *what);

/* Where the setting is; the file without the main file's directory. The name is cut to fit buffer, which it stays in. */
struct mt_place mt_config_place(const struct mt_config_reader *reader, const config_setting_t *setting, char *buffer,
                                size_t size);

/* Reads a rule's group `match` into *match, which is zeroed. label: "rule:3". 0 or -EINVAL. */
int mt_config_match_read(const struct mt_config_reader *reader, const config_setting_t *group, const char *label,
                         struct mt_match *match);

#endif
