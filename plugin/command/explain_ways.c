/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of what each way of migrating would have cost, and why this one. */
#include "command/explain_show.h"
#include "command/explain_text.h"
#include "command/member.h"
#include "command/terminal.h"
#include "log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME 25

/* Mbit/s as a bare number of at most 7 columns. */
static const char *megabits(char *text, size_t size, double mbps)
{
        if (isnan(mbps))
                (void)snprintf(text, size, "-");
        else if (mbps < 9999.95)
                (void)snprintf(text, size, "%.1f", mbps);
        else
                (void)snprintf(text, size, mbps < 9999999.5 ? "%.0f" : ">9999999", mbps);
        return text;
}

/* The same where there is less room: 6 columns. */
static const char *few_megabits(char *text, size_t size, double mbps)
{
        (void)snprintf(text, size, mbps < 999.95 ? "%.1f" : mbps < 999999.5 ? "%.0f" : ">999999", mbps);
        return text;
}

/* "534, 4.1 s", "nothing", or "-": not known. */
static const char *tenants(char *text, size_t size, json_object *way)
{
        const double mbps = mt_member_number(way, "tenants/mbps");
        const double ms = mt_member_predicted(way, "tenants/ms");
        char number[24], time[MT_QUANTITY_SIZE];

        if (mt_member(way, "tenants") == NULL || isnan(mbps))
                (void)snprintf(text, size, "-");
        else if (mbps < 0.05)
                (void)snprintf(text, size, "nothing");
        else if (isinf(ms))
                (void)snprintf(text, size, "%.10s, ever", few_megabits(number, sizeof(number), mbps));
        else
                (void)snprintf(text, size, "%.10s, %s", few_megabits(number, sizeof(number), mbps),
                               mt_quantity_time(time, sizeof(time), ms));
        return text;
}

/* The letter of what bars an alternative: its place among the plan's bars. ' ': nothing does. */
static char letter(json_object *plan, const char *bar)
{
        json_object *bars = mt_member(plan, "bars");
        char at = 'a';

        if (bar[0] == '\0' || !json_object_is_type(bars, json_type_object))
                return ' ';
        json_object_object_foreach(bars, name, words)
        {
                (void)words;
                if (strcmp(name, bar) == 0)
                        return at;
                at = at < 'z' ? (char)(at + 1) : at;
        }
        return '?';
}

static bool is_over(json_object *way, double limit_ms)
{
        return mt_member_predicted(way, "prediction/downtime_ms") > limit_ms;
}

static void row(char mark, const char *label, json_object *way, double limit_ms)
{
        char name[256], lost[64], number[24];

        (void)snprintf(name, sizeof(name), "%.200s", label);
        mt_terminal_cut(name, NAME);
        mt_print("%c %s%*s %7s %8s %8s%c %9s  %s\n", mark, name, (int)(NAME - mt_terminal_width(name)), "",
                 megabits(number, sizeof(number), mt_member_number(way, "bandwidth_mbps")),
                 mt_text_time(way, "prediction/total_ms").text, mt_text_time(way, "prediction/downtime_ms").text,
                 is_over(way, limit_ms) ? '!' : ' ', mt_text_bytes(way, "prediction/bytes").text,
                 tenants(lost, sizeof(lost), way));
}

/* "  a: WORDS", broken to the terminal's width. */
static void note(const struct mt_explained *e, char mark, const char *words)
{
        mt_print("  %c: ", mark);
        mt_terminal_wrap(words, 5, e->columns > 0 ? e->columns - 1 : 0);
}

/* Whether a row has something to be explained. */
static bool any(json_object *plan, bool (*has)(json_object *way, double limit_ms), double limit_ms)
{
        if (has(plan, limit_ms))
                return true;
        for (size_t i = 0; i < mt_member_count(plan, "alternatives"); i++)
                if (has(json_object_array_get_idx(mt_member(plan, "alternatives"), i), limit_ms))
                        return true;
        return false;
}

static bool takes(json_object *way, double limit_ms)
{
        (void)limit_ms;
        return mt_member_number(way, "tenants/mbps") > 0.0;
}

static void notes(const struct mt_explained *e, json_object *plan, double limit_ms)
{
        json_object *bars = mt_member(plan, "bars");
        char text[128], limit[MT_QUANTITY_SIZE];

        note(e, '*', "the plan");
        if (json_object_is_type(bars, json_type_object)) {
                json_object_object_foreach(bars, name, words)
                {
                        if (json_object_is_type(words, json_type_string))
                                note(e, letter(plan, name), json_object_get_string(words));
                }
        }
        (void)snprintf(text, sizeof(text), "longer than max_downtime, %s", mt_quantity_time(limit, sizeof(limit), limit_ms));
        if (any(plan, is_over, limit_ms))
                note(e, '!', text);
        if (any(plan, takes, limit_ms))
                mt_print("  others lose: of the link's other traffic, Mbit/s on average, and how long\n");
}

void mt_explain_ways(const struct mt_explained *e)
{
        json_object *plan = mt_member(e->record, "plan");
        const size_t n = mt_member_count(plan, "alternatives");
        const double limit_ms = mt_member_number(e->record, "intent/max_downtime_ms");
        char name[64];

        if (n == 0)
                return;
        mt_print("\nwhat each way would %s%s:\n  %-*s %7s %8s %8s  %9s  %s\n", e->ahead ? "cost" : "have cost",
                 e->ahead ? "" : ", as it stood at the beginning", NAME, "technique, bandwidth", "Mbit/s", "time",
                 "blackout", "bytes", "others lose");
        (void)snprintf(name, sizeof(name), "%.40s, as planned", mt_member_text(plan, "technique"));
        row('*', name, plan, limit_ms);
        for (size_t i = 0; i < n; i++) {
                json_object *one = json_object_array_get_idx(mt_member(plan, "alternatives"), i);

                row(letter(plan, mt_member_text(one, "barred_by")), mt_member_text(one, "name"), one, limit_ms);
        }
        notes(e, plan, limit_ms);
        if (mt_member_text(plan, "verdict")[0] != '\0') {
                mt_print("\nwhy this one: ");
                mt_terminal_wrap(mt_member_text(plan, "verdict"), 14, e->columns > 0 ? e->columns - 1 : 0);
        }
}
