/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/status_block.h"
#include "command/member.h"
#include "command/quantity.h"
#include "command/terminal.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BAR_MAX 40u
#define BAR_MIN 5u
#define NAME_LEAST 8u
#define ROW_NAME 22u
#define NAME_SIZE 192u /* bytes */
#define BEHIND_NAMES (sizeof(" -> : switchover, iteration 9999") - 1)

/* The figures of a migration that runs. */
struct figures {
        char remaining[MT_QUANTITY_SIZE], memory[MT_QUANTITY_SIZE];
        char rate[MT_QUANTITY_SIZE], planned[MT_QUANTITY_SIZE], dirty[MT_QUANTITY_SIZE];
        char lambda[MT_QUANTITY_SIZE], round[MT_QUANTITY_SIZE];
        char end[64], blackout[MT_QUANTITY_SIZE];
        double share; /* of the memory that is across, 0 to 1 */
};

static const char *name_of(json_object *job, const char *key)
{
        const char *text = mt_member_text(job, key);

        return text[0] != '\0' ? text : "-";
}

/* "end in 8.2 s", "8.2 s later than predicted", "predicted never to end". */
static void describe_end(json_object *job, char *text, size_t size)
{
        const double total = mt_member_predicted(job, "plan/prediction/total_ms");
        const double left = total - mt_member_number(job, "elapsed_ms");
        char span[MT_QUANTITY_SIZE];

        if (isinf(total))
                (void)snprintf(text, size, "predicted never to end");
        else if (isnan(left))
                (void)snprintf(text, size, "end not known");
        else if (left >= 0.0)
                (void)snprintf(text, size, "predicted end in %s", mt_quantity_time(span, sizeof(span), left));
        else
                (void)snprintf(text, size, "%s later than predicted", mt_quantity_time(span, sizeof(span), -left));
}

static void measure(json_object *job, struct figures *f)
{
        const double memory = mt_member_number(job, "facts/memory_bytes");
        double remaining = mt_member_number(job, "remaining_bytes");
        const double lambda = mt_member_number(job, "plan/lambda");

        if (mt_member_number(job, "elapsed_ms") <= 0.0 && remaining <= 0.0) /* no statistics yet */
                remaining = memory;
        f->share = memory > 0.0 && remaining >= 0.0 ? fmax(1.0 - remaining / memory, 0.0) : 0.0;
        (void)mt_quantity_bytes(f->remaining, sizeof(f->remaining), remaining);
        (void)mt_quantity_bytes(f->memory, sizeof(f->memory), memory);
        (void)mt_quantity_rate(f->rate, sizeof(f->rate), mt_member_number(job, "rate_mbps"));
        (void)mt_quantity_rate(f->planned, sizeof(f->planned), mt_member_number(job, "plan/bandwidth_mbps"));
        (void)mt_quantity_rate(f->dirty, sizeof(f->dirty), mt_member_number(job, "dirty_rate_mbps"));
        (void)mt_quantity_count(f->round, sizeof(f->round), mt_member_number(job, "iteration"));
        (void)mt_quantity_time(f->blackout, sizeof(f->blackout), mt_member_predicted(job, "plan/prediction/downtime_ms"));
        (void)snprintf(f->lambda, sizeof(f->lambda), isnan(lambda) ? "-" : ">999");
        if (lambda < 999.0)
                (void)snprintf(f->lambda, sizeof(f->lambda), "%.3f", lambda);
        describe_end(job, f->end, sizeof(f->end));
}

