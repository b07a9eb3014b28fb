/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/explain_show.h"
#include "command/member.h"
#include "command/quantity.h"
#include "log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_SAMPLES 20 /* that are shown */

typedef const char *(*quantity_fn)(char *text, size_t size, double value);

/* off: whether what is predicted is to be held against what was so far. */
static void compare(const char *label, double predicted, double actual, quantity_fn quantity, bool off)
{
        char p[MT_QUANTITY_SIZE], a[MT_QUANTITY_SIZE], text[MT_QUANTITY_SIZE] = "";
        const double share = (predicted - actual) / actual * 100.0;

        if (off && actual > 0.0 && fabs(share) < 9999.5) /* beyond, the numbers themselves tell more */
                (void)snprintf(text, sizeof(text), "%+.1f %%", share);
        mt_print("  %-19s %10s %10s%s%*s\n", label, quantity(p, sizeof(p), predicted), quantity(a, sizeof(a), actual),
                 text[0] != '\0' ? " " : "", text[0] != '\0' ? 10 : 0, text);
}

static void show_limit(const struct mt_explained *e, double actual)
{
        const double limit = mt_member_number(e->record, "intent/max_downtime_ms");
        char text[MT_QUANTITY_SIZE];

        if (isnan(limit))
                return;
        mt_explain_row(e, "max_downtime", "%s%s", mt_quantity_time(text, sizeof(text), limit),
                       isnan(actual)     ? ""
                       : actual <= limit ? ": held"
                                         : ": NOT held");
}

static void show_applied(const struct mt_explained *e)
{
        json_object *applied = mt_member(e->record, "applied");
        char rate[MT_QUANTITY_SIZE], limit[MT_QUANTITY_SIZE], after[MT_QUANTITY_SIZE];

        if (mt_member_number(applied, "bandwidth_mbps") > 0.0)
                mt_explain_row(e, "set in QEMU",
                               "%s, downtime limit %s, the first %s after the event; bandwidth set %.6g times",
                               mt_quantity_rate(rate, sizeof(rate), mt_member_number(applied, "bandwidth_mbps")),
                               mt_quantity_time(limit, sizeof(limit), mt_member_number(applied, "downtime_limit_ms")),
                               mt_quantity_time(after, sizeof(after), mt_member_number(applied, "after_ms")),
                               fmax(mt_member_number(applied, "changes"), 0.0));
        if (mt_member(e->record, "arbitrated") != NULL)
                mt_explain_row(e, "callers' limits", "not followed while the plan's stood: %.6g of downtime, %.6g of speed",
                               fmax(mt_member_number(e->record, "arbitrated/max_downtime"), 0.0),
                               fmax(mt_member_number(e->record, "arbitrated/max_speed"), 0.0));
}

static void show_running(const struct mt_explained *e)
{
        char remaining[MT_QUANTITY_SIZE], rate[MT_QUANTITY_SIZE], dirty[MT_QUANTITY_SIZE];

        if (strcmp(mt_member_text(e->record, "state"), "waiting") == 0) {
                mt_explain_row(e, "waits", "since %s, place %.6g: %s", mt_member_text(e->record, "since"),
                               fmax(mt_member_number(e->record, "position"), 0.0), mt_member_text(e->record, "waits_for"));
                return;
        }
        mt_explain_row(e, "now", "%s remain; %s on the wire, dirtied at %s",
                       mt_quantity_bytes(remaining, sizeof(remaining), mt_member_number(e->record, "remaining_bytes")),
                       mt_quantity_rate(rate, sizeof(rate), mt_member_number(e->record, "rate_mbps")),
                       mt_quantity_rate(dirty, sizeof(dirty), mt_member_number(e->record, "dirty_rate_mbps")));
}

void mt_explain_outcome(const struct mt_explained *e)
{
        json_object *prediction = mt_member(e->record, "plan/prediction"), *actual = mt_member(e->record, "actual");
        const double total = e->running ? mt_member_number(e->record, "elapsed_ms") : mt_member_number(actual, "total_ms");
        const double rounds = e->running ? mt_member_number(e->record, "iteration") : mt_member_number(actual, "iterations");
        const double downtime = mt_member_number(actual, "downtime_ms");
        const bool off = !e->running;

        mt_print("\n%-21s %10s %10s%s\n", off ? "what came of it:" : "running:", "predicted", off ? "actual" : "so far",
                 off ? "     off by" : "");
        compare("time", mt_member_predicted(prediction, "total_ms"), total, mt_quantity_time, off);
        compare("blackout", mt_member_predicted(prediction, "downtime_ms"), downtime, mt_quantity_time, off);
        compare("bytes", mt_member_predicted(prediction, "bytes"), mt_member_number(actual, "bytes"), mt_quantity_bytes,
                off);
        compare("rounds", mt_member_number(prediction, "iterations"), rounds, mt_quantity_count, off);
        if (mt_member_text(actual, "technique")[0] != '\0')
                mt_explain_row(e, "technique", "%s", mt_member_text(actual, "technique"));
        show_limit(e, downtime);
        show_applied(e);
        if (e->running)
                show_running(e);
}

