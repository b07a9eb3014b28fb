/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/migrate/screen.h"
#include "clock.h"
#include "command/terminal.h"
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#define DRAW_EVERY_MS 250
#define TELL_EVERY_MS 10000
#define WIDTH_UNKNOWN 80u /* where standard output is no terminal, the host does not tell the width */

void mt_screen_begin(struct mt_screen *screen, const struct mt_host_ops *host)
{
        *screen = (struct mt_screen){ .is_terminal = (host->flags & MT_HOST_ERR_IS_TTY) != 0, .drawn_ms = mt_now_ms() };
        if (screen->is_terminal)
                screen->columns = host->columns > 0 ? host->columns : WIDTH_UNKNOWN;
}

bool mt_screen_is_due(const struct mt_screen *screen)
{
        return mt_now_ms() - screen->drawn_ms >= (screen->is_terminal ? DRAW_EVERY_MS : TELL_EVERY_MS);
}

static void erase(struct mt_screen *screen)
{
        if (screen->lines > 0)
                mt_print_err("\r\033[%uA\033[J", screen->lines); /* up, and everything below goes */
        screen->lines = 0;
}

void mt_screen_draw(struct mt_screen *screen, const char *text)
{
        erase(screen);
        mt_print_err("%s", text);
        for (const char *c = text; screen->is_terminal && *c != '\0'; c++)
                screen->lines += *c == '\n';
        screen->drawn_ms = mt_now_ms();
}

void mt_screen_note(struct mt_screen *screen, const char *format, ...)
{
        char line[1024];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(line, sizeof(line), format, args);
        va_end(args);
        mt_terminal_clean(line);
        erase(screen);
        mt_print_err("%s\n", line);
}

void mt_screen_end(struct mt_screen *screen)
{
        erase(screen);
}
