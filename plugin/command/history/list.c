/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: nothing is kept of what can be printed at once. Only where the last N are wanted, these are: rows
 * for the table, lines for --json.
 */
#include "command/history/list.h"
#include "cleanup.h"
#include "command/history/ring.h"
#include "command/history/table.h"
#include "command/terminal.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct list {
        const struct mt_history_options *options;
        struct mt_history_table table;
        struct mt_ring ring; /* limit 0: not used */
        uint64_t n;          /* that are wanted */
        int error;
};

static void print_row(const struct list *list, const struct mt_history_row *row, bool first)
{
        if (first)
                mt_history_table_head(&list->table);
        mt_history_table_row(&list->table, row);
}

/* Keeps a copy for later. */
static void keep(struct list *list, const void *what, size_t size)
{
        void *copy = malloc(size);

        if (copy == NULL) {
                list->error = -ENOMEM;
                return;
        }
        (void)memcpy(copy, what, size);
        if (mt_ring_add(&list->ring, copy) < 0)
                list->error = -ENOMEM;
}

static void take(void *ctx, json_object *record, const char *line)
{
        struct list *list = ctx;
        struct mt_history_row row;

        if (!mt_history_wanted(list->options, record))
                return;
        list->n++;
        if (list->options->json) {
                if (list->ring.limit > 0)
                        keep(list, line, strlen(line) + 1);
                else
                        mt_terminal_json(line);
                return;
        }
        row = mt_history_row(record);
        if (list->ring.limit > 0)
                keep(list, &row, sizeof(row));
        else
                print_row(list, &row, list->n == 1);
}

static void print_kept(const struct list *list)
{
        for (size_t i = 0; i < list->ring.n; i++) {
                const void *item = mt_ring_at(&list->ring, i);

                if (list->options->json)
                        mt_terminal_json(item);
                else
                        print_row(list, item, i == 0);
        }
}

/* What else there is, for people. */
static void print_end(const struct list *list, const char *file, const struct mt_history_counts *counts)
{
        char shown[256];

        (void)snprintf(shown, sizeof(shown), "%s", file);
        mt_terminal_clean(shown);
        if (counts->records == 0)
                mt_print("no migrations in %s\n", shown);
        else if (list->n == 0)
                mt_print("none of the %" PRIu64 " migration%s in %s is such a one\n", counts->records,
                         counts->records == 1 ? "" : "s", shown);
        else if (list->options->last == 0 && list->n > list->ring.n && list->ring.limit > 0)
                mt_print("%" PRIu64 " earlier one%s not shown: --last N shows more\n", list->n - list->ring.n,
                         list->n - list->ring.n == 1 ? " is" : "s are");
}

int mt_history_list(const struct mt_host_ops *host, const struct mt_history_options *options, const char *file,
                    struct mt_history_counts *ret_counts, struct mt_err *err)
{
        const bool brief = !options->json && (host->flags & MT_HOST_OUT_IS_TTY) != 0;
        struct list list = { .options = options, .table = mt_history_table(host) };
        struct mt_history_source source = { .file = file };
        int r;

        list.ring.limit = options->last > 0 ? options->last : brief ? MT_HISTORY_SHOWN : 0;
        source.bar = list.ring.limit > 0 ? host : NULL; /* else it would come between what is printed as it goes */
        r = mt_history_read(&source, take, &list, ret_counts, err);
        if (r == 0 && list.error < 0)
                r = mt_fail(err, -list.error, "out of memory for %" PRIu64 " records", list.ring.limit);
        if (r == 0)
                print_kept(&list);
        if (r == 0 && !options->json)
                print_end(&list, file, ret_counts);
        mt_ring_done(&list.ring);
        return r;
}
