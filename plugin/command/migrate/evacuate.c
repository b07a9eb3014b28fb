/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune evacuate: a host drained. */
#include "cleanup.h"
#include "command/arguments.h"
#include "command/commands.h"
#include "command/migrate/conduct.h"
#include "log.h"
#include "record/json.h"

#include <errno.h>
#include <string.h>

/* What the table says, in whichever form. */
static void print_table(const struct mt_table *table, void (*print)(FILE *f, const struct mt_table *table))
{
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        if (f == NULL)
                return;
        print(f, table);
        if (fclose(f) == 0)
                mt_print("%s", text);
        free(text);
}

static void print_json(json_object *o)
{
        mt_print("%s\n", mt_json_text(o));
        (void)json_object_put(o);
}

/* "3 of 8 domains did not move: a, b, c" */
static void complain(const struct mt_table *table, size_t not_moved)
{
        char names[512] = "";
        size_t used = 0;

        for (size_t i = 0; i < table->n && used < sizeof(names); i++) {
                const struct mt_move *move = &table->moves[table->order[i]];

                if (move->result != MT_MOVE_MOVED)
                        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "",
                                                 move->name);
        }
        if (used >= sizeof(names))
                (void)memcpy(names + sizeof(names) - sizeof("..."), "...", sizeof("..."));
        mt_print_err("migtune evacuate: %zu of %zu domains did not move: %s\n", not_moved, table->n, names);
}

static int report(struct mt_run *run)
{
        MT_CLEANUP(mt_freep) struct mt_schedule_times *times = calloc(run->n + 1, sizeof(*times));
        const char *labels[MT_PLACES_MOST], *uris[MT_PLACES_MOST];
        struct mt_table table;
        size_t not_moved;

        if (times == NULL) {
                mt_print_err("migtune evacuate: out of memory for the summary\n");
                return 1;
        }
        mt_run_lock(run);
        table = mt_conduct_table(run, times, labels, uris);
        mt_run_unlock(run);
        if (run->options.dry_run) {
                if (run->options.json)
                        print_json(mt_table_schedule_json(&table));
                else
                        print_table(&table, mt_table_schedule);
                return 0;
        }
        if (run->options.json)
                print_json(mt_table_summary_json(&table));
        else
                print_table(&table, mt_table_summary);
        not_moved = mt_table_not_moved(&table);
        if (not_moved > 0)
                complain(&table, not_moved);
        return not_moved > 0 ? 1 : 0;
}

static int evacuate(const struct mt_host_ops *host, const struct mt_migrate_options *options)
{
        struct mt_err err = { 0 };
        struct mt_run *run;
        int r = mt_run_new(host, options, /* is_evacuation= */ true, &run, &err);

        if (r < 0) {
                mt_print_err("migtune evacuate: %s\n", err.msg);
                return 1;
        }
        r = mt_conduct(run, &err);
        if (r < 0) {
                mt_print_err("migtune evacuate: %s\n", err.msg);
                r = r == -EINVAL ? 2 : 1;
        } else {
                r = report(run);
        }
        (void)mt_run_end(run);
        return r;
}

int mt_command_evacuate(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        MT_CLEANUP(mt_freep) const char **storage = calloc((size_t)argc, sizeof(*storage));
        struct mt_migrate_options options;
        int r;

        if (mt_help_wanted(argc, argv)) {
                mt_evacuate_help();
                return 0;
        }
        if (storage == NULL) {
                mt_print_err("migtune evacuate: out of memory\n");
                return 1;
        }
        r = mt_evacuate_parse(argc, argv, storage, &options);
        return r == 0 ? evacuate(host, &options) : r;
}
