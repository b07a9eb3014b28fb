/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune status: what the watcher says of running migrations, once; status_follow.c: again and again. */
#include "cleanup.h"
#include "command/arguments.h"
#include "command/commands.h"
#include "command/member.h"
#include "command/quantity.h"
#include "command/status_block.h"
#include "command/status_follow.h"
#include "command/terminal.h"
#include "log.h"
#include "service/client.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MS 3000
#define TABLE_COLUMNS 103u

static const char help[] =
        "usage: migtune status [--follow] [--json]\n"
        "\n"
        "Shows the migrations that are running on this host, as the watcher sees them, and those that wait for\n"
        "their turn.\n"
        "\n"
        "  --follow  once a second, until Ctrl-C: on a terminal a picture in place, elsewhere a line for each change; a\n"
        "            watcher that goes away is waited for\n"
        "  --json    the watcher's answer, one object; with --follow one a second, a line each\n"
        "  --help    this text\n"
        "\n"
        "The bar is the share of the memory that is across and not dirtied since; rates are on the wire, what it carries "
        "and\n"
        "what is planned; D is the dirty rate, lambda = D / planned rate.\n";

/* One that waits for its turn: how long, its place, since when. */
static void show_waiting(struct mt_line *line, json_object *call)
{
        char waited[MT_QUANTITY_SIZE], place[MT_QUANTITY_SIZE];

        mt_line_cell(line, "-", 5, false, "");
        mt_line_cell(line, mt_quantity_time(waited, sizeof(waited), mt_member_number(call, "waited_ms")), 9, false, "");
        mt_line_add(line, " place %s since %s: %s",
                    mt_quantity_count(place, sizeof(place), mt_member_number(call, "position")),
                    mt_member_text(call, "since"), mt_member_text(call, "waits_for"));
        mt_line_print(line);
}

static void show_row(json_object *job)
{
        const double lambda = mt_member_number(job, "plan/lambda");
        struct mt_line line = { .used = 0 };
        char name[MT_STATUS_LINE_SIZE], text[MT_QUANTITY_SIZE];

        (void)snprintf(name, sizeof(name), "%s", mt_member_text(job, "domain"));
        mt_terminal_clean(name);
        mt_terminal_cut(name, 20);
        mt_line_cell(&line, name, 20, true, "");
        mt_line_add(&line, " %-10.10s", mt_member_text(job, "state"));
        if (strcmp(mt_member_text(job, "state"), "waiting") == 0) {
                show_waiting(&line, job);
                return;
        }
        if (strcmp(mt_member_text(job, "state"), "broken") == 0) {
                mt_line_add(&line, " %s", mt_member_text(job, "recovery/text"));
                mt_line_print(&line);
                return;
        }
        mt_line_cell(&line, mt_quantity_count(text, sizeof(text), mt_member_number(job, "iteration")), 5, false, "");
        mt_line_cell(&line, mt_quantity_time(text, sizeof(text), mt_member_number(job, "elapsed_ms")), 9, false, "");
        mt_line_cell(&line, mt_quantity_bytes(text, sizeof(text), mt_member_number(job, "remaining_bytes")), 10, false, "");
        mt_line_cell(&line, mt_quantity_rate(text, sizeof(text), mt_member_number(job, "dirty_rate_mbps")), 13, false, "");
        (void)snprintf(text, sizeof(text), lambda < 999.0 ? "%.3f" : "-", lambda);
        mt_line_cell(&line, text, 8, false, "");
        mt_line_cell(&line, mt_quantity_rate(text, sizeof(text), mt_member_number(job, "plan/bandwidth_mbps")), 13, false,
                     "");
        mt_line_cell(&line, mt_quantity_time(text, sizeof(text), mt_member_predicted(job, "plan/prediction/total_ms")), 10,
                     false, "");
        mt_line_print(&line);
}

/* Where the table has no room: a block for each. */
static void show_blocks(json_object *status, size_t columns)
{
        for (size_t i = 0; i < mt_member_count(status, "migrations"); i++) {
                struct mt_status_block block;

                mt_status_block(json_object_array_get_idx(mt_member(status, "migrations"), i), columns, &block);
                for (unsigned k = 0; k < block.n; k++)
                        mt_print("%s\n", block.line[k]);
        }
}

static void show(const struct mt_host_ops *host, json_object *status)
{
        const size_t n = mt_member_count(status, "migrations"), columns = host->columns;
        char head[MT_STATUS_LINE_SIZE];

        mt_status_head(status, head, sizeof(head));
        mt_print("%s\n", head);
        if (n > 0 && columns > 0 && columns < TABLE_COLUMNS) {
                show_blocks(status, columns);
                return;
        }
        if (n > 0)
                mt_print("%-20s %-10s %4s %8s %9s %12s %7s %12s %9s\n", "DOMAIN", "STATE", "ITER", "TIME", "REMAINING", "D",
                         "LAMBDA", "PLANNED", "PREDICTED");
        for (size_t i = 0; i < n; i++)
                show_row(json_object_array_get_idx(mt_member(status, "migrations"), i));
}

static int show_once(const struct mt_host_ops *host, bool json)
{
        MT_CLEANUP(mt_freep) char *reply = NULL;
        MT_CLEANUP(mt_member_putp) json_object *status = NULL;
        struct mt_err err = { 0 };

        if (mt_client_call(host->run_dir, "{\"request\":\"status\"}", ANSWER_MS, &reply, &err) < 0) {
                mt_print_err("migtune status: %s\n", err.msg);
                return 1;
        }
        if (json) {
                mt_terminal_json(reply);
                return 0;
        }
        status = json_tokener_parse(reply);
        if (!json_object_is_type(mt_member(status, "migrations"), json_type_array)) {
                mt_terminal_clean(reply);
                mt_print_err("migtune status: the watcher's answer: %.300s\n", reply);
                return 1;
        }
        mt_member_clean(status);
        show(host, status);
        return 0;
}

int mt_command_status(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        bool json = false, follow = false;

        if (mt_help_wanted(argc, argv)) {
                mt_print("%s", help);
                return 0;
        }
        for (int i = 1; i < argc; i++) {
                char shown[80];

                if (strcmp(argv[i], "--json") == 0) {
                        json = true;
                } else if (strcmp(argv[i], "--follow") == 0) {
                        follow = true;
                } else {
                        (void)snprintf(shown, sizeof(shown), "%s", argv[i]);
                        mt_terminal_clean(shown);
                        mt_print_err("migtune status: '%s': unknown argument, see migtune status --help\n", shown);
                        return 2;
                }
        }
        return follow ? mt_status_follow(host, json) : show_once(host, json);
}
