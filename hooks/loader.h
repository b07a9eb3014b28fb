/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How every host program gets at a plugin.
 */
#ifndef MT_LOADER_H
#define MT_LOADER_H

#include <migtune/plugin.h>

#include <stddef.h>
#include <stdint.h>

/* What a host needs of the plugin besides open() and close(). */
#define MT_NEED_COMMAND 1u
#define MT_NEED_HOOK_EVENT 2u
#define MT_NEED_SHIM 4u /* advise() and report() */

/*
 * Where a plugin is: installed, unless the environment variable MIGTUNE_PLUGIN names another and the process may trust
 * its environment.
 */
const char *mt_plugin_path(const char *installed);

/*
 * Loads the plugin at path, which must be absolute, for the rest of the process's life, and copies its functions.
 * needs: MT_NEED_*. 0; or -errno with one line in error that contains the path, and *ret_ops untouched.
 */
int mt_plugin_load(const char *path, uint32_t needs, struct mt_plugin_ops *ret_ops, char *error, size_t error_size);

#endif
