/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/progress.h"
#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#define DRAW_EVERY_MS 100
#define WIDTH_UNKNOWN 80u /* where standard output is no terminal, the host does not tell the width */
#define BAR_MAX 40u
#define BAR_MIN 5u
#define LINE_SIZE 256u

void mt_progress_begin(struct mt_progress *progress, const struct mt_host_ops *host, const char *what)
{
        *progress = (struct mt_progress){
                .what = what,
                .visible = (host->flags & MT_HOST_ERR_IS_TTY) != 0,
                .began_ms = mt_now_ms(),
                .columns = host->columns > 0 ? host->columns : WIDTH_UNKNOWN,
        };
}

/* "12 s left", "3 min left"; "" while nothing is done. */
static void time_left(const struct mt_progress *progress, uint64_t now_ms, double share, char *text, size_t size)
{
        const double left_s = share > 0.0 ? (double)(now_ms - progress->began_ms) / 1000.0 * (1.0 - share) / share : 0.0;

        if (share <= 0.0)
                text[0] = '\0';
        else if (left_s < 120.0)
                (void)snprintf(text, size, "%.0f s left", left_s);
        else if (left_s < 360000.0)
                (void)snprintf(text, size, "%.0f min left", left_s / 60.0);
        else
                (void)snprintf(text, size, "over %.0f hours left", left_s / 3600.0);
}

/* "[#####.....]"; "" where there is hardly any room. */
static void make_bar(char *text, size_t width, double share)
{
        if (width > BAR_MAX)
                width = BAR_MAX;
        if (width < BAR_MIN)
                width = 0;
        (void)memset(text, '.', width);
        (void)memset(text, '#', (size_t)(share * (double)width));
        if (width > 0) {
                text[0] = '[';
                text[width - 1] = ']';
        }
        text[width] = '\0';
}

/* "WHAT [#####.....]  50 %  12 s left", in one column less than there is: the cursor needs one. */
static void draw(const struct mt_progress *progress, uint64_t now_ms, double share)
{
        char bar[BAR_MAX + 1], left[48], line[LINE_SIZE];
        const size_t columns = progress->columns < sizeof(line) ? progress->columns : sizeof(line) - 1;
        const size_t others = strlen(progress->what) + strlen("  100 %  over 100 hours left ");

        time_left(progress, now_ms, share, left, sizeof(left));
        make_bar(bar, columns > others ? columns - others : 0, share);
        (void)snprintf(line, sizeof(line), "%s %s %3.0f %%  %s", progress->what, bar, share * 100.0, left);
        line[columns - 1] = '\0';
        mt_print_err("\r%s\033[K", line); /* K: erases what an older, longer line left */
}

void mt_progress_show(struct mt_progress *progress, double share)
{
        uint64_t now;

        if (!progress->visible)
                return;
        now = mt_now_ms();
        if (progress->drawn_ms != 0 && now - progress->drawn_ms < DRAW_EVERY_MS)
                return;
        progress->drawn_ms = now;
        draw(progress, now, share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share);
}

void mt_progress_end(struct mt_progress *progress)
{
        if (progress->visible && progress->drawn_ms != 0)
                mt_print_err("\r\033[K");
        progress->drawn_ms = 0;
}
