/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model.h"
#include "cleanup.h"
#include "log.h"
#include "model_registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EXIT_OK 0
#define EXIT_USAGE 2

static const struct mt_model *const families[] = { mt_models_wan, mt_models_alpha, mt_models_calm, mt_models_survey,
                                                   mt_models_traffic };

static const char usage[] = "usage: migtune model NAME key=value...      evaluate one model, as JSON\n"
                            "       migtune model NAME --help            its arguments, units, defaults and source\n"
                            "       migtune model --list [--json]        every model\n";

static void put_object(struct json_object **object)
{
        (void)json_object_put(*object);
}

static const struct mt_model *find_model(const char *name)
{
        for (size_t i = 0; i < MT_ARRAY_SIZE(families); i++) {
                for (const struct mt_model *model = families[i]; model->name != NULL; model++) {
                        if (strcmp(model->name, name) == 0)
                                return model;
                }
        }
        return NULL;
}

/* Prints one line for an error, whatever bytes the arguments held. Returns the exit status. */
static int refuse(const char *model, const char *message)
{
        char line[640];

        (void)snprintf(line, sizeof(line), "migtune model: %s%s%s", model, model[0] != '\0' ? ": " : "", message);
        for (char *c = line; *c != '\0'; c++) {
                if ((unsigned char)*c < ' ' || *c == 0x7f)
                        *c = '?';
        }
        mt_print_err("%s\n", line);
        return EXIT_USAGE;
}

/* Index in model->args of the argument that text ("key=value") names, or -EINVAL. */
static int find_arg(const struct mt_model *model, const char *text, size_t length)
{
        for (int i = 0; model->args[i].name != NULL; i++) {
                if (strlen(model->args[i].name) == length && strncmp(model->args[i].name, text, length) == 0)
                        return i;
        }
        return -EINVAL;
}

/* "a, b, c": what the model takes. */
static const char *arg_names(const struct mt_model *model, char *text, size_t size)
{
        size_t used = 0;

        text[0] = '\0';
        for (size_t i = 0; model->args[i].name != NULL && used < size; i++) {
                const int n = snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", model->args[i].name);

                used += n > 0 ? (size_t)n : 0;
        }
        return text;
}

/* Reads "key=value"; `given` marks what was given already. */
static int read_arg(struct mt_model_call *call, const char *text, bool *given, struct mt_err *err)
{
        const size_t length = strcspn(text, "=");
        const int i = find_arg(call->model, text, length);
        const int shown = length < 64 ? (int)length : 64;

        if (text[length] == '\0')
                return mt_fail(err, EINVAL, "%.*s: expected key=value", shown, text);
        if (i < 0) {
                char names[256];

                return mt_fail(err, EINVAL, "%.*s: unknown argument, expected one of %s", shown, text,
                               arg_names(call->model, names, sizeof(names)));
        }
        if (given[i])
                return mt_fail(err, EINVAL, "%.*s: given twice", shown, text);
        given[i] = true;
        return mt_model_parse(&call->model->args[i], text + length + 1, &call->values[i], err);
}

/* Reads all arguments, fills in the defaults, checks the model's condition. */
static int read_call(struct mt_model_call *call, const char *const *texts, int n, struct mt_err *err)
{
        const struct mt_model_arg *args = call->model->args;
        bool given[MT_MODEL_ARGS] = { false };
        char expects[192];
        int r = 0;

        for (int i = 0; i < n && r == 0; i++)
                r = read_arg(call, texts[i], given, err);
        for (size_t i = 0; args[i].name != NULL && r == 0; i++) {
                if (given[i])
                        continue;
                if (args[i].fallback == NULL)
                        return mt_fail(err, EINVAL, "%s: missing, expected %s%s%s", args[i].name,
                                       mt_model_expects(&args[i], expects, sizeof(expects)),
                                       args[i].unit[0] != '\0' ? ", in " : "", args[i].unit);
                r = mt_model_parse(&args[i], args[i].fallback, &call->values[i], err);
        }
        if (r == 0 && call->model->check != NULL)
                r = call->model->check(call, err);
        return r;
}

