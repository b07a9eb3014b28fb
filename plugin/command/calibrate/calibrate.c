/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migtune calibrate: what the watcher would learn from the history, shown. The same records give the same values in both,
 * since both read the same part of the file and calibrate with the same code.
 */
#include "cleanup.h"
#include "clock.h"
#include "command/arguments.h"
#include "command/calibrate/show.h"
#include "command/commands.h"
#include "command/history/options.h"
#include "command/history/reader.h"
#include "command/member.h"
#include "command/progress.h"
#include "log.h"
#include "record/history.h"
#include "record/timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
        "usage: migtune calibrate [--history FILE] [--since TIME] [--json] [--plot FILE.svg]\n"
        "\n"
        "Derives this host's own constants from its past migrations, and prints them as a piece of configuration: the "
        "range\n"
        "of dirty rates, the pause between rounds (tau), the time that the guest's standstill takes beside the last copy\n"
        "(t_g), and the bandwidth that migrations get beside their VM's own traffic, with the quality of each. What cannot\n"
        "be told well stays as it is, with the reason.\n"
        "\n"
        "  --history FILE   another history than history.file of the configuration\n"
        "  --since TIME     only migrations that began then or later: 2026-11-20, 2026-11-20T06:15:00Z, or an age such as\n"
        "                   90min, 12h or 30d\n"
        "  --json           one JSON object instead\n"
        "  --plot FILE.svg  also draw the points, the fits and the built-in models (needs gnuplot)\n"
        "  --help           this text\n";

struct arguments {
        const char *history, *plot;
        uint64_t since_ms;
        bool json;
};

static int bad(const char *argument, const char *what)
{
        mt_print_err("migtune calibrate: '%s': %s, see migtune calibrate --help\n", argument, what);
        return 2;
}

/* 0, or 2 after a message. */
static int parse(int argc, const char *const *argv, struct arguments *a)
{
        for (int i = 1; i < argc; i++) {
                const char *since = NULL;
                int r;

                if (strcmp(argv[i], "--json") == 0) {
                        a->json = true;
                        continue;
                }
                r = mt_option_value("--history", argc, argv, &i, &a->history);
                if (r == 0)
                        r = mt_option_value("--plot", argc, argv, &i, &a->plot);
                if (r == 0)
                        r = mt_option_value("--since", argc, argv, &i, &since);
                if (r <= 0)
                        return bad(argv[i], r < 0 ? "its value is missing" : "unknown argument");
                if (since != NULL && mt_since_parse(since, mt_wall_ms(), &a->since_ms) < 0)
                        return bad(since, "--since: expected a time such as 2026-11-20, or an age such as 30d");
        }
        return 0;
}

/* The file that is read, from its end: a pipe will not do. Its name is the caller's buffer or the argument. 0 or -errno. */
static int find_history(const struct mt_host_ops *host, const struct arguments *a, char *buffer, size_t size,
                        const char **ret_file, struct mt_err *err)
{
        struct stat st;
        int r = mt_history_find(host, a->history, buffer, size, ret_file, err);

        if (r == 0 && a->history != NULL && stat(a->history, &st) == 0 && !S_ISREG(st.st_mode))
                return mt_fail(err, EINVAL, "the history '%s': expected a file", a->history);
        return r;
}

/* Lines in the last max_bytes of the file (0: all of it); 0 where it cannot be read. For the progress bar. */
static size_t count_lines(const char *file, size_t max_bytes)
{
        MT_CLEANUP(mt_closep) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        char buffer[65536];
        struct stat st;
        size_t lines = 0;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return 0;
        if (max_bytes > 0 && st.st_size > (off_t)max_bytes)
                (void)lseek(fd, -(off_t)max_bytes, SEEK_END);
        while ((n = read(fd, buffer, sizeof(buffer))) > 0)
                for (const char *at = buffer; at != NULL && at < buffer + n; lines++) {
                        at = memchr(at, '\n', (size_t)(buffer + n - at));
                        if (at == NULL)
                                break;
                        at++;
                }
        return lines;
}

struct reading {
        struct mt_calibrated *calibrated;
        struct mt_progress bar;
        size_t lines, done;
};

