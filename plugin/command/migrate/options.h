/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments of `migtune migrate` and `migtune evacuate`. */
#ifndef MT_MIGRATE_OPTIONS_H
#define MT_MIGRATE_OPTIONS_H

#include "command/migrate/places.h"
#include "wishes.h"

#include <stdbool.h>
#include <stdint.h>

#define MT_DESTINATION_URI_SIZE 256

/* Texts are argv's own. */
struct mt_migrate_options {
        const char *command; /* "migrate" or "evacuate" */
        const char *connect; /* this host's libvirt */
        unsigned n_destinations;
        char destination[MT_PLACES_MOST][MT_DESTINATION_URI_SIZE];
        const char *const *domains; /* n of them; none: all that run */
        unsigned n_domains;
        struct mt_wishes wishes;
        uint64_t bandwidth_mib_s; /* at most; 0: as the plan says */
        bool post_copy;           /* the call allows it */
        bool undefine;            /* the source forgets the domain's definition once it has gone */
        bool overcommit;          /* evacuate: also where memory seems short */
        unsigned parallel;        /* evacuate: at a time; 0: as the watcher's queue says */
        bool dry_run, json;
};

/*
 * Reads argv (argv[0]: the command's name). storage: argc pointers, the caller's, for domains. 0, or 2 after one line on
 * standard error.
 */
int mt_migrate_parse(int argc, const char *const *argv, const char **storage, struct mt_migrate_options *ret);
int mt_evacuate_parse(int argc, const char *const *argv, const char **storage, struct mt_migrate_options *ret);

/* Their --help. */
void mt_migrate_help(void);
void mt_evacuate_help(void);

#endif
