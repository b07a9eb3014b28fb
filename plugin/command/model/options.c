/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/model/options.h"
#include "cleanup.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Notes are broken before this column. */
#define NOTE_WIDTH 98

int mt_model_refuse(const char *subject, const char *message)
{
        char line[640];

        (void)snprintf(line, sizeof(line), "migtune model: %.80s%s%s", subject, subject[0] != '\0' ? ": " : "", message);
        for (char *c = line; *c != '\0'; c++) {
                if ((unsigned char)*c < ' ' || *c == 0x7f)
                        *c = '?';
        }
        mt_print_err("%s\n", line);
        return MT_MODEL_USAGE;
}

/* An option with a value. */
struct valued {
        const char *name;
        const char **ret;
        bool *ret_given;
};

/* If argv[*i] is the option: 1, its value in *option->ret (NULL: none follows). 0: it is another. */
static int take_value(const struct valued *option, int argc, const char *const *argv, int *i)
{
        const size_t length = strlen(option->name);

        if (strncmp(argv[*i], option->name, length) != 0 || (argv[*i][length] != '\0' && argv[*i][length] != '='))
                return 0;
        *option->ret_given = true;
        if (argv[*i][length] == '=')
                *option->ret = argv[*i] + length + 1;
        else if (*i + 1 < argc && argv[*i + 1][0] != '-')
                *option->ret = argv[++*i];
        return 1;
}

static int take_switch(struct mt_model_options *o, const char *text)
{
        const struct {
                const char *name;
                bool *ret;
        } switches[] = { { "--list", &o->list },
                         { "--json", &o->json },
                         { "--csv", &o->csv },
                         { "--help", &o->help },
                         { "-h", &o->help } };

        for (size_t i = 0; i < MT_ARRAY_SIZE(switches); i++) {
                if (strcmp(text, switches[i].name) == 0) {
                        *switches[i].ret = true;
                        return 1;
                }
        }
        return 0;
}

/* What does not go together. */
static int check_options(const struct mt_model_options *o, bool wants_plot)
{
        const bool picture = o->wants_figure || o->wants_table;

        if (o->help)
                return MT_MODEL_OK;
        if (o->wants_figure && o->wants_table)
                return mt_model_refuse("--table", "not with --figure: one of the two");
        if (picture && o->n_rest > 0)
                return mt_model_refuse(o->rest[0], o->wants_figure ? "not with --figure: it takes no model or arguments"
                                                                   : "not with --table: it takes no model or arguments");
        if (wants_plot && !o->wants_figure)
                return mt_model_refuse("--plot", "only with --figure");
        if (wants_plot && o->plot == NULL)
                return mt_model_refuse("--plot", "missing value, expected the name of a file that ends in .svg");
        if (o->csv && !o->wants_figure)
                return mt_model_refuse("--csv", "only with --figure");
        if (o->csv && o->json)
                return mt_model_refuse("--csv", "not with --json: one of the two");
        return MT_MODEL_OK;
}

int mt_model_read_options(int argc, const char *const *argv, struct mt_model_options *ret_options)
{
        struct mt_model_options *o = ret_options;
        bool wants_plot = false;
        const struct valued valued[] = { { "--figure", &o->figure, &o->wants_figure },
                                         { "--table", &o->table, &o->wants_table },
                                         { "--plot", &o->plot, &wants_plot } };

        *o = (struct mt_model_options){ .n_rest = 0 };
        for (int i = 1; i < argc; i++) {
                int taken = take_switch(o, argv[i]);

                for (size_t k = 0; k < MT_ARRAY_SIZE(valued) && !taken; k++)
                        taken = take_value(&valued[k], argc, argv, &i);
                if (taken)
                        continue;
                if (argv[i][0] == '-')
                        return mt_model_refuse(argv[i], "unknown option, see migtune model --help");
                if (o->n_rest == (int)MT_ARRAY_SIZE(o->rest))
                        return mt_model_refuse(argv[i], "more arguments than any model takes");
                o->rest[o->n_rest++] = argv[i];
        }
        return check_options(o, wants_plot);
}

/* "a, b or c" of the names that end in ".text"; all names where text is NULL. Returns how many. */
static size_t join_names(const char *const *names, size_t n, const char *text, char *ret, size_t size)
{
        size_t used = 0, found = 0;

        ret[0] = '\0';
        for (size_t i = 0; i < n && used < size; i++) {
                const int length = text != NULL && strcmp(strchr(names[i], '.') + 1, text) != 0
                                           ? 0
                                           : snprintf(ret + used, size - used, "%s%s", found > 0 ? ", " : "", names[i]);

                found += length > 0;
                used += length > 0 ? (size_t)length : 0;
        }
        return found;
}

int mt_model_pick(const char *kind, const char *const *names, size_t n, const char *text, struct mt_err *err)
{
        char expected[256];
        size_t found;

        if (text == NULL) {
                (void)join_names(names, n, NULL, expected, sizeof(expected));
                return mt_fail(err, EINVAL, "missing %s, expected one of %s", kind, expected);
        }
        for (size_t i = 0; i < n; i++)
                if (strcmp(names[i], text) == 0)
                        return (int)i;
        found = join_names(names, n, text, expected, sizeof(expected));
        for (size_t i = 0; i < n && found == 1; i++)
                if (strcmp(names[i], expected) == 0)
                        return (int)i;
        if (found > 1)
                return mt_fail(err, EINVAL, "'%.40s': more than one paper has this %s, expected one of %s", text, kind,
                               expected);
        (void)join_names(names, n, NULL, expected, sizeof(expected));
        return mt_fail(err, EINVAL, "'%.40s': unknown %s, expected one of %s", text, kind, expected);
}

void mt_model_print_json(struct json_object *object)
{
        mt_print("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

void mt_model_put_json(struct json_object **object)
{
        (void)json_object_put(*object);
}

/* In a locale with a decimal comma printf writes one. */
static const char *with_point(char *text)
{
        char *comma = strchr(text, ',');

        if (comma != NULL)
                *comma = '.';
        return text;
}

const char *mt_model_number_text(double number, int digits, char *text, size_t size)
{
        (void)snprintf(text, size, "%.*g", digits, number);
        return with_point(text);
}

const char *mt_model_fixed_text(double number, int decimals, char *text, size_t size)
{
        (void)snprintf(text, size, "%.*f", decimals, number);
        return with_point(text);
}

void mt_model_print_note(char mark, const char *text)
{
        mt_print("%c", mark);
        for (int column = 1; *text != '\0';) {
                const int word = (int)strcspn(text, " ");

                if (column > 1 && column + 1 + word > NOTE_WIDTH) {
                        mt_print("\n ");
                        column = 1;
                }
                mt_print(" %.*s", word, text);
                column += 1 + word;
                text += word;
                text += strspn(text, " ");
        }
        mt_print("\n");
}

void mt_model_add_text(struct json_object *object, const char *key, const char *text)
{
        (void)json_object_object_add(object, key, text != NULL ? json_object_new_string(text) : NULL);
}

struct json_object *mt_model_texts_json(const char *const *texts)
{
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
                (void)json_object_array_add(list, json_object_new_string(texts[i]));
        return list;
}
