/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune report: past migrations as a page with pictures. */
#include "cleanup.h"
#include "clock.h"
#include "command/commands.h"
#include "command/report/options.h"
#include "command/report/output.h"
#include "command/report/page.h"
#include "command/terminal.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char help[] =
        "usage: migtune report -o FILE.html [--since T] [--domain GLOB] [--failed] [--last N] [--timelines N]\n"
        "                      [--config FILE] [FILE]\n"
        "\n"
        "Makes one page of past migrations, which needs nothing beside itself: how blackouts lie against their limits,\n"
        "predicted against actual times and blackouts, bytes saved, a table with the reasons, and the course of each of\n"
        "the newest. FILE: another history than history.file of the configuration; a pipe will do. Pictures are drawn by\n"
        "gnuplot (package gnuplot-nox or gnuplot-minimal).\n"
        "\n"
        "  -o FILE.html    where the page goes: a file, which is replaced when the page is whole; -: standard output\n"
        "  --since T       only those that began then or later: 2026-11-20, 2026-11-20T06:15:00Z (or +01:00), or an\n"
        "                  age: 300s, 90min, 2h, 7d, 4w\n"
        "  --domain GLOB   only those of domains with such a name (*, ?, [abc]), or with that UUID\n"
        "  --failed        only those that failed or were cancelled\n"
        "  --last N        only the last N of these\n"
        "  --timelines N   the course of the newest N of these; 0 to 1000, default 50. All are in the distributions; the\n"
        "                  table has as many, 200 at least\n"
        "  --help          this text\n";

static void complain(const char *text)
{
        char line[sizeof(((struct mt_err *)NULL)->msg)];

        (void)snprintf(line, sizeof(line), "%s", text);
        mt_terminal_clean(line);
        mt_print_err("migtune report: %s\n", line);
}

static int make(const struct mt_host_ops *host, const struct mt_report_options *options, const char *file,
                struct mt_output *output, struct mt_history_counts *counts, struct mt_err *err)
{
        MT_CLEANUP(mt_selection_done) struct mt_selection selection = { .sums = NULL };
        const struct mt_page page = {
                .host = host, .selection = &selection, .counts = counts, .file = file, .now_ms = mt_wall_ms()
        };
        int r = mt_select(host, options, file, &selection, counts, err);

        if (r == 0)
                r = mt_report_page(&page, output->stream, err);
        return r < 0 ? r : mt_output_finish(output, err);
}

int mt_command_report(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        MT_CLEANUP(mt_output_done) struct mt_output output = { .stream = NULL };
        struct mt_history_counts counts = { .records = 0 };
        struct mt_report_options options;
        struct mt_err err = { 0 };
        char buffer[256], line[512];
        const char *file = NULL;
        int r;

        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
                        mt_print("%s", help);
                        return 0;
                }
        r = mt_report_options(argc, argv, &options);
        if (r != 0)
                return r;
        r = mt_history_find(host, options.history.file, buffer, sizeof(buffer), &file, &err);
        if (r == 0)
                r = mt_output_begin(&output, options.output, &err);
        if (r == 0)
                r = make(host, &options, file, &output, &counts, &err);
        if (r < 0)
                complain(err.msg);
        if (counts.unreadable > 0) {
                (void)snprintf(line, sizeof(line), "%s: %" PRIu64 " unreadable line%s skipped", file, counts.unreadable,
                               counts.unreadable == 1 ? "" : "s");
                complain(line);
        }
        return r < 0 ? (r == -EINVAL ? 2 : 1) : 0;
}