static void print_json(struct json_object *object)
{
        mt_print("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void print_call(const struct mt_model_call *call)
{
        MT_CLEANUP(put_object) struct json_object *line = json_object_new_object();
        const struct mt_model *model = call->model;
        struct json_object *inputs = json_object_new_object();

        for (size_t i = 0; model->args[i].name != NULL; i++)
                (void)json_object_object_add(inputs, model->args[i].name,
                                             mt_model_value_json(&model->args[i], &call->values[i]));
        (void)json_object_object_add(line, "model", json_object_new_string(model->name));
        (void)json_object_object_add(line, "inputs", inputs);
        (void)json_object_object_add(line, "result",
                                     model->number != NULL ? mt_model_number_json(model->number(call)) : model->other(call));
        print_json(line);
}

/* "wan.min_n(vm_mb, ..., max_n=20)" and what there is to know about it, for people. */
static void describe(const struct mt_model *model)
{
        char expects[192];

        mt_print("%s(", model->name);
        for (const struct mt_model_arg *arg = model->args; arg->name != NULL; arg++)
                mt_print("%s%s%s%s", arg == model->args ? "" : ", ", arg->name, arg->fallback != NULL ? "=" : "",
                         arg->fallback != NULL ? arg->fallback : "");
        mt_print(")\n    gives %s\n", model->gives);
        for (const struct mt_model_arg *arg = model->args; arg->name != NULL; arg++)
                mt_print("    %-13s %-11s %s%s%s\n", arg->name, arg->unit, mt_model_expects(arg, expects, sizeof(expects)),
                         arg->fallback != NULL ? "; default " : "", arg->fallback != NULL ? arg->fallback : "");
        if (model->condition != NULL)
                mt_print("    condition: %s\n", model->condition);
        mt_print("    source: %s\n", model->source);
}

/* A default as JSON, as the command would echo it; NULL (null) where there is none. */
static struct json_object *fallback_json(const struct mt_model_arg *arg)
{
        struct mt_model_value value = { .none = true };

        if (arg->fallback == NULL || mt_model_parse(arg, arg->fallback, &value, NULL) < 0)
                return NULL;
        return mt_model_value_json(arg, &value);
}

static struct json_object *text_json(const char *text)
{
        return text != NULL ? json_object_new_string(text) : NULL;
}

/* The same as describe(), for programs. */
static struct json_object *model_json(const struct mt_model *model)
{
        struct json_object *object = json_object_new_object(), *arguments = json_object_new_array();
        char expects[192];

        for (const struct mt_model_arg *arg = model->args; arg->name != NULL; arg++) {
                struct json_object *row = json_object_new_object();

                (void)json_object_object_add(row, "name", text_json(arg->name));
                (void)json_object_object_add(row, "unit", text_json(arg->unit));
                (void)json_object_object_add(row, "required", json_object_new_boolean(arg->fallback == NULL));
                (void)json_object_object_add(row, "default", fallback_json(arg));
                (void)json_object_object_add(row, "condition", text_json(mt_model_expects(arg, expects, sizeof(expects))));
                (void)json_object_array_add(arguments, row);
        }
        (void)json_object_object_add(object, "model", text_json(model->name));
        (void)json_object_object_add(object, "arguments", arguments);
        (void)json_object_object_add(object, "gives", text_json(model->gives));
        (void)json_object_object_add(object, "condition", text_json(model->condition));
        (void)json_object_object_add(object, "source", text_json(model->source));
        return object;
}

static int list_models(bool json)
{
        MT_CLEANUP(put_object) struct json_object *list = json_object_new_array();

        for (size_t i = 0; i < MT_ARRAY_SIZE(families); i++) {
                for (const struct mt_model *model = families[i]; model->name != NULL; model++) {
                        if (json)
                                (void)json_object_array_add(list, model_json(model));
                        else
                                describe(model);
                }
        }
        if (json)
                print_json(list);
        return EXIT_OK;
}

/* Takes the options out of argv[1..argc); what is left (the name and its arguments) goes to rest, in order. */
struct options {
        bool list, json, help;
        int n_rest;
        const char *rest[MT_MODEL_ARGS + 2];
};

static int read_options(int argc, const char *const *argv, struct options *ret)
{
        for (int i = 1; i < argc; i++) {
                if (strcmp(argv[i], "--list") == 0)
                        ret->list = true;
                else if (strcmp(argv[i], "--json") == 0)
                        ret->json = true;
                else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
                        ret->help = true;
                else if (argv[i][0] == '-')
                        return refuse(argv[i], "unknown option, see migtune model --help");
                else if (ret->n_rest == (int)MT_ARRAY_SIZE(ret->rest))
                        return refuse(argv[i], "more arguments than any model takes");
                else
                        ret->rest[ret->n_rest++] = argv[i];
        }
        return EXIT_OK;
}

static int evaluate(const struct mt_model *model, const struct options *options)
{
        struct mt_model_call call = { .model = model };
        struct mt_err err = { 0 };

        if (read_call(&call, options->rest + 1, options->n_rest - 1, &err) < 0)
                return refuse(model->name, err.msg);
        print_call(&call);
        return EXIT_OK;
}

int mt_command_model(int argc, const char *const *argv)
{
        struct options options = { .n_rest = 0 };
        const struct mt_model *model;
        int r = read_options(argc, argv, &options);

        if (r != EXIT_OK)
                return r;
        if (options.list)
                return options.n_rest == 0 ? list_models(options.json) : refuse(options.rest[0], "--list takes no model");
        if (options.n_rest == 0 && options.help) {
                mt_print("%s", usage);
                return EXIT_OK;
        }
        if (options.n_rest == 0)
                return refuse("", "NAME: missing, expected a model, see migtune model --list");
        model = find_model(options.rest[0]);
        if (model == NULL)
                return refuse(options.rest[0], "unknown model, see migtune model --list");
        if (options.help) {
                describe(model);
                return EXIT_OK;
        }
        return evaluate(model, &options);
}
