/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The public header as anybody's first include, in C99, C11 and C++; and where every released field is and what every released
 * constant is, for ever: lines are appended here, never changed. test_header.py sees to it that none is forgotten.
 */
#include <migtune/plugin.h>

#if (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L) || defined(__cplusplus)
#ifndef __cplusplus
#define static_assert _Static_assert
#endif
#define AT(type, field, bytes) static_assert(offsetof(struct type, field) == (bytes), "ABI: " #type "." #field " moved")
#define P sizeof(void *)
#ifdef __cplusplus
#define ALIGNMENT alignof(uint64_t)
#else
#define ALIGNMENT _Alignof(uint64_t) /* in a struct; on 32-bit machines it is not the same for all */
#endif
#define WIDE(bytes) (((bytes) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)
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
AT(mt_host_ops, record_fields, 16 + 7 * P);
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
AT(mt_plugin_ops, advise, 8 + 6 * P);
AT(mt_plugin_ops, report, 8 + 7 * P);
AT(mt_call, struct_size, 0);
AT(mt_call, timeout_ms, 4);
AT(mt_call, attach, 8);
AT(mt_call, state, 12);
AT(mt_call, domain, 16);
AT(mt_call, uuid, 16 + P);
AT(mt_call, uri, 16 + 2 * P);
AT(mt_call, migrate_uri, 16 + 3 * P);
AT(mt_call, ticket, 16 + 4 * P);
AT(mt_call, flags, WIDE(16 + 5 * P));
AT(mt_call, bandwidth_mib_s, WIDE(16 + 5 * P) + 8);
AT(mt_call, bandwidth_postcopy_mib_s, WIDE(16 + 5 * P) + 16);
AT(mt_call, bandwidth_switchover_mib_s, WIDE(16 + 5 * P) + 24);
AT(mt_call, libvirt_version, WIDE(16 + 5 * P) + 32);
AT(mt_advice, struct_size, 0);
AT(mt_advice, action, 4);
AT(mt_advice, wait_ms, 8);
AT(mt_advice, connections, 12);
AT(mt_advice, flags_add, 16);
AT(mt_advice, flags_drop, 24);
AT(mt_advice, bandwidth_mib_s, 32);
AT(mt_advice, bandwidth_postcopy_mib_s, 40);
AT(mt_advice, bandwidth_switchover_mib_s, 48);
AT(mt_advice, xbzrle_cache_bytes, 56);
AT(mt_advice, compression, 64);
AT(mt_advice, ticket, 80);
AT(mt_advice, reason, 144);
AT(mt_report, struct_size, 0);
AT(mt_report, timeout_ms, 4);
AT(mt_report, what, 8);
AT(mt_report, result, 12);
AT(mt_report, uuid, 16);
AT(mt_report, ticket, 16 + P);
AT(mt_report, text, 16 + 2 * P);
AT(mt_report, value, WIDE(16 + 3 * P));
static_assert(MT_HOST_OPS_SIZE_1_0 == 16 + 6 * P, "ABI: size of struct mt_host_ops 1.0");
static_assert(MT_HOOK_EVENT_SIZE_1_0 == 8 + 5 * P, "ABI: size of struct mt_hook_event 1.0");
static_assert(MT_PLUGIN_OPS_SIZE_1_0 == 8 + 6 * P, "ABI: size of struct mt_plugin_ops 1.0");
static_assert(MT_CALL_SIZE_1_0 == WIDE(16 + 5 * P) + 40, "ABI: size of struct mt_call 1.0");
static_assert(MT_ADVICE_SIZE_1_0 == 400, "ABI: size of struct mt_advice 1.0");
static_assert(MT_REPORT_SIZE_1_0 == WIDE(16 + 3 * P) + 8, "ABI: size of struct mt_report 1.0");
#define IS(constant, number) static_assert((constant) == (number), "ABI: " #constant " is another number")
IS(MT_ABI_MAJOR, 1);
IS(MT_HOST_OUT_IS_TTY, 1);
IS(MT_HOST_ERR_IS_TTY, 2);
IS(MT_CALL_BY_CLIENT, 1);
IS(MT_CALL_BY_DAEMON, 2);
IS(MT_CALL_PAUSED, 1);
IS(MT_CALL_FIXED_FLAGS, 2);
IS(MT_ADVICE_LEAVE, 0);
IS(MT_ADVICE_TUNE, 1);
IS(MT_ADVICE_WAIT, 2);
IS(MT_REPORT_ENDED, 1);
IS(MT_REPORT_RETRIED, 2);
IS(MT_REPORT_MAX_DOWNTIME, 3);
IS(MT_REPORT_MAX_SPEED, 4);
IS(MT_REPORT_POST_COPY, 5);
IS(MT_REPORT_ABORT, 6);
IS(MT_REPORT_SUSPEND, 7);
#endif

int use_header(const struct mt_plugin_ops *ops);
int use_header(const struct mt_plugin_ops *ops)
{
        return ops->abi_major == MT_ABI_MAJOR;
}
