/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/explain_show.h"
#include "command/member.h"
#include "command/quantity.h"
#include "command/terminal.h"
#include "config_keys.h"
#include "log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct text {
        char text[MT_QUANTITY_SIZE];
};

static struct text rate(json_object *o, const char *path)
{
        struct text t;

        (void)mt_quantity_rate(t.text, sizeof(t.text), mt_member_number(o, path));
        return t;
}

static struct text bytes(json_object *o, const char *path)
{
        struct text t;

        (void)mt_quantity_bytes(t.text, sizeof(t.text), mt_member_predicted(o, path));
        return t;
}

static struct text span(json_object *o, const char *path)
{
        struct text t;

        (void)mt_quantity_time(t.text, sizeof(t.text), mt_member_predicted(o, path));
        return t;
}

static void memory(const struct mt_explained *e, json_object *facts)
{
        if (mt_member(facts, "memory_bytes") != NULL)
                mt_explain_row(e, "memory", "%s, %s of it touched", bytes(facts, "memory_bytes").text,
                               bytes(facts, "resident_bytes").text);
}

static void dirty_rate(const struct mt_explained *e, json_object *facts)
{
        mt_explain_row(e, "dirty rate", "%s, source: %s, %s old", rate(facts, "dirty_rate_mbps").text,
                       mt_member_text(facts, "dirty_rate_source"), span(facts, "dirty_rate_age_ms").text);
        if (mt_member(facts, "dirty_low_mbps") != NULL)
                mt_explain_row(e, "the host's range", "%s to %s", rate(facts, "dirty_low_mbps").text,
                               rate(facts, "dirty_high_mbps").text);
        if (mt_member_number(facts, "hot_bytes") > 0.0)
                mt_explain_row(e, "hot pages", "%s (%.2f %% of the memory) written at %s, the rest at %s, source: %s",
                               bytes(facts, "hot_bytes").text,
                               fmin(fmax(mt_member_number(facts, "hot_share"), 0.0), 1.0) * 100.0,
                               rate(facts, "hot_rate_mbps").text, rate(facts, "cold_rate_mbps").text,
                               mt_member_text(facts, "hot_source"));
}

static void link_of(const struct mt_explained *e, json_object *facts)
{
        const char *device = mt_member_text(facts, "device");

        mt_explain_row(e, "link", "%s, %s", device[0] != '\0' ? device : "no uplink found", rate(facts, "link_mbps").text);
        if (mt_member_number(facts, "taken_mbps") > 0.0)
                mt_explain_row(e, "", "%s of it taken by other migrations", rate(facts, "taken_mbps").text);
        if (mt_member(facts, "path_mbps") != NULL)
                mt_explain_row(e, "path", "carries %s", rate(facts, "path_mbps").text);
        if (mt_member(facts, "rtt_us") != NULL) {
                struct text t;

                (void)snprintf(t.text, sizeof(t.text), "%.3f ms", fmin(mt_member_number(facts, "rtt_us"), 1e9) / 1000.0);
                mt_explain_row(e, "round trip", "%s", t.text);
        }
        mt_explain_row(e, "between rounds", "%s (tau); reconfiguration at the switchover %s (t_g)",
                       span(facts, "tau_ms").text, span(facts, "tg_ms").text);
}

static void traffic(const struct mt_explained *e, json_object *facts, const char *key, const char *label)
{
        json_object *end = mt_member(facts, key);
        const char *source = mt_member_text(end, "source");

        if (end == NULL)
                return;
        if (mt_member(end, "known") != NULL && !mt_member_is_true(end, "known"))
                mt_explain_row(e, label, "not known, counts as idle");
        else
                mt_explain_row(e, label, "%s in, %s out: %s%s%s, %s old", rate(end, "in_mbps").text,
                               rate(end, "out_mbps").text, mt_member_text(end, "class"),
                               source[0] != '\0' ? ", source: " : "", source, span(end, "age_ms").text);
}

