/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config_reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int mt_config_at_line(const struct mt_config_reader *reader, const char *file, unsigned line)
{
        bool relative = file != NULL && file[0] != '/';

        if (file == NULL)
                file = reader->path;
        return mt_wrap(reader->err, "%s%s%s:%u", relative ? reader->dir : "", relative ? "/" : "", file, line);
}

int mt_config_at(const struct mt_config_reader *reader, const config_setting_t *setting, const char *label)
{
        (void)mt_wrap(reader->err, "%s", label);
        return mt_config_at_line(reader, config_setting_source_file(setting), config_setting_source_line(setting));
}

int mt_config_refuse(const struct mt_config_reader *reader, const config_setting_t *setting, const char *label,
                     const char *what)
{
        (void)mt_fail(reader->err, EINVAL, "%s", what);
        return mt_config_at(reader, setting, label);
}

struct mt_place mt_config_place(const struct mt_config_reader *reader, const config_setting_t *setting, char *buffer,
                                size_t size)
{
        const char *named = config_setting_source_file(setting);
        const char *file = named != NULL ? named : reader->path;
        size_t dir = strlen(reader->dir);

        if (strncmp(file, reader->dir, dir) == 0 && file[dir] == '/')
                file += dir + 1;
        (void)snprintf(buffer, size, "%s", file);
        return (struct mt_place){ .file = buffer, .line = config_setting_source_line(setting) };
}
