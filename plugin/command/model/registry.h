/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table behind `migtune model`: one row a model, with everything its caller must know. Rows live in wan.c, alpha.c, calm.c,
 * survey.c and traffic.c; value.c reads arguments; model.c is the command.
 */
#ifndef MT_COMMAND_MODEL_REGISTRY_H
#define MT_COMMAND_MODEL_REGISTRY_H

#include "err.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#define MT_MODEL_ARGS 16   /* no model takes more */
#define MT_MODEL_LIST 1024 /* longest list argument */

enum mt_model_kind {
        MT_MODEL_REAL,
        MT_MODEL_WHOLE,
        MT_MODEL_BOOL,
        MT_MODEL_CHOICE, /* one of a set of names */
        MT_MODEL_CHOICES /* a comma-separated list of them */
};

/* What a number must be, as a test and in words. */
struct mt_model_range {
        double min, max;
        bool above_min, below_max; /* the bound itself is outside */
        const char *text;          /* "a number > 0" */
};
extern const struct mt_model_range mt_model_any, mt_model_positive, mt_model_not_negative, mt_model_open_share,
        mt_model_share, mt_model_fitted, mt_model_count, mt_model_index, mt_model_list_count, mt_model_steps;

struct mt_model_arg {
        const char *name; /* NULL ends an array of arguments */
        enum mt_model_kind kind;
        const char *unit;                   /* "" where it has none */
        const char *fallback;               /* as it would be typed; NULL: required; "None": may be absent */
        const struct mt_model_range *range; /* of REAL and WHOLE */
        const char *const *choices;         /* of CHOICE and CHOICES, NULL-terminated, in the order of their enum */
};

/* One argument's value. */
struct mt_model_value {
        bool none; /* absent: the fallback is None */
        double real;
        unsigned whole; /* also BOOL (0, 1) and CHOICE (index) */
        size_t n;       /* CHOICES */
        unsigned char list[MT_MODEL_LIST];
};

struct mt_model;
struct mt_model_call {
        const struct mt_model *model;
        struct mt_model_value values[MT_MODEL_ARGS]; /* in the order of model->args */
};

struct mt_model {
        const char *name;
        const struct mt_model_arg *args;
        const char *gives;     /* what the result is, with its unit */
        const char *condition; /* between arguments; NULL: none but their ranges */
        const char *source;    /* paper and equation */
        /* Checks `condition`; -EINVAL with "ARGUMENT: must be ..." in *err. NULL: nothing to check. */
        int (*check)(const struct mt_model_call *call, struct mt_err *err);
        /* The model: a number, or anything (NULL is JSON's null). One of the two is set. */
        double (*number)(const struct mt_model_call *call);
        struct json_object *(*other)(const struct mt_model_call *call);
};

/* Each family's rows; name NULL ends an array. */
extern const struct mt_model mt_models_wan[], mt_models_alpha[], mt_models_calm[], mt_models_survey[], mt_models_traffic[];

/* An argument of the call by its name, which the model must have. */
const struct mt_model_value *mt_model_get(const struct mt_model_call *call, const char *name);
double mt_model_real(const struct mt_model_call *call, const char *name);
unsigned mt_model_whole(const struct mt_model_call *call, const char *name);

/* Reads text as arg wants it. -EINVAL, with "ARGUMENT: expected ..., got ..." in *err. *ret_value may be partly filled then.
 */
int mt_model_parse(const struct mt_model_arg *arg, const char *text, struct mt_model_value *ret_value, struct mt_err *err);
/* "a number > 0", "a whole number from 1 to ...", "true or false", "exp, ratio, hyper or linear": what arg accepts. */
const char *mt_model_expects(const struct mt_model_arg *arg, char *text, size_t size);
/* The value as JSON, as the command echoes it. The caller owns it. */
struct json_object *mt_model_value_json(const struct mt_model_arg *arg, const struct mt_model_value *value);
/* A number as JSON: 17 significant digits; "inf" or "-inf" as a string; NaN as null. The caller owns it. */
struct json_object *mt_model_number_json(double number);
/* A list of a and b, owned by the list; more are added with json_object_array_add. */
struct json_object *mt_model_pair_json(struct json_object *a, struct json_object *b);

#endif
