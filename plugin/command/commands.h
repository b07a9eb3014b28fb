/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The subcommands of migtune. Each gets its own arguments (argv[0] is its name, argv[argc] NULL) and returns the exit
 * status: 0 done, 1 failed (one line was printed or logged), 2 bad usage or input. In *host run_dir and config_file are
 * never NULL. "--help" and "-h" are for each command to see to (arguments.h).
 */
#ifndef MT_COMMANDS_H
#define MT_COMMANDS_H

#include <migtune/plugin.h>

typedef int (*mt_command_fn)(const struct mt_host_ops *host, int argc, const char *const *argv);

int mt_command_watch(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_plan(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_migrate(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_evacuate(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_set(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_get(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_status(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_simulate(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_calibrate(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_history(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_report(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_explain(const struct mt_host_ops *host, int argc, const char *const *argv);
int mt_command_cleanup(const struct mt_host_ops *host, int argc, const char *const *argv);

#endif
