/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migtune-client.so: the part of the plugin that only talks to the watcher.
 *
 * libvirt runs the qemu hook as a new process for each event and waits for it. migtune.so pulls in libvirt.so, whose
 * dependencies alone take about 8 ms to load; this one needs json-c and loads in about 0.1 ms (tests/bench/bench_hook).
 * The shim is in other people's processes, where less is better, too.
 */
#include "handle.h"
#include "mt_build.h"
#include "shim_handle.h"

__attribute__((visibility("default"))) const struct mt_plugin_ops *mt_plugin_get(uint32_t host_abi_major)
{
        static const struct mt_plugin_ops ops = {
                .struct_size = sizeof(ops),
                .abi_major = MT_ABI_MAJOR,
                .name = "migtune-client",
                .version = MT_VERSION,
                .open = mt_handle_open,
                .close = mt_handle_close,
                .command = NULL,
                .hook_event = mt_handle_hook_event,
                .advise = mt_shim_advise,
                .report = mt_shim_report,
        };

        return host_abi_major == MT_ABI_MAJOR ? &ops : NULL;
}
