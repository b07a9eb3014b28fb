/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/member.h"
#include "cleanup.h"
#include "command/terminal.h"

#include <string.h>

static void clean_string(json_object *value)
{
        MT_CLEANUP(mt_freep) char *text = strdup(json_object_get_string(value));

        if (text != NULL)
                mt_terminal_clean(text);
        (void)json_object_set_string(value, text != NULL ? text : "?");
}

void mt_member_clean(json_object *value)
{
        if (json_object_is_type(value, json_type_string)) {
                clean_string(value);
        } else if (json_object_is_type(value, json_type_array)) {
                for (size_t i = 0; i < json_object_array_length(value); i++)
                        mt_member_clean(json_object_array_get_idx(value, i));
        } else if (json_object_is_type(value, json_type_object)) {
                json_object_object_foreach(value, key, member)
                {
                        (void)key;
                        mt_member_clean(member);
                }
        }
}
