/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/migrate/places.h"

uint64_t mt_place_room(const struct mt_place *place)
{
        return place->free_bytes > place->promised_bytes ? place->free_bytes - place->promised_bytes : 0;
}

/* Whether a is to be taken rather than b. */
static bool better(const struct mt_place *a, const struct mt_place *b)
{
        if (a->known != b->known)
                return a->known;
        return a->known ? mt_place_room(a) > mt_place_room(b) : a->promised_bytes < b->promised_bytes;
}

size_t mt_place_choose(const struct mt_place *places, size_t n, uint64_t needed_bytes, bool overcommit)
{
        size_t best = 0;

        for (size_t i = 1; i < n; i++)
                if (better(&places[i], &places[best]))
                        best = i;
        return overcommit || !places[best].known || mt_place_room(&places[best]) >= needed_bytes ? best : MT_PLACE_NONE;
}
