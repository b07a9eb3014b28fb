/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/terminal.h"
#include "array.h"
#include "log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROWS_UNKNOWN 24u

struct range {
        uint32_t first, last;
};

/* Not to be shown: no width, or they turn the direction of what follows (Unicode's Cf, those in use). */
static const struct range unseen[] = { { 0xad, 0xad },     { 0x61c, 0x61c },   { 0x180e, 0x180e },
                                       { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
                                       { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f } };
/* Two columns wide: East Asian Wide and Fullwidth (Unicode's EastAsianWidth.txt), in large blocks. */
static const struct range wide[] = { { 0x1100, 0x115f },   { 0x2e80, 0xa4cf },  { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
                                     { 0xfe30, 0xfe6f },   { 0xff01, 0xff60 },  { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f },
                                     { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd } };
/* They stand on the character before. */
static const struct range combining[] = { { 0x300, 0x36f },   { 0x483, 0x489 },   { 0x591, 0x5bd },
                                          { 0x64b, 0x65f },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
                                          { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f } };

static bool is_in(uint32_t c, const struct range *ranges, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (c >= ranges[i].first && c <= ranges[i].last)
                        return true;
        return false;
}

/* The character at text and how many bytes it has; 0: no UTF-8. Ends at NUL, since that is no continuation byte. */
static size_t decode(const char *text, uint32_t *ret)
{
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const unsigned char *bytes = (const unsigned char *)text;
        size_t length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xc0 ? 0 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
        uint32_t c;

        if (length <= 1) {
                *ret = bytes[0];
                return length;
        }
        if (bytes[0] > 0xf4)
                return 0;
        c = bytes[0] & (0x7fu >> length);
        for (size_t i = 1; i < length; i++) {
                if ((bytes[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (bytes[i] & 0x3fu);
        }
        if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        *ret = c;
        return length;
}

/* C0, DEL, C1, and what is not to be seen. */
static bool is_harmful(uint32_t c)
{
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || is_in(c, unseen, MT_ARRAY_SIZE(unseen));
}

static size_t width_of(uint32_t c)
{
        if (is_in(c, combining, MT_ARRAY_SIZE(combining)))
                return 0;
        return is_in(c, wide, MT_ARRAY_SIZE(wide)) ? 2 : 1;
}

void mt_terminal_clean(char *text)
{
        char *to = text;

        while (*text != '\0') {
                uint32_t c = 0;
                size_t length = decode(text, &c);

                if (*text == '\n' || *text == '\t') {
                        *to++ = ' ';
                } else if (length == 0 || is_harmful(c)) {
                        *to++ = '?';
                } else {
                        (void)memmove(to, text, length);
                        to += length;
                }
                text += length > 0 ? length : 1;
        }
        *to = '\0';
}

/* How far the text goes within `columns`; *ret_width, if not NULL: what it takes. */
static size_t reach(const char *text, size_t columns, size_t *ret_width)
{
        size_t at = 0, width = 0;

        while (text[at] != '\0') {
                uint32_t c = 0;
                size_t length = decode(text + at, &c);

                if (width + width_of(c) > columns)
                        break;
                width += width_of(c);
                at += length > 0 ? length : 1;
        }
        if (ret_width != NULL)
                *ret_width = width;
        return at;
}

void mt_terminal_complain(const char *command, const char *format, ...)
{
        char line[1024];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(line, sizeof(line), format, args);
        va_end(args);
        mt_terminal_clean(line);
        mt_print_err("migtune %s: %s\n", command, line);
}

size_t mt_terminal_width(const char *text)
{
        size_t width;

        (void)reach(text, SIZE_MAX, &width);
        return width;
}

void mt_terminal_clip(char *text, size_t columns)
{
        text[reach(text, columns, NULL)] = '\0';
}

void mt_terminal_cut(char *text, size_t columns)
{
        size_t width = mt_terminal_width(text), head, tail, taken;

        if (width <= columns)
                return;
        if (columns < 3) {
                mt_terminal_clip(text, columns);
                return;
        }
        head = reach(text, columns / 2, &taken);
        /* at least so many columns from the start stay out of the tail, which then has what is left beside head and '~' */
        tail = head;
        while (mt_terminal_width(text + tail) > columns - taken - 1) {
                uint32_t c;
                size_t length = decode(text + tail, &c);

                tail += length > 0 ? length : 1;
        }
        text[head] = '~';
        (void)memmove(text + head + 1, text + tail, strlen(text + tail) + 1);
}

void mt_line_add(struct mt_line *line, const char *format, ...)
{
        const size_t room = sizeof(line->text) - line->used;
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(line->text + line->used, room, format, args);
        va_end(args);
        if (n > 0)
                line->used += (size_t)n < room ? (size_t)n : room - 1;
}

void mt_line_cell(struct mt_line *line, const char *text, size_t columns, bool left, const char *colour)
{
        const size_t width = mt_terminal_width(text);
        const int fill = width < columns ? (int)(columns - width) : 0;
        const bool coloured = colour[0] != '\0' && text[0] != '\0';

        mt_line_add(line, "%*s%s%s%s%*s", left ? 0 : fill, "", coloured ? colour : "", text, coloured ? MT_PLAIN : "",
                    left ? fill : 0, "");
}

void mt_line_print(struct mt_line *line)
{
        while (line->used > 0 && line->text[line->used - 1] == ' ')
                line->used--;
        line->text[line->used] = '\0';
        mt_print("%s\n", line->text);
        *line = (struct mt_line){ .used = 0 };
}

void mt_terminal_wrap(const char *text, size_t indent, size_t columns)
{
        size_t at = indent;

        while (*text != '\0') {
                size_t length = strcspn(text, " ");
                char word[256];

                (void)snprintf(word, sizeof(word), "%.*s", (int)(length < sizeof(word) ? length : sizeof(word) - 1), text);
                if (columns > 0 && at > indent && at + 1 + mt_terminal_width(word) > columns) {
                        mt_print("\n%*s", (int)indent, "");
                        at = indent;
                }
                mt_print("%s%.*s", at > indent ? " " : "", (int)length, text);
                at += mt_terminal_width(word) + (at > indent ? 1 : 0);
                text += length;
                text += strspn(text, " ");
        }
        mt_print("\n");
}

/* "\u009b"; a character beyond 16 bits takes two such. Returns how many bytes were written. */
static size_t escape(char *to, uint32_t c)
{
        if (c <= 0xffff)
                return (size_t)snprintf(to, 7, "\\u%04x", (unsigned)c);
        return (size_t)snprintf(to, 13, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
                                (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
}

void mt_terminal_json(const char *json)
{
        char *copy = malloc(strlen(json) * 6 + 1), *to = copy; /* no byte becomes more than six */

        if (copy == NULL)
                return;
        while (*json != '\0') {
                uint32_t c = 0;
                size_t length = decode(json, &c);

                if (length == 0) {
                        *to++ = '?';
                } else if (*json == '\t' || *json == '\r' || *json == '\n') { /* between tokens */
                        *to++ = ' ';
                } else if (is_harmful(c)) {
                        to += escape(to, c);
                } else {
                        (void)memcpy(to, json, length);
                        to += length;
                }
                json += length > 0 ? length : 1;
        }
        *to = '\0';
        mt_print("%s\n", copy);
        free(copy);
}

struct mt_terminal_size mt_terminal_size(const struct mt_host_ops *host)
{
        struct mt_terminal_size size = { .columns = host->columns, .rows = ROWS_UNKNOWN };
        struct winsize now;

        if ((host->flags & MT_HOST_OUT_IS_TTY) == 0)
                return size;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &now) < 0)
                return size;
        if (now.ws_col > 0)
                size.columns = now.ws_col;
        if (now.ws_row > 0)
                size.rows = now.ws_row;
        return size;
}
