/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What both plugins (plugin.c, plugin_client.c) are made of: the checked copy of the host's struct, and the hook's message
 * to the watcher.
 */
#ifndef MT_HANDLE_H
#define MT_HANDLE_H

#include <migtune/plugin.h>

/* The host's functions after open(): a copy, in which run_dir and config_file are never NULL. */
const struct mt_host_ops *mt_handle_host(const void *handle);

/* open, close and hook_event of struct mt_plugin_ops. */
int32_t mt_handle_open(const struct mt_host_ops *host, void **ret_handle);
void mt_handle_close(void *handle);
int32_t mt_handle_hook_event(void *handle, const struct mt_hook_event *event);

#endif
