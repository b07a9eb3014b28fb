/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/report/html.h"
#include "cleanup.h"
#include "command/terminal.h"

#include <string.h>

static const char *entity(char c)
{
        switch (c) {
        case '&':
                return "&amp;";
        case '<':
                return "&lt;";
        case '>':
                return "&gt;";
        case '"':
                return "&quot;";
        case '\'':
                return "&#39;";
        default:
                return NULL;
        }
}

void mt_html_text(FILE *out, const char *text)
{
        MT_CLEANUP(mt_freep) char *clean = strdup(text);

        if (clean == NULL) {
                (void)fputs("?", out);
                return;
        }
        mt_terminal_clean(clean);
        for (const char *c = clean; *c != '\0'; c++)
                if (entity(*c) != NULL)
                        (void)fputs(entity(*c), out);
                else
                        (void)fputc(*c, out);
}

void mt_html_name(FILE *out, const char *name)
{
        (void)fputs("<bdi>", out);
        mt_html_text(out, name[0] != '\0' ? name : "-");
        (void)fputs("</bdi>", out);
}
