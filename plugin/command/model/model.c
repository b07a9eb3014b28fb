/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/model/model.h"
#include "cleanup.h"
#include "log.h"
#include "command/model/figure.h"
#include "command/model/list.h"
#include "command/model/options.h"
#include "command/model/registry.h"
#include "command/model/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
        "usage: migtune model NAME key=value...        evaluate one model, as JSON\n"
        "       migtune model NAME --help              its arguments, units, defaults and source\n"
        "       migtune model --list [--json]          every model\n"
        "       migtune model --figure F [--json|--csv] [--plot FILE.svg]\n"
        "                                              a figure of the papers from our functions\n"
        "       migtune model --table T [--json]       a table of the papers; what differs from print is marked\n"
        "       migtune model --figure|--table --list  which there are\n"
        "\n"
        "Numbers are decimal, 0 or of a magnitude from 1e-100 to 1e100. The models are told about in\n"
        "migtune-models(7).\n";

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

static void print_call(const struct mt_model_call *call)
{
        MT_CLEANUP(mt_model_put_json) struct json_object *line = json_object_new_object();
        const struct mt_model *model = call->model;
        struct json_object *inputs = json_object_new_object();

        for (size_t i = 0; model->args[i].name != NULL; i++)
                (void)json_object_object_add(inputs, model->args[i].name,
                                             mt_model_value_json(&model->args[i], &call->values[i]));
        (void)json_object_object_add(line, "model", json_object_new_string(model->name));
        (void)json_object_object_add(line, "inputs", inputs);
        (void)json_object_object_add(line, "result",
                                     model->number != NULL ? mt_model_number_json(model->number(call)) : model->other(call));
        mt_model_print_json(line);
}

static int evaluate(const struct mt_model *model, const struct mt_model_options *options)
{
        struct mt_model_call call = { .model = model };
        struct mt_err err = { 0 };

        if (read_call(&call, options->rest + 1, options->n_rest - 1, &err) < 0)
                return mt_model_refuse(model->name, err.msg);
        print_call(&call);
        return MT_MODEL_OK;
}

static int list(const struct mt_model_options *options)
{
        if (options->n_rest > 0)
                return mt_model_refuse(options->rest[0], "--list takes no model");
        mt_model_list(options->json);
        return MT_MODEL_OK;
}

/* A model's name and its arguments. */
static int run_model(const struct mt_model_options *options)
{
        const struct mt_model *model = mt_model_find(options->rest[0]);

        if (model == NULL)
                return mt_model_refuse(options->rest[0], "unknown model, see migtune model --list");
        if (!options->help)
                return evaluate(model, options);
        mt_model_describe(model);
        return MT_MODEL_OK;
}

int mt_command_model(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        struct mt_model_options options;
        const int r = mt_model_read_options(argc, argv, &options);

        if (r != MT_MODEL_OK)
                return r;
        if (options.help && options.n_rest == 0) {
                mt_print("%s", usage);
                return MT_MODEL_OK;
        }
        if (options.wants_figure)
                return mt_model_figure(host, &options);
        if (options.wants_table)
                return mt_model_table(&options);
        if (options.list)
                return list(&options);
        if (options.n_rest == 0)
                return mt_model_refuse("", "NAME: missing, expected a model, see migtune model --list");
        return run_model(&options);
}
