/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune migrate: one tuned migration. */
#include "cleanup.h"
#include "command/arguments.h"
#include "command/commands.h"
#include "command/migrate/conduct.h"
#include "command/plan_show.h"
#include "log.h"
#include "record/json.h"

#include <errno.h>

/* One line: how it went. */
static int report(struct mt_run *run)
{
        const struct mt_move *move = &run->moves[0];
        const struct mt_target *target = &run->target[0];
        char figures[192];

        if (run->options.json) {
                json_object *o = mt_table_move_json(move, target->uri);

                mt_print("%s\n", mt_json_text(o));
                (void)json_object_put(o);
        } else if (move->result == MT_MOVE_MOVED) {
                mt_print("%s moved to %s in %s\n", move->name, target->label,
                         mt_table_figures(move, figures, sizeof(figures)));
        }
        if (move->result == MT_MOVE_MOVED)
                return 0;
        mt_print_err("migtune migrate: %s: %s%s%s\n", move->name, mt_move_result_name(move->result),
                     move->error[0] != '\0' ? ": " : "", move->error);
        return 1;
}

static int show_plan(struct mt_run *run)
{
        if (run->options.json)
                mt_print("%s\n", mt_json_text(run->planned));
        else
                mt_plan_show(run->planned, run->host.columns);
        return 0;
}

static int migrate(const struct mt_host_ops *host, const struct mt_migrate_options *options)
{
        struct mt_err err = { 0 };
        struct mt_run *run;
        int r = mt_run_new(host, options, /* is_evacuation= */ false, &run, &err);

        if (r < 0) {
                mt_print_err("migtune migrate: %s\n", err.msg);
                return 1;
        }
        r = mt_conduct(run, &err);
        if (r < 0) {
                mt_print_err("migtune migrate: %s\n", err.msg);
                r = r == -EINVAL ? 2 : 1;
        } else {
                r = options->dry_run ? show_plan(run) : report(run);
        }
        (void)mt_run_end(run);
        return r;
}

int mt_command_migrate(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        MT_CLEANUP(mt_freep) const char **storage = calloc((size_t)argc, sizeof(*storage));
        struct mt_migrate_options options;
        int r;

        if (mt_help_wanted(argc, argv)) {
                mt_migrate_help();
                return 0;
        }
        if (storage == NULL) {
                mt_print_err("migtune migrate: out of memory\n");
                return 1;
        }
        r = mt_migrate_parse(argc, argv, storage, &options);
        return r == 0 ? migrate(host, &options) : r;
}
