/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/migrate/options.h"
#include "array.h"
#include "command/arguments.h"
#include "command/migrate/schedule.h"
#include "log.h"
#include "measure/uri.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_URI "qemu:///system"

#define COMMON_HELP                                                                                                         \
        "  --urgency high|medium|low   how much of the link it may take, and who goes first\n"                              \
        "  --max-downtime TIME         the longest that a guest may stand still, such as 300ms\n"                           \
        "  --bandwidth RATE            at most so much, such as 500Mbit; otherwise the plan decides\n"                      \
        "  --post-copy                 allows the switch to post-copy where the plan wants it\n"                            \
        "  --no-post-copy              forbids it, whatever the configuration says\n"                                       \
        "  --undefine                  the source forgets a persistent domain once it has gone\n"                           \
        "  --connect URI               this host's libvirt (default " DEFAULT_URI ")\n"                                     \
        "  --dry-run                   shows what would be done, and changes nothing\n"                                     \
        "  --json                      the result for programs\n"

static const char migrate_help[] =
        "usage: migtune migrate DOMAIN DEST-URI [OPTION...]\n"
        "\n"
        "Migrates a running domain (name or uuid), live and from libvirt to libvirt, as planned for this moment: asks\n"
        "the watcher, waits for its turn, and shows how far it is. Ctrl-C aborts it: the guest stays here.\n"
        "A persistent domain becomes persistent on the destination, and stays defined here.\n"
        "\n" COMMON_HELP "\nExit status: 0 it moved, 1 it did not, 2 bad usage or input.\n";

static const char evacuate_help[] =
        "usage: migtune evacuate DEST-URI[,DEST-URI...] [DOMAIN...] [OPTION...]\n"
        "\n"
        "Migrates all running domains of this host, or those that are named, each to the destination with the most\n"
        "free memory: high urgency first; of one urgency the VMs that send or are idle first, those that receive last.\n"
        "Which of them go at the same time is the watcher's to say. Domains that are shut off stay.\n"
        "Ctrl-C starts no new migration and lets the running ones end; a second one aborts them.\n"
        "\n" COMMON_HELP
        "  --parallel N|auto           at most so many at a time (default auto: the watcher's queue, at most 8;\n"
        "                              without a watcher one after another)\n"
        "  --overcommit                starts domains also where a destination's free memory does not suffice\n"
        "\nExit status: 0 all moved, 1 some did not, 2 bad usage or input.\n";

/* One line on standard error; 2. */
static int bad(const struct mt_migrate_options *o, const char *argument, const char *what)
{
        mt_print_err("migtune %s: '%s': %s, see migtune %s --help\n", o->command, argument, what, o->command);
        return 2;
}

/* A wish from its option's value. */
static int take_wish(struct mt_migrate_options *o, const char *option, const char *key, const char *value)
{
        struct mt_err err = { 0 };

        return mt_wishes_set(&o->wishes, key, value, &err) == 0 ? 0 : bad(o, option, err.msg);
}

static int take_bandwidth(struct mt_migrate_options *o, const char *option, const char *value)
{
        uint64_t bytes_s;

        if (mt_parse_rate(value, &bytes_s) < 0 || bytes_s < MT_MIB)
                return bad(o, option, "expected a rate such as 500Mbit, at least 1MiB/s (libvirt's smallest)");
        o->bandwidth_mib_s = bytes_s / MT_MIB;
        return 0;
}

static int take_parallel(struct mt_migrate_options *o, const char *option, const char *value)
{
        char *end = NULL;
        unsigned long n = strtoul(value, &end, 10);

        o->parallel = 0;
        if (strcmp(value, "auto") == 0)
                return 0;
        if (value[0] < '0' || value[0] > '9' || *end != '\0' || n < 1 || n > MT_SCHEDULE_SLOTS)
                return bad(o, option, "expected a whole number from 1 to 64, or auto");
        o->parallel = (unsigned)n;
        return 0;
}

static int take_connect(struct mt_migrate_options *o, const char *option, const char *value)
{
        (void)option;
        o->connect = value;
        return 0;
}

static int take_urgency(struct mt_migrate_options *o, const char *option, const char *value)
{
        return take_wish(o, option, "urgency", value);
}

static int take_downtime(struct mt_migrate_options *o, const char *option, const char *value)
{
        return take_wish(o, option, "max_downtime", value);
}

/* Those with a value. */
static const struct {
        const char *name;
        bool of_evacuate;
        int (*take)(struct mt_migrate_options *o, const char *option, const char *value);
} valued[] = {
        { "--urgency", false, take_urgency },     { "--max-downtime", false, take_downtime },
        { "--bandwidth", false, take_bandwidth }, { "--connect", false, take_connect },
        { "--parallel", true, take_parallel },
};

