/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text on a terminal. Names of domains and messages of others come from anywhere: nothing of them may move the cursor,
 * change colours or turn the writing direction.
 */
#ifndef MT_COMMAND_TERMINAL_H
#define MT_COMMAND_TERMINAL_H

#include "err.h"

#include <migtune/plugin.h>

#include <stdbool.h>
#include <stddef.h>

/* SGR sequences; "" goes back to plain. */
#define MT_RED "\033[31m"
#define MT_YELLOW "\033[33m"
#define MT_BOLD "\033[1m"
#define MT_PLAIN "\033[0m"

/*
 * Makes text harmless, in place: newlines and tabs become spaces; other control characters (C0, DEL, C1), characters
 * without a width or that turn the direction, and bytes that are no UTF-8 become '?'.
 */
void mt_terminal_clean(char *text);

/* One line on standard error, "migtune COMMAND: TEXT", made harmless. */
void mt_terminal_complain(const char *command, const char *format, ...) MT_PRINTF(2, 3);

/* Columns that harmless text takes: CJK and emoji two, combining marks none. */
size_t mt_terminal_width(const char *text);

/* Shortens harmless text to at most `columns`, in place: by its end, or by its middle, with '~' there ("inst~001a"). */
void mt_terminal_clip(char *text, size_t columns);
void mt_terminal_cut(char *text, size_t columns);

/* A line that is put together piece by piece; what does not fit is left out. Zeroed: empty. */
struct mt_line {
        char text[1024];
        size_t used;
};

void mt_line_add(struct mt_line *line, const char *format, ...) MT_PRINTF(2, 3);

/* A cell of so many columns, filled up with spaces at its right (left = true) or at its left. colour: a sequence or "". */
void mt_line_cell(struct mt_line *line, const char *text, size_t columns, bool left, const char *colour);

/* Prints it without the spaces at its end, with a newline, and empties it. */
void mt_line_print(struct mt_line *line);

/*
 * Prints text, harmless, from column `indent` on (where the cursor is), broken between words so that lines have at most
 * `columns`; columns 0: on one line.
 */
void mt_terminal_wrap(const char *text, size_t indent, size_t columns);

/*
 * Prints one line of JSON so that no byte of it can do anything on a terminal, and that it stays the same JSON: characters
 * that a terminal would obey, which in JSON are all within strings, are escaped.
 */
void mt_terminal_json(const char *json);

/* The terminal behind standard output as it is now: host->columns tells how wide it was. Where none is: columns 0. */
struct mt_terminal_size {
        unsigned columns, rows;
};
struct mt_terminal_size mt_terminal_size(const struct mt_host_ops *host);

#endif