static bool take_record(void *ctx, json_object *record)
{
        struct reading *reading = ctx;
        struct mt_calibrated *c = reading->calibrated;
        uint64_t wall_ms = 0;

        mt_progress_show(&reading->bar, (double)++reading->done / (double)(reading->lines + 1));
        if (mt_timestamp_parse(mt_member_text(record, "started"), &wall_ms) < 0) {
                c->damaged++; /* no migration's record */
                return true;
        }
        if (wall_ms < c->since_ms)
                return true;
        if (c->first_ms == 0 || wall_ms < c->first_ms)
                c->first_ms = wall_ms;
        if (wall_ms > c->last_ms)
                c->last_ms = wall_ms;
        mt_learnt_record(&c->learnt, record);
        return true;
}

static int read_history(const struct mt_host_ops *host, struct mt_calibrated *c, struct mt_err *err)
{
        /* what the watcher reads, unless an older time is asked for */
        const size_t max_bytes = c->since_ms > 0 ? 0 : MT_HISTORY_RECENT_BYTES;
        struct reading reading = { .calibrated = c };
        unsigned damaged = 0;
        int r;

        mt_progress_begin(&reading.bar, host, "reading the history");
        if (reading.bar.visible)
                reading.lines = count_lines(c->file, max_bytes);
        r = mt_history_newest(c->file, max_bytes, NULL, take_record, &reading, &damaged);
        mt_progress_end(&reading.bar);
        if (r < 0)
                return mt_fail(err, -r, "read the history '%s': %s", c->file, strerror(-r));
        c->damaged += damaged;
        mt_calibrate(&c->learnt.evidence, &c->learnt.calibration);
        c->has_dirty = mt_past_rates_range(&c->learnt.rates, &c->dirty_low_bytes_s, &c->dirty_high_bytes_s) &&
                       c->dirty_low_bytes_s >= 125 && c->dirty_low_bytes_s / 125 < c->dirty_high_bytes_s / 125;
        return 0;
}

/* Before the work: could there be such a picture? */
static int check_plot(const struct mt_host_ops *host, const char *file, struct mt_err *err)
{
        MT_CLEANUP(mt_plot_done) struct mt_plot plot = { .host = NULL };

        return mt_plot_begin(&plot, host, file, /* width= */ 1, /* height= */ 1, err);
}

static int draw(const struct mt_host_ops *host, const struct mt_calibrated *c, const char *file, struct mt_err *err)
{
        MT_CLEANUP(mt_plot_done) struct mt_plot plot = { .host = NULL };
        const unsigned panels = mt_calibrate_panels(c);
        unsigned width, height;
        int r;

        if (panels == 0)
                return mt_fail(
                        err, ENODATA,
                        "--plot: nothing to draw: no technique and class of traffic has %d migrations that migtune did not "
                        "limit",
                        MT_CALIBRATION_LEAST);
        mt_calibrate_plot_size(panels, &width, &height);
        r = mt_plot_begin(&plot, host, file, width, height, err);
        if (r < 0)
                return r;
        mt_calibrate_plot(c, &plot);
        return mt_plot_finish(&plot, err);
}

static int calibrate(const struct mt_host_ops *host, const struct arguments *a, struct mt_calibrated *c, struct mt_err *err)
{
        char file[256];
        int r = a->plot != NULL ? check_plot(host, a->plot, err) : 0;

        if (r == 0)
                r = find_history(host, a, file, sizeof(file), &c->file, err);
        if (r == 0)
                r = read_history(host, c, err);
        if (r < 0)
                return r;
        if (a->json)
                mt_calibrate_print_json(c);
        else
                mt_calibrate_print_fragment(c);
        return a->plot != NULL ? draw(host, c, a->plot, err) : 0;
}

int mt_command_calibrate(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        struct mt_calibrated calibrated = { .file = NULL };
        struct arguments a = { .history = NULL };
        struct mt_err err = { 0 };
        int r;

        if (mt_help_wanted(argc, argv)) {
                mt_print("%s", help);
                return 0;
        }
        r = parse(argc, argv, &a);
        if (r != 0)
                return r;
        calibrated.since_ms = a.since_ms;
        r = calibrate(host, &a, &calibrated, &err);
        mt_learnt_done(&calibrated.learnt);
        if (r < 0)
                mt_print_err("migtune calibrate: %s\n", err.msg);
        return r < 0 ? (r == -EINVAL ? 2 : 1) : 0;
}
