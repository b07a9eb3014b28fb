/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/explain_show.h"
#include "command/explain_text.h"
#include "command/member.h"
#include "log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ", WORDS" for what the record says of a value's source; "": an older version wrote it. read: in words, by what. */
static struct mt_text source_of(json_object *facts, const char *key, const char *read, const char *configured)
{
        const char *source = mt_member_text(facts, key), *words = source;
        struct mt_text t;

        if (strcmp(source, "read") == 0)
                words = read;
        else if (strcmp(source, "configuration") == 0)
                words = configured;
        else if (strcmp(source, "history") == 0)
                words = "learnt here";
        (void)snprintf(t.text, sizeof(t.text), "%s%s", words[0] != '\0' ? ", " : "", words);
        return t;
}

/* ", 30.0 s old"; ", now" of what was measured for this; "" where the record does not tell. */
static struct mt_text age_of(json_object *facts, const char *key)
{
        struct mt_text t = { "" };

        if (mt_member(facts, key) != NULL && mt_member_number(facts, key) < 1.0)
                (void)snprintf(t.text, sizeof(t.text), ", now");
        else if (mt_member(facts, key) != NULL)
                (void)snprintf(t.text, sizeof(t.text), ", %.12s old", mt_text_time(facts, key).text);
        return t;
}

static void memory(const struct mt_explained *e, json_object *facts)
{
        if (mt_member(facts, "memory_bytes") != NULL)
                mt_explain_row(e, "memory", "%s, %s of it touched%s", mt_text_bytes(facts, "memory_bytes").text,
                               mt_text_bytes(facts, "resident_bytes").text,
                               source_of(facts, "memory_source", "libvirt, now", "its definition").text);
}

/* What a source of dirty rates means. */
static const char *dirty_source(json_object *facts)
{
        static const struct {
                const char *name, *words;
        } sources[] = {
                { "default", "nothing known, so the middle of the range" },
                { "history", "its last migration" },
                { "measured", "page sampling" },
                { "in-flight", "the running migration" },
        };
        const char *source = mt_member_text(facts, "dirty_rate_source");

        for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
                if (strcmp(source, sources[i].name) == 0)
                        return sources[i].words;
        return source[0] != '\0' ? source : "-";
}

static void dirty_rate(const struct mt_explained *e, json_object *facts)
{
        const char *source = mt_member_text(facts, "dirty_rate_source");
        bool measured = strcmp(source, "default") != 0 && strcmp(source, "given") != 0;

        mt_explain_row(e, "dirty rate", "%s, %s%s", mt_text_rate(facts, "dirty_rate_mbps").text, dirty_source(facts),
                       measured ? age_of(facts, "dirty_rate_age_ms").text : "");
        if (mt_member(facts, "dirty_low_mbps") != NULL)
                mt_explain_row(e, "the host's range", "%s to %s%s", mt_text_rate(facts, "dirty_low_mbps").text,
                               mt_text_rate(facts, "dirty_high_mbps").text,
                               strcmp(mt_member_text(facts, "dirty_range_source"), "history") == 0 ? ", learnt here" : "");
        if (mt_member_number(facts, "hot_bytes") > 0.0)
                mt_explain_row(e, "hot pages", "%s (%.2f %% of the memory) written at %s, the rest at %s, source: %s",
                               mt_text_bytes(facts, "hot_bytes").text,
                               fmin(fmax(mt_member_number(facts, "hot_share"), 0.0), 1.0) * 100.0,
                               mt_text_rate(facts, "hot_rate_mbps").text, mt_text_rate(facts, "cold_rate_mbps").text,
                               mt_member_text(facts, "hot_source"));
}

static void delays(const struct mt_explained *e, json_object *facts)
{
        mt_explain_row(e, "between rounds", "%s (tau)%s; reconfiguration at the switchover %s (t_g)%s",
                       mt_text_time(facts, "tau_ms").text, source_of(facts, "tau_source", "", "inter_iteration_delay").text,
                       mt_text_time(facts, "tg_ms").text, source_of(facts, "tg_source", "", "reconfiguration_time").text);
}

static void link_of(const struct mt_explained *e, json_object *facts)
{
        const char *device = mt_member_text(facts, "device");
        bool given = strcmp(mt_member_text(facts, "link_source"), "given") == 0;

        mt_explain_row(e, "link", "%s%s%s%s",
                       given               ? ""
                       : device[0] != '\0' ? device
                                           : "no uplink found",
                       given ? "" : ", ", mt_text_rate(facts, "link_mbps").text,
                       source_of(facts, "link_source", "by the device", "by link.rate").text);
        if (mt_member_number(facts, "taken_mbps") > 0.0)
                mt_explain_row(e, "", "%s of it taken by other migrations", mt_text_rate(facts, "taken_mbps").text);
        if (mt_member(facts, "path_mbps") != NULL)
                mt_explain_row(e, "path", "carries %s, seen in flight", mt_text_rate(facts, "path_mbps").text);
        if (mt_member(facts, "rtt_us") != NULL)
                mt_explain_row(e, "round trip", "%.3f ms, of its connection",
                               fmin(mt_member_number(facts, "rtt_us"), 1e9) / 1000.0);
        delays(e, facts);
}

/* whose: in words, who measured it, where the record does not name a source. */
static void traffic(const struct mt_explained *e, json_object *facts, const char *key, const char *label, const char *whose)
{
        static const struct {
                const char *name, *words;
        } sources[] = { { "share", "its watcher, in share_dir" }, { "libvirt", "its libvirt" } };
        json_object *end = mt_member(facts, key);
        const char *source = mt_member_text(end, "source");

        if (end == NULL)
                return;
        if (mt_member(end, "known") != NULL && !mt_member_is_true(end, "known")) {
                mt_explain_row(e, label, "not known, counts as idle");
                return;
        }
        for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
                if (strcmp(source, sources[i].name) == 0)
                        source = sources[i].words;
        if (strcmp(mt_member_text(facts, "link_source"), "given") == 0)
                mt_explain_row(e, label, "%s in, %s out: %s, given", mt_text_rate(end, "in_mbps").text,
                               mt_text_rate(end, "out_mbps").text, mt_member_text(end, "class"));
        else
                mt_explain_row(e, label, "%s in, %s out: %s, %s%s", mt_text_rate(end, "in_mbps").text,
                               mt_text_rate(end, "out_mbps").text, mt_member_text(end, "class"),
                               source[0] != '\0' ? source : whose, age_of(end, "age_ms").text);
}

static void call(const struct mt_explained *e, json_object *facts)
{
        char flags[512];

        if (mt_member_text(facts, "post_copy_permitted")[0] != '\0')
                mt_explain_row(e, "post-copy", "permitted by the caller: %s", mt_member_text(facts, "post_copy_permitted"));
        if (mt_member(facts, "call") != NULL)
                mt_explain_row(e, "the call", "flags: %s%s; libvirt %s, QEMU %s",
                               mt_member_count(facts, "call/flags") > 0
                                       ? mt_text_list(flags, sizeof(flags), facts, "call/flags")
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
        traffic(e, facts, "src", "traffic here", "the device's counters");
        traffic(e, facts, "dst", "at the destination", "");
        traffic(e, facts, "vm", "of the VM", "its taps' counters");
        call(e, facts);
}
