/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/intent/options.h"
#include "cleanup.h"
#include "command/arguments.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_URI "qemu:///system"

/* One line on standard error; 2. */
static int bad(const struct mt_intent_options *o, const char *argument, const char *what)
{
        mt_print_err("migtune %s: '%.80s': %s, see migtune %s --help\n", o->command, argument, what, o->command);
        return 2;
}

/* "unknown key, expected one of ..." */
static int bad_key(const struct mt_intent_options *o, const char *argument)
{
        char what[1024] = "unknown key, expected one of ";

        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++)
                (void)snprintf(what + strlen(what), sizeof(what) - strlen(what), "%s%s", i > 0 ? ", " : "",
                               mt_key_at(i)->intent);
        return bad(o, argument, what);
}

/* The text is good for the key by itself; how keys go together is judged when all of them are known. */
static int check_value(const struct mt_intent_options *o, const char *key, const char *value)
{
        struct mt_intent scratch;
        struct mt_err err = { 0 };

        mt_intent_defaults(&scratch);
        if (mt_intent_set(&scratch, key, value, &err) == 0)
                return 0;
        mt_print_err("migtune %s: %s\n", o->command, err.msg);
        return 2;
}

/* Takes the change over; value NULL or "": the key is removed. An unknown key may be removed, else nobody could. */
static int add_change(struct mt_intent_options *o, const char *argument, size_t length, const char *value)
{
        bool removes = value == NULL || value[0] == '\0';
        char *key;

        if (o->n == MT_INTENT_CHANGES)
                return bad(o, argument, "expected at most 64 changes");
        key = o->storage[o->n];
        (void)snprintf(key, sizeof(o->storage[0]), "%.*s", (int)length, argument);
        if (length == 0 || length >= sizeof(o->storage[0]) || (!removes && mt_key_by_intent(key) == NULL))
                return bad_key(o, argument);
        for (size_t i = 0; i < o->n; i++)
                if (strcmp(o->change[i].key, key) == 0)
                        return bad(o, argument, "expected each key once");
        o->change[o->n++] = (struct mt_policy_change){ .key = key, .value = removes ? NULL : value };
        return removes ? 0 : check_value(o, key, value);
}

/* Takes the option at argv[*i]. 0, or 2 after a message. */
static int take_option(struct mt_intent_options *o, int argc, const char *const *argv, int *i, bool sets)
{
        static const char *const valued[] = { "--connect", "--unset" };

        if (strcmp(argv[*i], "--json") == 0 && !sets) {
                o->json = true;
                return 0;
        }
        for (size_t k = 0; k < (sets ? 2 : 1); k++) {
                const char *value;
                int r = mt_option_value(valued[k], argc, argv, i, &value);

                if (r == 0)
                        continue;
                if (r < 0 || value[0] == '\0')
                        return bad(o, valued[k], "its value is missing");
                if (k > 0)
                        return add_change(o, value, strlen(value), NULL);
                o->connect = value;
                return 0;
        }
        return bad(o, argv[*i], "unknown option");
}

static int take_plain(struct mt_intent_options *o, const char *argument, bool sets)
{
        const char *equals = strchr(argument, '=');

        if (o->domain == NULL) {
                o->domain = argument;
                return argument[0] != '\0' ? 0 : bad(o, argument, "expected a domain");
        }
        if (sets)
                return equals != NULL ? add_change(o, argument, (size_t)(equals - argument), equals + 1)
                                      : bad(o, argument, "expected key=value, or key= to remove it");
        if (o->key != NULL)
                return bad(o, argument, "expected a domain and at most one key");
        o->key = mt_key_by_intent(argument);
        return o->key != NULL ? 0 : bad_key(o, argument);
}

static int parse(int argc, const char *const *argv, struct mt_intent_options *o, bool sets)
{
        bool literal = false; /* after "--" */

        for (int i = 1; i < argc; i++) {
                int r = 0;

                if (literal || argv[i][0] != '-')
                        r = take_plain(o, argv[i], sets);
                else if (strcmp(argv[i], "--") == 0)
                        literal = true;
                else
                        r = take_option(o, argc, argv, &i, sets);
                if (r != 0)
                        return r;
        }
        return o->domain != NULL ? 0 : bad(o, o->command, "expected a domain");
}

static int read_options(int argc, const char *const *argv, bool sets, struct mt_intent_options **ret)
{
        MT_CLEANUP(mt_freep) struct mt_intent_options *o = NULL;
        int r;

        *ret = NULL;
        o = calloc(1, sizeof(*o));
        if (o == NULL) {
                mt_print_err("migtune %s: out of memory\n", argv[0]);
                return 1;
        }
        o->command = argv[0];
        o->connect = DEFAULT_URI;
        r = parse(argc, argv, o, sets);
        if (r == 0 && sets && o->n == 0)
                r = bad(o, o->domain, "expected key=value, or --unset KEY, after it");
        if (r == 0)
                *ret = MT_STEAL(&o);
        return r;
}

int mt_intent_options_set(int argc, const char *const *argv, struct mt_intent_options **ret)
{
        return read_options(argc, argv, /* sets= */ true, ret);
}

int mt_intent_options_get(int argc, const char *const *argv, struct mt_intent_options **ret)
{
        return read_options(argc, argv, /* sets= */ false, ret);
}
