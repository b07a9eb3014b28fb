/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune get: what is wanted for a VM, and where each value comes from. */
#include "cleanup.h"
#include "command/arguments.h"
#include "command/commands.h"
#include "command/intent/subject.h"
#include "command/terminal.h"
#include "log.h"
#include "origin.h"
#include "record/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
        "usage: migtune get DOMAIN [KEY] [--json] [--connect URI]\n"
        "\n"
        "Shows what a migration of this VM (name or uuid) would be planned by: each key of the intent, or KEY, its value "
        "and\n"
        "where that comes from: built in, a line of the configuration, a rule, or the VM's own metadata, which comes last\n"
        "and wins. The configuration is read as it is now; a watcher has it since its last reload.\n"
        "\n"
        "  --json          one object for programs\n"
        "  --connect URI   libvirt (default qemu:///system)\n"
        "  --help          this text\n"
        "\n"
        "Exit status: 0 done, 1 failed or the VM's metadata is refused (the rest is shown), 2 bad usage or input.\n"
        "See also: migtune set DOMAIN key=value.\n";

/* KEY may stand for several rows ("deadline"). */
static bool is_asked(const struct mt_intent_options *o, const struct mt_key *key)
{
        return !mt_key_is_group(key) &&
               (o->key == NULL || (key->offset >= o->key->offset && key->offset < o->key->offset + o->key->size));
}

static void print_table(const struct mt_intent_options *o, const struct mt_intent *intent)
{
        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                const struct mt_key *key = mt_key_at(i);
                char value[512], origin[MT_ORIGIN_SIZE];

                if (!is_asked(o, key))
                        continue;
                (void)mt_key_text(key, intent, value, sizeof(value));
                (void)mt_origin_text(intent, key, origin, sizeof(origin));
                mt_terminal_clean(origin);
                mt_print("%-23s %-15s %s\n", key->intent, value[0] != '\0' ? value : "\"\"", origin);
        }
}

static void print_json(const struct mt_intent_options *o, const struct mt_subject *subject, const struct mt_intent *intent,
                       const struct mt_err *refused)
{
        json_object *all = json_object_new_object(), *keys = json_object_new_object();

        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                const struct mt_key *key = mt_key_at(i);
                json_object *one;
                char text[512];

                if (!is_asked(o, key))
                        continue;
                one = json_object_new_object();
                mt_json_add(one, "value", mt_json_string(mt_key_text(key, intent, text, sizeof(text))));
                mt_json_add(one, "origin", mt_json_string(mt_origin_text(intent, key, text, sizeof(text))));
                mt_json_add(keys, key->intent, one);
        }
        mt_json_add(all, "domain", mt_json_string(subject->xml.id.name));
        mt_json_add(all, "uuid", mt_json_string(subject->xml.id.uuid));
        mt_json_add(all, "from", mt_json_string(intent->from));
        mt_json_add(all, "intent", keys);
        mt_json_add(all, "metadata_error", refused->msg[0] != '\0' ? mt_json_string(refused->msg) : NULL);
        if (mt_json_text(all) != NULL)
                mt_terminal_json(mt_json_text(all));
        (void)json_object_put(all);
}

/* 0, or 1 after a message. */
static int get(const struct mt_host_ops *host, const struct mt_intent_options *o)
{
        MT_CLEANUP(mt_subject_close) struct mt_subject subject = { .connection = NULL };
        struct mt_err err = { 0 }, refused = { 0 };
        struct mt_intent intent;

        if (mt_subject_open(host, o, /* writes= */ false, &subject, &err) < 0) {
                mt_terminal_complain("get", "%s", err.msg);
                return 1;
        }
        if (mt_config_intent(&subject.config, &subject.xml.id, &subject.xml.metadata, &intent, &refused) < 0)
                (void)mt_wrap(&refused, "domain '%.120s': its policy is left out whole", subject.xml.id.name);
        if (o->json)
                print_json(o, &subject, &intent, &refused);
        else
                print_table(o, &intent);
        if (subject.xml.id.metadata.cut)
                mt_terminal_complain("get",
                                     "its metadata is longer than what rules are held against: they see the first 6 KiB");
        if (refused.msg[0] == '\0')
                return 0;
        mt_terminal_complain("get", "%s", refused.msg);
        return 1;
}

int mt_command_get(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        MT_CLEANUP(mt_freep) struct mt_intent_options *options = NULL;
        int r;

        if (mt_help_wanted(argc, argv)) {
                mt_print("%s", help);
                return 0;
        }
        r = mt_intent_options_get(argc, argv, &options);
        return r == 0 ? get(host, options) : r;
}
