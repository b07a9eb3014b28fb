/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/report/options.h"
#include "array.h"
#include "command/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_timelines(const char *text, struct mt_report_options *o)
{
        const size_t digits = strspn(text, "0123456789");

        if (digits == 0 || digits > 4 || text[digits] != '\0' || strtoul(text, NULL, 10) > MT_REPORT_MOST_TIMELINES)
                return mt_history_bad(&o->history, text, "--timelines: expected a whole number from 0 to 1000");
        o->timelines = strtoul(text, NULL, 10);
        return 0;
}

/* Takes an option of the report's own. -1: it is none. */
static int take(int argc, const char *const *argv, int *i, struct mt_report_options *o)
{
        static const char *const names[] = { "-o", "--output", "--timelines" };

        for (size_t k = 0; k < MT_ARRAY_SIZE(names); k++) {
                const char *value;
                int r = mt_option_value(names[k], argc, argv, i, &value);

                if (r == 0)
                        continue;
                if (r < 0)
                        return mt_history_bad(&o->history, names[k], "its value is missing");
                if (k == 2)
                        return take_timelines(value, o);
                if (value[0] == '\0')
                        return mt_history_bad(&o->history, names[k],
                                              "expected the name of a file, or - for standard output");
                o->output = value;
                return 0;
        }
        return -1;
}

int mt_report_options(int argc, const char *const *argv, struct mt_report_options *ret)
{
        struct mt_history_options *history = &ret->history;
        bool literal = false; /* after "--" */

        *ret = (struct mt_report_options){ .history = { .command = "report" }, .timelines = MT_REPORT_TIMELINES };
        for (int i = 1; i < argc; i++) {
                int r = literal ? -1 : take(argc, argv, &i, ret);

                if (r < 0 && !literal)
                        r = mt_history_option(argc, argv, &i, history);
                if (r > 0)
                        return r;
                if (r == 0)
                        continue;
                if (!literal && strcmp(argv[i], "--") == 0)
                        literal = true;
                else if (!literal && argv[i][0] == '-')
                        return mt_history_bad(history, argv[i], "unknown option");
                else if (argv[i][0] == '\0' || history->file != NULL)
                        return mt_history_bad(history, argv[i], "expected one FILE at most");
                else
                        history->file = argv[i];
        }
        if (ret->output == NULL)
                return mt_history_bad(history, "-o", "it is missing: expected -o FILE.html, or -o - for standard output");
        return 0;
}
