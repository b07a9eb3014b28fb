/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MT_COMMAND_CHECK_H
#define MT_COMMAND_CHECK_H

/*
 * `migtune check [FILE]`: reads FILE (else config_file) as the watcher would and says whether it is good. Returns the exit
 * status: 0 good, perhaps with warnings about what is allowed but hardly meant; 2 refused, or bad usage.
 */
int mt_command_check(int argc, const char *const *argv, const char *config_file);

#endif
