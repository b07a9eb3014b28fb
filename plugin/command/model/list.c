/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/model/list.h"
#include "cleanup.h"
#include "log.h"
#include "command/model/options.h"

#include <json-c/json.h>
#include <string.h>

static const struct mt_model *const families[] = { mt_models_wan, mt_models_alpha, mt_models_calm, mt_models_survey,
                                                   mt_models_traffic };

const struct mt_model *mt_model_find(const char *name)
{
        for (size_t i = 0; i < MT_ARRAY_SIZE(families); i++) {
                for (const struct mt_model *model = families[i]; model->name != NULL; model++) {
                        if (strcmp(model->name, name) == 0)
                                return model;
                }
        }
        return NULL;
}

void mt_model_describe(const struct mt_model *model)
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

/* The same for programs. */
static struct json_object *model_json(const struct mt_model *model)
{
        struct json_object *object = json_object_new_object(), *arguments = json_object_new_array();
        char expects[192];

        for (const struct mt_model_arg *arg = model->args; arg->name != NULL; arg++) {
                struct json_object *row = json_object_new_object();

                mt_model_add_text(row, "name", arg->name);
                mt_model_add_text(row, "unit", arg->unit);
                (void)json_object_object_add(row, "required", json_object_new_boolean(arg->fallback == NULL));
                (void)json_object_object_add(row, "default", fallback_json(arg));
                mt_model_add_text(row, "condition", mt_model_expects(arg, expects, sizeof(expects)));
                (void)json_object_array_add(arguments, row);
        }
        mt_model_add_text(object, "model", model->name);
        (void)json_object_object_add(object, "arguments", arguments);
        mt_model_add_text(object, "gives", model->gives);
        mt_model_add_text(object, "condition", model->condition);
        mt_model_add_text(object, "source", model->source);
        return object;
}

void mt_model_list(bool json)
{
        MT_CLEANUP(mt_model_put_json) struct json_object *list = json_object_new_array();

        for (size_t i = 0; i < MT_ARRAY_SIZE(families); i++) {
                for (const struct mt_model *model = families[i]; model->name != NULL; model++) {
                        if (json)
                                (void)json_object_array_add(list, model_json(model));
                        else
                                mt_model_describe(model);
                }
        }
        if (json)
                mt_model_print_json(list);
}
