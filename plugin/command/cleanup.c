/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "command/arguments.h"
#include "command/commands.h"
#include "enforce/shape.h"
#include "log.h"
#include "record/member.h"
#include "service/client.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#define ANSWER_MS 3000

static const char help[] = "usage: migtune cleanup\n"
                           "\n"
                           "Removes what migtune left behind on this host's network devices: classes, filters, qdiscs and "
                           "ifb devices with its\n"
                           "own handles. What a running watcher uses stays; foreign qdiscs are never touched.\n";

/* Keeps the classes that the watcher's status names; ctx: that, or NULL. */
static bool in_use(void *ctx, const struct mt_link *link, uint16_t minor)
{
        json_object *status = ctx;

        for (size_t i = 0; i < mt_member_count(status, "classes"); i++) {
                json_object *entry = json_object_array_get_idx(mt_member(status, "classes"), i);

                if (strcmp(mt_member_text(entry, "device"), link->device) == 0 &&
                    mt_member_is_true(entry, "ingress") == (link->direction == MT_INGRESS) &&
                    mt_member_number(entry, "minor") == (double)minor)
                        return true;
        }
        return false;
}

/* The running watcher's status, or NULL if none runs; -errno if one runs and cannot be asked. */
static int ask_watcher(const char *run_dir, json_object **ret_status, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *reply = NULL;
        int r = mt_client_call(run_dir, "{\"request\":\"status\"}", ANSWER_MS, &reply, err);

        *ret_status = NULL;
        if (r == -ENOENT || r == -ECONNREFUSED)
                return 0;
        if (r < 0)
                return r;
        *ret_status = json_tokener_parse(reply);
        return *ret_status != NULL ? 0 : mt_fail(err, EPROTO, "the watcher's answer is not JSON");
}

int mt_command_cleanup(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        struct mt_shaper *shaper = NULL;
        struct mt_err err = { 0 };
        json_object *status = NULL;
        int removed;

        if (mt_help_wanted(argc, argv)) {
                mt_print("%s", help);
                return 0;
        }
        if (argc > 1) {
                mt_print_err("migtune cleanup: '%s': unknown argument, see migtune cleanup --help\n", argv[1]);
                return 2;
        }
        if (ask_watcher(host->run_dir, &status, &err) < 0) {
                mt_print_err("migtune cleanup: %s; nothing was removed, stop the watcher first\n", err.msg);
                return 1;
        }
        removed = mt_shaper_new(&shaper, &err);
        if (removed == 0)
                removed = mt_shape_sweep(shaper, in_use, status, &err);
        mt_shaper_free(shaper);
        (void)json_object_put(status);
        if (removed < 0) {
                mt_print_err("migtune cleanup: %s\n", err.msg);
                return 1;
        }
        mt_print("%d object%s removed\n", removed, removed == 1 ? "" : "s");
        return 0;
}
