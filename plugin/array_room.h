/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arrays that grow. Apart from array.h, which model/ and policy/ use: those do not allocate. */
#ifndef MT_ARRAY_ROOM_H
#define MT_ARRAY_ROOM_H

#include <stdlib.h>

/*
 * An allocated array of n members that has room for at least one more: array itself, or a larger one in its place, and *room
 * says how many members that has. NULL: out of memory, and array stays as it was. The caller's to free().
 */
static inline void *mt_array_room(void *array, size_t n, size_t *room, size_t size)
{
        size_t more = *room > 0 ? *room * 2 : 64;

        if (n < *room)
                return array;
        array = reallocarray(array, more, size);
        if (array != NULL)
                *room = more;
        return array;
}

#endif
