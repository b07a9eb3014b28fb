/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/json_call.h"

#include <inttypes.h>
#include <stdio.h>

const char *mt_compression_name(enum mt_compression compression)
{
        switch (compression) {
        case MT_COMPRESSION_XBZRLE:
                return "xbzrle";
        case MT_COMPRESSION_ZSTD:
                return "zstd";
        case MT_COMPRESSION_LEAVE:
                break;
        }
        return NULL;
}

/* Names; "bit 40" for what has none. */
static json_object *flags_json(uint64_t flags)
{
        json_object *array = json_object_new_array();
        char text[16];

        for (unsigned bit = 0; bit < 64; bit++) {
                if ((flags & UINT64_C(1) << bit) == 0)
                        continue;
                (void)snprintf(text, sizeof(text), "bit %u", bit);
                mt_json_append(array, mt_json_string(mt_flag_name(bit) != NULL ? mt_flag_name(bit) : text));
        }
        return array;
}

static json_object *version_json(uint64_t version)
{
        char text[80];

        if (version == 0)
                return NULL;
        (void)snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64 ".%" PRIu64, version / 1000000, version / 1000 % 1000,
                       version % 1000);
        return mt_json_string(text);
}

/* null: none */
static json_object *limit_json(uint64_t bytes_s)
{
        return bytes_s > 0 ? mt_json_mbps(bytes_s) : NULL;
}

json_object *mt_call_json(const struct mt_call_fact *call)
{
        json_object *o;

        if (!call->known)
                return NULL;
        o = json_object_new_object();
        mt_json_add(o, "flags", flags_json(call->flags));
        mt_json_add(o, "made", json_object_new_boolean(call->made));
        mt_json_add(o, "fixed_flags", json_object_new_boolean(call->fixed_flags));
        mt_json_add(o, "paused", json_object_new_boolean(call->paused));
        mt_json_add(o, "bandwidth_mbps", limit_json(call->bandwidth_bytes_s));
        mt_json_add(o, "postcopy_mbps", limit_json(call->bandwidth_postcopy_bytes_s));
        mt_json_add(o, "switchover_mbps", limit_json(call->bandwidth_switchover_bytes_s));
        mt_json_add(o, "limits_bind", json_object_new_boolean(!call->override_limits));
        mt_json_add(o, "libvirt", version_json(call->libvirt_version));
        mt_json_add(o, "qemu", version_json(call->qemu_version));
        return o;
}

json_object *mt_call_changes_json(const struct mt_call_changes *changes)
{
        const char *compression = mt_compression_name(changes->compression);
        json_object *o;

        if (!changes->known)
                return NULL;
        o = json_object_new_object();
        mt_json_add(o, "flags_add", flags_json(changes->flags_add));
        mt_json_add(o, "flags_drop", flags_json(changes->flags_drop));
        mt_json_add(o, "connections", changes->connections > 0 ? mt_json_count(changes->connections) : NULL);
        mt_json_add(o, "compression", compression != NULL ? mt_json_string(compression) : NULL);
        mt_json_add(o, "xbzrle_cache_bytes",
                    changes->xbzrle_cache_bytes > 0 ? mt_json_count(changes->xbzrle_cache_bytes) : NULL);
        mt_json_add(o, "postcopy_mbps", limit_json(changes->bandwidth_postcopy_bytes_s));
        mt_json_add(o, "switchover_mbps", limit_json(changes->bandwidth_switchover_bytes_s));
        return o;
}

json_object *mt_headroom_json(const struct mt_headroom_fact *headroom)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "cpu_idle_share", headroom->cpu_known ? mt_json_number(headroom->cpu_idle_share, 3) : NULL);
        mt_json_add(o, "cpus", headroom->cpus > 0 ? mt_json_count(headroom->cpus) : NULL);
        mt_json_add(o, "memory_free_bytes",
                    headroom->memory_free_bytes > 0 ? mt_json_count(headroom->memory_free_bytes) : NULL);
        mt_json_add(o, "source", mt_json_string(headroom->given ? "given" : "measured"));
        return o;
}
