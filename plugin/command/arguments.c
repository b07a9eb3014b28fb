/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/arguments.h"

#include <string.h>

bool mt_help_wanted(int argc, const char *const *argv)
{
        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
                if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
                        return true;
        return false;
}

int mt_option_value(const char *name, int argc, const char *const *argv, int *i, const char **ret_value)
{
        const size_t length = strlen(name);

        if (strncmp(argv[*i], name, length) != 0 || (argv[*i][length] != '\0' && argv[*i][length] != '='))
                return 0;
        if (argv[*i][length] == '=') {
                *ret_value = argv[*i] + length + 1;
                return 1;
        }
        if (*i + 1 >= argc)
                return -1;
        *ret_value = argv[++*i];
        return 1;
}