/* Those without. */
static bool take_switch(struct mt_migrate_options *o, const char *option, bool evacuate)
{
        if (strcmp(option, "--dry-run") == 0) {
                o->dry_run = true;
        } else if (strcmp(option, "--json") == 0) {
                o->json = true;
        } else if (strcmp(option, "--undefine") == 0) {
                o->undefine = true;
        } else if (strcmp(option, "--overcommit") == 0 && evacuate) {
                o->overcommit = true;
        } else if (strcmp(option, "--post-copy") == 0) {
                o->post_copy = true;
                (void)mt_wishes_set(&o->wishes, "post_copy", "permitted", NULL);
        } else if (strcmp(option, "--no-post-copy") == 0) {
                o->post_copy = false;
                (void)mt_wishes_set(&o->wishes, "post_copy", "never", NULL);
        } else {
                return false;
        }
        return true;
}

/* Takes the option at argv[*i]. 0, or 2 after a message. */
static int take_option(struct mt_migrate_options *o, int argc, const char *const *argv, int *i, bool evacuate)
{
        const char *option = argv[*i];

        for (size_t k = 0; k < MT_ARRAY_SIZE(valued); k++) {
                const char *value;
                int r = valued[k].of_evacuate && !evacuate ? 0 : mt_option_value(valued[k].name, argc, argv, i, &value);

                if (r != 0)
                        return r > 0 ? valued[k].take(o, valued[k].name, value) : bad(o, option, "its value is missing");
        }
        return take_switch(o, option, evacuate) ? 0 : bad(o, option, "unknown option");
}

static int add_destination(struct mt_migrate_options *o, const char *uri, size_t length)
{
        char host[256], *place;

        if (o->n_destinations == MT_PLACES_MOST)
                return bad(o, uri, "expected at most 32 destinations");
        place = o->destination[o->n_destinations];
        (void)snprintf(place, MT_DESTINATION_URI_SIZE, "%.*s", (int)length, uri);
        if (length >= MT_DESTINATION_URI_SIZE || mt_uri_host(place, host, sizeof(host)) < 0)
                return bad(o, place, "expected a libvirt URI with a host, such as qemu+ssh://host/system");
        for (unsigned i = 0; i < o->n_destinations; i++)
                if (strcmp(o->destination[i], place) == 0)
                        return bad(o, place, "expected each destination once");
        o->n_destinations++;
        return 0;
}

/* One destination, or several with commas between them. */
static int take_destinations(struct mt_migrate_options *o, const char *text, bool several)
{
        int r = 0;

        while (r == 0) {
                size_t length = several ? strcspn(text, ",") : strlen(text);

                r = add_destination(o, text, length);
                if (text[length] == '\0')
                        break;
                text += length + 1;
        }
        return r;
}

/* Options into *o, the rest into rest[0 .. *ret_n). 0, or 2 after a message. */
static int parse(struct mt_migrate_options *o, int argc, const char *const *argv, const char **rest, unsigned *ret_n,
                 bool evacuate)
{
        bool literal = false; /* after "--" */

        *o = (struct mt_migrate_options){ .command = argv[0], .connect = DEFAULT_URI };
        *ret_n = 0;
        for (int i = 1; i < argc; i++) {
                int r = 0;

                if (!literal && strcmp(argv[i], "--") == 0)
                        literal = true;
                else if (!literal && argv[i][0] == '-')
                        r = take_option(o, argc, argv, &i, evacuate);
                else
                        rest[(*ret_n)++] = argv[i];
                if (r != 0)
                        return r;
        }
        return 0;
}

int mt_migrate_parse(int argc, const char *const *argv, const char **storage, struct mt_migrate_options *ret)
{
        unsigned n;
        int r = parse(ret, argc, argv, storage, &n, /* evacuate= */ false);

        if (r != 0)
                return r;
        if (n < 2)
                return bad(ret, n > 0 ? storage[0] : ret->command, "expected a domain and a destination");
        if (n > 2)
                return bad(ret, storage[2], "expected two arguments, a domain and a destination");
        if (strchr(storage[1], ',') != NULL)
                return bad(ret, storage[1], "expected one destination");
        ret->domains = storage;
        ret->n_domains = 1;
        return take_destinations(ret, storage[1], /* several= */ false);
}

int mt_evacuate_parse(int argc, const char *const *argv, const char **storage, struct mt_migrate_options *ret)
{
        unsigned n;
        int r = parse(ret, argc, argv, storage, &n, /* evacuate= */ true);

        if (r != 0)
                return r;
        if (n == 0)
                return bad(ret, ret->command, "expected one or more destinations");
        if (n - 1 > MT_SCHEDULE_MOST)
                return bad(ret, ret->command, "expected at most 4096 domains");
        ret->domains = storage + 1;
        ret->n_domains = n - 1;
        return take_destinations(ret, storage[0], /* several= */ true);
}

void mt_migrate_help(void)
{
        mt_print("%s", migrate_help);
}

void mt_evacuate_help(void)
{
        mt_print("%s", evacuate_help);
}
