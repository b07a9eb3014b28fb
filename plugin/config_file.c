/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * One libconfig file is walked setting by setting, and each setting is looked up in the table of config_keys.c: what is not
 * there is an error. (Looking up each key in the file instead would accept misspelt ones in silence.) Where each key
 * was set is remembered while the file is open, so that a contradiction between two keys can name a line.
 */
#include "config_file.h"
#include "cleanup.h"
#include "config_keys.h"
#include "config_reader.h"
#include "origin.h"

#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#define MAX_RULES 10000

/* The group whose members are read: prefix of their names, the struct they go to. */
struct scope {
        const char *label;  /* "" or "migration" or "rule:3.set" */
        const char *prefix; /* in the table: "" or "migration." or, in a rule, "" or "deadline_" */
        void *base;         /* struct mt_config, or the rule's struct mt_intent */
        struct mt_rule *rule;
};

/* The name of row i in this scope, without what follows the next dot; NULL: it is not in this scope. */
static const char *name_in(const struct scope *scope, unsigned i, size_t *ret_length)
{
        const char *name = scope->rule != NULL ? mt_key_at(i)->intent : mt_key_at(i)->path;
        size_t prefix = strlen(scope->prefix);

        if (name == NULL || strncmp(name, scope->prefix, prefix) != 0)
                return NULL;
        *ret_length = strcspn(name + prefix, ".");
        return name + prefix;
}

/* A group is listed with its first row. */
static bool is_listed_before(const struct scope *scope, unsigned i, const char *name, size_t length)
{
        for (unsigned j = 0; j < i; j++) {
                size_t other_length;
                const char *other = name_in(scope, j, &other_length);

                if (other != NULL && other_length == length && strncmp(other, name, length) == 0)
                        return true;
        }
        return false;
}

/* "unknown key, expected one of ..." with the names that may stand there. */
static int refuse_unknown(const struct mt_config_reader *reader, const config_setting_t *setting, const struct scope *scope,
                          const char *label)
{
        char names[400] = "";
        size_t used = 0;

        for (unsigned i = 0; i < mt_key_count(); i++) {
                size_t length;
                const char *name = name_in(scope, i, &length);

                if (name == NULL || is_listed_before(scope, i, name, length) || used + length + 3 >= sizeof(names))
                        continue;
                used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.*s", used > 0 ? ", " : "", (int)length,
                                         name);
        }
        (void)mt_fail(reader->err, EINVAL, "unknown key, expected one of %s%s", names,
                      scope->rule == NULL && scope->prefix[0] == '\0' ? ", rules" : "");
        return mt_config_at(reader, setting, label);
}

static int set_value(const struct mt_config_reader *reader, const config_setting_t *setting, const struct mt_key *key,
                     void *base)
{
        const char *text;
        char found[96];

        switch (config_setting_type(setting)) {
        case CONFIG_TYPE_STRING:
                text = config_setting_get_string(setting);
                if (key->kind != MT_KEY_FLOAT && key->kind != MT_KEY_COUNT && key->kind != MT_KEY_SWITCH)
                        return mt_key_set_text(key, base, text, reader->err);
                (void)snprintf(found, sizeof(found), "the string \"%.60s\"", text);
                return mt_key_expected(key, found, reader->err);
        case CONFIG_TYPE_INT:
        case CONFIG_TYPE_INT64:
                return mt_key_set_count(key, base, config_setting_get_int64(setting), reader->err);
        case CONFIG_TYPE_FLOAT:
                return mt_key_set_float(key, base, config_setting_get_float(setting), reader->err);
        case CONFIG_TYPE_BOOL:
                return mt_key_set_switch(key, base, config_setting_get_bool(setting) != 0, reader->err);
        case CONFIG_TYPE_GROUP:
                return mt_key_expected(key, "a group", reader->err);
        default:
                return mt_key_expected(key, "a list", reader->err);
        }
}

