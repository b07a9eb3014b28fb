/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune report: past migrations as a page with pictures. */
#include "cleanup.h"
#include "clock.h"
#include "command/arguments.h"
#include "command/commands.h"
#include "command/report/options.h"
#include "command/report/output.h"
#include "command/report/page.h"
#include "log.h"

#include <stddef.h>

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
        char buffer[256];
        const char *file = NULL;
        int r;

        if (mt_help_wanted(argc, argv)) {
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
        return mt_history_end("report", file, r, &counts, &err);
}
