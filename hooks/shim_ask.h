/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to the plugins, never waited for longer than these were given. */
#ifndef MT_SHIM_ASK_H
#define MT_SHIM_ASK_H

#include "shim_plugin.h"

#include <migtune/plugin.h>

/*
 * mt_shim_plugin_advise() and mt_shim_plugin_report(), in a thread of their own: libvirt's last error and errno of the
 * calling thread stay as they are, and a plugin that hangs is left behind. call and report need not outlive this. timeout_ms
 * in them is what the plugin is given, unless MIGTUNE_SHIM_TIMEOUT_MS gives it another time; the bound is somewhat later.
 *
 * As the plugin answers; or -errno: it could not be loaded, does not fit, did not answer in time, or an earlier call has
 * not come back yet. This is logged here (shim_log.h).
 */
int mt_shim_ask_advice(const struct mt_call *call, bool may_be_alone, struct mt_advice *ret_advice,
                       enum mt_shim_plugin *ret_who);
int mt_shim_ask_report(enum mt_shim_plugin who, const struct mt_report *report);

#endif