/* Does any row's name begin with this prefix? */
static bool is_group(const struct scope *scope, const char *prefix)
{
        if (scope->rule != NULL)
                return strcmp(prefix, "deadline_") == 0;
        for (unsigned i = 0; i < mt_key_count(); i++)
                if (strncmp(mt_key_at(i)->path, prefix, strlen(prefix)) == 0)
                        return true;
        return false;
}

/* Where the value now comes from. */
static void note_origin(const struct mt_config_reader *reader, const config_setting_t *setting, const struct mt_key *key,
                        const struct scope *scope)
{
        struct mt_config *config = reader->config;
        char file[MT_CONFIG_FILE_SHOWN];
        const struct mt_place place = mt_config_place(reader, setting, file, sizeof(file));

        if (scope->rule != NULL)
                mt_origin_set_place(&scope->rule->set, key, (unsigned)config->n_rules + 1, &place);
        else
                mt_origin_set_place(&config->defaults, key, 0, &place);
}

static int read_rules(struct mt_config_reader *reader, const config_setting_t *rules);

/* Reads the members of a group; nests as deep as the table's paths do. */
static int read_group(struct mt_config_reader *reader, const config_setting_t *group, const struct scope *scope)
{
        for (int i = 0; i < config_setting_length(group); i++) {
                const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
                const char *name = config_setting_name(setting);
                char label[96], path[96], prefix[97];
                const struct mt_key *key;
                void *base = scope->base;
                bool nests;
                int r;

                (void)snprintf(label, sizeof(label), "%s%s%s", scope->label, scope->label[0] != '\0' ? "." : "", name);
                (void)snprintf(path, sizeof(path), "%s%s", scope->prefix, name);
                (void)snprintf(prefix, sizeof(prefix), "%s%c", path, scope->rule != NULL ? '_' : '.');
                nests = is_group(scope, prefix);
                if (nests && config_setting_is_group(setting)) {
                        r = read_group(reader, setting, &(struct scope){ label, prefix, scope->base, scope->rule });
                        if (r < 0)
                                return r;
                        continue;
                }
                if (scope->rule == NULL && strcmp(path, "rules") == 0) {
                        r = read_rules(reader, setting);
                        if (r < 0)
                                return r;
                        continue;
                }
                key = scope->rule != NULL ? mt_key_by_intent(path) : mt_key_by_path(path);
                if (key == NULL)
                        return nests ? mt_config_refuse(reader, setting, label, "expected a group { ... }")
                                     : refuse_unknown(reader, setting, scope, label);
                if (scope->rule != NULL)
                        scope->rule->fields |= mt_key_bit(key);
                else if (key->intent != NULL)
                        base = &reader->config->defaults;
                r = set_value(reader, setting, key, base);
                if (r < 0)
                        return mt_config_at(reader, setting, label);
                note_origin(reader, setting, key, scope);
                if (scope->rule == NULL)
                        reader->set_at[mt_key_index(key)] = setting;
        }
        return 0;
}

static int read_rule(struct mt_config_reader *reader, const config_setting_t *group, size_t number, struct mt_rule *rule)
{
        const config_setting_t *match = config_setting_get_member(group, "match");
        const config_setting_t *set = config_setting_get_member(group, "set");
        char label[32], set_label[40], file[MT_CONFIG_FILE_SHOWN];
        struct mt_place place;
        int r;

        (void)snprintf(label, sizeof(label), "rule:%zu", number);
        (void)snprintf(set_label, sizeof(set_label), "%s.set", label);
        if (match == NULL || !config_setting_is_group(match) || config_setting_length(match) == 0 || set == NULL ||
            !config_setting_is_group(set) || config_setting_length(group) != 2)
                return mt_config_refuse(reader, group, label, "expected { match = { name = \"...\"; }; set = { ... }; }");
        place = mt_config_place(reader, group, file, sizeof(file));
        (void)snprintf(rule->origin, sizeof(rule->origin), "%s:%u", place.file, place.line);
        r = mt_config_match_read(reader, match, label, &rule->match);
        if (r < 0)
                return r;
        return read_group(reader, set, &(struct scope){ set_label, "", &rule->set, rule });
}

