/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public header as anybody's first include, in C99, C11 and C++; and where every released field is, for ever. */
#include <migtune/plugin.h>

#if (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L) || defined(__cplusplus)
#ifndef __cplusplus
#define static_assert _Static_assert
#endif
#define AT(type, field, bytes) static_assert(offsetof(struct type, field) == (bytes), "ABI: " #type "." #field " moved")
#define P sizeof(void *)
#define ALIGNED(bytes) (((bytes) + P - 1) / P * P)
AT(mt_host_ops, struct_size, 0);
AT(mt_host_ops, abi_major, 4);
AT(mt_host_ops, ctx, 8);
AT(mt_host_ops, log, 8 + P);
AT(mt_host_ops, print, 8 + 2 * P);
AT(mt_host_ops, record, 8 + 3 * P);
AT(mt_host_ops, run_dir, 8 + 4 * P);
AT(mt_host_ops, config_file, 8 + 5 * P);
AT(mt_host_ops, flags, 8 + 6 * P);
AT(mt_host_ops, columns, 12 + 6 * P);
AT(mt_host_ops, run, 16 + 6 * P);
AT(mt_hook_event, struct_size, 0);
AT(mt_hook_event, timeout_ms, 4);
AT(mt_hook_event, domain, 8);
AT(mt_hook_event, operation, 8 + P);
AT(mt_hook_event, suboperation, 8 + 2 * P);
AT(mt_hook_event, extra, 8 + 3 * P);
AT(mt_hook_event, xml, 8 + 4 * P);
AT(mt_plugin_ops, struct_size, 0);
AT(mt_plugin_ops, abi_major, 4);
AT(mt_plugin_ops, name, 8);
AT(mt_plugin_ops, version, 8 + P);
AT(mt_plugin_ops, open, 8 + 2 * P);
AT(mt_plugin_ops, close, 8 + 3 * P);
AT(mt_plugin_ops, command, 8 + 4 * P);
AT(mt_plugin_ops, hook_event, 8 + 5 * P);
static_assert(MT_HOST_OPS_SIZE_1_0 == 16 + 6 * P, "ABI: size of struct mt_host_ops 1.0");
static_assert(MT_HOOK_EVENT_SIZE_1_0 == 8 + 5 * P, "ABI: size of struct mt_hook_event 1.0");
static_assert(MT_PLUGIN_OPS_SIZE_1_0 == 8 + 6 * P, "ABI: size of struct mt_plugin_ops 1.0");
#endif

int use_header(const struct mt_plugin_ops *ops);
int use_header(const struct mt_plugin_ops *ops)
{
        return ops->abi_major == MT_ABI_MAJOR;
}
