/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "command/commands.h"
#include "log.h"
#include "service/client.h"
#include "units.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#define ANSWER_MS 3000

static const char help[] =
        "usage: migtune status [--json]\n"
        "\n"
        "Shows the migrations that are running on this host, as the watcher sees them, and those that wait for\n"
        "their turn.\n";

static const char *text(json_object *object, const char *key)
{
        json_object *value = json_object_object_get(object, key);

        return value != NULL ? json_object_get_string(value) : "-";
}

static double number(json_object *object, const char *key)
{
        return json_object_get_double(json_object_object_get(object, key));
}

/* One that waits for its turn: how long, its place, since when. */
static void show_waiting(json_object *call)
{
        mt_print("%-20.20s %-10s %4s %8.1f place %d since %s: %s\n", text(call, "domain"), text(call, "state"), "-",
                 number(call, "waited_ms") / 1000.0, (int)number(call, "position"), text(call, "since"),
                 text(call, "waits_for"));
}

static void show_row(json_object *job)
{
        char remaining[32];
        json_object *plan = json_object_object_get(job, "plan");

        if (strcmp(text(job, "state"), "waiting") == 0) {
                show_waiting(job);
                return;
        }
        mt_print("%-20.20s %-10s %4d %8.1f %12s %8.1f %7.3f %10.1f %8.1f\n", text(job, "domain"), text(job, "state"),
                 (int)number(job, "iteration"), number(job, "elapsed_ms") / 1000.0,
                 mt_format_size(remaining, sizeof(remaining), (uint64_t)number(job, "remaining_bytes")),
                 number(job, "dirty_rate_mbps"), number(plan, "lambda"), number(plan, "bandwidth_mbps"),
                 number(json_object_object_get(plan, "prediction"), "total_ms") / 1000.0);
}

static void show(json_object *status)
{
        json_object *jobs = json_object_object_get(status, "migrations");
        size_t n = json_object_array_length(jobs);

        mt_print("%s: mode %s, libvirt %s, %zu migration%s\n", text(status, "host"), text(status, "mode"),
                 json_object_get_boolean(json_object_object_get(status, "libvirt")) ? "connected" : "away", n,
                 n == 1 ? "" : "s");
        if (n == 0)
                return;
        mt_print("%-20s %-10s %4s %8s %12s %8s %7s %10s %8s\n", "DOMAIN", "STATE", "ITER", "TIME s", "REMAINING", "D Mbit/s",
                 "LAMBDA", "R Mbit/s", "PRED. s");
        for (size_t i = 0; i < n; i++)
                show_row(json_object_array_get_idx(jobs, i));
}

int mt_command_status(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        MT_CLEANUP(mt_freep) char *reply = NULL;
        struct mt_err err = { 0 };
        json_object *status;
        bool json = false;

        for (int i = 1; i < argc; i++) {
                if (strcmp(argv[i], "--help") == 0) {
                        mt_print("%s", help);
                        return 0;
                }
                if (strcmp(argv[i], "--json") != 0) {
                        mt_print_err("migtune status: '%s': unknown argument, see migtune status --help\n", argv[i]);
                        return 2;
                }
                json = true;
        }
        if (mt_client_call(host->run_dir, "{\"request\":\"status\"}", ANSWER_MS, &reply, &err) < 0) {
                mt_print_err("migtune status: %s\n", err.msg);
                return 1;
        }
        if (json) {
                mt_print("%s\n", reply);
                return 0;
        }
        status = json_tokener_parse(reply);
        if (status == NULL || json_object_object_get(status, "error") != NULL) {
                mt_print_err("migtune status: the watcher's answer: %s\n", reply);
                (void)json_object_put(status);
                return 1;
        }
        show(status);
        (void)json_object_put(status);
        return 0;
}
