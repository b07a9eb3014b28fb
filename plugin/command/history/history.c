/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune history: past migrations, predicted and actual. */
#include "cleanup.h"
#include "command/arguments.h"
#include "command/commands.h"
#include "command/history/accuracy.h"
#include "command/history/list.h"
#include "command/history/what_if.h"
#include "log.h"

#include <stddef.h>

static const char help[] =
        "usage: migtune history [--since T] [--domain GLOB] [--failed] [--last N] [--json] [--config FILE] [FILE]\n"
        "       migtune history --accuracy|--what-if [--since T] [--domain GLOB] [--last N] [--json] [FILE]\n"
        "\n"
        "Shows past migrations, oldest first, or how good their predictions were. FILE: another history than\n"
        "history.file of the configuration; a pipe will do. On a terminal without --last: the last 20.\n"
        "\n"
        "  --since T       only those that began then or later: 2026-11-20, 2026-11-20T06:15:00Z (or +01:00), or an\n"
        "                  age: 300s, 90min, 2h, 7d, 4w\n"
        "  --domain GLOB   only those of domains with such a name (*, ?, [abc]), or with that UUID\n"
        "  --failed        only those that failed or were cancelled\n"
        "  --last N        only the last N of these\n"
        "  --json          the records themselves, one a line; with --accuracy or --what-if one object\n"
        "  --help          this text\n"
        "\n"
        "Columns, on a terminal of less than 162 columns in two lines each. \"-\": not known; \"never\": predicted not to "
        "end.\n"
        "  STARTED        when its first byte was seen, UTC\n"
        "  DOMAIN, DESTINATION, RESULT   completed, failed or cancelled\n"
        "  TECHNIQUE      what it came to; STRATEGY: how its bandwidth followed from the dirty rate\n"
        "  TIME           from the beginning to the guest running over there: predicted when it began, and actual\n"
        "  BLACKOUT       how long the guest stood still: predicted, actual (as QEMU tells), and max_downtime, the limit\n"
        "  HELD           was the actual one within the limit? yes or NO\n"
        "  SENT           bytes of memory; ROUNDS: iterations of the copy\n"
        "\n"
        "--accuracy takes the completed migrations that were steered (mode enforce) from their beginning, and shows for\n"
        "all of them, and by strategy, technique and source of the dirty rate, as the plan had them:\n"
        "  N              migrations; the source is where the dirty rate that was planned with came from\n"
        "  TIME, SENT     |predicted - actual| as share of the actual one: quartiles. A quarter of the migrations was\n"
        "                 predicted better than q1, a half better than the median, three quarters better than q3\n"
        "  BLACKOUT       the same, median and 90th percentile (p90), as share of the actual one, and in milliseconds\n"
        "  LIMIT SAID     the plan said that max_downtime would be met: in so many it was held, in so many not\n"
        "  NOT SAID       the plan said that it would not be met: held all the same, or not\n"
        "and then how much of its limit the blackout took, for both kinds. \"inf\": predicted never to end, and it ended.\n"
        "\n"
        "--what-if takes the completed migrations that migtune only watched (mode observe) from their beginning, and those\n"
        "of which it could set nothing (*): two lines each, how it was, and how it would have been as planned, predicted "
        "when\n"
        "it began. OTHERS' is what it takes from other traffic that leaves by the uplink: actual, what that sent less than\n"
        "before while it ran, whatever the cause. Then the sums, and how good predictions were, by the steered migrations\n"
        "of the whole history.\n";

int mt_command_history(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        struct mt_history_options options = { .file = NULL };
        struct mt_history_counts counts = { .records = 0 };
        struct mt_err err = { 0 };
        char buffer[256];
        const char *file = NULL;
        int r;

        if (mt_help_wanted(argc, argv)) {
                mt_print("%s", help);
                return 0;
        }
        r = mt_history_options(argc, argv, &options);
        if (r != 0)
                return r;
        r = mt_history_find(host, options.file, buffer, sizeof(buffer), &file, &err);
        if (r == 0)
                r = options.accuracy  ? mt_history_accuracy(host, &options, file, &counts, &err)
                    : options.what_if ? mt_history_what_if(host, &options, file, &counts, &err)
                                      : mt_history_list(host, &options, file, &counts, &err);
        return mt_history_end("history", file, r, &counts, &err);
}
