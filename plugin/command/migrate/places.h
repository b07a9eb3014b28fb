/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of several destinations a domain goes to. Pure. */
#ifndef MT_MIGRATE_PLACES_H
#define MT_MIGRATE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MT_PLACES_MOST 32u
#define MT_PLACE_NONE SIZE_MAX

/* One destination's memory. */
struct mt_place {
        bool known;              /* its libvirt told */
        uint64_t free_bytes;     /* free, or given back at once by its kernel (caches) */
        uint64_t promised_bytes; /* of that, for domains that are on their way and have not arrived there */
};

/*
 * The one with the most free memory beyond what is promised, the first of several; one that does not tell is taken only
 * where none does, and then the one with the least promised. n: 1 to MT_PLACES_MOST. MT_PLACE_NONE: none has needed_bytes,
 * and overcommit is false.
 */
size_t mt_place_choose(const struct mt_place *places, size_t n, uint64_t needed_bytes, bool overcommit);

/* What is free beyond what is promised. */
uint64_t mt_place_room(const struct mt_place *place);

#endif