static int read_rules(struct mt_config_reader *reader, const config_setting_t *rules)
{
        struct mt_config *config = reader->config;
        size_t n = (size_t)config_setting_length(rules);
        struct mt_rule *grown;

        if (!config_setting_is_list(rules))
                return mt_config_refuse(reader, rules, "rules", "expected a list ( { match = ...; set = ...; }, ... )");
        if (n == 0)
                return 0;
        if (config->n_rules + n > MAX_RULES)
                return mt_config_refuse(reader, rules, "rules", "expected at most 10000 rules");
        grown = reallocarray(config->rules, config->n_rules + n, sizeof(*grown));
        if (grown == NULL)
                return mt_fail(reader->err, ENOMEM, "%s: out of memory", reader->path);
        config->rules = grown;
        for (size_t i = 0; i < n; i++) {
                const config_setting_t *rule = config_setting_get_elem(rules, (unsigned)i);
                struct mt_rule *to = &config->rules[config->n_rules];
                int r;

                (void)memset(to, 0, sizeof(*to));
                if (!config_setting_is_group(rule))
                        return mt_config_refuse(reader, rules, "rules", "expected groups { match = ...; set = ...; }");
                r = read_rule(reader, rule, config->n_rules + 1, to);
                if (r < 0)
                        return r;
                config->n_rules++;
        }
        return 0;
}

void mt_rule_apply(const struct mt_rule *rule, struct mt_intent *intent)
{
        for (unsigned i = 0; i < mt_key_count(); i++) {
                const struct mt_key *key = mt_key_at(i);

                if ((rule->fields & mt_key_bit(key)) == 0)
                        continue;
                mt_key_copy(key, intent, &rule->set);
                mt_origin_copy(intent, key, &rule->set);
        }
}

/* The defaults alone, then under each rule. Rules of earlier files are looked at again: the defaults below them moved. */
static int verify(const struct mt_config_reader *reader)
{
        const struct mt_config *config = reader->config;
        const struct mt_key *key, *other;
        struct mt_intent merged;
        int r = mt_intent_verify(&config->defaults, &key, &other, reader->err);

        if (r < 0) {
                const config_setting_t *setting = reader->set_at[mt_key_index(key)];

                if (setting == NULL)
                        setting = reader->set_at[mt_key_index(other)];
                return setting != NULL ? mt_config_at(reader, setting, key->path)
                                       : mt_wrap(reader->err, "%s: %s", reader->path, key->path);
        }
        for (size_t i = 0; i < config->n_rules; i++) {
                merged = config->defaults;
                mt_rule_apply(&config->rules[i], &merged);
                r = mt_intent_verify(&merged, &key, &other, reader->err);
                if (r < 0) {
                        bool full = config->rules[i].origin[0] == '/';

                        return mt_wrap(reader->err, "%s%s%s: rule:%zu.set.%s", full ? "" : reader->dir, full ? "" : "/",
                                       config->rules[i].origin, i + 1, key->intent);
                }
        }
        return 0;
}

static void config_destroyp(config_t *parsed)
{
        config_destroy(parsed);
}

int mt_config_file_read(const char *path, const char *dir, struct mt_config *config, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *text = NULL;
        MT_CLEANUP(config_destroyp) config_t parsed;
        struct mt_config_reader reader = { .path = path, .dir = dir, .config = config, .err = err };
        struct mt_err scratch;
        int r;

        if (err == NULL)
                reader.err = err = &scratch;
        config_init(&parsed);
        r = mt_config_file_text(path, dir, &text, err);
        if (r < 0)
                return r;
        config_set_include_dir(&parsed, dir);
        if (config_read_string(&parsed, text) != CONFIG_TRUE) {
                (void)mt_fail(err, EINVAL, "%s", config_error_text(&parsed));
                return mt_config_at_line(&reader, config_error_file(&parsed), (unsigned)config_error_line(&parsed));
        }
        r = read_group(&reader, config_root_setting(&parsed), &(struct scope){ "", "", config, NULL });
        if (r < 0)
                return r;
        return verify(&reader);
}
