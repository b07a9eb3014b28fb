/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migtune.so: the whole plugin behind its one exported function.
 */
#include "command/check.h"
#include "command/commands.h"
#include "command/model/model.h"
#include "handle.h"
#include "log.h"
#include "mt_build.h"
#include "service/alone.h"
#include "shim_handle.h"

#include <errno.h>
#include <string.h>

static int run_check(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        return mt_command_check(argc, argv, host->config_file);
}

/* A new subcommand is one row here and one function in command/. */
static const struct command {
        const char *name;
        const char *arguments; /* for the list of "migtune --help" */
        const char *summary;
        mt_command_fn run;
} commands[] = {
        { "watch", "[--connect URI]", "steer, shape and record every migration of this host", mt_command_watch },
        { "plan", "DOMAIN DEST-URI | --offline ...", "what would be done with a migration, and why", mt_command_plan },
        { "migrate", "DOMAIN DEST-URI [OPTION...]", "one tuned migration", mt_command_migrate },
        { "evacuate", "DEST-URI[,...] [DOMAIN...]", "many: a host drained", mt_command_evacuate },
        { "set", "DOMAIN key=value...", "what is wanted for one VM, kept in its metadata", mt_command_set },
        { "get", "DOMAIN [KEY] [--json]", "what holds for one VM, and where each value is from", mt_command_get },
        { "status", "[--follow] [--json]", "the migrations that are running", mt_command_status },
        { "history", "[--since T] [--accuracy] ...", "past migrations, predicted and actual", mt_command_history },
        { "report", "-o FILE.html [--since T] ...", "past migrations as a page with pictures", mt_command_report },
        { "explain", "ID|DOMAIN [--json]", "why one migration was planned as it was", mt_command_explain },
        { "model", "NAME key=value... | --list", "the papers' models, figures and tables", mt_command_model },
        { "simulate", "[--network NAME|FILE] ...", "compare the strategies over many migrations", mt_command_simulate },
        { "calibrate", "[--plot FILE.svg] ...", "derive this host's own constants from its history", mt_command_calibrate },
        { "check", "[FILE]", "say whether the configuration is good", run_check },
        { "cleanup", "", "remove what was left behind on the network devices", mt_command_cleanup },
        { NULL, NULL, NULL, NULL },
};

static void list_commands(void)
{
        for (const struct command *c = commands; c->name != NULL; c++)
                mt_print("  %-9s %-31s %s\n", c->name, c->arguments, c->summary);
}

/* command of struct mt_plugin_ops. The name "help" lists the commands, one a line. */
static int32_t run_command(void *handle, int32_t argc, const char *const *argv)
{
        if (argc < 1 || argv[0] == NULL)
                return 2;
        if (strcmp(argv[0], "help") == 0) {
                list_commands();
                return 0;
        }
        for (const struct command *c = commands; c->name != NULL; c++)
                if (strcmp(argv[0], c->name) == 0)
                        return c->run(mt_handle_host(handle), argc, argv);
        mt_print_err("migtune: unknown command '%s', see migtune --help\n", argv[0]);
        return 2;
}

/* advise of struct mt_plugin_ops: the watcher's, or, where none answers this user, our own. */
static int32_t advise(void *handle, const struct mt_call *call, struct mt_advice *ret_advice)
{
        const struct mt_host_ops *host = mt_handle_host(handle);
        struct mt_advice advice;
        struct mt_err err = { 0 };
        struct mt_call taken;
        int r = mt_shim_take_call(call, &taken);

        if (r < 0)
                return r;
        r = mt_shim_ask(host, &taken, &advice, &err);
        if (r == -ENOTCONN || r == -EACCES)
                r = mt_alone_advise(host, /* uri= */ NULL, &taken, /* wishes= */ NULL, &advice, &err);
        if (r == 0)
                return mt_shim_give_advice(&advice, ret_advice);
        mt_shim_complain(&taken, &err);
        return r;
}

__attribute__((visibility("default"))) const struct mt_plugin_ops *mt_plugin_get(uint32_t host_abi_major)
{
        static const struct mt_plugin_ops ops = {
                .struct_size = sizeof(ops),
                .abi_major = MT_ABI_MAJOR,
                .name = "migtune",
                .version = MT_VERSION,
                .open = mt_handle_open,
                .close = mt_handle_close,
                .command = run_command,
                .hook_event = mt_handle_hook_event,
                .advise = advise,
                .report = mt_shim_report,
        };

        return host_abi_major == MT_ABI_MAJOR ? &ops : NULL;
}