void mt_explain_events(const struct mt_explained *e)
{
        const size_t n = mt_member_count(e->record, "events");

        if (n > 0)
                mt_print("\nevents:\n");
        for (size_t i = 0; i < n; i++) {
                json_object *event = json_object_array_get_idx(mt_member(e->record, "events"), i);
                char at[MT_QUANTITY_SIZE];

                mt_explain_row(e, mt_quantity_time(at, sizeof(at), mt_member_number(event, "t_ms")), "%s",
                               mt_member_text(event, "text"));
        }
}

static void show_sample(json_object *sample)
{
        char at[MT_QUANTITY_SIZE], round[MT_QUANTITY_SIZE], remaining[MT_QUANTITY_SIZE], dirty[MT_QUANTITY_SIZE];
        char carried[MT_QUANTITY_SIZE], planned[MT_QUANTITY_SIZE], lambda[MT_QUANTITY_SIZE] = "-";
        const double share = mt_member_number(sample, "lambda");

        if (share < 1000.0)
                (void)snprintf(lambda, sizeof(lambda), "%.3f", share);
        else if (!isnan(share))
                (void)snprintf(lambda, sizeof(lambda), ">999");
        mt_print("  %8s %6s %10s %12s %12s %12s %7s\n", mt_quantity_time(at, sizeof(at), mt_member_number(sample, "t_ms")),
                 mt_quantity_count(round, sizeof(round), mt_member_number(sample, "iteration")),
                 mt_quantity_bytes(remaining, sizeof(remaining), mt_member_number(sample, "remaining_bytes")),
                 mt_quantity_rate(dirty, sizeof(dirty), mt_member_number(sample, "dirty_rate_mbps")),
                 mt_quantity_rate(carried, sizeof(carried), mt_member_number(sample, "bandwidth_mbps")),
                 mt_quantity_rate(planned, sizeof(planned), mt_member_number(sample, "planned_mbps")), lambda);
}

/* At most MOST_SAMPLES, evenly spread, the first and the last among them. */
void mt_explain_samples(const struct mt_explained *e)
{
        const size_t n = mt_member_count(e->record, "actual/samples"), shown = n < MOST_SAMPLES ? n : MOST_SAMPLES;

        if (n == 0)
                return;
        mt_print("\nsamples");
        if (shown < n)
                mt_print(" (%zu of %zu)", shown, n);
        mt_print(":\n  %8s %6s %10s %12s %12s %12s %7s\n", "TIME", "ROUND", "REMAINING", "DIRTY", "CARRIED", "PLANNED",
                 "LAMBDA");
        for (size_t i = 0; i < shown; i++)
                show_sample(json_object_array_get_idx(mt_member(e->record, "actual/samples"),
                                                      shown > 1 ? i * (n - 1) / (shown - 1) : 0));
}

void mt_explain_classes(const struct mt_explained *e)
{
        const size_t n = mt_member_count(e->record, "tc");

        if (n > 0 || mt_member(e->record, "unshaped") != NULL)
                mt_print("\ntc classes:\n");
        if (mt_member(e->record, "unshaped") != NULL)
                mt_explain_row(e, "none", "%s", mt_member_text(e->record, "unshaped"));
        for (size_t i = 0; i < n; i++) {
                json_object *entry = json_object_array_get_idx(mt_member(e->record, "tc"), i);
                char rate[MT_QUANTITY_SIZE], most[MT_QUANTITY_SIZE], after[MT_QUANTITY_SIZE];

                mt_explain_row(e, mt_member_text(entry, "class"), "%s %s: rate %s, ceil %s, installed after %s, %s",
                               mt_member_text(entry, "device"), mt_member_text(entry, "direction"),
                               mt_quantity_rate(rate, sizeof(rate), mt_member_number(entry, "rate_mbps")),
                               mt_quantity_rate(most, sizeof(most), mt_member_number(entry, "ceil_mbps")),
                               mt_quantity_time(after, sizeof(after), mt_member_number(entry, "installed_after_ms")),
                               mt_member_is_true(entry, "removed") ? "removed" : "NOT removed");
        }
}
