/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A record's quantities as text, by their path in it ("plan/prediction/total_ms"). What is not known is "-". */
#ifndef MT_COMMAND_EXPLAIN_TEXT_H
#define MT_COMMAND_EXPLAIN_TEXT_H

#include "command/quantity.h"

#include <json-c/json.h>

struct mt_text {
        char text[MT_QUANTITY_SIZE];
};

struct mt_text mt_text_rate(json_object *o, const char *path);
struct mt_text mt_text_bytes(json_object *o, const char *path); /* null: never */
struct mt_text mt_text_time(json_object *o, const char *path);  /* null: never */

/* "a, b, c" of an array of strings; returns text. */
const char *mt_text_list(char *text, size_t size, json_object *o, const char *path);

#endif
