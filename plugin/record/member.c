/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/member.h"

#include <math.h>
#include <string.h>

/* Is there such a member? It may be null. */
static bool find(json_object *object, const char *path, json_object **ret)
{
        while (json_object_is_type(object, json_type_object)) {
                size_t length = strcspn(path, "/");
                char key[48];

                if (length >= sizeof(key))
                        return false;
                (void)memcpy(key, path, length);
                key[length] = '\0';
                if (!json_object_object_get_ex(object, key, &object))
                        return false;
                if (path[length] == '\0') {
                        *ret = object;
                        return true;
                }
                path += length + 1;
        }
        return false;
}

json_object *mt_member(json_object *object, const char *path)
{
        json_object *value = NULL;

        return find(object, path, &value) ? value : NULL;
}

double mt_member_number(json_object *object, const char *path)
{
        json_object *value = mt_member(object, path);
        double number = json_object_is_type(value, json_type_double) || json_object_is_type(value, json_type_int)
                                ? json_object_get_double(value)
                                : (double)NAN;

        return isfinite(number) && number >= 0.0 ? number : (double)NAN;
}

double mt_member_predicted(json_object *object, const char *path)
{
        json_object *value = NULL;

        return find(object, path, &value) && value == NULL ? (double)INFINITY : mt_member_number(object, path);
}

const char *mt_member_text(json_object *object, const char *path)
{
        json_object *value = mt_member(object, path);

        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

bool mt_member_is_true(json_object *object, const char *path)
{
        json_object *value = mt_member(object, path);

        return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

size_t mt_member_count(json_object *object, const char *path)
{
        json_object *value = mt_member(object, path);

        return json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
}