/* "a, b, c" of an array of strings. */
static const char *list(char *text, size_t size, json_object *o, const char *path)
{
        size_t used = 0;

        text[0] = '\0';
        for (size_t i = 0; i < mt_member_count(o, path) && used < size; i++) {
                json_object *one = json_object_array_get_idx(mt_member(o, path), i);

                used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "",
                                         json_object_is_type(one, json_type_string) ? json_object_get_string(one) : "?");
        }
        return text;
}

static void call(const struct mt_explained *e, json_object *facts)
{
        char flags[512];

        if (mt_member_text(facts, "post_copy_permitted")[0] != '\0')
                mt_explain_row(e, "post-copy", "permitted by the caller: %s", mt_member_text(facts, "post_copy_permitted"));
        if (mt_member(facts, "call") != NULL)
                mt_explain_row(e, "the call", "flags: %s%s; libvirt %s, QEMU %s",
                               mt_member_count(facts, "call/flags") > 0 ? list(flags, sizeof(flags), facts, "call/flags")
                                                                        : "none",
                               mt_member_is_true(facts, "call/paused") ? "; the guest was paused" : "",
                               mt_member(facts, "call/libvirt") != NULL ? mt_member_text(facts, "call/libvirt") : "-",
                               mt_member(facts, "call/qemu") != NULL ? mt_member_text(facts, "call/qemu") : "-");
}

void mt_explain_measured(const struct mt_explained *e)
{
        json_object *facts = mt_member(e->record, "facts");

        if (facts == NULL)
                return;
        mt_print("\nmeasured:\n");
        memory(e, facts);
        dirty_rate(e, facts);
        link_of(e, facts);
        traffic(e, facts, "src", "traffic here");
        traffic(e, facts, "dst", "at the destination");
        traffic(e, facts, "vm", "of the VM");
        call(e, facts);
}

/* "max_downtime 300 ms"; "": the record does not have it, or it is no single value. */
static void intent_key(char *text, size_t size, json_object *intent, const struct mt_key *key)
{
        const char *unit = key->kind == MT_KEY_RATE ? "_mbps" : key->kind == MT_KEY_TIME ? "_ms" : "";
        char name[64], value[MT_QUANTITY_SIZE + 64] = "auto";
        json_object *found = NULL;

        text[0] = '\0';
        (void)snprintf(name, sizeof(name), "%s%s", key->intent, unit);
        if (!json_object_is_type(intent, json_type_object) || !json_object_object_get_ex(intent, name, &found) ||
            json_object_is_type(found, json_type_array) || json_object_is_type(found, json_type_object))
                return;
        if (found != NULL && key->kind == MT_KEY_RATE)
                (void)mt_quantity_rate(value, sizeof(value), mt_member_number(intent, name));
        else if (found != NULL && key->kind == MT_KEY_TIME)
                (void)mt_quantity_time(value, sizeof(value), mt_member_number(intent, name));
        else if (found != NULL)
                (void)snprintf(value, sizeof(value), "%.80s", json_object_get_string(found));
        (void)snprintf(text, size, "%s %s", key->intent, value);
}

/* All keys, "KEY VALUE, KEY VALUE, ...", lines broken between them. */
void mt_explain_intent(const struct mt_explained *e)
{
        json_object *intent = mt_member(e->record, "intent");
        const size_t most = e->columns > 0 ? e->columns - 1 : 100;
        size_t at = 0;

        if (intent == NULL)
                return;
        mt_print("\nwanted, from %s:\n", mt_member_text(intent, "from")[0] != '\0' ? mt_member_text(intent, "from") : "-");
        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                char one[192];

                intent_key(one, sizeof(one), intent, mt_key_at(i));
                if (one[0] == '\0')
                        continue;
                if (at > 0 && at + strlen(", ") + mt_terminal_width(one) + strlen(",") > most) {
                        mt_print(",\n");
                        at = 0;
                }
                mt_print("%s%s", at > 0 ? ", " : "  ", one);
                at += strlen(", ") + mt_terminal_width(one);
        }
        mt_print("%s", at > 0 ? "\n" : "");
}

