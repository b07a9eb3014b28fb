/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/plan_show.h"
#include "err.h"
#include "log.h"
#include "units.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *text(json_object *object, const char *key)
{
        json_object *value = json_object_object_get(object, key);

        return value != NULL ? json_object_get_string(value) : "-";
}

static double number(json_object *object, const char *key)
{
        return json_object_get_double(json_object_object_get(object, key));
}

/* A predicted quantity; null means that it never ends. */
static const char *seconds(char *out, size_t size, json_object *prediction, const char *key)
{
        json_object *value = json_object_object_get(prediction, key);

        if (value == NULL)
                (void)snprintf(out, size, "never");
        else if (json_object_get_double(value) < 10000.0)
                (void)snprintf(out, size, "%.0f ms", json_object_get_double(value));
        else
                (void)snprintf(out, size, "%.1f s", json_object_get_double(value) / 1000.0);
        return out;
}

static const char *bytes(char *out, size_t size, json_object *prediction)
{
        json_object *value = json_object_object_get(prediction, "bytes");

        if (value == NULL)
                (void)snprintf(out, size, "-");
        else
                (void)mt_format_size(out, size, (uint64_t)json_object_get_int64(value));
        return out;
}

static void show_row(const char *name, double bandwidth_mbps, json_object *prediction)
{
        char total[32], downtime[32], sent[32];

        mt_print("  %-30s %10.1f %12s %12s %12s\n", name, bandwidth_mbps,
                 seconds(total, sizeof(total), prediction, "total_ms"),
                 seconds(downtime, sizeof(downtime), prediction, "downtime_ms"), bytes(sent, sizeof(sent), prediction));
}

static void show_choices(json_object *plan)
{
        json_object *others = json_object_object_get(plan, "alternatives");
        size_t n = others != NULL ? json_object_array_length(others) : 0;
        char chosen[64];

        (void)snprintf(chosen, sizeof(chosen), "* %s, %s", text(plan, "technique"), text(plan, "strategy"));
        mt_print("\n  %-30s %10s %12s %12s %12s\n", "technique, strategy", "R Mbit/s", "time", "blackout", "bytes");
        show_row(chosen, number(plan, "bandwidth_mbps"), json_object_object_get(plan, "prediction"));
        for (size_t i = 0; i < n; i++) {
                json_object *other = json_object_array_get_idx(others, i);
                char name[64];

                (void)snprintf(name, sizeof(name), "  %s", text(other, "name"));
                show_row(name, number(other, "bandwidth_mbps"), json_object_object_get(other, "prediction"));
        }
}

/* Appends ", WHAT" to a line that begins without a comma. */
static void MT_PRINTF(3, 4) also(char *line, size_t size, const char *format, ...)
{
        size_t used = strlen(line);
        va_list args;

        if (used > 0)
                used += (size_t)snprintf(line + used, size - used, ", ");
        if (used >= size)
                return;
        va_start(args, format);
        (void)vsnprintf(line + used, size - used, format, args);
        va_end(args);
}

static void also_flags(char *line, size_t size, const char *verb, json_object *flags)
{
        for (size_t i = 0; flags != NULL && i < json_object_array_length(flags); i++)
                also(line, size, "%s the flag %s", verb, json_object_get_string(json_object_array_get_idx(flags, i)));
}

/* What is to be changed in the migration call; null: there is none to change. */
static void show_call(json_object *call)
{
        char line[512] = "", cache[32];

        if (call == NULL)
                return;
        also_flags(line, sizeof(line), "with", json_object_object_get(call, "flags_add"));
        also_flags(line, sizeof(line), "without", json_object_object_get(call, "flags_drop"));
        if (json_object_object_get(call, "connections") != NULL)
                also(line, sizeof(line), "over %.0f connections", number(call, "connections"));
        if (json_object_object_get(call, "compression") != NULL)
                also(line, sizeof(line), "compressed by %s", text(call, "compression"));
        if (json_object_object_get(call, "xbzrle_cache_bytes") != NULL)
                also(line, sizeof(line), "with a cache of %s",
                     mt_format_size(cache, sizeof(cache), (uint64_t)number(call, "xbzrle_cache_bytes")));
        if (json_object_object_get(call, "postcopy_mbps") != NULL)
                also(line, sizeof(line), "post-copy at %.1f Mbit/s", number(call, "postcopy_mbps"));
        if (json_object_object_get(call, "switchover_mbps") != NULL)
                also(line, sizeof(line), "the switchover at %.1f Mbit/s", number(call, "switchover_mbps"));
        mt_print("the call: %s\n", line[0] != '\0' ? line : "as it is, but for the bandwidth");
}

void mt_plan_show(json_object *planned)
{
        json_object *plan = json_object_object_get(planned, "plan");
        json_object *reasons = json_object_object_get(planned, "reasons");
        size_t n = json_object_array_length(reasons);

        mt_print("%s: %s at %.1f Mbit/s (lambda %.3f, %s), %.0f Mbit/s reserved\n", text(planned, "domain"),
                 text(plan, "technique"), number(plan, "bandwidth_mbps"), number(plan, "lambda"), text(plan, "strategy"),
                 number(plan, "reserve_mbps"));
        mt_print("stop when %.2f %% of the memory remains, at the latest after %d rounds; QEMU's downtime limit %.0f ms; "
                 "%s\n",
                 number(plan, "alpha") * 100.0, (int)number(plan, "iterations"), number(plan, "downtime_limit_ms"),
                 json_object_get_boolean(json_object_object_get(plan, "limit_met")) ? "max_downtime is met"
                                                                                    : "max_downtime is NOT met");
        show_call(json_object_object_get(plan, "call"));
        show_choices(plan);
        mt_print("\nwhy:\n");
        for (size_t i = 0; i < n; i++)
                mt_print("%3zu. %s\n", i + 1, json_object_get_string(json_object_array_get_idx(reasons, i)));
}
