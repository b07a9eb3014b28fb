/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/arguments.h"
#include "command/commands.h"
#include "log.h"
#include "service/watch.h"

#include <stddef.h>

static const char help[] =
        "usage: migtune watch [--connect URI] [--config FILE] [--run-dir DIR] [--log syslog|stderr|file:PATH]\n"
        "\n"
        "Steers, shapes and records every migration of this host's libvirt, in the foreground, until SIGTERM or SIGINT.\n"
        "SIGHUP reloads the configuration; one with an error is refused whole and the old one stays.\n"
        "\n"
        "  --connect URI   the libvirt to watch (default qemu:///system)\n";

int mt_command_watch(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        const char *uri = NULL;

        if (mt_help_wanted(argc, argv)) {
                mt_print("%s", help);
                return 0;
        }
        for (int i = 1; i < argc; i++) {
                if (mt_option_value("--connect", argc, argv, &i, &uri) > 0)
                        continue;
                mt_print_err("migtune watch: '%s': unknown argument or its value is missing, see migtune watch --help\n",
                             argv[i]);
                return 2;
        }
        return mt_watch_run(host, uri);
}