void mt_explain_reasons(const struct mt_explained *e)
{
        const size_t n = mt_member_count(e->record, "reasons");

        if (n > 0)
                mt_print("\nwhy:\n");
        for (size_t i = 0; i < n; i++) {
                json_object *reason = json_object_array_get_idx(mt_member(e->record, "reasons"), i);

                mt_print("%4zu. ", i + 1);
                mt_terminal_wrap(json_object_is_type(reason, json_type_string) ? json_object_get_string(reason) : "-", 6,
                                 e->columns > 0 ? e->columns - 1 : 0);
        }
}

/* What was to be changed in the migration call; null: there was none to change. */
static void call_changes(const struct mt_explained *e, json_object *plan)
{
        char with[256], without[256], line[1024] = "";
        size_t used = 0;

        if (mt_member(plan, "call") == NULL)
                return;
#define ALSO(...) used += (size_t)snprintf(line + used, sizeof(line) - used, __VA_ARGS__)
        if (mt_member_count(plan, "call/flags_add") > 0)
                ALSO("; with %s", list(with, sizeof(with), plan, "call/flags_add"));
        if (mt_member_count(plan, "call/flags_drop") > 0)
                ALSO("; without %s", list(without, sizeof(without), plan, "call/flags_drop"));
        if (mt_member_number(plan, "call/connections") > 0.0)
                ALSO("; %.4g connections", mt_member_number(plan, "call/connections"));
        if (mt_member_text(plan, "call/compression")[0] != '\0')
                ALSO("; compressed by %.32s", mt_member_text(plan, "call/compression"));
        if (mt_member_number(plan, "call/postcopy_mbps") > 0.0)
                ALSO("; post-copy at %s", rate(plan, "call/postcopy_mbps").text);
        if (mt_member_number(plan, "call/switchover_mbps") > 0.0)
                ALSO("; the switchover at %s", rate(plan, "call/switchover_mbps").text);
#undef ALSO
        mt_explain_row(e, "changed in the call", "%s", used > 0 ? line + 2 : "nothing but the bandwidth");
}

static void alternatives(json_object *plan)
{
        const size_t n = mt_member_count(plan, "alternatives");

        if (n > 0)
                mt_print("  %-30s %12s %8s %8s %9s\n", "instead of", "", "time", "blackout", "bytes");
        for (size_t i = 0; i < n; i++) {
                json_object *one = json_object_array_get_idx(mt_member(plan, "alternatives"), i);
                char name[64];

                (void)snprintf(name, sizeof(name), "%.60s", mt_member_text(one, "name"));
                mt_terminal_cut(name, 28);
                mt_print("    %-28s %12s %8s %8s %9s\n", name, rate(one, "bandwidth_mbps").text,
                         span(one, "prediction/total_ms").text, span(one, "prediction/downtime_ms").text,
                         bytes(one, "prediction/bytes").text);
        }
}

void mt_explain_plan(const struct mt_explained *e)
{
        json_object *plan = mt_member(e->record, "plan");

        if (plan == NULL)
                return;
        mt_print("\nplan:\n");
        mt_explain_row(e, "technique", "%s", mt_member_text(plan, "technique"));
        if (mt_member_number(plan, "switch_iteration") > 0.0)
                mt_explain_row(e, "", "switches to post-copy as iteration %.4g begins",
                               mt_member_number(plan, "switch_iteration"));
        mt_explain_row(e, "bandwidth", "%s by %s: lambda %.3f", rate(plan, "bandwidth_mbps").text,
                       mt_member_text(plan, "strategy"), fmin(fmax(mt_member_number(plan, "lambda"), 0.0), 9999.0));
        mt_explain_row(e, "", "%s reserved, %s for the last copy", rate(plan, "reserve_mbps").text,
                       rate(plan, "switchover_mbps").text);
        mt_explain_row(e, "stops", "when %.2f %% of the memory remains, after %.5g rounds at the latest",
                       fmin(fmax(mt_member_number(plan, "alpha"), 0.0), 1.0) * 100.0,
                       fmax(mt_member_number(plan, "iterations"), 0.0));
        mt_explain_row(e, "downtime limit", "%s for QEMU; the plan said that max_downtime will %sbe met",
                       span(plan, "downtime_limit_ms").text, mt_member_is_true(plan, "limit_met") ? "" : "NOT ");
        call_changes(e, plan);
        alternatives(plan);
}
