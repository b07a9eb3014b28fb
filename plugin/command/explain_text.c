/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/explain_text.h"
#include "command/member.h"

#include <stdio.h>

struct mt_text mt_text_rate(json_object *o, const char *path)
{
        struct mt_text t;

        (void)mt_quantity_rate(t.text, sizeof(t.text), mt_member_number(o, path));
        return t;
}

struct mt_text mt_text_bytes(json_object *o, const char *path)
{
        struct mt_text t;

        (void)mt_quantity_bytes(t.text, sizeof(t.text), mt_member_predicted(o, path));
        return t;
}

struct mt_text mt_text_time(json_object *o, const char *path)
{
        struct mt_text t;

        (void)mt_quantity_time(t.text, sizeof(t.text), mt_member_predicted(o, path));
        return t;
}

const char *mt_text_list(char *text, size_t size, json_object *o, const char *path)
{
        size_t used = 0;

        text[0] = '\0';
        for (size_t i = 0; i < mt_member_count(o, path) && used < size; i++) {
                json_object *one = json_object_array_get_idx(mt_member(o, path), i);

                used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "",
                                         json_object_is_type(one, json_type_string) ? json_object_get_string(one) : "?");
        }
        return text;
}
