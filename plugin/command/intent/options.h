/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments of `migtune set` and `migtune get`. */
#ifndef MT_COMMAND_INTENT_OPTIONS_H
#define MT_COMMAND_INTENT_OPTIONS_H

#include "config_keys.h"
#include "measure/policy_xml.h"

#include <stdbool.h>
#include <stddef.h>

#define MT_INTENT_CHANGES 64

/* Texts are argv's own, but for keys, which storage has. */
struct mt_intent_options {
        const char *command; /* "set" or "get" */
        const char *connect;
        const char *domain;       /* name or uuid */
        const struct mt_key *key; /* get: the only one that is asked for; NULL: all */
        size_t n;                 /* set: changes */
        struct mt_policy_change change[MT_INTENT_CHANGES];
        char storage[MT_INTENT_CHANGES][40];
        bool json;
};

/*
 * Reads the arguments. *ret is the caller's to free; values of known keys are good ones. 0; or 1 or 2 after one line on
 * standard error, and *ret is NULL.
 */
int mt_intent_options_set(int argc, const char *const *argv, struct mt_intent_options **ret);
int mt_intent_options_get(int argc, const char *const *argv, struct mt_intent_options **ret);

#endif
