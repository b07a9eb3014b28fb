/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading JSON that another version wrote (records of the history, the watcher's status): what is missing, null or of
 * another type is "not known" and never an error.
 */
#ifndef MT_RECORD_MEMBER_H
#define MT_RECORD_MEMBER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* The value at "a/b/c"; NULL: there is none, or it is null. It stays the object's. object may be NULL. */
json_object *mt_member(json_object *object, const char *path);

/* A number; NAN where it is not known, negative or not finite. */
double mt_member_number(json_object *object, const char *path);

/* The same of something predicted, where null stands for "never": INFINITY. Missing: NAN. */
double mt_member_predicted(json_object *object, const char *path);

/* A string, which stays the object's; "" where it is not known. */
const char *mt_member_text(json_object *object, const char *path);

/* A boolean; false where it is not known. */
bool mt_member_is_true(json_object *object, const char *path);

/* The elements of an array; 0 where it is none. */
size_t mt_member_count(json_object *object, const char *path);

/* For MT_CLEANUP. */
static inline void mt_member_putp(json_object **object)
{
        (void)json_object_put(*object);
}

#endif
