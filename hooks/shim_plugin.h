/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugins that the shim asks, each loaded when first needed. For the threads of shim_ask.c: all of it may hang. */
#ifndef MT_SHIM_PLUGIN_H
#define MT_SHIM_PLUGIN_H

#include <migtune/plugin.h>

#include <stdbool.h>

enum mt_shim_plugin {
        MT_SHIM_ASKS_WATCHER,  /* the small one, which knows only what the watcher says */
        MT_SHIM_DECIDES_ALONE, /* the whole plugin */
};

/*
 * The answer of the plugin that asks the watcher, and, if it says that none runs (-ENOTCONN) and may_be_alone, of the one
 * that can do without, for which the rest of the time is left. *ret_who: whose it is. Returns what advise() does, or -errno:
 * it could not be loaded, or does not fit. What is wrong is logged; that no watcher runs, once until one was there again.
 */
int mt_shim_plugin_advise(const struct mt_call *call, bool may_be_alone, struct mt_advice *ret_advice,
                          enum mt_shim_plugin *ret_who);

/* report() of that plugin. As above. */
int mt_shim_plugin_report(enum mt_shim_plugin who, const struct mt_report *report);

#endif