/* "vm1 -> host-b", each name cut so that both leave room for `rest` columns behind them. */
static void make_names(json_object *job, size_t columns, size_t rest, char *text, size_t size)
{
        const size_t room = columns > rest + NAME_LEAST * 2 ? (columns - rest) / 2 : NAME_LEAST;
        char domain[NAME_SIZE], destination[NAME_SIZE];

        (void)snprintf(domain, sizeof(domain), "%s", name_of(job, "domain"));
        (void)snprintf(destination, sizeof(destination), "%s", name_of(job, "destination"));
        mt_terminal_clean(domain); /* they may have been cut within a character */
        mt_terminal_clean(destination);
        if (columns > 0 && mt_terminal_width(domain) + mt_terminal_width(destination) > 2 * room) {
                mt_terminal_cut(domain, room);
                mt_terminal_cut(destination, room);
        }
        (void)snprintf(text, size, "%s -> %s", domain, destination);
}

/* "[#####.....] ", "" where there is no room for it. */
static void make_bar(char *text, size_t width, double share)
{
        if (width > BAR_MAX)
                width = BAR_MAX;
        if (width < BAR_MIN) {
                text[0] = '\0';
                return;
        }
        (void)memset(text, '.', width);
        (void)memset(text, '#', (size_t)(share * (double)width));
        text[0] = '[';
        text[width - 1] = ']';
        (void)snprintf(text + width, 2, " ");
}

/* A post-copy that has lost its connection. */
static bool is_broken(json_object *job)
{
        return strcmp(mt_member_text(job, "state"), "broken") == 0;
}

static void running_block(json_object *job, size_t columns, struct mt_status_block *ret)
{
        char bar[BAR_MAX + 2], names[MT_STATUS_LINE_SIZE];
        struct figures f;
        size_t others;

        measure(job, &f);
        ret->n = 4;
        make_names(job, columns, BEHIND_NAMES + 1, names, sizeof(names));
        (void)snprintf(ret->line[0], MT_STATUS_LINE_SIZE, "%.400s: %.40s, iteration %s", names, name_of(job, "state"),
                       f.round);
        others = strlen("  100 %  999.9 GiB of 999.9 GiB remain") + 2;
        make_bar(bar, columns == 0 ? BAR_MAX : columns > others ? columns - others : 0, f.share);
        (void)snprintf(ret->line[1], MT_STATUS_LINE_SIZE, "  %s%3.0f %%  %s of %s remain", bar, floor(f.share * 100.0),
                       f.remaining, f.memory);
        (void)snprintf(ret->line[2], MT_STATUS_LINE_SIZE, "  %s of %s planned, dirtied at %s, lambda %s", f.rate, f.planned,
                       f.dirty, f.lambda);
        if (columns > 0 && mt_terminal_width(ret->line[2]) >= columns)
                (void)snprintf(ret->line[2], MT_STATUS_LINE_SIZE, "  %s of %s, D %s, lambda %s", f.rate, f.planned, f.dirty,
                               f.lambda);
        (void)snprintf(ret->line[3], MT_STATUS_LINE_SIZE, "  %s, blackout %s%s", f.end, f.blackout,
                       mt_member(job, "plan/limit_met") != NULL && !mt_member_is_true(job, "plan/limit_met")
                               ? ", max_downtime will NOT be met"
                               : "");
        if (is_broken(job))
                (void)snprintf(ret->line[3], MT_STATUS_LINE_SIZE, "  %s", name_of(job, "recovery/text"));
}

static bool is_waiting(json_object *job)
{
        return strcmp(mt_member_text(job, "state"), "waiting") == 0;
}

void mt_status_block(json_object *job, size_t columns, struct mt_status_block *ret)
{
        char waited[MT_QUANTITY_SIZE], place[MT_QUANTITY_SIZE], names[MT_STATUS_LINE_SIZE];

        if (is_waiting(job)) {
                ret->n = 2;
                make_names(job, columns, BEHIND_NAMES + 1, names, sizeof(names));
                (void)snprintf(ret->line[0], MT_STATUS_LINE_SIZE, "%.400s: waiting for %s, place %s", names,
                               mt_quantity_time(waited, sizeof(waited), mt_member_number(job, "waited_ms")),
                               mt_quantity_count(place, sizeof(place), mt_member_number(job, "position")));
                (void)snprintf(ret->line[1], MT_STATUS_LINE_SIZE, "  since %s, for: %s", name_of(job, "since"),
                               name_of(job, "waits_for"));
        } else {
                running_block(job, columns, ret);
        }
        for (unsigned i = 0; i < ret->n; i++)
                if (columns > 0)
                        mt_terminal_clip(ret->line[i], columns - 1); /* the cursor needs one */
}

