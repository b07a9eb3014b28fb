/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/migrate/view.h"
#include "units.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_SHOWN 24
#define BAR_MAX 40u
#define BAR_MIN 6u

/* Appends; what does not fit is cut. */
static void MT_PRINTF(2, 3) add(char *text, const char *format, ...)
{
        size_t used = strlen(text);
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text + used, MT_VIEW_LINE - used, format, args);
        va_end(args);
}

const char *mt_view_time(char *text, size_t size, uint64_t ms)
{
        const double s = (double)ms / 1000.0;

        if (ms == UINT64_MAX)
                (void)snprintf(text, size, "?");
        else if (s < 120.0)
                (void)snprintf(text, size, "%.0f s", s);
        else if (s < 7200.0)
                (void)snprintf(text, size, "%.0f min", s / 60.0);
        else
                (void)snprintf(text, size, "%.1f hours", s / 3600.0);
        return text;
}

/* How much of the memory is on the other side, 0 to 1. */
static double share_of(const struct mt_move *move)
{
        double total = (double)move->stats.memory_total_bytes;

        if (move->state == MT_MOVE_ENDED)
                return move->result == MT_MOVE_MOVED ? 1.0 : 0.0;
        if (move->state != MT_MOVE_COPYING || !move->stats_known || total <= 0.0 ||
            move->stats.memory_remaining_bytes > move->stats.memory_total_bytes)
                return 0.0;
        return (total - (double)move->stats.memory_remaining_bytes) / total;
}

/* "HEAD [###...]  50 %  TAIL" */
static void compose(const char *head, double share, const char *tail, unsigned columns, char *text)
{
        const size_t fixed = strlen(head) + strlen(" []  100 %  ") + strlen(tail);
        size_t width = columns > fixed + 1 ? columns - fixed - 1 : 0;
        char bar[BAR_MAX + 1];

        width = width > BAR_MAX ? BAR_MAX : width < BAR_MIN ? 0 : width;
        (void)memset(bar, '.', width);
        (void)memset(bar, '#', (size_t)(share * (double)width));
        bar[width] = '\0';
        (void)snprintf(text, MT_VIEW_LINE, "%s", head);
        if (width > 0)
                add(text, " [%s]", bar);
        add(text, " %3.0f %%  %s", share * 100.0, tail);
        if (columns > 0 && columns < MT_VIEW_LINE)
                text[columns - 1] = '\0';
}

const char *mt_view_move(const struct mt_move *move, uint64_t now_ms, unsigned columns, char text[MT_VIEW_LINE])
{
        const uint64_t elapsed_ms = now_ms > move->began_ms ? now_ms - move->began_ms : 0;
        char tail[MT_VIEW_LINE] = "", quantity[32], name[NAME_MAX_SHOWN + 1];

        (void)snprintf(name, sizeof(name), "%.*s", NAME_MAX_SHOWN, move->name);
        if (move->state != MT_MOVE_COPYING) {
                text[0] = '\0';
                add(text, "%s %s%s%s", name, mt_move_state_name(move->state), move->waits_for[0] != '\0' ? ": " : "",
                    move->waits_for);
                if (columns > 0 && columns < MT_VIEW_LINE)
                        text[columns - 1] = '\0';
                return text;
        }
        if (move->stats_known && move->stats.iteration > 0)
                add(tail, "iteration %llu, ", (unsigned long long)move->stats.iteration);
        if (move->stats_known) {
                add(tail, "%s to send, ", mt_format_size(quantity, sizeof(quantity), move->stats.memory_remaining_bytes));
                add(tail, "%s, ", mt_format_rate(quantity, sizeof(quantity), move->stats.rate_bytes_s));
        }
        add(tail, "%s, ", mt_view_time(quantity, sizeof(quantity), elapsed_ms));
        add(tail, "%s left", mt_view_time(quantity, sizeof(quantity), mt_move_left(move, now_ms)));
        compose(name, share_of(move), tail, columns, text);
        return text;
}

const char *mt_view_all(const struct mt_move *moves, size_t n, uint64_t ends_ms, unsigned columns, char text[MT_VIEW_LINE])
{
        unsigned moved = 0, run = 0, wait = 0, failed = 0;
        char head[MT_VIEW_LINE] = "", tail[64], when[32];
        double done = 0.0, all = 0.0;

        for (size_t i = 0; i < n; i++) {
                const struct mt_move *move = &moves[i];
                const double memory = (double)move->memory_bytes;
                const bool ended = move->state == MT_MOVE_ENDED;

                moved += ended && move->result == MT_MOVE_MOVED;
                failed += ended && move->result != MT_MOVE_MOVED;
                run += move->state == MT_MOVE_COPYING;
                wait += !ended && move->state != MT_MOVE_COPYING;
                all += memory;
                done += ended ? memory : memory * share_of(move);
        }
        add(head, "%u of %zu moved, %u running, %u waiting", moved, n, run, wait);
        if (failed > 0)
                add(head, ", %u not moved", failed);
        (void)snprintf(tail, sizeof(tail), "ends in about %s", mt_view_time(when, sizeof(when), ends_ms));
        compose(head, all > 0.0 ? done / all : 0.0, tail, columns, text);
        return text;
}
