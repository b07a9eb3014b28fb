/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of `migtune model`, and what its parts share: one way to refuse, one way to print, one way to name things. */
#ifndef MT_COMMAND_MODEL_OPTIONS_H
#define MT_COMMAND_MODEL_OPTIONS_H

#include "command/model/registry.h"

#include <json-c/json.h>
#include <stdbool.h>

#define MT_MODEL_OK 0
#define MT_MODEL_FAILED 1
#define MT_MODEL_USAGE 2

struct mt_model_options {
        bool list, json, csv, help;
        bool wants_figure, wants_table;    /* --figure, --table were given, perhaps for their --list */
        const char *figure, *table, *plot; /* NULL: none was named */
        int n_rest;
        const char *rest[MT_MODEL_ARGS + 2]; /* what is no option: a model's name and its arguments, in order */
};

/* Reads argv[1..argc). Returns MT_MODEL_OK, or MT_MODEL_USAGE after one line; also for options that exclude each other. */
int mt_model_read_options(int argc, const char *const *argv, struct mt_model_options *ret_options);

/* Prints "migtune model: SUBJECT: MESSAGE" (subject may be "") as one line, whatever bytes they hold. MT_MODEL_USAGE. */
int mt_model_refuse(const char *subject, const char *message);

/*
 * Finds text among the names "paper.number". A bare number is good where one paper alone has it. Returns the index;
 * -EINVAL, with what was expected in *err, when text is NULL, or names none or more than one. kind: "figure", "table".
 */
int mt_model_pick(const char *kind, const char *const *names, size_t n, const char *text, struct mt_err *err);

/* Prints object as one line. */
void mt_model_print_json(struct json_object *object);

/* For MT_CLEANUP. */
void mt_model_put_json(struct json_object **object);

/* A number as text with at most `digits` significant ones, or with `decimals` places; a decimal point in every locale. */
const char *mt_model_number_text(double number, int digits, char *text, size_t size);
const char *mt_model_fixed_text(double number, int decimals, char *text, size_t size);

/* Prints text for people after a mark ('-' for a note), broken between words. */
void mt_model_print_note(char mark, const char *text);

/* Adds a string, or null for NULL. */
void mt_model_add_text(struct json_object *object, const char *key, const char *text);

/* A list of strings; NULL ends texts, which may be NULL itself. */
struct json_object *mt_model_texts_json(const char *const *texts);

#endif