/* "8.2 s", "late", "never"; "-": not known. */
static void brief_end(json_object *job, char *text, size_t size)
{
        const double left = mt_member_predicted(job, "plan/prediction/total_ms") - mt_member_number(job, "elapsed_ms");

        if (left < 0.0)
                (void)snprintf(text, size, "late");
        else
                (void)mt_quantity_time(text, size, left);
}

void mt_status_row(json_object *job, size_t columns, char *text, size_t size)
{
        char name[MT_STATUS_LINE_SIZE], place[MT_QUANTITY_SIZE], end[MT_QUANTITY_SIZE];
        struct mt_line line = { .used = 0 };
        struct figures f;

        measure(job, &f);
        brief_end(job, end, sizeof(end));
        (void)snprintf(name, sizeof(name), "%s", name_of(job, "domain"));
        mt_terminal_clean(name);
        mt_terminal_cut(name, ROW_NAME);
        mt_line_cell(&line, name, ROW_NAME, true, "");
        mt_line_add(&line, " %-10.10s", name_of(job, "state"));
        if (is_waiting(job)) {
                mt_line_add(&line, " place %s: %s",
                            mt_quantity_count(place, sizeof(place), mt_member_number(job, "position")),
                            name_of(job, "waits_for"));
        } else if (is_broken(job)) {
                mt_line_add(&line, " %s", name_of(job, "recovery/text"));
        } else {
                mt_line_add(&line, " %5s %3.0f %% %9s %12s %8s", f.round, floor(f.share * 100.0), f.remaining, f.rate, end);
        }
        (void)snprintf(text, size, "%s", line.text);
        mt_terminal_clean(text);
        if (columns > 0)
                mt_terminal_clip(text, columns - 1);
}

void mt_status_row_head(size_t columns, char *text, size_t size)
{
        (void)snprintf(text, size, "%-*s %-10s %5s %5s %9s %12s %8s", (int)ROW_NAME, "DOMAIN", "STATE", "ROUND", "DONE",
                       "REMAINING", "RATE", "ENDS IN");
        if (columns > 0)
                mt_terminal_clip(text, columns - 1);
}

void mt_status_line(json_object *job, char *text, size_t size)
{
        char place[MT_QUANTITY_SIZE];
        struct figures f;

        if (is_waiting(job)) {
                (void)snprintf(text, size, "%s: waiting, place %s, since %s, for: %s", name_of(job, "domain"),
                               mt_quantity_count(place, sizeof(place), mt_member_number(job, "position")),
                               name_of(job, "since"), name_of(job, "waits_for"));
                return;
        }
        if (is_broken(job)) {
                (void)snprintf(text, size, "%s: %s", name_of(job, "domain"), name_of(job, "recovery/text"));
                return;
        }
        measure(job, &f);
        (void)snprintf(text, size,
                       "%s: %s, iteration %s, %.0f %%, %s remain, %s of %s, dirtied at %s, lambda %s, blackout %s",
                       name_of(job, "domain"), name_of(job, "state"), f.round, floor(f.share * 100.0), f.remaining, f.rate,
                       f.planned, f.dirty, f.lambda, f.blackout);
}

void mt_status_head(json_object *status, char *text, size_t size)
{
        const size_t n = mt_member_count(status, "migrations");

        (void)snprintf(text, size, "%s: mode %s, libvirt %s, %zu migration%s", name_of(status, "host"),
                       name_of(status, "mode"), mt_member_is_true(status, "libvirt") ? "connected" : "away", n,
                       n == 1 ? "" : "s");
}
