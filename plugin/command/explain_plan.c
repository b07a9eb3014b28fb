/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/explain_show.h"
#include "command/explain_text.h"
#include "command/member.h"
#include "command/terminal.h"
#include "config_keys.h"
#include "log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

/* One key a line, where it comes from behind it: those that are not as built in. Returns how many. */
static unsigned told_keys(const struct mt_explained *e, json_object *intent)
{
        unsigned n = 0;

        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                const char *origin = mt_member_text(mt_member(intent, "origins"), mt_key_at(i)->intent);
                char one[192], line[512];

                intent_key(one, sizeof(one), intent, mt_key_at(i));
                if (one[0] == '\0' || origin[0] == '\0')
                        continue;
                (void)snprintf(line, sizeof(line), "%s, from %.300s", one, origin);
                mt_print("  ");
                mt_terminal_wrap(line, 4, e->columns > 0 ? e->columns - 1 : 0);
                n++;
        }
        return n;
}

/* The other keys, "KEY VALUE, KEY VALUE, ...", lines broken between them. */
static void other_keys(const struct mt_explained *e, json_object *intent)
{
        const size_t most = e->columns > 0 ? e->columns - 1 : 100;
        size_t at = 0;

        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                char one[192];

                intent_key(one, sizeof(one), intent, mt_key_at(i));
                if (one[0] == '\0' || mt_member_text(mt_member(intent, "origins"), mt_key_at(i)->intent)[0] != '\0')
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

void mt_explain_intent(const struct mt_explained *e)
{
        json_object *intent = mt_member(e->record, "intent");
        const char *from = mt_member_text(intent, "from");

        if (intent == NULL)
                return;
        mt_print("\nwanted, from %s:\n", from[0] != '\0' ? from : "-");
        if (told_keys(e, intent) > 0)
                mt_print("  the rest as built in%s\n", e->ahead ? " (--json shows it)" : ":");
        else if (e->ahead && mt_member(intent, "origins") != NULL)
                mt_print("  all as built in (--json shows it)\n");
        if (!e->ahead)
                other_keys(e, intent);
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
                ALSO("; with %s", mt_text_list(with, sizeof(with), plan, "call/flags_add"));
        if (mt_member_count(plan, "call/flags_drop") > 0)
                ALSO("; without %s", mt_text_list(without, sizeof(without), plan, "call/flags_drop"));
        if (mt_member_number(plan, "call/connections") > 0.0)
                ALSO("; %.4g connections", mt_member_number(plan, "call/connections"));
        if (mt_member_text(plan, "call/compression")[0] != '\0')
                ALSO("; compressed by %.32s", mt_member_text(plan, "call/compression"));
        if (mt_member_number(plan, "call/xbzrle_cache_bytes") > 0.0)
                ALSO("; with a cache of %s", mt_text_bytes(plan, "call/xbzrle_cache_bytes").text);
        if (mt_member_number(plan, "call/postcopy_mbps") > 0.0)
                ALSO("; post-copy at %s", mt_text_rate(plan, "call/postcopy_mbps").text);
        if (mt_member_number(plan, "call/switchover_mbps") > 0.0)
                ALSO("; the switchover at %s", mt_text_rate(plan, "call/switchover_mbps").text);
#undef ALSO
        mt_explain_row(e, "changed in the call", "%s", used > 0 ? line + 2 : "nothing but the bandwidth");
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
        mt_explain_row(e, "bandwidth", "%s by %s: lambda %.3f", mt_text_rate(plan, "bandwidth_mbps").text,
                       mt_member_text(plan, "strategy"), fmin(fmax(mt_member_number(plan, "lambda"), 0.0), 9999.0));
        mt_explain_row(e, "", "%s reserved, %s for the last copy", mt_text_rate(plan, "reserve_mbps").text,
                       mt_text_rate(plan, "switchover_mbps").text);
        mt_explain_row(e, "stops", "when %.2f %% of the memory remains, after %.5g rounds at the latest",
                       fmin(fmax(mt_member_number(plan, "alpha"), 0.0), 1.0) * 100.0,
                       fmax(mt_member_number(plan, "iterations"), 0.0));
        mt_explain_row(e, "downtime limit", "%s for QEMU; by the prediction max_downtime is %smet",
                       mt_text_time(plan, "downtime_limit_ms").text, mt_member_is_true(plan, "limit_met") ? "" : "NOT ");
        call_changes(e, plan);
}
