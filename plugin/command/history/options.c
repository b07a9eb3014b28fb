/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/history/options.h"
#include "array.h"
#include "clock.h"
#include "command/arguments.h"
#include "command/member.h"
#include "command/terminal.h"
#include "log.h"
#include "record/timestamp.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MOST_LAST UINT64_C(10000000) /* history.keep's own bound */

int mt_history_bad(const struct mt_history_options *options, const char *argument, const char *what)
{
        const char *command = options->command != NULL ? options->command : "history";

        mt_terminal_complain(command, "'%.79s': %s, see migtune %s --help", argument, what, command);
        return 2;
}

static bool parse_last(const char *text, uint64_t *ret)
{
        uint64_t value = 0;

        for (const char *c = text; *c != '\0'; c++) {
                if (*c < '0' || *c > '9' || value > MOST_LAST)
                        return false;
                value = value * 10 + (uint64_t)(*c - '0');
        }
        *ret = value;
        return value >= 1 && value <= MOST_LAST;
}

/* Takes an option that has a value. 0, or 2 after a message. */
static int take(const char *name, const char *value, struct mt_history_options *o)
{
        if (strcmp(name, "--domain") == 0) {
                if (value[0] == '\0')
                        return mt_history_bad(o, value,
                                              "--domain: expected a name, with * and ? for what may vary, or a UUID");
                o->domain = value;
        } else if (strcmp(name, "--since") == 0) {
                if (mt_since_parse(value, mt_wall_ms(), &o->since_ms) < 0)
                        return mt_history_bad(
                                o, value,
                                "--since: expected a time such as 2026-11-20 or 2026-11-20T06:15:00Z, or an age such "
                                "as 2h or 7d");
        } else if (!parse_last(value, &o->last)) {
                return mt_history_bad(o, value, "--last: expected a whole number from 1 to 10000000");
        }
        return 0;
}

int mt_history_option(int argc, const char *const *argv, int *i, struct mt_history_options *o)
{
        static const char *const names[] = { "--since", "--domain", "--last" };

        if (strcmp(argv[*i], "--failed") == 0) {
                o->failed = true;
                return 0;
        }
        for (size_t k = 0; k < MT_ARRAY_SIZE(names); k++) {
                const char *value;
                int r = mt_option_value(names[k], argc, argv, i, &value);

                if (r != 0)
                        return r > 0 ? take(names[k], value, o) : mt_history_bad(o, names[k], "its value is missing");
        }
        return -1;
}

int mt_history_options(int argc, const char *const *argv, struct mt_history_options *ret)
{
        bool literal = false; /* after "--" */

        for (int i = 1; i < argc; i++) {
                int r = literal ? -1 : mt_history_option(argc, argv, &i, ret);

                if (r > 0)
                        return r;
                if (r == 0)
                        continue;
                if (!literal && strcmp(argv[i], "--json") == 0)
                        ret->json = true;
                else if (!literal && strcmp(argv[i], "--accuracy") == 0)
                        ret->accuracy = true;
                else if (!literal && strcmp(argv[i], "--what-if") == 0)
                        ret->what_if = true;
                else if (!literal && strcmp(argv[i], "--") == 0)
                        literal = true;
                else if (!literal && argv[i][0] == '-')
                        return mt_history_bad(ret, argv[i], "unknown option");
                else if (argv[i][0] == '\0' || ret->file != NULL)
                        return mt_history_bad(ret, argv[i], "expected one FILE at most");
                else
                        ret->file = argv[i];
        }
        if ((ret->accuracy || ret->what_if) && ret->failed)
                return mt_history_bad(ret, "--failed", "--accuracy and --what-if are about completed migrations alone");
        if (ret->accuracy && ret->what_if)
                return mt_history_bad(ret, "--what-if", "expected it without --accuracy");
        return 0;
}

bool mt_history_wanted(const struct mt_history_options *options, json_object *record)
{
        uint64_t started_ms;

        if (options->failed && strcmp(mt_member_text(record, "result"), "failed") != 0 &&
            strcmp(mt_member_text(record, "result"), "cancelled") != 0)
                return false;
        if (options->domain != NULL && fnmatch(options->domain, mt_member_text(record, "domain/name"), 0) != 0 &&
            strcasecmp(options->domain, mt_member_text(record, "domain/uuid")) != 0)
                return false;
        return options->since_ms == 0 ||
               (mt_timestamp_parse(mt_member_text(record, "started"), &started_ms) == 0 && started_ms >= options->since_ms);
}
