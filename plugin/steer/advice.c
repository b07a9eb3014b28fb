/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/advice.h"
#include "record/json_call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MOST_MIB_S (UINT64_C(1) << 24) /* 16 TiB/s: libvirt's "unlimited" is far above that */

uint64_t mt_advice_limit_bytes_s(uint64_t mib_s)
{
        return mib_s < MOST_MIB_S ? mib_s * MT_MIB : 0;
}

/* Whether memory goes by this scheme: "rdma://host", "unix:///path", "unix:/path". */
static bool goes_by(const struct mt_call *call, const char *scheme)
{
        size_t length = strlen(scheme);

        return call->migrate_uri != NULL && strncmp(call->migrate_uri, scheme, length) == 0 &&
               call->migrate_uri[length] == ':';
}

static uint64_t older(uint64_t a, uint64_t b)
{
        if (a == 0 || b == 0)
                return a + b;
        return a < b ? a : b;
}

struct mt_call_fact mt_advice_call_fact(const struct mt_call *call, enum mt_caller_limits limits,
                                        const struct mt_versions *versions)
{
        return (struct mt_call_fact){
                .known = true,
                .fixed_flags = (call->state & MT_CALL_FIXED_FLAGS) != 0,
                .paused = (call->state & MT_CALL_PAUSED) != 0,
                .by_rdma = goes_by(call, "rdma"),
                .by_unix_socket = goes_by(call, "unix"),
                .override_limits = limits == MT_LIMITS_OVERRIDE,
                .flags = call->flags,
                .bandwidth_bytes_s = mt_advice_limit_bytes_s(call->bandwidth_mib_s),
                .bandwidth_postcopy_bytes_s = mt_advice_limit_bytes_s(call->bandwidth_postcopy_mib_s),
                .bandwidth_switchover_bytes_s = mt_advice_limit_bytes_s(call->bandwidth_switchover_mib_s),
                .libvirt_version = older(call->libvirt_version, versions->libvirt),
                .qemu_version = versions->qemu,
        };
}

struct mt_call_fact mt_advice_made(const struct mt_call_fact *given, const struct mt_call_changes *changes)
{
        struct mt_call_fact made = *given;

        made.made = true;
        made.flags = (given->flags & ~changes->flags_drop) | changes->flags_add;
        if (changes->bandwidth_postcopy_bytes_s > 0)
                made.bandwidth_postcopy_bytes_s = changes->bandwidth_postcopy_bytes_s;
        return made;
}

bool mt_advice_switchover(const struct mt_call_fact *given, const struct mt_call_changes *changes)
{
        return given->bandwidth_switchover_bytes_s > 0 || changes->bandwidth_switchover_bytes_s > 0;
}

static uint64_t mib_s_floor(uint64_t bytes_s)
{
        return bytes_s == 0 || bytes_s >= MT_MIB ? bytes_s / MT_MIB : 1;
}

static void add_word(char *text, size_t size, const char *prefix, const char *word)
{
        size_t used = strlen(text);

        (void)snprintf(text + used, size - used, ", %s%s", prefix, word);
}

/* What is changed beside the bandwidth: ", with postcopy, compressed (xbzrle)". */
static void describe_changes(const struct mt_call_changes *changes, char *text, size_t size)
{
        text[0] = '\0';
        for (unsigned bit = 0; bit < 64; bit++) {
                const char *name = mt_flag_name(bit);
                uint64_t flag = UINT64_C(1) << bit;

                if (name != NULL && (changes->flags_add & flag) != 0)
                        add_word(text, size, "with ", name);
                if (name != NULL && (changes->flags_drop & flag) != 0)
                        add_word(text, size, "without ", name);
        }
        if (changes->compression != MT_COMPRESSION_LEAVE)
                add_word(text, size, "by ", mt_compression_name(changes->compression));
}

static const char *time_text(char *text, size_t size, uint64_t ms)
{
        return ms != UINT64_MAX ? mt_format_time(text, size, ms) : "without end";
}

void mt_advice_fill(const struct mt_intent *intent, const struct mt_plan *plan, struct mt_advice *ret)
{
        const struct mt_call_changes *changes = &plan->call;
        struct mt_advice advice = { .struct_size = sizeof(advice) };
        char rate[32], total[32], blackout[32], also[96];

        describe_changes(changes, also, sizeof(also));
        (void)snprintf(advice.reason, sizeof(advice.reason), "%s%s at %s%s; predicted %s, blackout %s%s",
                       intent->mode == MT_MODE_ENFORCE ? "" : "mode observe, would be: ", mt_technique_name(plan->technique),
                       mt_format_rate(rate, sizeof(rate), plan->bandwidth_bytes_s), also,
                       time_text(total, sizeof(total), plan->prediction.total_ms),
                       time_text(blackout, sizeof(blackout), plan->prediction.downtime_ms),
                       changes->compression != MT_COMPRESSION_LEAVE ? " without the compression" : "");
        if (intent->mode == MT_MODE_ENFORCE) {
                const char *method = mt_compression_name(changes->compression);

                advice.action = MT_ADVICE_TUNE;
                advice.bandwidth_mib_s = mt_mib_s_ceil(plan->bandwidth_bytes_s);
                advice.bandwidth_postcopy_mib_s = mib_s_floor(changes->bandwidth_postcopy_bytes_s);
                advice.bandwidth_switchover_mib_s = mib_s_floor(changes->bandwidth_switchover_bytes_s);
                advice.flags_add = changes->flags_add;
                advice.flags_drop = changes->flags_drop;
                advice.connections = changes->connections;
                advice.xbzrle_cache_bytes = changes->xbzrle_cache_bytes;
                (void)snprintf(advice.compression, sizeof(advice.compression), "%s", method != NULL ? method : "");
        }
        *ret = advice;
}

void mt_advice_leave(struct mt_advice *ret, const char *format, ...)
{
        va_list args;

        *ret = (struct mt_advice){ .struct_size = sizeof(*ret), .action = MT_ADVICE_LEAVE };
        va_start(args, format);
        (void)vsnprintf(ret->reason, sizeof(ret->reason), format, args);
        va_end(args);
}

void mt_advice_wait(struct mt_advice *ret, uint32_t ms, const char *reason)
{
        *ret = (struct mt_advice){ .struct_size = sizeof(*ret), .action = MT_ADVICE_WAIT, .wait_ms = ms };
        (void)snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
}

enum mt_attach mt_advice_attach(uint32_t by)
{
        return by == MT_CALL_BY_DAEMON ? MT_ATTACH_DAEMON_SHIM : MT_ATTACH_CLIENT_SHIM;
}
